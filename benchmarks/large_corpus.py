"""
100,000 packed fixtures of one function: how long `replay list` takes beyond its start-up, how much memory it needs, and
when the first of them is replayed.

Start-up is the same command in a project without fixtures, interleaved. What counts is the processor time of the
process, the best of five: the machine is used by others too.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bounds import print_bounds

from replay.fixtures.durable_files import open_folder
from replay.fixtures.fixture import Fixture, Provenance
from replay.fixtures.format import event_bytes, to_document
from replay.fixtures.naming import fixture_reference
from replay.fixtures.packed_lines import PackedLine
from replay.fixtures.segment_writer import SegmentWriter
from replay.fixtures.store import Store
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure, Frame, Signature

FIXTURES = 100_000
ROUNDS = 5
_ARN = "arn:aws:sqs:eu-central-1:123456789012:orders-dlq"
_PYPROJECT = '[tool.replay.functions.orders]\nhandler = "app.handler"\ncode = "."\n'
_HANDLER = 'def handler(event, context):\n    raise KeyError("customer_id")\n'


class Cost(NamedTuple):
    """What a process has taken: processor seconds and, at most, megabytes."""

    seconds: float
    megabytes: float


def measure() -> dict[str, float]:
    """Give the seconds and megabytes of the commands."""
    with tempfile.TemporaryDirectory() as folder:
        full, empty = Path(folder, "full"), Path(folder, "empty")
        for root in (full, empty):
            root.mkdir()
            (root / "pyproject.toml").write_text(_PYPROJECT)
            (root / "app.py").write_text(_HANDLER)
        (empty / "fixtures").mkdir()
        one = _write_fixtures(full / "fixtures")
        _cost(full, "list", "orders")  # so that the first round finds what the later ones find
        started, listed, ran = [], [], []
        for _ in range(ROUNDS):
            started.append(_cost(empty, "list"))
            listed.append(_cost(full, "list", "orders"))
            ran.append(_cost(full, "run", "--no-pin", one))
        start_up = min(each.seconds for each in started)
        return {
            "list_s": min(each.seconds for each in listed) - start_up,
            "list_mb": max(each.megabytes for each in listed),
            "run_one_s": min(each.seconds for each in ran) - start_up,
        }


def _write_fixtures(folder: Path) -> str:
    """Write the corpus as `replay pack` would, and name one in its middle."""
    store = Store(folder)
    store.folder.prepare("orders")
    # One by one: a child begins with the memory of its parent, which would count as its own.
    numbers = sorted(range(FIXTURES), key=lambda number: _fixture(number).reference.name)
    with open_folder(str(folder)) as root, open_folder("orders", inside=root) as function, SegmentWriter.at(root) as to:
        for each in map(_fixture, numbers):
            event = event_bytes(each.event_text)
            to.add(PackedLine(name=each.reference.name, document=to_document(each, event), event=event))
        to.put(function)
    return str(_fixture(numbers[FIXTURES // 2]).reference)


def _fixture(number: int) -> Fixture:
    message = f"'customer_{number % 50}'"
    known = Signature(error_type="KeyError", message=message, frames=("app.py:handler:order['customer_id']",))
    identity = f"message-{number}"
    body = f'{{\\"order_id\\": {number * 7919}, \\"token\\": \\"{number * 2654435761 % 2**64:016x}\\"}}'
    made = Fixture(
        reference=fixture_reference("orders", f"KeyError {message}", arn=_ARN, identity=identity),
        event_text=f'{{"Records": [{{"messageId": "{identity}", "body": "{body}", "eventSource": "aws:sqs"}}]}}',
        kind="sqs",
        provenance=Provenance(
            source="sqs", arn=_ARN, identity=identity, recorded_at=f"2026-11-21T09:30:00.{number % 1000:03}Z"
        ),
        event_source=EventSource(kind="sqs", arn=_ARN.removesuffix("-dlq")),
        expectation=Expectation(wants="reproduces", signature=known),
    )
    frame = Frame(module="app.py", function="handler", code="order['customer_id']", line=2)
    return replace(made, failure=Failure(error_type="KeyError", message=message, signature=known, frames=(frame,)))


def _cost(root: Path, *arguments: str) -> Cost:
    """Run the command line in *root*, and say what it has taken."""
    with subprocess.Popen(
        [sys.executable, "-m", "replay.cli.main", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == 2:
        raise RuntimeError(f"replay {' '.join(arguments)} could not run")
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale)


def main() -> int:
    """Print the numbers beside their bounds; 1 where one is missed."""
    found = measure()
    return print_bounds(
        [
            ("s for `replay list` of 100,000 fixtures, beyond start-up", found["list_s"], "<=", 1.0),
            ("MB of memory for that", found["list_mb"], "<=", 150.0),
            ("s for `replay run` of one of them, beyond the start-up of `replay list`", found["run_one_s"], "<=", 2.0),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
