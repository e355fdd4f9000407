"""While a recording goes on, its user sees what is done, at which rate, and how long it will take."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from replay.recorder import Progress
from replay.reports.recording import progress_text
from replay.sources.advance import Advance


@pytest.mark.parametrize(
    ("to", "elapsed_s", "shown"),
    [
        (Progress(seen=0, total=None), 0, "recording: 0 events, 0/s"),
        (Progress(seen=1, total=1), 1, "recording: 1 of about 1 event, 1/s"),
        (Progress(seen=1_200, total=4_800), 2, "recording: 1,200 of about 4,800 events, 600/s"),
        (Progress(seen=9, total=5), 3, "recording: 9 events, 3/s"),
        (Progress(seen=2, total=None), 60, "recording: 2 events, 2/min"),
        (
            Progress(seen=3, total=None, advance=Advance(doing="reading logs", done=2e6, total=1e9, unit="bytes")),
            2,
            "reading logs 2.0 MB of 1.0 GB, 1.0 MB/s: 3 events, 2/s",
        ),
        (
            Progress(seen=0, total=None, advance=Advance(doing="the query has scanned", done=5_000, unit="bytes")),
            0,
            "the query has scanned 5.0 kB: 0 events, 0/s",
        ),
        (
            Progress(
                seen=4, total=None, advance=Advance(doing="following the replay", done=5, total=9, unit="seconds")
            ),
            2,
            "following the replay: 4 events, 2/s",
        ),
    ],
)
def test_progress_says_what_is_done_and_how_fast(to: Progress, elapsed_s: float, shown: str) -> None:
    """What the source goes through, and the events that were found, each with its rate."""
    assert progress_text(to, elapsed_s=elapsed_s) == shown


def test_a_terminal_shows_progress_and_a_pipe_does_not(tmp_path: Path) -> None:
    """On a terminal the way is shown in percent with the time left, and wiped at the end; stdout has the summary only."""
    events = tmp_path / "events.jsonl"
    events.write_text("".join(f'{{"order_id": "{n}"}}\n' for n in range(600)))
    command = [sys.executable, "-m", "replay.cli.main", "record", "files", str(events), "--function", "orders"]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "140", "TERM": "xterm"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65_536)
            except OSError:
                break  # the terminal's other side is closed
            if not piece:
                break
            shown += piece
        printed = process.stdout.read().decode() if process.stdout else ""
        assert process.wait() == 0
    os.close(ours)
    assert "reading files" in shown.decode()
    assert "100%" in shown.decode()
    assert "\x1b[2K" in shown.decode(), "wiped at the end"
    assert printed.startswith("600 events seen: 600 recorded")
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "reading files" not in again.stderr
