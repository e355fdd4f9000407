"""As many judges as may judge at once, each with an invoker of its own."""

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from replay.functions.function import Function
from replay.payloads.captures import Capture
from replay.payloads.event_sources import EventSource
from replay.redriver.judging import MessageVerdict, judge_message
from replay.replayer.pace import RateLimit
from replay.targets.base import Invoker


class Judges:
    """Judges messages by *invokers*, which are open, no faster than *limit* says."""

    def __init__(self, invokers: Sequence[Invoker], function: Function, limit: RateLimit) -> None:
        self._function, self._limit = function, limit
        self._free: queue.Queue[Invoker] = queue.Queue()
        for invoker in invokers:
            self._free.put(invoker)
        self._pool = ThreadPoolExecutor(len(invokers), thread_name_prefix="redrive-judge")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def verdicts(self, letters: Sequence[tuple[Capture, EventSource]]) -> list[MessageVerdict]:
        """Judge messages, each with the event source that it failed in; the verdicts are in their order."""
        return list(self._pool.map(self._verdict, letters))

    def _verdict(self, letter: tuple[Capture, EventSource]) -> MessageVerdict:
        self._limit.wait()
        invoker = self._free.get()
        try:
            return judge_message(letter[0], invoker, self._function, letter[1])
        finally:
            self._free.put(invoker)
