"""The `process` target: the function in a child process, in any language, under the Lambda Runtime API."""

import dataclasses
import hashlib
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from replay.delivery.attempt import Attempt, Reply
from replay.errors import FunctionError, TargetError
from replay.functions.function import Function
from replay.payloads.failures import Failure
from replay.targets.base import Invoker
from replay.targets.child.execution_environment import End, ExecutionEnvironment
from replay.targets.child.launch import command_of, environment_of, language_of
from replay.targets.child.mocked_aws import MockedAws
from replay.targets.child.replies import reply_of
from replay.targets.child.report_lines import end_lines, start_line
from replay.targets.child.supervisor.process_tree import can_measure_memory
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.handler_import import check_installed
from replay.targets.in_process.invocation_context import function_arn
from replay.targets.in_process.own_modules import import_roots, vendored_names

_INIT_LIMIT_S = 10
"""Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle"."""


class ProcessTarget(Invoker):
    """
    Runs a function in a process of its own, which asks our Runtime API for events as it would ask Lambda's.

    A handler that hangs, spins, uses up its memory or ends its process gets the reply that Lambda would give, and
    nothing of it is left. The process stays warm between invocations and fixtures, as on AWS; with `cold` each
    invocation starts a new one. AWS calls go to a mocked AWS; Python and Node are refused every other connection, and
    where the system allows it the process has a network of its own with nothing else in it.
    """

    name = "process"

    def __init__(self, function: Function, *, cold: bool = False, project: Path | None = None) -> None:
        """*project* is the folder in which `setup` may be found beside the code; the working directory by default."""
        code, layers = function.code.absolute(), tuple(layer.absolute() for layer in function.layers)
        self._function = function = dataclasses.replace(function, code=code, layers=layers)
        self._cold = cold
        self._roots = import_roots(code, layers, function.runtime)
        self._code_map = CodeMap(self._roots, vendored_names(self._roots))
        self._aws = MockedAws(function, project=project or Path.cwd())
        self._environment: ExecutionEnvironment | None = None
        self._clock_offset_s: float | None = None
        self._started_with: dict[str, str] = {}
        self._is_inside = False
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> list[str]:
        """Sentences for the user about what is different from Lambda here."""
        return [*self._notes, *self._aws.notes]

    def __enter__(self) -> Self:
        self._is_inside = True
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_inside = False
        try:
            self._discard()
        finally:
            self._aws.close()

    def resume(self) -> None:
        """Put the mocked AWS into our process, where there is one; the function's process has lived on."""
        self._is_inside = True
        self._aws.resume()

    def suspend(self) -> None:
        """Take the mocked AWS out of our process for now. A `setup` that wraps the replay ends here."""
        self._is_inside = False
        self._aws.suspend()

    def begin(self, *, at: datetime | None = None) -> None:
        """
        Start a fixture: bring AWS back to what it was after `setup`, where anything has changed since.

        Raises:
            TargetError: `setup` failed, or the function cannot run here.
            FunctionError: The function's code is not there.
        """
        self._require_inside()
        if not self._function.code.is_dir():
            raise FunctionError(
                f"the code of {self._function.name} is not there",
                where=str(self._function.code),
                expected="a folder",
                hint="correct `code` (CodeUri in the template), or build the function first",
            )
        self._aws.begin()
        self._set_clock(at)

    def invoke(self, attempt: Attempt) -> Reply:
        """Invoke the function once, as `Invoker.invoke` says."""
        self._require_inside()
        try:
            return self._invoke(attempt, attempt.request_id or str(uuid.uuid4()))
        except BaseException:
            self._discard()  # wherever the process is now, nobody waits for it any more
            raise

    def _invoke(self, attempt: Attempt, request_id: str) -> Reply:
        environment = self._open()
        function = self._function
        self._aws.note_run()
        if self._cold or self._started_with != self._to_start_with():
            environment.kill()
        init_s = None
        end = None
        if not environment.is_ready(limit_s=function.timeout_s):
            started = time.perf_counter()
            end = self._initialise(environment)
            init_s = time.perf_counter() - started
        start_log = environment.take_log()
        is_start = end is not None
        started = time.perf_counter()
        if end is None:
            payload = attempt.payload.encode("utf-8", "surrogatepass")
            end = environment.invoke(request_id, payload, self._headers(request_id), timeout_s=function.timeout_s)
        duration_s = time.perf_counter() - started
        if is_start:
            duration_s, init_s = init_s or 0.0, None
        reply = self._reply(end, request_id, is_start=is_start)
        reply = dataclasses.replace(reply, duration_s=duration_s, memory_mb=environment.memory_mb)
        report = end_lines(reply, request_id, memory_size_mb=function.memory_mb, init_s=init_s)
        log = f"{start_log}{start_line(request_id)}{environment.take_log()}{report}"
        return dataclasses.replace(reply, log=log)
