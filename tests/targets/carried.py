"""What tests of carriers need: a journal that forgets nothing, and a pause that takes no time."""

from collections.abc import Mapping, Sequence
from typing import Any


class Journal:
    """Keeps what a ledger would have on the disk."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def sent(self, keys: Sequence[str], **known: Any) -> None:
        self.told.append(("sent", *keys, *known))

    def note_each(self, told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self.told.append(told)


def no_pause(seconds: float) -> None:
    """Wait no time."""
    assert seconds >= 0
