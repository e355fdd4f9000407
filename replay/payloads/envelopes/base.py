"""The seam of every envelope: detect, unwrap, reseal."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from replay.payloads.captures import Capture, Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """
    What an envelope held: the event as the handler would receive it, and what the envelope says besides.

    `details` hold what was observed and the event does not say; plain JSON, for the fixture's provenance.
    """

    event: Event
    event_source: EventSource
    failure: Failure | None = None
    details: Mapping[str, Json] = field(default_factory=dict)


class Envelope(ABC):
    """
    One AWS shape around a payload. One subclass per file; the file is found by itself.

    `rank` decides who is asked first: low before high, the catch-all last.
    """

    name: ClassVar[str]
    rank: ClassVar[int] = 50

    @abstractmethod
    def detect(self, capture: Capture) -> bool:
        """Say whether *capture* has this shape; never raises, whatever the body is."""

    @abstractmethod
    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the event that the handler received, exactly."""

    def reseal(self, before: str, after: str) -> str:
        """
        Renew the digests that the event carries of its own parts, where redaction turned *before* into *after*.

        A digest of an unredacted body would let anyone test guesses of what was redacted.
        """
        del before
        return after
