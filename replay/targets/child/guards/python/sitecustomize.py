"""
Closes the network of a Python process, sets its clock, and lets it say where it is, before the function runs.

Python imports this module when it starts, as its folder is on PYTHONPATH. Whatever other `sitecustomize` there is comes
after it. An audit hook sees what any Python code asks of sockets, and nothing can take it away; libraries in C that
make sockets of their own are not seen.

Only what is built into Python is imported here: it is part of every cold start.
"""

import faulthandler
import importlib.machinery
import os
import signal
import sys
from types import ModuleType

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes longer than all the rest here
_WATCHED = frozenset(
    {
        "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
        "socket.gethostbyaddr",
    }
)  # fmt: skip


def _load(name: str, file: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = file
    importlib.machinery.SourceFileLoader(name, file).exec_module(module)
    return module


def _close_network() -> None:
    rules = None

    def audit(event: str, args: tuple[object, ...]) -> None:
        nonlocal rules
        if event in _WATCHED:
            if rules is None:  # most functions open no socket
                rules = _load("_replay_audited_network", os.path.join(os.path.dirname(_HERE), "audited_network.py"))  # noqa: PTH118, PTH120 - the same
            rules.check(event, args)

    sys.addaudithook(audit)


def _set_clock() -> None:
    offset = os.environ.get("REPLAY_CLOCK_OFFSET_S")
    if offset:
        from datetime import UTC, datetime, timedelta

        import time_machine

        time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(offset)), tick=True).start()


def _run_the_next_one() -> None:
    others = [entry for entry in sys.path if os.path.abspath(entry) != _HERE]  # noqa: PTH100 - the same
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.origin is not None:
        _load("sitecustomize", spec.origin)


_close_network()
if hasattr(faulthandler, "register"):
    faulthandler.enable()  # where it was when it crashed
    faulthandler.register(signal.SIGXCPU, all_threads=False)  # where it is when its time is up
_set_clock()
_run_the_next_one()
