"""Ctrl-C while something is recorded: what is waited for, and an end at once for who asks a second time."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import click

from replay.cli.exits import INTERRUPTED

_TOLD_AFTER_S = 1.5
_LEFT_AFTER_S = 3.0
"""Who asks again gives what is under way so long to end by itself: a network that answers needs less."""

_SHOW_CURSOR = "\x1b[?25h"


class _Interruption:
    """What the first Ctrl-C, and the next one, do; `remains` says what an end at once would leave behind."""

    def __init__(self, remains: Callable[[], str]) -> None:
        self._remains = remains
        self._asked = 0
        self._timers: list[threading.Timer] = []

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Interrupt the first time; the second time wait a little, and leave."""
        self._asked += 1
        if self._asked == 1:
            self._later(_TOLD_AFTER_S, self._tell)
            signal.default_int_handler(number, frame)
        elif self._asked == 2:  # noqa: PLR2004 - the second time
            self._later(_LEFT_AFTER_S, self._leave)

    def over(self) -> None:
        """Have nothing told and nobody left any more."""
        for timer in self._timers:
            timer.cancel()

    def _later(self, seconds: float, task: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, task)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _tell(self) -> None:
        again = f"Ctrl-C again ends within {_LEFT_AFTER_S:.0f} seconds"
        click.echo(f"Interrupted: waiting for answers of AWS, to leave everything as it was; {again}.", err=True)

    def _leave(self) -> None:
        """End without waiting for threads that hang in the network: they would hold Python back for minutes."""
        try:
            left = self._remains()
        except Exception:  # noqa: BLE001 - it is asked while other threads work on it, and the end must come
            left = ""
        cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
        click.echo(f"{cursor}Ended without waiting for AWS{f': {left}' if left else ''}.", err=True)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(INTERRUPTED)


@contextmanager
def interruptible(remains: Callable[[], str]) -> Iterator[None]:
    """
    Take Ctrl-C inside as said above; `ended_properly` around it sees to signals that mean the same.

    Args:
        remains: Says in words what is not yet as it was, and what becomes of it; empty where nothing is known of.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    interruption = _Interruption(remains)
    signal.signal(signal.SIGINT, interruption.handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interruption.over()
