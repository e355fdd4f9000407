"""An invoker whose every invocation waits for its tick and stands in the ledger before and after."""

import time
from collections.abc import Callable

from replay.delivery.attempt import Attempt, Reply
from replay.ledger.ledger import Ledger
from replay.ledger.lines import Document
from replay.replayer.pace import RateLimit
from replay.targets.base import Invoker
from replay.targets.wrapping import WrappingInvoker


class NotedInvoker(WrappingInvoker):
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
        super().__init__(invoker)
        self._ledger, self._limit, self._key, self._pause = ledger, limit, key, pause

    def invoke(self, attempt: Attempt) -> Reply:
        """Invoke once; what is not acknowledged in the ledger was sent, and nobody knows what came of it."""
        key = self._key
        self._limit.wait(sleep=time.sleep if key.is_begun else self._pause)
        if key.is_begun or not key.is_noted:
            key.write_held(self._ledger)
            self._ledger.sent([key.value], attempt=attempt.number)
        key.is_begun = True
        reply = self._invoker.invoke(attempt)
        key.held = {"attempt": attempt.number, "status": reply.status, "duration_s": round(reply.duration_s, 6)}
        if not key.is_noted:
            key.write_held(self._ledger)
        return reply


class CurrentKey:
    """
    What is being sent now, by one thread, and whether anything of it was.

    `is_noted`: the ledger has it as sent already, with others. `held`: its acknowledgement, which goes to the ledger
    together with what became of it.

    Args:
        waits: Whether what was acknowledged is to be on the disk before all else.
    """

    def __init__(self, *, waits: bool = True) -> None:
        self._waits = waits
        self.value = ""
        self.is_noted = self.is_begun = False
        self.held: Document | None = None

    def begin(self, value: str, *, is_noted: bool = False) -> None:
        """Go on to the next."""
        self.value, self.is_noted, self.is_begun, self.held = value, is_noted, False, None

    def write_held(self, ledger: Ledger) -> None:
        """Write the acknowledgement that is held back, where there is one."""
        held, self.held = self.held, None
        if held is not None:
            ledger.acknowledged([self.value], waits=self._waits, **held)
