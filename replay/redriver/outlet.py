"""The seam of everything that dead letters are given back to."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from replay.payloads.captures import Capture, Event
from replay.payloads.event_sources import EventSource
from replay.targets.sending import Answered


class Outlet(ABC):
    """
    Where dead letters go back to: a queue, or a function that is invoked again.

    `arn` names it; in one that keeps `order`, no message of a group may overtake another.
    """

    arn: str
    order: bool = False

    @abstractmethod
    def letter(self, capture: Capture) -> tuple[Event, EventSource]:
        """
        Give the event that the function gets when this dead letter is given back, and who hands it over.

        Raises:
            ReplayError: The dead letter does not hold it.
        """

    @abstractmethod
    def batches(self, captures: Sequence[Capture]) -> Sequence[Sequence[Capture]]:
        """Part dead letters into what goes in one call, in their order."""

    @abstractmethod
    def send(self, captures: Sequence[Capture]) -> Answered:
        """
        Give dead letters back once, in one call, and believe nothing but what was answered for each by its identity.

        What is `done` has for its answer what the ledger is to know of it: `message_id` or `request_id`.
        """

    @abstractmethod
    def returns_as(self, capture: Capture) -> str:
        """Give the id under which this dead letter went into its queue: that of an answer, where we have sent it."""


def new_ids(acknowledged: Mapping[str, Mapping[str, object]]) -> set[str]:
    """Give the ids that AWS has given to what was sent, by the acknowledgements."""
    names = ("message_id", "request_id")
    return {str(each[name]) for each in acknowledged.values() for name in names if each.get(name)}
