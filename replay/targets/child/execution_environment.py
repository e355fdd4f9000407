"""One execution environment, as Lambda calls it: a process that is started, initialised, and invoked until it ends."""

import selectors
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self

from replay.targets.child.child_process import ChildProcess, Ended
from replay.targets.child.log_pipe import LogPipe
from replay.targets.child.memory_watch import MIB, MemoryWatch
from replay.targets.child.runtime_api import Answer, RuntimeApi

_LOOK_EVERY_S = 0.02
_SETTLES_WITHIN_S = 0.5


class TimedOut(NamedTuple):
    """The time was up."""


class OutOfMemory(NamedTuple):
    """There was more memory in use than allowed, or the system's own was used up."""


End = Answer | Ended | TimedOut | OutOfMemory


class ExecutionEnvironment:
    """
    Runs one function's process at a time, and is told of everything by one selector, without a thread.

    Whatever goes wrong in it, its processes are dead when a method returns that; `is_warm` says whether it lives.
    """

    def __init__(self, *, closed_network: bool, memory_mb: int) -> None:
        self._memory_mb = memory_mb
        self._selector = selectors.DefaultSelector()
        self._child = ChildProcess(closed_network=closed_network)
        self._api: RuntimeApi | None = None
        self._log: LogPipe | None = None
        self._memory = MemoryWatch(0, 0)
        self._extra_s = 0.0

    def __enter__(self) -> Self:
        self._child.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_parts()
        self._child.__exit__(kind, error, trace)
        self._selector.close()

    def make_ready(self, on_aws_call: Callable[[socket.socket], None]) -> tuple[int, int]:
        """
        Wait until a process can be started, and give the ports of the Runtime API and of the mocked AWS.

        Args:
            on_aws_call: Is given the socket that listens for AWS calls, as soon as the first one comes.
        """
        if self._api is None:
            self._child.make_ready()
            api, aws = self._child.listeners
            self._api = RuntimeApi(api, self._selector)
            self._selector.register(aws, selectors.EVENT_READ, lambda: self._answer_aws(aws, on_aws_call))
            self._selector.register(self._child, selectors.EVENT_READ, self._child.take_end)
        return self._child.ports

    @property
    def is_warm(self) -> bool:
        """Whether a process lives that has been initialised."""
        return self._child.is_running

    @property
    def child(self) -> ChildProcess:
        """The process."""
        return self._child

    @property
    def memory_mb(self) -> float | None:
        """The most memory that was in use since the process started; None where it is not measured."""
        return self._memory.peak_mb

    def take_log(self) -> str:
        """Give what was printed since the last time."""
        return self._log.take() if self._log is not None else ""

    def initialise(
        self, command: tuple[str, ...], environment: Mapping[str, str], folder: Path, *, limit_s: float
    ) -> End | None:
        """Start a process and wait until it asks for its first event; say how that failed, None where it did not."""
        assert self._api is not None
        self._api.forget()
        self._replace_log()
        assert self._log is not None
        self._child.start(command, environment, folder, self._log.writing)
        self._memory = MemoryWatch(self._child.pid, self._memory_mb * MIB)
        end = self._wait(self._asked_or_failed, limit_s)
        if isinstance(end, bool):
            return None
        self.kill()
        return end

    def invoke(self, request_id: str, payload: bytes, headers: Mapping[str, str], *, timeout_s: float) -> End:
        """Hand over one event and wait for its answer."""
        assert self._api is not None
        api = self._api
        started = monotonic()
        if not api.is_asked:
            asked = self._wait(lambda: api.is_asked or None, timeout_s)
            if not isinstance(asked, bool):
                self.kill()
                return asked
        api.offer(request_id, payload, headers)
        end = self._wait(lambda: api.answer, timeout_s - (monotonic() - started))
        self._memory.look_back()
        if self._memory.is_exceeded:
            end = OutOfMemory()
        if not isinstance(end, Answer):
            self.kill()
        elif end.kind == "too_large":
            self._settle()
        return end

    def kill(self) -> None:
        """End the process and all its descendants."""
        self._child.kill()
        ended = self._child.end_status()
        if ended is not None and self._memory.peak_mb is not None:
            self._memory.note(min(ended.peak_bytes, self._memory_mb * MIB))

    def _settle(self) -> None:
        """Wait for what a process does whose answer was refused: it asks for the next event, or ends."""
        api = self._api
        assert api is not None
        end = self._wait(lambda: api.is_asked or None, _SETTLES_WITHIN_S)
        if not isinstance(end, bool):
            self.kill()

    def _asked_or_failed(self) -> Answer | bool | None:
        assert self._api is not None
        return self._api.answer or self._api.is_asked or None

    def _wait[T](self, done: Callable[[], T | None], limit_s: float) -> T | Ended | TimedOut | OutOfMemory:
        """Serve the process until *done* gives something, or it is over."""
        self._extra_s = 0.0
        started = looked = monotonic()
        while (result := done()) is None:
            if not self._child.is_running:
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

    def _serve(self, timeout_s: float) -> bool:
        ready = self._selector.select(timeout_s)
        for key, _ in ready:
            key.data()
        return bool(ready)
