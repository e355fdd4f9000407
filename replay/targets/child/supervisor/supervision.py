"""The supervisor's own work: start, see end, kill."""

import os
import resource
import select
import signal
import sys
import time

from .messages import Message, MessageChannel
from .process_tree import descendants

TYPE_CHECKING = False  # `typing` itself would take a third of the supervisor's start
if TYPE_CHECKING:
    from typing import NoReturn

_PR_SET_CHILD_SUBREAPER = 36
_PARENT_CHECK_S = 1.0
_KILLING_TAKES_AT_MOST_S = 5.0
_COMMAND_NOT_FOUND = 127


def become_subreaper() -> bool:
    """
    Have every orphan below this process handed to it, so that no daemon of the function gets away.

    Only Linux knows this; elsewhere a process that leaves the function's process group may outlive it.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    return ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0  # type: ignore[no-any-return]  # an int


class Supervisor:
    """Has one function's process at a time, and all its descendants."""

    def __init__(self, control: MessageChannel) -> None:
        self._control = control
        self._main: int | None = None
        self._parent = os.getppid()
        self._wake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit())

    def run(self) -> None:
        """Obey until the control socket closes, or the process at its other end is gone; then leave nothing behind."""
        control = self._control.fileno()
        try:
            while os.getppid() == self._parent:
                ready, _, _ = select.select([control, self._wake], [], [], _PARENT_CHECK_S)
                if self._wake in ready:
                    os.read(self._wake, 4096)
                    self._reap()
                if control in ready:
                    self._obey(*self._control.receive())
        except (EOFError, ConnectionError):
            pass  # whoever started us is gone, or is done with us
        finally:
            self._kill_all()

    def _obey(self, message: Message, descriptors: list[int]) -> None:
        if message["do"] == "start":
            self._start(message, descriptors[0])
            os.close(descriptors[0])
        elif message["do"] == "signal":
            if self._main is not None:
                _signal(self._main, message["number"])
        elif message["do"] == "freeze":
            _stopped_descendants()
        elif message["do"] == "thaw":
            for pid in descendants(os.getpid()):
                _signal(pid, signal.SIGCONT)
        elif message["do"] == "kill":
            self._control.send({"event": "gone", "left": self._kill_all()})

    def _start(self, message: Message, log: int) -> None:
        failing, failed = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            self._control.send({"event": "refused", "why": str(error)})
            return
        if pid == 0:
            _become(message, log, failed)
        os.close(failed)
        problem = os.read(failing, 4096).decode("utf-8", "replace")  # ends empty as soon as the program runs
        os.close(failing)
        if problem:
            self._control.send({"event": "refused", "why": problem})
        else:
            self._main = pid
            self._control.send({"event": "started", "pid": pid})

    def _reap(self) -> bool:
        """Take note of those that have ended, and say whether there are others."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._main:
                self._main = None
                self._control.send({"event": "ended", "status": status, "peak": _peak_bytes(usage)})

    def _kill_all(self) -> int:
        """Kill every descendant and reap it; say how many could not be killed in good time."""
        give_up = time.monotonic() + _KILLING_TAKES_AT_MOST_S
        while True:
            found = _stopped_descendants()
            for pid in found:
                _signal(pid, signal.SIGKILL)
            # The kernel's list may lack some while others end. That there is no child is sure, and every orphan is one.
            has_children = self._reap_quietly()
            if not (found or has_children) or time.monotonic() > give_up:
                return max(len(found), int(has_children))
            if select.select([self._wake], [], [], 0.002)[0]:
                os.read(self._wake, 4096)

    def _reap_quietly(self) -> bool:
        try:
            return self._reap()
        except ConnectionError:
            return self._reap()  # nobody is there to be told; the process that it was about is reaped


def _stopped_descendants() -> list[int]:
    """List all descendants, after stopping them: what is stopped starts no more processes behind our back."""
    stopped: set[int] = set()
    while True:
        found = descendants(os.getpid())
        fresh = set(found) - stopped
        if not fresh:
            return found
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped |= fresh


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it was quicker
    except PermissionError:
        pass  # a program that changes its user is out of our reach; what is left is counted


def _become(message: Message, log: int, failed: int) -> "NoReturn":
    """Be the function's process, from the moment after the fork."""
    try:
        os.setsid()
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - pathlib would take a third of the supervisor's start
            os.dup2(nothing.fileno(), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores them, and what it starts would, too
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _be_the_first_to_go()
        os.chdir(message["folder"])
        os.execvpe(message["command"][0], message["command"], message["environment"])  # noqa: S606 - the user's own
    except OSError as error:
        os.write(failed, f"{error.strerror}: {error.filename or message['command'][0]}".encode())
    finally:
        os._exit(_COMMAND_NOT_FOUND)


def _be_the_first_to_go() -> None:
    """Tell the kernel, should it run out of memory, to end this process and not the one that runs the tests."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123 - the same
            file.write("1000")
    except OSError:
        pass  # not Linux, or not allowed: it is a courtesy only


def _peak_bytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
