"""The seam of what a capture only points to: fetched between unwrapping and redaction, so that it is recorded whole."""

from abc import ABC, abstractmethod

from replay.payloads.captures import Capture
from replay.payloads.envelopes.base import Unwrapped


class Completer(ABC):
    """
    Fetches what an event lacks from where it lies.

    Never raises for what AWS refuses or does not have any more: then the event stays `missing`, with a better reason.
    """

    @abstractmethod
    def complete(self, capture: Capture, unwrapped: Unwrapped) -> Unwrapped:
        """Give *unwrapped* with its event, or as it was where there is nothing to fetch or it cannot be had."""

    @property
    @abstractmethod
    def notes(self) -> list[str]:
        """What is to be told of all that was fetched, in sentences for the user."""
