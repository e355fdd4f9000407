"""`replay record sqs` as users run it, in a process of its own, and what it left on disk."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import zstandard

from tests.emulators.queues import Queue

Record = dict[str, Any]
"""One item of `Records`, as the handler receives it."""


def command(queue: str, out: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "replay.cli.main", "record", "sqs"),
        *("--queue", queue, "--function", "orders", "--out", str(out), *options),
    ]


def record(queue: str, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Record to the end; `out` is made a folder of its own, away from this project's configuration."""
    out.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        command(queue, out, *options), cwd=out, capture_output=True, text=True, check=False, timeout=300
    )


def recorded(queue: Queue, out: Path, *options: str) -> dict[str, Any]:
    """Record without trouble, and give the summary."""
    done = record(queue.arn, out, "--json", *options)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert summary["type"] == "summary"
    return summary


def events_recorded(out: Path, *arguments: str, exit_code: int = 0) -> tuple[list[Record], dict[str, Any]]:
    """Run `replay record` with *arguments*; give every event on disk, by the order of their names, and the summary."""
    out.mkdir(parents=True, exist_ok=True)
    run = [sys.executable, "-m", "replay.cli.main", "record", *arguments, "--out", str(out), "--json"]
    done = subprocess.run(run, cwd=out, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return [event for _, event in _fixtures(out)], json.loads(done.stdout.splitlines()[-1])


def records_on_disk(out: Path) -> dict[str, Record]:
    """
    The record of every whole fixture, by message id.

    A fixture is whole when both its files are there; a folder that a kill has left half-written is none.
    """
    found: dict[str, Record] = {}
    for document, event in _fixtures(out):
        (record_,) = event["Records"]
        assert record_["messageId"] not in found, "one message, two fixtures"
        assert document["function"] == "orders"
        found[record_["messageId"]] = record_
    return found


def documents_on_disk(out: Path) -> list[dict[str, Any]]:
    """Every `fixture.json`."""
    return [document for document, _ in _fixtures(out)]


def _fixtures(out: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for path in sorted(out.glob("[!.]*/*--*/fixture.json")):
        event = path.with_name("event.json")
        if event.exists():
            yield json.loads(path.read_bytes()), json.loads(event.read_bytes())
    for pack in sorted(out.glob("*/*.jsonl.zst")):
        for line in packed_lines(pack):
            yield line["fixture"], json.loads(line["event"])


def packed_lines(pack: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a pack, as any reader of Zstandard sees them; what a kill has cut off is none."""
    unpacker = zstandard.ZstdDecompressor().stream_reader(pack.read_bytes(), read_across_frames=True)
    content = b""
    with suppress(zstandard.ZstdError):
        while part := unpacker.read(65_536):
            content += part
    for line in content.split(b"\n")[:-1]:
        yield json.loads(line)
