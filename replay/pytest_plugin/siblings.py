"""The workers of one pytest session (xdist), which send through one target, and share what one of them has made."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from replay.ledger.who import keep_out_of_git

_TICK_S = 0.1


class Siblings:
    """
    What the processes of this session know of each other, in files of the folder *folder*, for one *target*.

    Who sends takes its turn: two events under way at once, each alone as far as its own process knows, would be taken
    for one another in the log of the function. The kernel gives locks back, also those of a process that was killed.
    """

    def __init__(self, folder: Path, target: str) -> None:
        name = hashlib.sha256(target.encode()).hexdigest()[:12]
        self._turns = folder / f"{name}.turn"
        session = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
        self._shared = folder / f"{name}-{hashlib.sha256(session.encode()).hexdigest()[:12]}"
        self._users: TextIOWrapper | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process sends, and keep the others waiting."""
        folder = self._turns.parent
        folder.mkdir(parents=True, exist_ok=True)
        keep_out_of_git(folder)
        with self._turns.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def made(self) -> Sequence[str]:
        """Give what the others have made; from now on it stays there for us too. In our turn."""
        if self._users is None:
            self._shared.mkdir(exist_ok=True)
            self._users = (self._shared / "users").open("a")
            fcntl.flock(self._users, fcntl.LOCK_SH)
        return sorted(each.name for each in self._shared.iterdir() if each.name != "users")

    def have(self, name: str) -> None:
        """Tell the others that this process has made *name*. In our turn."""
        (self._shared / name).touch()

    @contextmanager
    def last_turn(self, *, waits: bool) -> Iterator[None]:
        """Have a turn, and use nothing of the others behind it; with *waits*, not before they use nothing of ours."""
        if self._users is None:
            yield
            return
        with self._users as users:
            fcntl.flock(users, fcntl.LOCK_UN)
            while True:
                with self.turn():
                    is_last = _is_last(users)
                    if is_last or not waits:
                        if is_last:
                            shutil.rmtree(self._shared, ignore_errors=True)
                        yield
                        break
                time.sleep(_TICK_S)
        self._users = None


def _is_last(users: TextIOWrapper) -> bool:
    """Say whether nobody else uses anything."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
