"""The objects that hold a log: in a bucket, or files of this machine; which there are, and which a time leaves out."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from replay.errors import SourceError
from replay.payloads.log_formats.key_periods import key_period, overlaps


@dataclass(frozen=True, slots=True, kw_only=True)
class LogObject:
    """One object, or one file: `bucket` is empty for a file, whose path `key` is."""

    bucket: str = ""
    key: str
    size_bytes: int
    modified_at: datetime

    @property
    def place(self) -> str:
        """Name it for eyes."""
        if self.bucket:
            return f"s3://{self.bucket}/{self.key}"
        path = Path(self.key).absolute()
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    The time that is asked for; each end may be open.

    Keys and clocks are allowed to be off by `slack`: an object is written when the last of its lines is old, and no two
    clocks agree.
    """

    since: datetime | None = None
    until: datetime | None = None
    slack: timedelta = timedelta(hours=1)

    @property
    def is_open(self) -> bool:
        """Whether everything is asked for."""
        return self.since is None and self.until is None

    def takes_key(self, key: str) -> bool:
        """Say whether objects below *key*, or the object *key*, may hold lines of this time."""
        if self.is_open:
            return True
        since = self.since - self.slack if self.since else None
        return overlaps(key_period(key), since, self.until + self.slack if self.until else None)

    def takes_object(self, found: LogObject) -> bool:
        """Say whether *found* may hold lines of this time: what was written before it began cannot."""
        if self.since is not None and found.modified_at < self.since - self.slack:
            return False
        return self.takes_key(found.key)

    def holds(self, moment: datetime | None) -> bool:
        """Say whether *moment* is in the window; one that is not known is."""
        if moment is None:
            return True
        return (self.since is None or moment >= self.since) and (self.until is None or moment <= self.until)


@dataclass(slots=True, kw_only=True)
class Listed:
    """What listing has counted: objects left out by the window, and places that could not be listed, with reasons."""

    left_out: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


Lister = Callable[[Window, Listed], Iterator[LogObject]]


def files_lister(path: str) -> Lister:
    """
    List the files at *path*, a file or a folder with all below it, in the order of their names.

    Raises:
        SourceError: There is nothing there.
    """
    if not os.path.lexists(path):
        raise SourceError(
            "there is no such file or folder",
            where=path,
            expected="a file, a folder, or s3://BUCKET/PREFIX",
            hint="check the path",
        )

    def lister(window: Window, listed: Listed) -> Iterator[LogObject]:
        if not Path(path).is_dir():
            yield from _file(path, listed)
            return
        for folder, folders, names in os.walk(path, onerror=lambda error: _note(listed, error)):
            folders[:] = sorted(name for name in folders if window.takes_key(f"{_below(path, folder, name)}/"))
            for name in sorted(names):
                # Only folders tell the time of a file: when it was written here is when it was downloaded.
                if not name.startswith(".") and window.takes_key(_below(path, folder, name)):
                    yield from _file(str(Path(folder) / name), listed)

    return lister


def _below(root: str, folder: str, name: str) -> str:
    """Give the path as seen from *root*: a date in what lies above it says nothing."""
    return Path(folder, name).relative_to(root).as_posix()


def _file(path: str, listed: Listed) -> Iterator[LogObject]:
    try:
        told = Path(path).stat()
    except OSError as error:
        _note(listed, error)
        return
    if Path(path).is_file():
        yield LogObject(key=path, size_bytes=told.st_size, modified_at=datetime.fromtimestamp(told.st_mtime, UTC))


def _note(listed: Listed, error: OSError) -> None:
    listed.problems.append((str(error.filename or ""), f"cannot be read: {error.strerror or type(error).__name__}"))
