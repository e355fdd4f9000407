"""Captures whose failures are looked up together wait for each other: so many, so large, so long, and no more."""

import pytest

from replay.payloads.captures import Capture, Event, Origin
from replay.payloads.envelopes.base import Unwrapped
from replay.payloads.envelopes.unknown import Unknown
from replay.payloads.event_sources import EventSource
from replay.recorder import held_captures
from replay.recorder.held_captures import MOST_CHARACTERS, MOST_S, HeldCaptures


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(held_captures.time, "monotonic", lambda: now[0])
    return now


def hold(held: HeldCaptures, text: str = "{}") -> None:
    capture = Capture(origin=Origin(source="files", identity="1"), body=text)
    held.add(capture, Unknown(), Unwrapped(event=Event(text=text), event_source=EventSource(kind="direct")))


@pytest.mark.usefixtures("clock")
def test_they_are_enough_by_number_again_and_again() -> None:
    """Each batch is as large as the first one."""
    held = HeldCaptures(3)
    for _ in range(4):
        assert not held.are_enough
        for number in range(3):
            assert (len(held), held.are_enough) == (number, False)
            hold(held)
        assert held.are_enough
        assert len(held.take()) == 3


@pytest.mark.usefixtures("clock")
def test_large_ones_are_fewer() -> None:
    """What waits takes no more memory than a few megabytes, and the next batch begins with nothing."""
    held = HeldCaptures(100)
    hold(held, "x" * (MOST_CHARACTERS - 1))
    assert not held.are_enough
    hold(held)
    assert held.are_enough
    held.take()
    hold(held)
    assert not held.are_enough


def test_a_slow_source_does_not_keep_them_waiting(clock: list[float]) -> None:
    """The time runs from the first of a batch."""
    held = HeldCaptures(100)
    assert not held.are_enough
    clock[0] += 2 * MOST_S
    hold(held)
    assert not held.are_enough
    clock[0] += MOST_S
    assert held.are_enough
    held.take()
    assert not held.are_enough
