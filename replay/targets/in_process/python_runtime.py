"""Lambda's Python runtime in our own process: start a function, hand it an event, take its answer or its failure."""

from bdb import BdbQuit
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from replay.delivery.attempt import ReplyStatus
from replay.delivery.python_answers import UnsendableAnswer
from replay.errors import ReplayError
from replay.functions.function import Function
from replay.payloads.failures import Failure
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.deadline import Deadline, TimedOut
from replay.targets.in_process.exception_report import raised_failure, stack_of
from replay.targets.in_process.handler_import import Handler, check_installed, import_handler
from replay.targets.in_process.left_threads import nobody_waits_for_threads
from replay.targets.in_process.process_exit import Exited, ExitGuard
from replay.targets.in_process.runtime_faults import RuntimeFault, exited, timed_out
from replay.targets.in_process.runtime_json import RuntimeJson

_INIT_LIMIT_S = 10
"""Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle"."""


class Answer(NamedTuple):
    """What came of one step: the answer's JSON text, or the failure; and the exception as it was raised, if any."""

    status: ReplyStatus
    payload: str | None = None
    failure: Failure | None = None
    exception: BaseException | None = None


class PythonRuntime:
    """
    Does what Lambda's Python runtime does around a handler.

    Source: aws-lambda-python-runtime-interface-client 4.2.2, `bootstrap.py`.
    """

    def __init__(self, function: Function, roots: Sequence[Path], code_map: CodeMap) -> None:
        self._function = function
        self._roots = roots
        self._code_map = code_map
        self._json = RuntimeJson(function.runtime)
        self._handler: Handler | None = None
        self._deadline: Deadline | None = None
        self._exit = ExitGuard()

    @property
    def spent_s(self) -> float:
        """The seconds that the invocation lost at once, by `spend`."""
        return self._deadline.spent_s if self._deadline is not None else 0.0

    def spend(self, seconds: float) -> None:
        """Let the invocation lose so many seconds at once; see `Deadline.spend`."""
        if self._deadline is not None:
            self._deadline.spend(seconds)

    @property
    def is_warm(self) -> bool:
        """Whether the handler is imported."""
        return self._handler is not None

    def forget(self) -> None:
        """Be cold again."""
        self._handler = None

    def invoke(self, payload: str, context: Callable[[], Any], request_id: str) -> Answer:
        """
        Hand over one event, after importing the handler where that is still to do.

        Args:
            context: Makes the context object, once the handler is there: importing takes none of the function's time.

        A failure to start has an empty request id (recording test_lambda_runtime_error).

        Raises:
            FunctionError: Something is missing on this machine, not in the function.
        """
        if self._handler is None:
            timeout_s = max(self._function.timeout_s, _INIT_LIMIT_S)
            started = self._run(self._start, timeout_s=timeout_s, request_id=request_id, is_start=True)
            if started.status != "returned":
                return started

        def handle() -> str:
            event = self._json.read_event(payload)
            return self._json.write_answer(self._handler(event, context()))  # type: ignore[misc]  # imported above

        return self._run(handle, timeout_s=self._function.timeout_s, request_id=request_id)

    def _start(self) -> str:
        self._handler = import_handler(self._function, self._roots, self._code_map)
        return ""

    def _run(self, step: Callable[[], str], *, timeout_s: float, request_id: str, is_start: bool = False) -> Answer:
        try:
            with nobody_waits_for_threads(), Deadline(timeout_s) as self._deadline, ExitGuard() as self._exit:
                answer = Answer("returned", step())
                # A `return` in `finally` may have held these back: Lambda's process would be gone.
                if self._deadline.has_rung:
                    raise TimedOut  # noqa: TRY301 - reported below, as any other
                if self._exit.code is not None:
                    raise Exited(self._exit.code)  # noqa: TRY301 - the same
                return answer
        except ReplayError:
            raise
        except BaseException as error:
            if _is_for_the_driver(error):
                raise
            if isinstance(error, ImportError):
                check_installed(error, self._function, self._roots)
            return self._failed(error, request_id, is_start=is_start)

    def _failed(self, error: BaseException, request_id: str, *, is_start: bool) -> Answer:
        failure_id = "" if is_start else request_id
        fault = self._fault(error)
        if fault is None:
            return Answer("raised", None, raised_failure(error, self._code_map, failure_id), error)
        failure = Failure(
            error_type=fault.error_type,
            message=fault.text(request_id),
            frames=fault.frames,
            stack=fault.stack,
            observed="local",
            request_id=failure_id,
        )
        return Answer(fault.status, None, failure, error.__cause__ if fault is error else error)

    def _fault(self, error: BaseException) -> RuntimeFault | None:
        """Say what the runtime or the platform makes of *error*; None where it is reported as it was raised."""
        if isinstance(error, TimedOut) or (self._deadline is not None and self._deadline.has_rung):
            # Also of a start the function's own timeout is named: recording test_lambda_runtime_exit_segfault.
            return timed_out(self._function.timeout_s, stack_of(error, self._code_map))
        if isinstance(error, RuntimeFault) and self._exit.code is None:
            return error
        return self._end(error) or self._unreportable(error)

    def _end(self, error: BaseException) -> RuntimeFault | None:
        """Say how *error* ended the runtime's process; None where the runtime catches it."""
        if self._exit.code is not None:
            return exited(self._exit.code, stack_of(error, self._code_map))
        if isinstance(error, SystemExit):
            return exited(error.code, stack_of(error, self._code_map))
        if isinstance(error, UnsendableAnswer):
            return exited(1, str(error))
        return None if isinstance(error, Exception) else exited(1, stack_of(error, self._code_map))

    def _unreportable(self, error: BaseException) -> RuntimeFault | None:
        """
        Say what becomes of an error whose text cannot be sent: the runtime itself fails, and its process ends.

        Source: aws-lambda-python-runtime-interface-client 4.2.2, `bootstrap.py`: it takes `str(error)` unguarded.
        """
        try:
            str(error).encode()
        except KeyboardInterrupt:
            raise
        except SystemExit as trouble:
            return exited(trouble.code, stack_of(error, self._code_map))
        except BaseException:  # noqa: BLE001 - whatever the user's `__str__` does
            return exited(1, stack_of(error, self._code_map))
        return None


def _is_for_the_driver(error: BaseException) -> bool:
    """Say whether *error* is meant for whoever runs us: Ctrl-C, a debugger's quit, pytest's own outcomes."""
    if isinstance(error, KeyboardInterrupt | BdbQuit):
        return True
    return any(kind.__module__.startswith("_pytest.") for kind in type(error).__mro__)
