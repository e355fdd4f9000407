"""The `process` target: the function in a child process, in any language, under the Lambda Runtime API."""

import dataclasses
import hashlib
import json
import re
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from replay.delivery.attempt import Attempt, Reply
from replay.errors import FunctionError, TargetError
from replay.fixtures.fixture import StoredObject
from replay.functions.function import Function
from replay.payloads.aws_calls import Fault
from replay.payloads.failures import Failure
from replay.targets.aws.call_recorder import CallRecorder
from replay.targets.base import Invoker
from replay.targets.child.execution_environment import End, ExecutionEnvironment
from replay.targets.child.last_trace import cut_trace, last_trace
from replay.targets.child.launch import command_of, environment_of, language_of, runs_own_setup
from replay.targets.child.mocked_aws import MockedAws
from replay.targets.child.network_closure import open_note, wants_closed_network
from replay.targets.child.replies import reply_of
from replay.targets.child.report_lines import end_lines, start_line
from replay.targets.child.supervisor.process_tree import can_measure_memory
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.handler_import import check_installed
from replay.targets.in_process.own_modules import import_roots, vendored_names

_INIT_LIMIT_S = 10
"""Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle"."""

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Runtime.ImportModuleError"})
_MISSING = re.compile(r"No module named '([^']+)'")
_NO_MORE_EVENTS = re.compile(r"^\[ERROR\] \[\d+\] LAMBDA_RUNTIME Failed to get next .*\n", re.MULTILINE)
_BROKEN = re.compile(r"/[^:]+\.(?:so|pyd|dylib)\b")


class ProcessTarget(Invoker):
    """
    Runs a function in a process of its own, which asks our Runtime API for events as it would ask Lambda's.

    A handler that hangs, spins, uses up its memory or ends its process gets the reply that Lambda would give, and
    nothing of it is left. The process stays warm between invocations and fixtures, as on AWS; with `cold` each
    invocation starts a new one. AWS calls go to a mocked AWS; Python and Node are refused every other connection, and
    where the system allows it the process has a network of its own with nothing else in it.

    `setup` runs in a Python function's process before its handler is imported, so that its stubs hold, and again in
    each new process. For another language it runs in ours, and can prepare nothing but AWS and the variables.
    """

    name = "process"
    tells_effects = True

    def __init__(self, function: Function, *, cold: bool = False, project: Path | None = None) -> None:
        """*project* is the folder in which `setup` may be found beside the code; the working directory by default."""
        code, layers = function.code.absolute(), tuple(layer.absolute() for layer in function.layers)
        self._function = function = dataclasses.replace(function, code=code, layers=layers)
        self.cold = cold
        self._project = project or Path.cwd()
        self._roots = import_roots(code, layers, function.runtime)
        self._code_map = CodeMap(self._roots, vendored_names(self._roots))
        self._own_setup = runs_own_setup(function)
        aws_function = dataclasses.replace(function, setup=None) if self._own_setup else function
        self._calls = CallRecorder()
        self._aws = MockedAws(aws_function, project=self._project, recorder=self._calls)
        self._environment: ExecutionEnvironment | None = None
        self._clock_offset_s: float | None = None
        self._prepared: tuple[Mapping[str, str], float | None] = ({}, None)
        self._to_place: tuple[StoredObject, ...] = ()
        self._is_inside = self._has_run = self._wraps = False
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
        self.resume()
        self._is_inside = False
        try:
            self._end_process()
        finally:
            self._discard()
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
        try:
            if self._wraps:
                self._end_process()
            elif self._environment is not None:
                self._environment.child.freeze()
        finally:
            self._aws.suspend()

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        """
        Start a fixture: bring AWS back to what it was after `setup`, where anything has changed since.

        Raises:
            TargetError: `setup` failed.
            FunctionError: The function's code is not there.
        """
        self._require_inside()
        self._to_place = ()
        self._calls.begin(faults)
        self._check_code()
        self._note_python()
        stale = self._aws.has_written or (self._has_run and (self._wraps or self._aws.wraps))
        if self._own_setup and stale:
            self._end_process()
        self._aws.begin(at=self._set_clock(at), stale=stale)
        self._has_run = False

    def place_objects(self, objects: Sequence[StoredObject]) -> None:
        """Put *objects* into the mocked S3 before the next event, behind a `setup` that makes buckets of its own."""
        self._require_inside()
        self._to_place = tuple(objects)

    def invoke(self, attempt: Attempt) -> Reply:
        """Invoke the function once, as `Invoker.invoke` says."""
        self._require_inside()
        self._has_run = True
        try:
            return self._invoke(attempt, attempt.request_id or str(uuid.uuid4()))
        except BaseException:
            self._discard()  # wherever the process is now, nobody waits for it any more
            raise

    def _invoke(self, attempt: Attempt, request_id: str) -> Reply:
        environment, function = self._open(), self._function
        if self.cold or self._prepared != self._to_prepare():
            self._end_process()
        started = time.perf_counter()
        is_start = not environment.is_ready(limit_s=function.timeout_s)
        end = self._start(environment) if is_start else None
        init_s = time.perf_counter() - started if is_start else None
        log = environment.take_log() + start_line(request_id)
        has_failed_to_start = end is not None
        if end is None:
            self._place()
            started = time.perf_counter()
            payload = attempt.payload.encode("utf-8", "surrogatepass")
            self._calls.start()
            with self._aws.clock:
                headers = self._headers(request_id)
                end = environment.invoke(request_id, payload, headers, timeout_s=function.timeout_s)
                duration_s = time.perf_counter() - started
                self._aws.settle()
        else:
            duration_s = time.perf_counter() - started
        reply = self._reply(end, request_id, is_start=has_failed_to_start)
        reply, printed = self._with_trace(reply, environment.take_log())
        printed += "\n" if printed and not printed.endswith("\n") else ""
        effects = self._calls.stop()
        reply = dataclasses.replace(reply, duration_s=duration_s, memory_mb=environment.memory_mb, effects=effects)
        init_s = None if has_failed_to_start else init_s
        log += printed + end_lines(reply, request_id, memory_size_mb=function.memory_mb, init_s=init_s)
        return dataclasses.replace(reply, log=self._code_map.text(log))

    def _place(self) -> None:
        objects, self._to_place = self._to_place, ()
        if objects:
            self._aws.place(objects)

    def _start(self, environment: ExecutionEnvironment) -> End | None:
        """Start a process; say how it failed to start, None where it did not."""
        function = self._function
        command = command_of(function)
        ports = environment.make_ready()
        self._note_differences(environment)
        self._prepared = self._to_prepare()
        prepared, clock_offset_s = self._prepared
        variables = environment_of(
            function, ports=ports, project=self._project, prepared=prepared, clock_offset_s=clock_offset_s
        )
        limit_s = max(function.timeout_s, _INIT_LIMIT_S)
        with self._aws.clock, self._aws.while_starting() if self._own_setup else nullcontext():
            return environment.initialise(command, variables, function.code, limit_s=limit_s)

    def _reply(self, end: End, request_id: str, *, is_start: bool) -> Reply:
        timeout_s = self._function.timeout_s
        reply = reply_of(end, request_id=request_id, timeout_s=timeout_s, is_start=is_start, code_map=self._code_map)
        self._check_installed(reply.failure)
        return reply

    def _with_trace(self, reply: Reply, printed: str) -> tuple[Reply, str]:
        """Tell where a Python function was when its process ended, from what it printed then."""
        if language_of(self._function) != "python":
            return reply, printed
        printed = printed.replace("\r", "\n")  # so the client parts the lines of one error
        trace = ""
        if reply.status == "timed_out":
            printed, trace = cut_trace(printed)
        elif reply.status == "exited":
            trace = last_trace(printed)
        if trace and reply.failure is not None:
            failure = dataclasses.replace(reply.failure, stack=self._code_map.text(trace))
            reply = dataclasses.replace(reply, failure=failure)
        return reply, printed

    def _headers(self, request_id: str) -> dict[str, str]:
        """Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"."""
        now = time.time()  # the captured one, where that is shown
        digest = hashlib.sha256(request_id.encode()).hexdigest()
        return {
            "Lambda-Runtime-Deadline-Ms": str(int((now + self._function.timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(now):08x}-{digest[:24]};Parent={digest[24:40]};Sampled=0",
        }

    def _set_clock(self, at: datetime | None) -> datetime | None:
        """Let the next process start at the time *at* (UTC where it names no zone), and give it as it is kept."""
        self._clock_offset_s = None
        if self._function.clock != "captured" or at is None:
            return None
        if language_of(self._function) != "python":
            name = self._function.display_name
            self._notes[f'{name} shows the real time: clock = "captured" is kept in Python only'] = None
            return None
        moment = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        self._clock_offset_s = moment.timestamp() - time.time()
        return moment

    def _to_prepare(self) -> tuple[Mapping[str, str], float | None]:
        """Give what a process must have been started with."""
        return self._aws.prepared_variables, self._clock_offset_s

    def _check_code(self) -> None:
        if not self._function.code.is_dir():
            raise FunctionError(
                f"the code of {self._function.display_name} is not there",
                where=str(self._function.code),
                expected="a folder",
                hint="correct `code` (CodeUri in the template), or build the function first",
            )

    def _check_installed(self, failure: Failure | None) -> None:
        """Refuse where a failed import says nothing of the function, but that this machine lacks something."""
        if failure is None or failure.error_type not in _IMPORT_ERRORS or self._function.command:
            return
        missing, broken = _MISSING.search(failure.message), _BROKEN.search(failure.message)
        if missing and missing[1] == self._function.handler.rpartition(".")[0].replace("/", "."):
            raise FunctionError(
                f"the handler of {self._function.display_name} is not there: no module {missing[1]!r}",
                where=f"handler {self._function.handler!r} in {self._function.code}",
                hint="correct `handler` (Handler in the template), or `code` (CodeUri)",
            )
        if missing:
            error: ImportError = ModuleNotFoundError(missing[0], name=missing[1])
        else:
            error = ImportError(failure.message, path=broken[0] if broken else None)
        check_installed(error, self._function, self._roots)

    def _open(self) -> ExecutionEnvironment:
        if self._environment is None:
            function = self._function
            self._environment = ExecutionEnvironment(
                closed_network=wants_closed_network(function),
                memory_mb=function.memory_mb,
                on_aws_call=self._aws.serve,
                on_setup=self._hear_of_setup,
                prints_traces=language_of(function) == "python",
            ).__enter__()
        return self._environment

    def _hear_of_setup(self, body: bytes) -> None:
        """Take the process's own word on how `setup` went; what it printed is for the user's eyes, not the log."""
        report = json.loads(body)
        if self._environment is not None:
            sys.stderr.write(self._environment.take_log())
        if "what" in report:
            raise TargetError(report["what"], where=report["where"], expected=report["expected"], hint=report["hint"])
        self._wraps = report["wraps"]
        self._aws.setup_finished()

    def _end_process(self) -> None:
        """End the function's process; where its `setup` wraps the replay, let that end first."""
        wraps, self._wraps = self._wraps, False
        if self._environment is None:
            return
        if wraps:
            self._environment.dismiss(limit_s=_INIT_LIMIT_S)
            sys.stderr.write(_NO_MORE_EVENTS.sub("", self._environment.take_log()))
        else:
            self._environment.kill()

    def _discard(self) -> None:
        """End the process and everything around it."""
        self._wraps = False
        if self._environment is not None:
            environment, self._environment = self._environment, None
            try:
                self._aws.stop_serving()
            finally:
                environment.__exit__(None, None, None)

    def _note_python(self) -> None:
        function = self._function
        here = function.other_python_here
        if here:
            self._notes[f"{function.display_name} runs on {here} here, and on {function.runtime} on AWS"] = None

    def _note_differences(self, environment: ExecutionEnvironment) -> None:
        notes = [open_note(self._function, environment.child)]
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
