"""The limits inside a scan of logs: what is read once, what is told once, and what is bounded."""

import json
import os
import threading
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

from replay.payloads.log_formats.reading import Forms
from replay.sources.s3_log_parts import blocks, tasks
from replay.sources.s3_log_parts.lanes import Lanes
from replay.sources.s3_log_parts.log_objects import LogObject
from replay.sources.s3_log_parts.lookup import look_up
from replay.sources.s3_log_parts.scan import scan
from replay.sources.s3_log_parts.tasks import Access, Ended, Task, perform
from replay.sources.s3_log_parts.unreadable import UnreadableParts
from tests.sources.log_samples import failed_in_json, good_in_json, powertools, request_id
from tests.targets.child.processes import wait_until


def pieces(lines: list[str], size: int = 2_000) -> list[bytes]:
    content = "".join(lines).encode()
    return [content[at : at + size] for at in range(0, len(content), size)]


def test_a_scan_gives_a_request_once() -> None:
    """Its error and its report are lines of one failure, also where other lines stand between them."""
    (error, report), quiet = failed_in_json(1, {"n": 1})[2:], good_in_json(2) * 100
    found = [each.request_id for each in scan(pieces([error, *quiet, report]), Forms(), Counter())]
    assert found == [request_id(1)]


def test_a_look_gives_an_event_once() -> None:
    """A function may log its event again: the first one is it."""
    lines = [powertools(1, {"n": 1}), *good_in_json(2) * 100, powertools(1, {"n": 2})]
    found = list(look_up(pieces(lines), {request_id(1): "invocation"}, Forms(), Counter()))
    assert [json.loads(each.event) for each in found] == [{"n": 1}]


def test_a_large_document_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON over many lines has to be in memory as a whole: beyond a size it is told, and lines behind it are read."""
    monkeypatch.setattr(blocks, "MOST_DOCUMENT_BYTES", 10_000)
    large = json.dumps({"numbers": list(range(5_000))}, indent=1) + "\n"
    problems: Counter[str] = Counter()
    found = [each.request_id for each in scan(pieces([large, *failed_in_json(1, {"n": 1})]), Forms(), problems)]
    assert found == [request_id(1)]
    assert problems == {blocks.TOO_LONG_DOCUMENT: 1}


def test_what_nobody_waits_for_any_more_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C a lane of this process leaves its object where it is, as a process that is ended does."""

    class Endless:
        def read(self, size: int, /) -> bytes:
            return b'{"a": 1}\n' * (size // 9)

    monkeypatch.setattr(tasks, "opened", lambda _found, _client: nullcontext(Endless()))
    before = set(threading.enumerate())

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    task = Task(number=0, found=LogObject(key="a", size_bytes=1, modified_at=datetime(2026, 11, 21, tzinfo=UTC)))
    with Lanes(Access(), count=2, kind="thread") as lanes:
        lanes.reached = interrupted
        with pytest.raises(KeyboardInterrupt):
            list(lanes.run([task]))
    assert wait_until(lambda: set(threading.enumerate()) <= before)


def test_a_process_that_reads_has_a_session_of_its_own() -> None:
    """Ctrl-C in the terminal goes to the recording, which ends its processes: not to them."""
    with Lanes(Access(), count=2, kind="process") as lanes:
        (child,) = [each._process.pid for each in lanes._children]
        assert os.getsid(child) == child


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    """Between the listing and the reading a file may be removed: that is the end of this file alone."""
    gone = LogObject(key=str(tmp_path / "gone"), size_bytes=1, modified_at=datetime.now(UTC))
    (ended,) = perform(Task(number=0, found=gone), Access(), None)
    assert isinstance(ended, Ended)
    assert ended.problems == {"cannot be read: No such file or directory": 1}


def test_notes_of_what_cannot_be_read_are_bounded() -> None:
    """A reason may hold anybody's words: a thousand of them do not fill a summary."""
    parts = UnreadableParts()
    for number in range(1_000):
        parts.add("a", {f"reason {number}": 1})
    assert len(list(parts.notes())) == 20
