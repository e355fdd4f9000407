"""
A million captured events out of a file to a target that does nothing, in memory that stays flat.

`replay run --events` does all that a user gets: plan, ledger, delivery, verdict, count; start-up is part of it. Beside
it stand parts of the library: planning looks at every event of fixtures, streaming delivers, classifies and judges,
and sending hands batches to a carrier and writes down in a ledger what is sent and acknowledged.
Each is a process of its own, so that its memory is its own. What waits for nothing is told by its processor time: on a
machine that others use too, it tells more than the clock. What waits for the disk is told by the clock.
"""

import io
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

from bounds import print_bounds
from null_target import NullCarrier, NullTarget, StreamedStore, references, register, write_events

from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.payloads.captures import Event
from replay.replayer import FixtureReplayed, Pace, Replayer, run
from replay.replayer.planning import plan_of
from replay.targets.guard_rails.destination import Destination
from replay.targets.sending import Sender

BOUND_PER_S = 20_000
EVENTS = 1_000_000
FEW = 50_000
MOST_GROWTH_MB = 16.0
_NOWHERE = Destination(target="null", arn="arn:aws:null:eu-west-1:111122223333:null", on_this_machine=True)


class Cost(NamedTuple):
    """What a process has taken: by the clock, of the processor, and at most of memory."""

    clock_s: float
    processor_s: float
    peak_mb: float


def measure() -> list[tuple[str, float, str, float]]:
    """Give the rate of each part, that of planning and streaming together, and how the memory grows with the events."""
    rows: list[tuple[str, float, str, float]] = []
    costs: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        register(root)
        (root / "pyproject.toml").write_text('[tool.replay.functions.null]\nhandler = "null.handler"\n')
        for count in (FEW, EVENTS):
            write_events(root / f"{count}.jsonl", count)
        for part in _PARTS:
            few, many = (_in_a_process(part, root, count) for count in (FEW, EVENTS))
            costs[part] = many
            seconds = many.clock_s if part == "sent" else many.processor_s
            rows.append((f"events a second {part}", EVENTS / seconds, ">=", BOUND_PER_S))
            growth = many.peak_mb - few.peak_mb
            rows.append((f"MB more {part} {EVENTS:,} than {FEW:,}", growth, "<=", MOST_GROWTH_MB))
    both = EVENTS / (costs["planned"].processor_s + costs["streamed"].processor_s)
    rows.append(("events a second planned and streamed", both, ">=", BOUND_PER_S))
    rows.append(("events a second run, by the clock", EVENTS / costs["run"].clock_s, ">=", BOUND_PER_S))
    return rows


def _in_a_process(part: str, root: Path, count: int) -> Cost:
    command = [sys.executable, __file__, part, str(root / f"{count}.jsonl"), str(count)]
    paths = os.pathsep.join(filter(None, (str(root), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8", cwd=root, env={**os.environ, "PYTHONPATH": paths}
    )
    return Cost(*map(float, done.stdout.split()))


def _run(path: Path, count: int) -> None:
    from replay.cli.main import main

    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(io.StringIO()), suppress(SystemExit):
        main(["run", "--target", "null", "--events", path.name])
    assert f"{count:,} succeeded" in told.getvalue()


def _plan(path: Path, count: int) -> None:
    with path.open(encoding="utf-8") as file:
        store = StreamedStore(islice(file, count))
        plan = plan_of((store.load(each) for each in references(count)), [_NOWHERE], pace=Pace())
    assert plan.events == count


def _stream(path: Path, count: int) -> None:
    function = Function(name="null", handler="null.handler", code=path.parent)
    with path.open(encoding="utf-8") as file:
        store = StreamedStore(islice(file, count))
        replayer = Replayer(store, functions=lambda _: function, open_invoker=lambda _: NullTarget(), pin=False)
        events = run(replayer, references(count), total=count)
        told = sum(isinstance(event, FixtureReplayed) and event.judgement.as_expected for event in events)
    assert told == count


def _send(path: Path, count: int) -> None:
    carrier, arrived = NullCarrier(), 0
    with path.open(encoding="utf-8") as file, Ledger.begin(path.parent, command="run", target="null") as ledger:
        sender, names = Sender(carrier, ledger), references(count)
        while lines := list(islice(file, min(carrier.most_entries, count - arrived))):
            events = [(Event(text=line), str(next(names))) for line in lines]
            entries = [entry for event, key in events for entry in carrier.entries(event, key=key, marker="")]
            arrived += sum(each.acknowledgement is not None for each in sender.send(entries).values())
    assert arrived == count


_PARTS: Mapping[str, Callable[[Path, int], None]] = {"run": _run, "planned": _plan, "streamed": _stream, "sent": _send}


def _measured(part: str, path: Path, count: int) -> None:
    began, processor_began = perf_counter(), process_time()
    _PARTS[part](path, count)
    print(perf_counter() - began, process_time() - processor_began, _peak_mb())


def _peak_mb() -> float:
    """Give the most memory that this process has had; what getrusage says may be that of the one which started it."""
    told = Path("/proc/self/status")
    if not told.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(told.read_text(encoding="ascii").partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measured(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(print_bounds(measure()))
