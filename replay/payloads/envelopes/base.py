"""The seam of every envelope: detect, unwrap, look inside, reseal."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from replay.payloads.captures import Capture, Event, MessageAttribute, S3Object
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """
    What an envelope held: the event as the handler would receive it, and what the envelope says besides.

    `details` hold what was observed and the event does not say; plain JSON, for the fixture's provenance. `envelopes`
    name every envelope from the outside in, also those that the handler itself opens; of several records they are the
    first one's. `claim_checks` are the objects that stand for payloads inside the event. `is_whole` is false where
    somebody's own words around the event are in none of these: an answer that is no error, attributes nobody reads.
    """

    event: Event
    event_source: EventSource
    failure: Failure | None = None
    details: Mapping[str, Json] = field(default_factory=dict)
    envelopes: tuple[str, ...] = ()
    claim_checks: tuple[S3Object, ...] = ()
    is_whole: bool = True


class Envelope(ABC):
    """
    One AWS shape around a payload. One subclass per file; the file is found by itself.

    `rank` decides who is asked first: low before high, the catch-all last. An envelope that `carries` is on its way to
    a function or past one: what its handler received may lie further inside. One that `tells_of_failure` was written
    after a function had failed (or ended): what it unwraps is that function's event, whatever carried it since.
    `told_attributes` are the message attributes that it tells in what it unwraps.
    """

    name: ClassVar[str]
    rank: ClassVar[int] = 50
    carries: ClassVar[bool] = False
    tells_of_failure: ClassVar[bool] = False
    told_attributes: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def detect(self, capture: Capture) -> bool:
        """Say whether *capture* has this shape; never raises, whatever the body is."""

    @abstractmethod
    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the event that the handler received, exactly."""

    def inside(self, capture: Capture) -> Capture | None:
        """Give what the envelope holds as a capture of its own, or None where there is nothing to look into."""
        del capture
        return None

    def reseal(self, before: str, after: str) -> str:
        """
        Renew the digests that the event carries of its own parts, where redaction turned *before* into *after*.

        A digest of an unredacted body would let anyone test guesses of what was redacted.
        """
        del before
        return after


def inner_capture(
    capture: Capture, body: str, message_attributes: Mapping[str, MessageAttribute] | None = None
) -> Capture:
    """Make a capture of what *capture* holds: from the same place, known by its text and message attributes alone."""
    return Capture(
        origin=capture.origin,
        body=body,
        carrier="inside",
        attributes=capture.attributes,
        message_attributes=message_attributes or {},
        sent_at=capture.sent_at,
        event_source=capture.event_source,
        failure=capture.failure,
    )


def known_or(capture: Capture, found: EventSource) -> EventSource:
    """Prefer the settings that the source of *capture* knew to those *found* in it, where they are of the same kind."""
    known = capture.event_source
    return known if known is not None and known.kind == found.kind else found
