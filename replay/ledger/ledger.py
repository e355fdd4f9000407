"""The file of one run, written so that what it says is on the disk before anybody acts on it."""

import errno
import fcntl
import os
import secrets
import socket
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from replay.errors import ReplayError
from replay.ledger.lines import Document, Progress, line_of, progress_of
from replay.ledger.who import OWN_FOLDER, keep_out_of_git, user_name

RUNS_FOLDER = OWN_FOLDER / "runs"
_OURS_ALONE = 0o600


class Ledger:
    """
    The open ledger of a run; several threads may write.

    Each write is on the disk when it returns; threads that write at once share one `fsync`.

    `progress` is how far the run had come when it was opened: empty for a new one.
    """

    def __init__(self, path: Path, descriptor: int, progress: Progress) -> None:
        self.path, self.progress = path, progress
        self._descriptor = descriptor
        self._writing, self._syncing = threading.Lock(), threading.Lock()
        self._written = self._synced = 0

    @classmethod
    def begin(cls, root: Path, *, command: str, **known: Any) -> Self:
        """
        Begin the ledger of a new run in the project at *root*.

        Args:
            known: What else its first line says: target, account, arguments; no payload.

        Raises:
            ReplayError: It cannot be written; then nothing may be sent.
        """
        folder = root / RUNS_FOLDER
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        path = folder / f"{name}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            keep_out_of_git(folder.parent)
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OURS_ALONE)
            _sync_folder(folder)
        except OSError as error:
            raise _not_written(path, error) from error
        ledger = cls(path, _locked(descriptor, path), Progress())
        version = metadata.version("event-replay")
        ledger.write({"type": "run", "run": name, "command": command, **_now_by(), "version": version, **known})
        return ledger

    @classmethod
    def resume(cls, root: Path, run: str) -> Self:
        """
        Open the ledger of the run *run* to go on with it; a line that was torn stays, and counts for nothing.

        Raises:
            ReplayError: There is no such run, another process is at it, or it cannot be written.
        """
        path = find_run(root, run)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise _not_written(path, error) from error
        _locked(descriptor, path)
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            lines = file.readlines()
        ledger = cls(path, descriptor, progress_of(lines))
        if lines and not lines[-1].endswith(b"\n"):
            os.write(descriptor, b"\n")
        ledger.write({"type": "resumed", **_now_by()})
        return ledger

    @property
    def run(self) -> str:
        """The id of the run."""
        return self.path.stem

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def sent(self, keys: Sequence[str], **known: Any) -> None:
        """Note what is about to be sent."""
        self._note("sent", keys, known)

    def acknowledged(self, keys: Sequence[str], **known: Any) -> None:
        """Note what the other side has acknowledged."""
        self._note("acknowledged", keys, known)

    def note_each(self, told: Mapping[str, Mapping[str, Document]]) -> None:
        """Note in one go, by type of line and then by key, what is known of each."""
        at = _now()
        lines = [
            {"type": kind, "key": key, "at": at, **known} for kind, keys in told.items() for key, known in keys.items()
        ]
        if lines:
            self.write(*lines)

    def observed(self, key: str, **known: Any) -> None:
        """Note what became of one."""
        self._note("observed", [key], known)

    def ended(self, **known: Any) -> None:
        """Note that the run is over."""
        self.write({"type": "ended", "at": _now(), **known})

    def write(self, *documents: Document) -> None:
        """
        Append lines, and wait until they are on the disk.

        Raises:
            ReplayError: They could not be written.
        """
        data = b"".join(map(line_of, documents))
        try:
            with self._writing:
                _write_all(self._descriptor, data)
                self._written += 1
                mine = self._written
            with self._syncing:
                if self._synced < mine:
                    covered = self._written
                    os.fsync(self._descriptor)
                    self._synced = covered
        except OSError as error:
            raise _not_written(self.path, error) from error

    def _note(self, kind: str, keys: Sequence[str], known: Document) -> None:
        at = _now()
        if keys:
            self.write(*({"type": kind, "key": key, "at": at, **known} for key in keys))


def find_run(root: Path, run: str) -> Path:
    """
    Find the ledger of the run that *run* names: its id, or the beginning of it that no other has; `last` is the last.

    Raises:
        ReplayError: There is none, or more than one.
    """
    known = run_paths(root)
    found = known[:1] if run == "last" else [path for path in known if run and path.stem.startswith(run)]
    exact = [path for path in found if path.stem == run]
    if len(exact or found) == 1:
        return (exact or found)[0]
    raise ReplayError(
        f"{len(found)} runs begin with {run!r}" if found else f"there is no run {run!r}",
        where=str(root / RUNS_FOLDER),
        expected="the id of one run",
        hint="list them with `replay runs`",
    )


def run_paths(root: Path) -> list[Path]:
    """List the ledgers of a project, the newest first."""
    return sorted((root / RUNS_FOLDER).glob("*.jsonl"), reverse=True)


def read_runs(root: Path) -> dict[str, Progress]:
    """
    Read the ledgers of the project at *root*, by the id of each run, the newest first.

    Raises:
        ReplayError: One of them cannot be read.
    """
    return {path.stem: read_run(path) for path in run_paths(root)}


def read_run(path: Path) -> Progress:
    """
    Read a ledger, also of a run that is under way.

    Raises:
        ReplayError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return progress_of(file)
    except OSError as error:
        raise ReplayError(f"the ledger cannot be read: {error.strerror}", where=str(path)) from error


def _locked(descriptor: int, path: Path) -> int:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
            return descriptor  # some network file systems have no locks
        os.close(descriptor)
        raise ReplayError(
            "another process is at this run", where=str(path), hint="wait until it has ended, or end it"
        ) from None
    return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_written(path: Path, error: OSError) -> ReplayError:
    return ReplayError(
        f"the ledger cannot be written: {(error.strerror or type(error).__name__).lower()}",
        where=str(path),
        expected="a ledger: without one nothing is sent",
        hint="mend that, and run again",
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _now_by() -> dict[str, str]:
    return {"at": _now(), "by": f"{user_name()}@{socket.gethostname()}"}
