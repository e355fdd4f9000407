"""Threads that receive are not kept waiting by the one that records; whoever records from Python gets his own back."""

import sys
from contextlib import suppress

import pytest

from replay.recorder.thread_turns import SWITCH_INTERVAL_S, short_turns


@pytest.mark.parametrize(("before", "meanwhile"), [(0.005, SWITCH_INTERVAL_S), (0.0001, 0.0001)])
def test_turns_are_short_for_a_while(before: float, meanwhile: float) -> None:
    """They are never made longer than the program that records has them, and are what they were in the end."""
    kept = sys.getswitchinterval()
    sys.setswitchinterval(before)
    try:
        with suppress(KeyboardInterrupt), short_turns():
            assert sys.getswitchinterval() == pytest.approx(meanwhile, abs=2e-6)
            raise KeyboardInterrupt
        assert sys.getswitchinterval() == pytest.approx(before, abs=2e-6)
    finally:
        sys.setswitchinterval(kept)
