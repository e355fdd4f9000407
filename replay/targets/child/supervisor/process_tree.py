"""The descendants of a process, and the memory that processes hold."""

import os
from collections.abc import Iterable

_PROC = os.path.exists("/proc/self/statm")  # noqa: PTH110 - pathlib would take a third of the supervisor's start
_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # noqa: PTH110 - the same
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def can_measure_memory() -> bool:
    """Say whether this system tells how much memory a process holds; Linux does."""
    return _PROC


def descendants(root: int) -> list[int]:
    """List the processes below *root*, not itself, those that have ended but are not yet reaped included."""
    if not _CHILDREN:
        return _below(root, _parents())
    found: list[int] = []
    pending = [root]
    while pending:
        children = _children(pending.pop())
        found += children
        pending += children
    return found


def resident_bytes(processes: Iterable[int]) -> int:
    """Sum the resident memory of *processes*; what several of them share counts for each."""
    counts = [_read(f"/proc/{pid}/statm").split() for pid in processes]
    return sum(int(pages[1]) for pages in counts if pages) * _PAGE_BYTES


def proportional_bytes(processes: Iterable[int]) -> int:
    """Sum the memory of *processes*, where what is shared is divided among those that share it. This takes longer."""
    return sum(_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in processes) * 1024


def peak_bytes(pid: int) -> int:
    """Give the most resident memory that *pid* has held since it started, 0 where it is gone."""
    return _kilobytes(f"/proc/{pid}/status", "VmHWM:") * 1024


def _kilobytes(path: str, field: str) -> int:
    _, found, rest = _read(path).partition(f"\n{field}")
    return int(rest.split(maxsplit=1)[0]) if found else 0


def _children(pid: int) -> list[int]:
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - the same as above
    except OSError:  # it has ended
        return []
    return [int(child) for task in tasks for child in _read(f"/proc/{pid}/task/{task}/children").split()]


def _parents() -> dict[int, int]:
    """Give each process's parent."""
    if not _PROC:
        return _parents_by_ps()
    parents = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - the same as above
        if name.isdigit():
            # The command in parentheses may hold anything, parentheses too.
            fields = _read(f"/proc/{name}/stat").rpartition(")")[2].split()
            if fields:
                parents[int(name)] = int(fields[1])
    return parents


def _parents_by_ps() -> dict[int, int]:
    import subprocess

    listing = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False).stdout  # noqa: S607 - it is in every PATH
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listing.splitlines())}


def _below(root: int, parents: dict[int, int]) -> list[int]:
    found: list[int] = []
    level = [root]
    while level:
        level = [pid for pid, parent in parents.items() if parent in level]
        found += level
    return found


def _read(path: str) -> str:
    """Read a file of /proc; the process may end meanwhile, and is then as good as empty."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - the same as above
            return file.read()
    except OSError:
        return ""
