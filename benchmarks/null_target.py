"""The target that takes everything and does nothing, and events that come out of a file one by one."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

from replay.delivery.attempt import Attempt, Reply
from replay.fixtures.fixture import Fixture, FixtureReference, Provenance
from replay.functions.function import Function
from replay.payloads.aws_calls import Fault
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation
from replay.targets.base import Invoker
from replay.targets.carrier import Acknowledgement, Answer, Carrier, CarrierOptions, Entry, Watch
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.options import DeployedOptions

_TOOK = Reply(status="returned", payload="null")
_ANY = EventSource(kind="direct")
_WANTED = Expectation(wants="succeeds")


class NullTarget(Invoker):
    """Answers null at once; notes when it was invoked, where somebody wants to know."""

    name = "null"

    def __init__(self, began: list[float] | None = None) -> None:
        self._began = began

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        pass

    def invoke(self, attempt: Attempt) -> Reply:
        del attempt
        if self._began is not None:
            self._began.append(perf_counter())
        return _TOOK


class NullFunction(Deployed):
    """A function that is deployed and does nothing: with a plan and a ledger, as any other."""

    name = "null"

    def __init__(self, function: Function, /, *, project: Path | None = None, **options: Any) -> None:
        del function, project
        self._options = DeployedOptions(**options)

    @property
    def described(self) -> DeployedOptions:
        return self._options

    def destination(self) -> Destination:
        return Destination(target="null", arn="arn:aws:null:eu-west-1:111122223333:null", on_this_machine=True)

    def invoke(self, attempt: Attempt) -> Reply:
        del attempt
        return _TOOK


def register(folder: Path) -> None:
    """Register the target `null`, as another package would, for who has *folder* on its path."""
    told = folder / "null_target-0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: null-target\nVersion: 0\n")
    (told / "entry_points.txt").write_text("[replay.targets]\nnull = null_target:NullFunction\n")


class NullCarrier(Carrier):
    """Takes everything at once, as a stream takes 500 records by one call."""

    name = "null"
    most_entries = 500
    most_bytes = None
    described = CarrierOptions()
    travels = "nowhere"

    def destination(self) -> Destination:
        return Destination(target="null", arn="arn:aws:null:eu-west-1:111122223333:null", on_this_machine=True)

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        return [Entry(key=key, request={"Data": event.text}, size_bytes=len(event.text), marker=marker)]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        return {entry.key: Acknowledgement(identity=entry.key[-8:]) for entry in entries}

    def watches(self, function: Function) -> Sequence[Watch]:
        del function
        return ()


def references(total: int) -> Iterator[FixtureReference]:
    """Name so many fixtures, one after the other."""
    for number in range(total):
        yield FixtureReference(function="null", name=f"event--{number:08x}")


class StreamedStore:
    """Gives the captured events of *lines* as fixtures, in order, each once; none of them is kept."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._lines = iter(lines)

    def load(self, reference: FixtureReference) -> Fixture:
        """Give the next one under this name."""
        text = next(self._lines, "{}\n")
        return Fixture(
            reference=reference,
            event_text=text.rstrip("\n"),
            kind="unknown",
            provenance=Provenance(source="files"),
            event_source=_ANY,
            expectation=_WANTED,
        )

    def update(self, fixture: Fixture) -> None:
        raise AssertionError(fixture.reference)


def write_events(path: Path, total: int) -> None:
    """Write so many captured events as JSON Lines."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(total):
            file.write(json.dumps(_order(number)) + "\n")


def _order(number: int) -> dict[str, Any]:
    return {"order_id": f"A-{number}", "lines": [{"sku": f"S-{number % 97}", "quantity": number % 5}], "total": 19.9}
