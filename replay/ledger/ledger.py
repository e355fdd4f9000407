"""The file of one run, written so that what it says is on the disk before anybody acts on it."""

import errno
import fcntl
import os
import secrets
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from replay.errors import ReplayError
from replay.ledger.lines import Document, Progress, document_of, keys_of, line_of, line_of_key, note_all, progress_of
from replay.ledger.standing import Standing
from replay.ledger.who import OWN_FOLDER, keep_out_of_git, user_name

RUNS_FOLDER = OWN_FOLDER / "runs"
_OURS_ALONE = 0o600
_KEYS_A_LINE = 1_000


class Ledger:
    """
    The open ledger of a run; several threads may write.

    Each write is on the disk when it returns; threads that write at once share one `fsync`. What need not wait
    (`waits=False`) outlives this process as well, and the machine from the next write that waits, or `sync`, on.

    `progress` is how far the run had come when it was opened: empty for a new one, and for one that was opened for its
    `standing` only, which tells less of each key and has room for millions.
    """

    def __init__(self, path: Path, descriptor: int, progress: Progress, standing: Standing) -> None:
        self.path, self.progress, self.standing = path, progress, standing
        self._descriptor = descriptor
        self._writing, self._syncing = threading.Lock(), threading.Lock()
        self._written = self._synced = 0

    @classmethod
    def begin(cls, root: Path, *, command: str, chosen: Iterable[object] | None = None, **known: Any) -> Self:
        """
        Begin the ledger of a new run in the project at *root*.

        Args:
            chosen: The keys that the run is of, for who goes on with it.
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
        ledger = cls(path, _locked(descriptor, path), Progress(), Standing())
        version = metadata.version("event-replay")
        header = {"type": "run", "run": name, "command": command, **_now_by(), "version": version, **known}
        ledger.write(header, waits=False)
        if chosen is not None:
            ledger._write_chosen(map(str, chosen))
        ledger.sync()
        return ledger

    def _write_chosen(self, keys: Iterator[str]) -> None:
        total = 0
        while part := list(islice(keys, _KEYS_A_LINE)):
            total += len(part)
            self.write({"type": "chosen", "keys": part}, waits=False)
        self.write({"type": "chosen", "keys": [], "of": total}, waits=False)

    @classmethod
    def resume(cls, root: Path, run: str, *, standing_only: bool = False) -> Self:
        """
        Open the ledger of the run *run* to go on with it; a line that was torn stays, and counts for nothing.

        Args:
            standing_only: Keep a byte of each key, and not what its lines have said: for a run of millions.

        Raises:
            ReplayError: There is no such run, another process is at it, or it cannot be written.
        """
        path = find_run(root, run)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise _not_written(path, error) from error
        _locked(descriptor, path)
        progress, standing = Progress(), Standing()
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            progress.torn = note_all(file, standing.note, *(() if standing_only else (progress.note,)))
            is_torn = file.tell() > 0 and os.pread(descriptor, 1, file.tell() - 1) != b"\n"
        ledger = cls(path, descriptor, progress, standing)
        if is_torn:
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

    def withdrawn(self, keys: Sequence[str]) -> None:
        """Note what was about to be sent, and was not."""
        self._note("withdrawn", keys, {})

    def acknowledged(self, keys: Sequence[str], *, waits: bool = True, **known: Any) -> None:
        """Note what the other side has acknowledged."""
        self._note("acknowledged", keys, known, waits=waits)

    def note_each(self, told: Mapping[str, Mapping[str, Document]], *, waits: bool = True) -> None:
        """Note in one go, by type of line and then by key, what is known of each."""
        at = _now()
        lines = [
            {"type": kind, "key": key, "at": at, **known} for kind, keys in told.items() for key, known in keys.items()
        ]
        if lines:
            self.write(*lines, waits=waits)

    def observed(self, key: str, *, waits: bool = True, **known: Any) -> None:
        """Note what became of one."""
        self._note("observed", [key], known, waits=waits)

    def came_to(self, key: str, acknowledgement: Document | None, observation: Document) -> None:
        """Note what became of one, and before that its acknowledgement, if it is not there yet; waits for nothing."""
        at = _now()
        observed = line_of_key("observed", key, at, observation)
        before = b"" if acknowledgement is None else line_of_key("acknowledged", key, at, acknowledgement)
        self._append(before + observed)

    def ended(self, **known: Any) -> None:
        """Note that the run is over."""
        self.write({"type": "ended", "at": _now(), **known})

    def write(self, *documents: Document, waits: bool = True) -> None:
        """
        Append lines, and wait until they are on the disk.

        Raises:
            ReplayError: They could not be written.
        """
        self._append(b"".join(map(line_of, documents)))
        if waits:
            self.sync()

    def _append(self, data: bytes) -> None:
        try:
            with self._writing:
                _write_all(self._descriptor, data)
                self._written += 1
        except OSError as error:
            raise _not_written(self.path, error) from error

    def sync(self) -> None:
        """
        Wait until all that was written is on the disk.

        Raises:
            ReplayError: It could not be written.
        """
        mine = self._written
        try:
            with self._syncing:
                if self._synced < mine:
                    covered = self._written
                    os.fsync(self._descriptor)
                    self._synced = covered
        except OSError as error:
            raise _not_written(self.path, error) from error

    def _note(self, kind: str, keys: Sequence[str], known: Document, *, waits: bool = True) -> None:
        named: Document = {"key": keys[0]} if len(keys) == 1 else {"keys": list(keys)}
        if keys:
            self.write({"type": kind, **named, "at": _now(), **known}, waits=waits)


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
    return progress_of(_lines(path))


def read_standings(root: Path) -> Iterator[tuple[str, Standing]]:
    """
    Read how far the runs of the project at *root* are, the newest first, however many keys each of them has.

    Raises:
        ReplayError: One of them cannot be read.
    """
    for path in run_paths(root):
        standing = Standing()
        standing.torn = note_all(_lines(path), standing.note)
        yield path.stem, standing


def read_header(path: Path) -> Document:
    """
    Read the first line of a ledger; empty where that was torn.

    Raises:
        ReplayError: It cannot be read.
    """
    document = document_of(next(_lines(path), b""))
    return document if document is not None and document.get("type") == "run" else {}


def read_chosen(path: Path) -> list[str] | None:
    """
    Read what the run was of; None where it was broken off before all of that was written: nothing was sent then.

    Raises:
        ReplayError: It cannot be read.
    """
    keys: list[str] = []
    for line in _lines(path):
        document = document_of(line)
        if document is None or document.get("type") not in {"run", "chosen"}:
            break
        if "fixtures" in document:  # as headers once had it
            return list(document["fixtures"])
        if "of" in document:
            return keys if document["of"] == len(keys) else None
        if document.get("type") == "chosen":
            keys.extend(keys_of(document))
    return None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
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
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


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
