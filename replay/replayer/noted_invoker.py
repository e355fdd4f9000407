"""An invoker whose every invocation waits for its tick and stands in the ledger before and after."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from replay.delivery.attempt import Attempt, Reply
from replay.ledger.ledger import Ledger
from replay.payloads.aws_calls import Fault
from replay.replayer.pace import RateLimit
from replay.targets.base import Invoker


class NotedInvoker(Invoker):
    """
    Invokes as *invoker* does.

    Args:
        key: What the ledger calls that which is being invoked; whoever drives it sets it.
        pause: Waits for the tick of what is not begun yet, and may raise where the run stops meanwhile.
    """

    name = "noted"

    def __init__(
        self,
        invoker: Invoker,
        ledger: Ledger,
        limit: RateLimit,
        key: "CurrentKey",
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._invoker, self._ledger, self._limit, self._key, self._pause = invoker, ledger, limit, key, pause

    def __enter__(self) -> Self:
        self._invoker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._invoker.__exit__(kind, error, trace)

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        """Start a fixture."""
        self._invoker.begin(at=at, faults=faults)

    def invoke(self, attempt: Attempt) -> Reply:
        """Invoke once; what is not acknowledged in the ledger was sent, and nobody knows what came of it."""
        self._limit.wait(sleep=time.sleep if self._key.is_begun else self._pause)
        self._key.is_begun = True
        self._ledger.sent([self._key.value], attempt=attempt.number)
        reply = self._invoker.invoke(attempt)
        self._ledger.acknowledged(
            [self._key.value], attempt=attempt.number, status=reply.status, duration_s=round(reply.duration_s, 6)
        )
        return reply

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for the user about what is different from Lambda here."""
        return self._invoker.notes


class CurrentKey:
    """What is being sent now, by one thread, and whether anything of it was."""

    value = ""
    is_begun = False

    def begin(self, value: str) -> None:
        """Go on to the next."""
        self.value, self.is_begun = value, False
