"""Captures that are held until their failures are looked up together."""

import time
from dataclasses import dataclass, field

from replay.payloads.captures import Capture
from replay.payloads.envelopes.base import Envelope, Unwrapped

MOST_CHARACTERS = 8 * 1024 * 1024
MOST_S = 1.0
"""So that what a slow source gives is written soon after it came."""

Held = tuple[Capture, Envelope, Unwrapped]


@dataclass(slots=True)
class HeldCaptures:
    """Captures that wait for others until they are *most*, or large together, or have waited for long."""

    most: int
    _held: list[Held] = field(default_factory=list)
    _characters: int = 0
    _since: float = 0.0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def are_enough(self) -> bool:
        """Whether they should wait no longer."""
        is_much = len(self._held) >= self.most or self._characters >= MOST_CHARACTERS
        return is_much or (bool(self._held) and time.monotonic() - self._since >= MOST_S)

    def add(self, capture: Capture, envelope: Envelope, unwrapped: Unwrapped) -> None:
        """Hold one more."""
        if not self._held:
            self._since = time.monotonic()
        self._held.append((capture, envelope, unwrapped))
        self._characters += len(unwrapped.event.text)

    def take(self) -> list[Held]:
        """Give all of them, and hold none."""
        held, self._held, self._characters = self._held, [], 0
        return held
