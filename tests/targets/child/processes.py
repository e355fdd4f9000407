"""Finding the processes of a test by a mark in their environment, so that none is left unnoticed."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "REPLAY_TEST_MARK"


class Marked:
    """The processes whose environment carries *value*, and those that a function has written down in *pids*."""

    def __init__(self, folder: Path) -> None:
        self.value = uuid.uuid4().hex
        self.pids = folder / "pids"

    @property
    def environment(self) -> dict[str, str]:
        """What to give a function, so that its processes are found."""
        return {MARK: self.value, "PIDS": str(self.pids)}

    def alive(self) -> set[int]:
        """List those that live now."""
        return {pid for pid in _processes() if _carries(pid, self.value)} | {
            pid for pid in self.written() if _lives(pid)
        }

    def written(self) -> set[int]:
        """List those that the function has written down."""
        return {int(line) for line in self.pids.read_text().split()} if self.pids.exists() else set()


@contextmanager
def none_left(folder: Path) -> Iterator[Marked]:
    """Fail when a process of the function lives after the block."""
    marked = Marked(folder)
    yield marked
    assert marked.alive() == set()


def wait_until(condition, limit_s: float = 5.0) -> bool:
    """Wait for another process."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _carries(pid: int, value: str) -> bool:
    try:
        return f"{MARK}={value}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
