"""
A million captured events out of a file to a target that does nothing, in memory that stays flat.

Planning looks at every event. Streaming delivers, classifies and judges each, as against a function that answers.
Sending hands batches to a carrier, and writes down in a ledger what is sent and acknowledged, as against a service.
Each is a process of its own, so that its memory is its own. Planning and streaming wait for nothing, so their processor
time counts: on a machine that others use too, it tells more than the clock. Sending waits for the disk: there the clock
counts.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

from bounds import print_bounds
from null_target import NullCarrier, NullTarget, StreamedStore, references, write_events

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


def measure() -> list[tuple[str, float, str, float]]:
    """Give the rate of each part, that of planning and streaming together, and how the memory grows with the events."""
    rows: list[tuple[str, float, str, float]] = []
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.jsonl")
        write_events(path, EVENTS)
        for part in _PARTS:
            (_, few_mb), (seconds[part], many_mb) = (_in_a_process(part, path, count) for count in (FEW, EVENTS))
            rows.append((f"events a second {part}", EVENTS / seconds[part], ">=", BOUND_PER_S))
            rows.append((f"MB more {part} {EVENTS:,} than {FEW:,}", many_mb - few_mb, "<=", MOST_GROWTH_MB))
    both = EVENTS / (seconds["planned"] + seconds["streamed"])
    return [*rows, ("events a second planned and streamed", both, ">=", BOUND_PER_S)]


def _in_a_process(part: str, path: Path, count: int) -> tuple[float, float]:
    command = [sys.executable, __file__, part, str(path), str(count)]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    seconds, peak_mb = map(float, done.stdout.split())
    return seconds, peak_mb


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


_PARTS: Mapping[str, Callable[[Path, int], None]] = {"planned": _plan, "streamed": _stream, "sent": _send}


def _measured(part: str, path: Path, count: int) -> None:
    clock = perf_counter if part == "sent" else process_time
    began = clock()
    _PARTS[part](path, count)
    print(clock() - began, _peak_mb())


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
