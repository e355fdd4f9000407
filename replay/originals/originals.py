"""The originals of a run: found at their sources, kept in memory, and sent in the place of their stand-ins."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from replay.delivery.attempt import Attempt, Reply
from replay.errors import ReplayError, TargetRefused
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.originals.scrubbing import Scrubber
from replay.originals.swaps import Original
from replay.redaction.redactor import Redactor
from replay.targets.base import Invoker
from replay.targets.wrapping import WrappingInvoker


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


class OriginalInvoker(WrappingInvoker):
    """
    Invokes *invoker* with the original in the place of its stand-ins.

    Whoever drives it sees stand-ins only: in what is sent, and in what comes back.
    """

    name = "original"

    def __init__(self, invoker: Invoker, original: Original, scrubber: Scrubber) -> None:
        super().__init__(invoker)
        self._original, self._scrubber = original, scrubber

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
