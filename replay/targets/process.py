"""The `process` target: the function in a child process, in any language, under the Lambda Runtime API."""

import dataclasses
import hashlib
import re
import sys
import time
import uuid
from collections.abc import Mapping
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
from replay.targets.child.network_closure import open_note, wants_closed_network
from replay.targets.child.replies import reply_of
from replay.targets.child.report_lines import end_lines, start_line
from replay.targets.child.supervisor.process_tree import can_measure_memory
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.handler_import import check_installed
from replay.targets.in_process.invocation_context import function_arn
from replay.targets.in_process.own_modules import import_roots, vendored_names

_INIT_LIMIT_S = 10
"""Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle"."""

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Runtime.ImportModuleError"})
_MISSING = re.compile(r"No module named '([^']+)'")
_BROKEN = re.compile(r"/[^:]+\.(?:so|pyd|dylib)\b")


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
        self._prepared: tuple[Mapping[str, str], float | None] = ({}, None)
        self._is_inside = self._has_started = False
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
        """Put the mocked AWS into our process, where there is one, and let the function's process go on."""
        if self._is_inside:
            return
        self._is_inside = True
        self._aws.resume()
        if self._environment is not None:
            self._environment.child.thaw()

    def suspend(self) -> None:
        """
        Take the mocked AWS out of our process for now, and freeze the function's process, as Lambda does.

        A `setup` that wraps the replay ends here, and begins anew with the next fixture.
        """
        if not self._is_inside:
            return
        self._is_inside = False
        if self._environment is not None:
            self._environment.child.freeze()
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
        environment, function = self._open(), self._function
        self._aws.note_run()
        started = time.perf_counter()
        end = self._warm_up(environment)
        init_s = time.perf_counter() - started if self._has_started else None
        init_log = environment.take_log()
        is_start = end is not None
        if end is None:
            started = time.perf_counter()
            payload = attempt.payload.encode("utf-8", "surrogatepass")
            end = environment.invoke(request_id, payload, self._headers(request_id), timeout_s=function.timeout_s)
        duration_s = time.perf_counter() - started
        reply = reply_of(
            end, request_id=request_id, timeout_s=function.timeout_s, is_start=is_start, code_map=self._code_map
        )
        self._check_installed(reply.failure)
        reply = dataclasses.replace(reply, duration_s=duration_s, memory_mb=environment.memory_mb)
        printed = environment.take_log()
        report = end_lines(reply, request_id, memory_size_mb=function.memory_mb, init_s=None if is_start else init_s)
        return dataclasses.replace(reply, log=self._text(init_log, start_line(request_id), printed, report))

    def _warm_up(self, environment: ExecutionEnvironment) -> End | None:
        """Have a process that waits for an event; say how it failed to start, None where it did not."""
        function = self._function
        prepared = (self._aws.prepared_variables, self._clock_offset_s)
        if self._cold or self._prepared != prepared:
            environment.kill()
        self._has_started = not environment.is_ready(limit_s=function.timeout_s)
        if not self._has_started:
            return None
        self._prepared = prepared
        command = command_of(function)
        api_port, aws_port = environment.make_ready()
        self._note_differences(environment)
        variables = environment_of(
            function,
            api_port=api_port,
            aws_port=aws_port,
            prepared=self._aws.prepared_variables,
            clock_offset_s=self._clock_offset_s,
        )
        limit_s = max(function.timeout_s, _INIT_LIMIT_S)
        return environment.initialise(command, variables, function.code, limit_s=limit_s)

    def _headers(self, request_id: str) -> dict[str, str]:
        """Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"."""
        now = time.time() + (self._clock_offset_s or 0.0)
        digest = hashlib.sha256(request_id.encode()).hexdigest()
        return {
            "Lambda-Runtime-Deadline-Ms": str(int((now + self._function.timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": function_arn(self._function),
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(now):08x}-{digest[:24]};Parent={digest[24:40]};Sampled=0",
        }

    def _set_clock(self, at: datetime | None) -> None:
        """Let the next process show the time *at* (UTC where it names no zone) when it starts."""
        self._clock_offset_s = None
        if self._function.clock != "captured" or at is None:
            return
        if language_of(self._function) != "python":
            self._notes[f'{self._function.name} shows the real time: clock = "captured" is kept in Python only'] = None
            return
        moment = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        self._clock_offset_s = moment.timestamp() - time.time()

    def _check_installed(self, failure: Failure | None) -> None:
        """Refuse where a failed import says nothing of the function, but that this machine lacks something."""
        if failure is None or failure.error_type not in _IMPORT_ERRORS or self._function.command:
            return
        missing, broken = _MISSING.search(failure.message), _BROKEN.search(failure.message)
        if missing:
            error: ImportError = ModuleNotFoundError(missing[0], name=missing[1])
        else:
            error = ImportError(failure.message, path=broken[0] if broken else None)
        check_installed(error, self._function, self._roots)

    def _text(self, *parts: str) -> str:
        """Give the log as Lambda has it. The Python client parts the lines of one error by carriage returns."""
        log = self._code_map.text("".join(parts))
        return log.replace("\r", "\n") if language_of(self._function) == "python" else log

    def _open(self) -> ExecutionEnvironment:
        if self._environment is None:
            function = self._function
            self._environment = ExecutionEnvironment(
                closed_network=wants_closed_network(function),
                memory_mb=function.memory_mb,
                on_aws_call=self._aws.serve,
            ).__enter__()
        return self._environment

    def _discard(self) -> None:
        """End the process and everything around it."""
        if self._environment is not None:
            environment, self._environment = self._environment, None
            try:
                self._aws.stop_serving()
            finally:
                environment.__exit__(None, None, None)

    def _note_differences(self, environment: ExecutionEnvironment) -> None:
        function = self._function
        here = f"python{sys.version_info.major}.{sys.version_info.minor}"
        notes = [open_note(function, environment.child)]
        if function.runtime.startswith("python") and not function.command and function.runtime != here:
            notes.append(f"{function.name} runs on {here} here, and on {function.runtime} on AWS")
        if not can_measure_memory():
            notes.append("memory is neither measured nor limited: only Linux tells how much a process holds")
        if not environment.child.is_contained:
            notes.append("a program that the function starts as a daemon may outlive it: only Linux can tell")
        self._notes.update(dict.fromkeys(note for note in notes if note))

    def _require_inside(self) -> None:
        if not self._is_inside:
            raise TargetError(
                "the process target is not active",
                hint="use it in a `with` block, and resume it after suspending",
            )
