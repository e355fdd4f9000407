"""One execution environment, as Lambda calls it: a process that is started, initialised, and invoked until it ends."""

import selectors
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from replay.targets.child.child_process import ChildProcess, Ended
from replay.targets.child.log_pipe import LogPipe
from replay.targets.child.memory_watch import MIB, MemoryWatch
from replay.targets.child.runtime_api import Answer, RuntimeApi

T = TypeVar("T")

_LOOK_EVERY_S = 0.02
_SETTLES_WITHIN_S = 0.5
_TRACE_WITHIN_S = 0.2
_TRACE_PAUSE_S = 0.02
_LAST_WORDS = 1000
_MISSED = 20
"""How often to look for what has happened meanwhile; a process that prints without end always has something."""

TRACE_SIGNAL = signal.SIGXCPU
"""Few programs use it, and one that knows nothing of it ends by it, which it is about to do anyway."""


class TimedOut(NamedTuple):
    """The time was up."""


class OutOfMemory(NamedTuple):
    """There was more memory in use than allowed."""


End = Answer | Ended | TimedOut | OutOfMemory


class ExecutionEnvironment:
    """
    Runs one function's process at a time, and is told of everything by one selector, without a thread.

    A process that did not answer is dead, with all its descendants, when the method that says so returns.

    Args:
        on_aws_call: Is given the socket that listens for AWS calls when the first one comes, and serves it then.
        on_setup: Is given what the process reports of the function's `setup`.
        prints_traces: Whether the process prints where it is on `TRACE_SIGNAL`, as Python under our guard does.
    """

    def __init__(
        self,
        *,
        closed_network: bool,
        memory_mb: int,
        on_aws_call: Callable[[socket.socket], None],
        on_setup: Callable[[bytes], None],
        prints_traces: bool,
    ) -> None:
        self._limit_mb = memory_mb
        self._on_aws_call = on_aws_call
        self._on_setup = on_setup
        self._prints_traces = prints_traces
        self._selector = selectors.DefaultSelector()
        self._log = LogPipe(self._selector)
        self._memory = MemoryWatch(0, memory_mb * MIB)
        self._extra_s = 0.0
        self.child = ChildProcess(closed_network=closed_network)

    def __enter__(self) -> Self:
        self.child.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_made_ready:
            self._api.close()
        self._log.close()
        self._selector.close()
        self.child.__exit__(kind, error, trace)

    @cached_property
    def _api(self) -> RuntimeApi:
        self.child.make_ready()
        api, aws = self.child.listeners
        self._selector.register(aws, selectors.EVENT_READ, lambda: self._hand_over(aws))
        self._selector.register(self.child, selectors.EVENT_READ, self.child.take_end)
        return RuntimeApi(api, self._selector, self._on_setup)

    @property
    def _is_made_ready(self) -> bool:
        return "_api" in vars(self)

    def make_ready(self) -> tuple[int, int]:
        """Wait until a process can be started, and give the ports of the Runtime API and of the mocked AWS."""
        assert self._api is not None
        return self.child.ports

    @property
    def memory_mb(self) -> float | None:
        """The most memory that was in use since the process started; None where it is not measured."""
        peak = self._memory.peak_mb
        return peak if peak is None else min(peak, self._limit_mb)

    def take_log(self) -> str:
        """Give what was printed since the last time."""
        return self._log.take()

    def initialise(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, *, limit_s: float
    ) -> End | None:
        """Start a process and wait until it asks for its first event; say how that failed, None where it did not."""
        self.kill()
        self._api.forget()
        self.child.start(command, environment, folder, self._log.writing)
        self._memory = MemoryWatch(self.child.pid, self._limit_mb * MIB)
        end: End | bool = self._wait(self._asked_or_failed, limit_s)
        self._memory.look_back()
        if self._memory.is_exceeded:
            end = OutOfMemory()
        if isinstance(end, bool):
            return None
        self.kill()
        return end

    def is_ready(self, *, limit_s: float) -> bool:
        """Wait until the process asks for another event, if it does; one that does not is killed."""
        for _ in range(_MISSED):
            if not self._serve(0):
                break
        if not self.child.is_running:
            return False
        if self._wait(self._is_asked, limit_s) is True:
            return True
        self.kill()
        return False

    def invoke(self, request_id: str, payload: bytes, headers: Mapping[str, str], *, timeout_s: float) -> End:
        """Hand an event to a process that is ready, and wait for its answer."""
        self._api.offer(request_id, payload, headers)
        end: End = self._wait(lambda: self._api.answer, timeout_s)
        self._memory.look_back()
        if self._memory.is_exceeded:
            end = OutOfMemory()  # Lambda would have killed it at that moment
        if not isinstance(end, Answer):
            if isinstance(end, TimedOut) and self._prints_traces:
                self._have_trace_printed()
            self.kill()
        elif end.kind == "too_large":
            # A runtime client whose answer is refused may end its process, with some words about it.
            self.is_ready(limit_s=_SETTLES_WITHIN_S)
        return end

    def dismiss(self, *, limit_s: float) -> None:
        """Let a process that waits for an event end in its own way, and kill what is left of it."""
        if self.is_ready(limit_s=limit_s):
            self._api.dismiss()
            self._wait(lambda: None if self.child.is_running else True, limit_s)
            self.kill()

    def kill(self) -> None:
        """End the process and all its descendants."""
        if self._is_made_ready:
            self.child.kill()

    def _have_trace_printed(self) -> None:
        """Wait until something was printed, and then until no more comes."""
        before = seen = self._log.size_bytes
        self.child.signal(TRACE_SIGNAL)
        give_up = monotonic() + _TRACE_WITHIN_S
        while monotonic() < give_up:
            self._serve(_TRACE_PAUSE_S)
            if self._log.size_bytes == seen > before:
                return
            seen = self._log.size_bytes

    def _is_asked(self) -> bool | None:
        return self._api.is_asked or None

    def _asked_or_failed(self) -> Answer | bool | None:
        return self._api.answer or self._is_asked()

    def _wait(self, done: Callable[[], T | None], limit_s: float) -> T | Ended | TimedOut | OutOfMemory:
        """Serve the process until *done* gives something, or it is over."""
        self._extra_s = 0.0
        started = looked = monotonic()
        while (result := done()) is None:
            if not self.child.is_running:
                return self._last_words(done)
            now = monotonic()
            left = limit_s + self._extra_s - (now - started)
            if left <= 0:
                return TimedOut()
            if now - looked >= _LOOK_EVERY_S:
                looked = now
                self._memory.look()
                if self._memory.is_exceeded:
                    return OutOfMemory()
            self._serve(min(left, _LOOK_EVERY_S))
        return result

    def _last_words(self, done: Callable[[], T | None]) -> T | Ended:
        """Hear what the process has said before it ended, which may be its answer."""
        ended = self.child.take_end()
        self._memory.note(ended.peak_bytes)
        for _ in range(_LAST_WORDS):
            if (result := done()) is not None:
                return result
            if not self._serve(0):
                break
        return ended

    def _serve(self, timeout_s: float) -> bool:
        ready = self._selector.select(timeout_s)
        for key, _ in ready:
            key.data()
        return bool(ready)

    def _hand_over(self, listener: socket.socket) -> None:
        """Let the mocked AWS start, in time that is not the function's."""
        started = monotonic()
        self._selector.unregister(listener)
        self._on_aws_call(listener)
        self._extra_s += monotonic() - started
