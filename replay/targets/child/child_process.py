"""A function's process: started, seen to end, and killed with all its descendants."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, NamedTuple, Self

from replay.counted_nouns import counted
from replay.errors import TargetError
from replay.targets.child.supervisor.messages import Message, MessageChannel

_FOLDER = Path(__file__).parent
_ENDS_WITHIN_S = 10
_NEEDED_BY_PYTHON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "PYTHONHOME")


class Ended(NamedTuple):
    """How a process ended: the status as `os.wait` gives it, and the most memory that it held by itself."""

    status: int
    peak_bytes: int


class ChildProcess:
    """
    One process at a time with all its descendants, in the care of a supervisor.

    The supervisor starts with `__enter__` and ends with `__exit__`, or when we are gone, and takes with it whatever it
    has started. `fileno` becomes readable when there is something for `take_end`.

    With `closed_network` the process has a network of its own, with nothing in it but the two `listeners`, where the
    system allows it: `is_network_closed` says so, and `why_open` the reason. `is_contained` is False where a descendant
    can get away by making itself a daemon, which Linux alone prevents.
    """

    _why_this_system_is_open: ClassVar[str] = ""

    def __init__(self, *, closed_network: bool) -> None:
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._control: MessageChannel | None = None
        self._ended: Ended | None = None
        self._is_running = self._may_have_left_some = False
        self.is_contained = False
        self.pid = 0
        self.ports: tuple[int, int] = (0, 0)
        self.listeners: tuple[socket.socket, ...] = ()
        self.is_network_closed = False
        self.why_open = self._why_this_system_is_open if closed_network else "it was not asked for"

    def __enter__(self) -> Self:
        self._launch(closed_network=not self.why_open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in self.listeners:
            listener.close()
        self.listeners = ()
        if self._control is not None:
            self._control.close()  # which ends the supervisor, and it everything below
            self._control = None
        if self._supervisor is not None:
            try:
                self._supervisor.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
                self._supervisor.wait()
            self._supervisor = None
        self._is_running = False

    def fileno(self) -> int:
        """Give the descriptor to wait on."""
        return self._open_control().fileno()

    @property
    def is_running(self) -> bool:
        """Whether the process was started and has not been seen to end."""
        return self._is_running

    def make_ready(self) -> None:
        """
        Wait until the supervisor is there, with `ports` and `listeners`.

        Raises:
            TargetError: It did not start.
        """
        if self.listeners:
            return
        message, descriptors = self._receive()
        if message["event"] == "open":
            self.why_open = ChildProcess._why_this_system_is_open = message["why"]
            self.__exit__(None, None, None)
            self._launch(closed_network=False)
            message, descriptors = self._receive()
        self.is_contained = message["is_contained"]
        self.is_network_closed = not self.why_open
        self.ports = tuple(message["ports"])
        self.listeners = tuple(socket.socket(fileno=descriptor) for descriptor in descriptors)

    def start(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: int) -> None:
        """
        Start the process, which writes what it prints to the descriptor *log*.

        Raises:
            TargetError: The command cannot be run.
        """
        self.make_ready()
        self._ended = None
        self._may_have_left_some = True
        request = {"do": "start", "command": list(command), "environment": dict(environment), "folder": str(folder)}
        self._open_control().send(request, [log])
        message, _ = self._receive()
        if message["event"] == "refused":
            raise TargetError(
                f"the function's process cannot be started: {message['why']}",
                where=f"{' '.join(command[:2])} in {folder}",
                expected="a program of this machine",
                hint="correct `command` in [tool.replay], or make the file executable (chmod +x)",
            )
        self.pid = message["pid"]
        self._is_running = True

    def take_end(self) -> Ended:
        """Say how the process ended, once `fileno` is readable."""
        while self._ended is None:
            self._notice(self._receive()[0])
        return self._ended

    def kill(self) -> None:
        """
        Kill the process and every descendant of it, those of an ended process too; none is left when this returns.

        Raises:
            TargetError: Some are left: they run as another user, or hang in the kernel.
        """
        if not self._may_have_left_some:
            return
        self._open_control().send({"do": "kill"})
        while True:
            message, _ = self._receive()
            if message["event"] == "gone":
                break
            self._notice(message)
        if message["left"]:
            raise TargetError(
                f"{counted(message['left'], 'process', 'processes')} that the function started cannot be killed",
                where=f"below process {self.pid}",
                hint="they run as another user, or hang in the kernel: end them yourself",
            )
        self._may_have_left_some = False

    def signal(self, number: int) -> None:
        """Send the process a signal, if it still runs."""
        self._open_control().send({"do": "signal", "number": int(number)})

    def freeze(self) -> None:
        """Stop the process and every descendant of it where they are, as Lambda does between invocations."""
        if self.listeners:
            self._open_control().send({"do": "freeze"})

    def thaw(self) -> None:
        """Let them go on."""
        if self.listeners:
            self._open_control().send({"do": "thaw"})

    def _notice(self, message: Message) -> None:
        if message["event"] == "ended":
            self._ended = Ended(message["status"], message["peak"])
            self._is_running = False

    def _launch(self, *, closed_network: bool) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-s", "-S", "-c", "from supervisor.entry import main; main()"]
            self._supervisor = subprocess.Popen(  # noqa: S603 - our own program
                [*command, str(theirs.fileno()), "closed" if closed_network else "open"],
                pass_fds=[theirs.fileno()],
                cwd=_FOLDER,
                env={name: os.environ[name] for name in _NEEDED_BY_PYTHON if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is ours to handle
            )
        self._control = MessageChannel(ours)

    def _open_control(self) -> MessageChannel:
        if self._control is None:
            raise TargetError("the function's process is used outside of its `with` block")
        return self._control

    def _receive(self) -> tuple[Message, list[int]]:
        try:
            return self._open_control().receive()
        except (EOFError, ConnectionError) as error:
            self._is_running = False
            if self.pid:
                with contextlib.suppress(OSError):
                    os.killpg(self.pid, 9)
            raise TargetError(
                "the process that watches over the function's process has ended",
                hint="does the function kill its parent process? Otherwise this is a bug of replay: report it",
            ) from error
