"""The originals of a run: found at their sources, kept in memory, and sent in the place of their stand-ins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from replay.delivery.attempt import Attempt, Reply
from replay.errors import ReplayError, TargetRefused
from replay.fixtures.fixture import Fixture, FixtureReference, StoredObject
from replay.originals.scrubbing import Scrubber
from replay.originals.swaps import Original
from replay.payloads.aws_calls import Fault
from replay.redaction.redactor import Redactor
from replay.targets.base import Invoker


@dataclass(frozen=True, kw_only=True)
class Originals:
    """
    What was looked up.

    Attributes:
        found: By fixture.
        missing: Why the others were not found.
        allow_pseudonyms: Whether stand-ins may be sent where nothing was found; else nothing is.
        notes: What the sources say of how they were left.
    """

    found: Mapping[FixtureReference, Original] = field(repr=False)
    missing: Mapping[FixtureReference, str]
    redactor: Redactor = field(repr=False)
    allow_pseudonyms: bool = False
    notes: tuple[str, ...] = ()

    def as_sent(self, fixture: Fixture, invoker: Invoker) -> Invoker:
        """
        Let the original of *fixture* be sent; see `AsSent`.

        Raises:
            TargetRefused: It was not found, and nobody has agreed to its stand-ins.
        """
        original = self.found.get(fixture.reference)
        if original is not None:
            return OriginalInvoker(invoker, original, Scrubber(original.pairs(), self.redactor))
        if fixture.reference in self.missing and not self.allow_pseudonyms:
            raise TargetRefused(
                f"its original was not found, so it is not sent: {self.missing[fixture.reference]}",
                where=str(fixture.reference),
                hint="send its stand-ins: --allow-pseudonyms; or leave out --originals",
            )
        return invoker


class OriginalInvoker(Invoker):
    """
    Invokes *invoker* with the original in the place of its stand-ins.

    Whoever drives it sees stand-ins only: in what is sent, and in what comes back.
    """

    name = "original"

    def __init__(self, invoker: Invoker, original: Original, scrubber: Scrubber) -> None:
        self._invoker, self._original, self._scrubber = invoker, original, scrubber

    def __enter__(self) -> Self:
        self._invoker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._invoker.__exit__(kind, error, trace)

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        """Start a fixture."""
        self._invoker.begin(at=at, faults=faults)

    def place_objects(self, objects: Sequence[StoredObject]) -> None:
        """Put what the event points to where the function finds it: redacted, as it is kept."""
        self._invoker.place_objects(objects)

    def invoke(self, attempt: Attempt) -> Reply:
        """Invoke once with the original; the reply holds stand-ins."""
        sent = Attempt(
            payload=self._original.put_into(attempt.payload),
            record_ids=attempt.record_ids,
            number=attempt.number,
            at_s=attempt.at_s,
            request_id=attempt.request_id,
        )
        try:
            return self._scrubber.reply(self._invoker.invoke(sent))
        except ReplayError as error:  # AWS may quote what it could not take
            raise self._scrubber.error(error) from None

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for the user about what is different from Lambda here."""
        return self._invoker.notes
