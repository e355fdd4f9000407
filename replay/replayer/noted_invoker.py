"""An invoker whose every invocation waits for its tick and stands in the ledger before and after."""

from collections.abc import Sequence
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

    `key` is what the ledger calls that which is being invoked; whoever drives it sets it.
    """

    name = "noted"

    def __init__(self, invoker: Invoker, ledger: Ledger, limit: RateLimit, key: "CurrentKey") -> None:
        self._invoker, self._ledger, self._limit, self._key = invoker, ledger, limit, key

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
        self._limit.wait()
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
    """What is being sent now, by one thread."""

    value = ""
