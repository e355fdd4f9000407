"""The `local` target: the function in our own process, on a mocked AWS."""

import dataclasses
import os
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from time import perf_counter, time
from types import TracebackType
from typing import Self

from replay.delivery.attempt import Attempt, Reply
from replay.errors import FunctionError, TargetError
from replay.fixtures.fixture import StoredObject
from replay.functions.function import Function
from replay.payloads.aws_calls import Fault
from replay.payloads.partitions import ENDPOINT_SUFFIXES
from replay.targets.aws.call_recorder import CallRecorder
from replay.targets.base import Invoker
from replay.targets.in_process import aws_calls
from replay.targets.in_process.aws_mock import AwsMock
from replay.targets.in_process.captured_clock import CapturedClock
from replay.targets.in_process.closed_network import ClosedNetwork
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.deadline import Deadline
from replay.targets.in_process.function_environment import EnvironmentExchange, log_stream_name
from replay.targets.in_process.invocation_context import LambdaContext
from replay.targets.in_process.invocation_log import InvocationLog
from replay.targets.in_process.mock_resources import MockResources
from replay.targets.in_process.named_loggers import NamedLoggers
from replay.targets.in_process.own_modules import OwnModules, import_roots, python_path, vendored_names
from replay.targets.in_process.python_runtime import Answer, PythonRuntime
from replay.targets.in_process.setup_function import SetupFunction


class LocalTarget(Invoker):
    """
    Runs a Python function here as Lambda's runtime would, without AWS, credentials or network.

    The function stays warm between invocations and fixtures, as on AWS; with `cold` each invocation imports its own
    modules afresh (installed packages stay, and what `setup` has put into the function's modules lasts one invocation).
    Where the caller has moto's `mock_aws` running, that AWS is used as it is and never reset.

    `last_exception` is what ended the last invocation, with its traceback, for a debugger.
    """

    name = "local"
    tells_effects = True

    def __init__(self, function: Function, *, cold: bool = False, project: Path | None = None) -> None:
        """*project* is the folder in which `setup` may be found beside the code; the working directory by default."""
        code, layers = function.code.absolute(), tuple(layer.absolute() for layer in function.layers)
        self._function = function = dataclasses.replace(function, code=code, layers=layers)
        self.cold = cold
        self.last_exception: BaseException | None = None
        roots = import_roots(code, layers, function.runtime)
        self._environment = EnvironmentExchange(function)
        self._modules = OwnModules(
            (*roots, *python_path(function)), project=project or Path.cwd(), search_project=function.setup is not None
        )
        self._loggers = NamedLoggers()
        self._network = ClosedNetwork(function.display_name, function.allow_hosts, ENDPOINT_SUFFIXES)
        self._aws = AwsMock()
        self._clock = CapturedClock()
        self._log = InvocationLog(function)
        self._resources = MockResources(function)
        self._setup = SetupFunction(function)
        self._code_map = CodeMap(roots, vendored_names(roots))
        self._runtime = PythonRuntime(function, roots, self._code_map)
        self._calls = CallRecorder()
        self._seam = aws_calls.CallSeam(recorder=self._calls, function=function, spend=self._runtime.spend)
        self._log_stream_name = log_stream_name(function)
        self._folder: str | None = None
        self._inside: ExitStack | None = None
        self._is_prepared = self._has_written = self._has_run = False
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> list[str]:
        """Sentences for the user about what is different from Lambda here."""
        return [*self._notes, *self._resources.notes()]

    def __enter__(self) -> Self:
        self.resume()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume()
        try:
            self._setup.close()
        finally:
            self._is_prepared = False
            if not self._aws.shared:
                self._aws.reset()
            self._forget()
            self.suspend()

    def resume(self) -> None:
        """Put the function's mocks, modules and environment into the process."""
        if self._inside is not None:
            return
        with ExitStack() as stack:
            parts = (self._environment, self._modules, self._loggers, self._network, self._aws)
            for part in parts:
                part.resume()
                stack.callback(part.suspend)
            stack.enter_context(aws_calls.listening(self._notice, self._seam))
            self._inside = stack.pop_all()
        self._is_prepared = self._is_prepared and self._aws.is_marked()

    def suspend(self) -> None:
        """
        Take the function's mocks, modules and environment out of the process for now.

        A `setup` that wraps the replay ends here, and begins anew with the next fixture.
        """
        if self._inside is None:
            return
        inside, self._inside = self._inside, None
        with inside:
            if self._setup.wraps:
                self._is_prepared = False
                self._setup.close()

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        """
        Start a fixture: bring AWS back to what it was after `setup`, where anything has changed since.

        Raises:
            TargetError: `setup` failed, or this function cannot run here.
            FunctionError: The function's code is not there.
        """
        self._require_inside()
        self._calls.begin(faults)
        self.last_exception = None
        moved = self._clock.set(at) if self._function.clock == "captured" else False
        stale = self._has_written or moved or (self._has_run and self._setup.wraps)
        if stale and self._aws.shared and self._is_prepared:
            self._notes["AWS is your own mock_aws here: it is not reset between fixtures"] = None
            self._has_written = False
        elif stale or not self._is_prepared:
            self._prepare()
        self._has_run = False

    def place_objects(self, objects: Sequence[StoredObject]) -> None:
        """Put *objects* into the mocked S3; the next fixture starts without them."""
        self._require_inside()
        if not self._is_prepared:
            self._prepare()
        with self._clock:
            self._resources.place(objects)
        self._has_written = True

    def invoke(self, attempt: Attempt) -> Reply:
        """Invoke the function once, as `Invoker.invoke` says."""
        self._require_inside()
        if not self._is_prepared:
            self._prepare()
        if self.cold and self._runtime.is_warm:
            self._forget()
        if not Deadline.can_be_kept():
            self._notes["the function's timeout is kept in the main thread only, and this is another one"] = None
        self._has_run = True
        request_id = attempt.request_id or str(uuid.uuid4())
        started = perf_counter()
        answer, log = self._run(attempt.payload, request_id)
        duration_s = perf_counter() - started + self._runtime.spent_s
        self.last_exception = answer.exception
        if answer.status in {"timed_out", "exited"} or not self._runtime.is_warm:
            self._forget()  # the process would be a new one
        return Reply(
            status=answer.status,
            payload=answer.payload,
            failure=answer.failure,
            duration_s=duration_s,
            log=self._code_map.text(log),
            effects=self._calls.stop(),
        )

    def _run(self, payload: str, request_id: str) -> tuple[Answer, str]:
        function = self._function

        def context() -> LambdaContext:
            self._calls.start()
            return LambdaContext(
                function,
                request_id=request_id,
                log_stream_name=self._log_stream_name,
                deadline=time() + function.timeout_s,
                spent_s=lambda: self._runtime.spent_s,
            )

        outside = _working_folder()
        self._log.start(request_id)
        try:
            os.chdir(self._folder or function.code)
            with self._clock:
                answer = self._runtime.invoke(payload, context, request_id)
        finally:
            log = self._log.stop()
            self._folder = _working_folder()
            if outside is not None:
                os.chdir(outside)
        return answer, log

    def _prepare(self) -> None:
        """Bring AWS into the state after `setup`."""
        self._is_prepared = False
        self._check_runnable()
        self._setup.close()
        if self.cold:
            self._forget()
        if not self._aws.shared:
            self._aws.reset()
        with self._clock:
            self._resources.create()
            self._setup.run()
        self._aws.mark()
        self._is_prepared = True
        self._has_written = False

    def _check_runnable(self) -> None:
        function = self._function
        if not function.runtime.startswith("python"):
            raise TargetError(
                f"the local target runs Python, and {function.display_name} is {function.runtime}",
                where=str(function.template or function.display_name),
                expected="a python3.x runtime",
            )
        if not function.code.is_dir():
            raise FunctionError(
                f"the code of {function.display_name} is not there",
                where=str(function.code),
                expected="a folder",
                hint="correct `code` (CodeUri in the template), or build the function first",
            )
        here = function.other_python_here
        if here:
            self._notes[f"{function.display_name} runs on {here} here, and on {function.runtime} on AWS"] = None

    def _require_inside(self) -> None:
        if self._inside is None:
            raise TargetError(
                "the local target is not active: the function would meet real AWS",
                hint="use it in a `with` block, and resume it after suspending",
            )

    def _forget(self) -> None:
        """Be as a new process."""
        self._folder = None
        self._runtime.forget()
        self._modules.forget()
        self._environment.forget()
        self._loggers.forget()
        self._log.forget()

    def _notice(self, service: str, operation: str) -> None:  # noqa: ARG002 - a listener is told both
        self._has_written = self._has_written or aws_calls.is_write(operation)


def _working_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a Path costs more than all the rest here
    except FileNotFoundError:  # somebody has removed it
        return None
