"""Which process made something in AWS, and whether it may still run."""

import hashlib
import os
import re
import socket
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_WRITTEN = re.compile(r"([0-9a-f]{12})/(\d{1,10})/(\d{0,20})")
_ENDED_STATES = {"Z", "X"}
"""A zombie has ended, though nobody has collected it yet. Source: proc(5), `/proc/pid/stat`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """
    One process of one machine: `machine` tells machines, boots and containers apart, and names none of them.

    `started` is when it started, in clock ticks since boot; empty where the system does not tell.
    """

    machine: str
    pid: int
    started: str = ""

    def __str__(self) -> str:
        return f"{self.machine}/{self.pid}/{self.started}"


def this_process() -> Owner:
    """Give the owner of what this process makes."""
    return Owner(machine=_this_machine(), pid=os.getpid(), started=_started(os.getpid()) or "")


def owner_of(text: str) -> Owner | None:
    """Read an owner as it is written; None where that is none."""
    found = _WRITTEN.fullmatch(text)
    return Owner(machine=found[1], pid=int(found[2]), started=found[3]) if found else None


def runs(owner: Owner) -> bool | None:
    """Say whether this process still runs; None where it cannot be known, because it is another machine's."""
    if owner.machine != _this_machine():
        return None
    if not _is_there(owner.pid):
        return False
    started = _started(owner.pid)
    # The number of a process that has ended is given to another one some day.
    return started is None or not owner.started or started == owner.started


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return _started(pid) != ""


def _started(pid: int) -> str | None:
    """Give when a process started; empty when it has ended, None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else None
    except OSError:
        return None
    return "" if fields[0] in _ENDED_STATES else fields[19]


@cache
def _this_machine() -> str:
    """Digest what tells this machine, since its last start, and this container on it, from all others."""
    parts = [socket.gethostname(), _text("/proc/sys/kernel/random/boot_id") or f"{uuid.getnode():x}", _namespace()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _namespace() -> str:
    """Containers that share a host's name do not see each other's processes."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
