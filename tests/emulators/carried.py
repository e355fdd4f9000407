"""Events sent through a carrier to a real server, and what its function then noted."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from replay.payloads.captures import Event
from replay.targets.carrier import Acknowledgement, Carrier
from replay.targets.sending import Sender
from tests.targets.carried import Journal

WITHIN_S = 40.0


def send(target: Carrier, *events: str, key: str = "orders/a") -> list[Acknowledgement]:
    """Send events through *target*, each with a marker of its own; all must be acknowledged."""
    told = []
    for number, text in enumerate(events):
        marker = f"replay-{uuid.uuid4().hex}"
        entries = target.entries(Event(text=text), key=f"{key}{number}", marker=marker)
        sent = Sender(target, Journal()).send(entries)
        assert not [each.problem for each in sent.values() if each.problem]
        told += [each.acknowledgement for each in sent.values() if each.acknowledgement]
    return told


def wait_for(found: Callable[[], Sequence[Any]], count: int, *, within_s: float = WITHIN_S) -> list[Any]:
    """Wait until *found* gives so many, and give them."""
    deadline = time.monotonic() + within_s
    while len(seen := list(found())) < count:
        assert time.monotonic() < deadline, f"{len(seen)} of {count} came"
        time.sleep(0.1)
    return seen
