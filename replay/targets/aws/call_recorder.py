"""The AWS calls of one invocation, in order, and the faults that they meet, whichever seam sees them."""

import threading
from collections.abc import Mapping, Sequence

from replay.payloads.aws_calls import AwsCall, AwsError, Fault
from replay.payloads.exact_json import Json
from replay.payloads.fault_plan import FaultPlan

NEVER_ANSWERED = AwsError(code="ReadTimeoutError", message="the call was never answered")
_CUT_OFF = AwsError(code="Unanswered", message="the invocation ended before the call did")


class SeenCall:
    """A call under way: `fault` is what it meets; how it ended is noted by `succeed` or `fail`, the last one counts."""

    __slots__ = ("_attempts", "_error", "_is_injected", "_result", "fault", "operation", "parameters", "service")

    def __init__(self, service: str, operation: str, parameters: Mapping[str, Json], fault: Fault | None) -> None:
        self.service = service
        self.operation = operation
        self.parameters = parameters
        self.fault = fault
        self._result: Mapping[str, Json] | None = None
        self._error: AwsError | None = None
        self._is_injected = False
        self._attempts = 0

    def attempt(self) -> None:
        """Note that the SDK sends it once more."""
        self._attempts += 1

    def succeed(self, result: Mapping[str, Json]) -> None:
        """Note what came back."""
        self._result, self._error, self._is_injected = result, None, False

    def fail(self, code: str, message: str) -> None:
        """Note the error; that of a call that meets one is ours."""
        self._result, self._error = None, AwsError(code=code, message=message)
        self._is_injected = self.fault is not None and (self.fault.error is not None or code == NEVER_ANSWERED.code)

    def go_unanswered(self) -> None:
        """Note that nothing will come back, whoever gives up first."""
        self._result, self._error, self._is_injected = None, NEVER_ANSWERED, True

    def as_value(self) -> AwsCall:
        """Give the call as it stands."""
        error = self._error or (_CUT_OFF if self._result is None else None)
        return AwsCall(
            service=self.service,
            operation=self.operation,
            parameters=self.parameters,
            result=self._result,
            error=error,
            injected=self._is_injected,
            attempts=max(self._attempts, 1),
        )


class CallRecorder:
    """
    Takes the calls between `start` and `stop` of an invocation; those of `setup`, of an import and of others pass by.

    It is used by the threads of a function, or of the server that answers it.
    """

    def __init__(self) -> None:
        self._plan = FaultPlan(())
        self._calls: list[SeenCall] = []
        self._by_id: dict[str, SeenCall] = {}
        self._lock = threading.Lock()
        self.is_on = False
        self.has_ended = threading.Event()
        """Whoever delays an answer waits for this: after it nobody needs the answer any more."""

    def begin(self, faults: Sequence[Fault]) -> None:
        """Begin a replay, in which calls meet *faults*."""
        self.stop()
        self._plan = FaultPlan(faults)

    def start(self) -> None:
        """Begin an invocation."""
        self._calls, self._by_id = [], {}
        self.has_ended.clear()
        self.is_on = True

    def stop(self) -> tuple[AwsCall, ...]:
        """End the invocation, and give its calls."""
        self.is_on = False
        self.has_ended.set()
        calls, self._calls = self._calls, []
        return tuple(call.as_value() for call in calls)

    def known(self, call_id: str) -> SeenCall | None:
        """Give the call of which a request with this id is another attempt."""
        return self._by_id.get(call_id) if call_id else None

    def meet(
        self, service: str, operation: str, parameters: Mapping[str, Json], *, call_id: str = ""
    ) -> SeenCall | None:
        """
        Take a call, and say by its `fault` what it meets; None outside of an invocation.

        Args:
            call_id: What the SDK sends with each attempt of one call, where it does. A call that has come in meanwhile
                is the same one: an impatient SDK may send the next attempt while the first one is still being read.
        """
        with self._lock:
            if not self.is_on:
                return None
            if known := self.known(call_id):
                return known
            call = SeenCall(service, operation, parameters, self._plan.meet(f"{service}:{operation}"))
            self._calls.append(call)
            if call_id:
                self._by_id[call_id] = call
            return call
