"""Who says whether dead letters succeed now: as many judges at once as may be, or nobody."""

import queue
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from replay.functions.function import Function
from replay.payloads.captures import Capture
from replay.redriver.judging import MessageVerdict, judge_message
from replay.redriver.outlet import Outlet
from replay.replayer.pace import RateLimit
from replay.targets.base import Invoker

Letter = tuple[Capture, Outlet]


class Judges(ABC):
    """Judge dead letters, and hold until they are done with."""

    @abstractmethod
    def verdicts(self, letters: Sequence[Letter]) -> list[MessageVerdict]:
        """Judge dead letters, each as its outlet would give it back; the verdicts are in their order."""

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Judge no more."""


class FunctionJudges(Judges):
    """The function itself judges, by *invokers*, which are open, no faster than *limit* says."""

    def __init__(self, invokers: Sequence[Invoker], function: Function, limit: RateLimit) -> None:
        self._function, self._limit = function, limit
        self._free: queue.Queue[Invoker] = queue.Queue()
        for invoker in invokers:
            self._free.put(invoker)
        self._pool = ThreadPoolExecutor(len(invokers), thread_name_prefix="redrive-judge")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def verdicts(self, letters: Sequence[Letter]) -> list[MessageVerdict]:
        return list(self._pool.map(self._verdict, letters))

    def _verdict(self, letter: Letter) -> MessageVerdict:
        self._limit.wait()
        invoker = self._free.get()
        try:
            return judge_message(*letter, invoker, self._function)
        finally:
            self._free.put(invoker)


class Nobody(Judges):
    """Takes every dead letter for one that succeeds, no faster than *limit* says."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def verdicts(self, letters: Sequence[Letter]) -> list[MessageVerdict]:
        self._limit.wait(len(letters))
        return [MessageVerdict(succeeds=True)] * len(letters)
