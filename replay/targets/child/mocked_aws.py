"""The AWS that a function's process meets: made when it is first called, as new for each fixture."""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from replay.fixtures.fixture import StoredObject
from replay.functions.function import Function
from replay.payloads.partitions import ENDPOINT_SUFFIXES
from replay.targets.aws.call_recorder import CallRecorder
from replay.targets.child.aws_server import AwsServer
from replay.targets.in_process.aws_mock import AwsMock
from replay.targets.in_process.captured_clock import CapturedClock
from replay.targets.in_process.closed_network import ClosedNetwork
from replay.targets.in_process.function_environment import EnvironmentExchange
from replay.targets.in_process.mock_resources import MockResources
from replay.targets.in_process.named_loggers import NamedLoggers
from replay.targets.in_process.own_modules import OwnModules, import_roots
from replay.targets.in_process.setup_function import SetupFunction


class MockedAws:
    """
    moto behind a socket, with the function's resources in it.

    A `setup` of *function* is run here, in our process, to prepare this AWS. One that the function's own process runs
    is to be taken out of *function*, and told of by `setup_finished`.

    Most of it is lazy: a function that calls no AWS and has no `setup` costs nothing. Where the caller has moto's
    `mock_aws` running, that AWS is served as it is and never reset. Whoever waits for the function does so inside of
    `clock`, so that AWS has the function's time.
    """

    def __init__(self, function: Function, *, project: Path, recorder: CallRecorder) -> None:
        self._function = function
        self._recorder = recorder
        self._aws = AwsMock()
        self.clock = CapturedClock()
        self._resources = MockResources(function)
        self._setup = SetupFunction(function)
        roots = import_roots(function.code, function.layers, function.runtime)
        self._around_setup = (
            OwnModules(roots, project=project, search_project=True),
            NamedLoggers(),
            ClosedNetwork(function.name, function.allow_hosts, ENDPOINT_SUFFIXES),
        )
        self._server: AwsServer | None = None
        self._is_inside = self._is_used = self._is_prepared = self._is_set_up = False
        self._holds_objects = False
        self._notes: dict[str, None] = {}
        self.prepared_variables: Mapping[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """Sentences for the user about what is different from AWS here."""
        return [*self._notes, *self._resources.notes()]

    @property
    def has_written(self) -> bool:
        """Whether a call since the fixture began may have changed anything."""
        return self._holds_objects or (self._server is not None and self._server.has_written)

    @property
    def wraps(self) -> bool:
        """Whether a `setup` is open around the replay, in our process."""
        return self._setup.wraps

    def resume(self) -> None:
        """Let this AWS into our process, where it was used before."""
        if self._is_used and not self._is_inside:
            self._aws.resume()
            self._is_inside = True
            self._is_prepared = self._is_prepared and self._aws.is_marked()
            if self._server is not None:
                self._server.paused = False

    def suspend(self) -> None:
        """Put the AWS around it back; a `setup` that wraps the replay ends."""
        if not self._is_inside:
            return
        if self._server is not None:
            self._server.paused = True
        try:
            if self._setup.wraps:
                self._is_prepared = False
                self._close_setup()
        finally:
            self._aws.suspend()
            self._is_inside = False

    def close(self) -> None:
        """Let nothing of it remain."""
        self.stop_serving()
        self.resume()
        try:
            self._close_setup()
        finally:
            self._is_prepared = False
            if self._is_inside and not self._aws.shared:
                self._aws.reset()
            self.suspend()

    def begin(self, *, at: datetime | None, stale: bool) -> None:
        """
        Bring it back to what it was after `setup`, where that is needed.

        Args:
            at: The time to show, None for the real one.
            stale: Whether anything may have changed since the last fixture began.
        """
        moved = self.clock.set(at)
        if self._function.setup is None and not self._is_used:
            return
        if (stale or moved) and self._aws.shared and self._is_prepared:
            self._notes["AWS is your own mock_aws here: it is not reset between fixtures"] = None
            self._forget_writes()
        elif stale or moved or not self._is_prepared:
            with self.clock:
                self._prepare()

    def place(self, objects: Sequence[StoredObject]) -> None:
        """Put *objects* into S3, until the next fixture begins."""
        if not self._is_prepared:
            self._prepare()
        with self.clock, self._as_the_function():
            self._resources.place(objects)
        self._holds_objects = True

    def serve(self, listener: socket.socket) -> None:
        """Answer what comes in by *listener* from now on."""
        if not self._is_prepared:
            self._prepare()
        self._server = AwsServer(listener, self._function, self._recorder)

    def stop_serving(self) -> None:
        """Answer no more, as the process that asked is gone and its socket with it."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def settle(self) -> None:
        """Wait, behind an invocation, until the calls that were sent in it are noted: nothing delays them any more."""
        if self._server is not None:
            self._recorder.has_ended.set()
            self._server.settle()

    def setup_finished(self) -> None:
        """Take what the function's process has done until now for the state that a fixture starts from."""
        self._is_set_up = True
        if self._is_used:
            self._aws.mark()
        self._forget_writes()

    @contextmanager
    def while_starting(self) -> Iterator[None]:
        """
        Let the function's process run its `setup` inside.

        Where it was run before on this AWS, since the fixture began, its calls meet another one, which is then dropped.
        """
        if not (self._is_set_up and self._is_used):
            yield
            return
        scratch, has_written = AwsMock(), self.has_written
        scratch.resume()
        try:
            with self._as_the_function():
                self._resources.create()
            yield
        finally:
            scratch.reset()
            scratch.suspend()
            if self._server is not None:
                self._server.has_written = has_written

    def _prepare(self) -> None:
        self._is_used = True
        self._is_prepared = False
        self.resume()
        with self._as_the_function():
            self._setup.close()
            if not self._aws.shared:
                self._aws.reset()
                self._is_set_up = False
            self._resources.create()
            before = dict(os.environ)
            self._setup.run()
            self.prepared_variables = {name: text for name, text in os.environ.items() if before.get(name) != text}
        self._aws.mark()
        self._is_prepared = True
        self._forget_writes()

    def _close_setup(self) -> None:
        if self._setup.wraps:
            with self._as_the_function():
                self._setup.close()

    def _forget_writes(self) -> None:
        self._holds_objects = False
        if self._server is not None:
            self._server.has_written = False

    @contextmanager
    def _as_the_function(self) -> Iterator[None]:
        """Be, in our own process, where the function is: its variables, its modules, its closed network."""
        with ExitStack() as stack:
            for part in (EnvironmentExchange(self._function), *self._around_setup):
                part.resume()
                stack.callback(part.suspend)
            yield
