"""Events that lie in files: JSON, JSON Lines, whole folders, saved SQS messages, or standard input."""

import io
import os
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from replay.counted_nouns import counted
from replay.errors import SourceError
from replay.payloads.captures import Capture, Origin
from replay.project_root import configuration_files
from replay.sources.base import Recording, Source, content_identity
from replay.sources.json_items import Item, items, lines_of_items
from replay.sources.permissions import AwsPlace, Permission
from replay.sources.sqs_messages import message_capture

STANDARD_INPUT = "-"
_DOCUMENT_SUFFIXES = frozenset({".json"})
_LINES_SUFFIXES = frozenset({".jsonl", ".ndjson"})
_SNIFFED_BYTES = 4096
_MOST_BYTES = 256 * 1024 * 1024
"""A single document, which has to be in memory at once; JSON Lines may be as long as they like."""

_MOST_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOptions:
    """Which files to read; paths of a configuration are seen from the project's root."""

    path: tuple[Path, ...] = field(
        metadata={
            "help": "a JSON or JSON Lines file, a folder of them, or - for standard input",
            "metavar": "PATH",
            "positional": True,
        }
    )


class FilesSource(Source):
    """
    Files that hold events, or SQS messages as `aws sqs receive-message` prints them.

    The suffixes .json, .jsonl and .ndjson say what a file is; others are looked into.
    """

    name = "files"
    summary = "events in JSON or JSON Lines files, folders, or standard input"
    options = FilesOptions

    def __init__(self, options: FilesOptions) -> None:
        self._options = options

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...]:
        """Nothing of AWS is read."""
        del at
        return ()

    def open(self) -> "FilesRecording":
        """
        See that all paths are there.

        Raises:
            SourceError: A path is missing or may not be read, or none was given.
        """
        paths = tuple(map(str, self._options.path))
        if not paths:
            raise SourceError("no path was given", expected="--path PATH, perhaps several times, or --path - for stdin")
        for path in paths:
            if path != STANDARD_INPUT and not os.access(path, os.R_OK):
                there = os.path.lexists(path)
                raise SourceError(
                    "that path may not be read" if there else "there is no such file or folder",
                    where=path,
                    expected="a path, given by itself or with --path; - stands for standard input",
                    hint="check its permissions" if there else "check the path",
                )
        return FilesRecording(paths)


class FilesRecording(Recording):
    """One pass over files; nothing is changed."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._paths = paths
        self._read = 0
        self.notes = []
        self.problems: list[str] = []

    def captures(self) -> Iterator[Capture]:
        """
        Give each event of each file once, files of a folder in the order of their names.

        Raises:
            SourceError: Nothing at all could be read.
        """
        for path in self._files():
            for item in self._items(path):
                if item.problem:
                    self.unreadable += 1
                    if len(self.problems) < _MOST_PROBLEMS:
                        self.problems.append(f"{_place(path, item.line)}: not recorded: {item.problem}")
                else:
                    self._read += 1
                    yield _capture(path, item)
        if self._read == 0:
            raise SourceError(
                "no event could be read",
                where=", ".join(self._paths[:3]),
                expected="JSON documents, or JSON Lines",
                hint="; ".join([*self.notes, *self.problems][:3]) or "check that the files are not empty",
            )

    def close(self) -> None:
        """Do nothing: each file was closed when it was read."""

    def _files(self) -> Iterator[str]:
        for path in self._paths:
            if path != STANDARD_INPUT and Path(path).is_dir():
                yield from self._folder(path)
            else:
                yield path

    def _folder(self, folder: str) -> Iterator[str]:
        ignored = 0
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(place, name)
                if name.startswith(".") or not path.is_file() or _describes_a_fixture(path, names):
                    continue
                if path.suffix.lower() in _DOCUMENT_SUFFIXES | _LINES_SUFFIXES or _looks_like_json(path):
                    yield str(path)
                else:
                    ignored += 1
        if ignored:
            which = counted(ignored, f"file in {folder} does", f"files in {folder} do")
            self.notes.append(f"{which} not look like JSON, and {'was' if ignored == 1 else 'were'} left aside")

    def _items(self, path: str) -> Iterator[Item]:
        try:
            if path == STANDARD_INPUT:
                yield from _sniffed(sys.stdin.buffer)
                return
            with Path(path).open("rb") as file:
                suffix = Path(path).suffix.lower()
                if suffix in _LINES_SUFFIXES:
                    yield from _lines(file)
                elif suffix in _DOCUMENT_SUFFIXES:
                    yield from _document(b"", file)
                else:
                    yield from _sniffed(file)
        except OSError as error:
            yield Item("", 1, problem=f"cannot be read: {error.strerror or type(error).__name__}")


def _capture(path: str, item: Item) -> Capture:
    place = _place(path, item.line)
    if item.message is None:
        origin = Origin(source="files", identity=content_identity(item.text), place=place)
        return Capture(origin=origin, body=item.text, carrier="file", sent_at=item.sent_at)
    message_id = str(item.message["MessageId"])
    identity = message_id if _is_uuid(message_id) else content_identity(message_id)
    return message_capture(item.message, Origin(source="files", identity=identity, place=place))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _place(path: str, line: int) -> str:
    """Name a place for eyes; in the project as a relative path, which tells nobody where we live."""
    if path == STANDARD_INPUT:
        return f"stdin:{line}"
    shown = os.path.relpath(path) if _is_ours(Path(path)) else path
    return f"{''.join(letter if letter.isprintable() else '?' for letter in shown)}:{line}"


def _is_ours(path: Path) -> bool:
    here = Path.cwd()
    if path.absolute().is_relative_to(here):
        return True
    return path.is_absolute() and any(path.is_relative_to(file.parent) for file in configuration_files(here))


def _describes_a_fixture(path: Path, names: list[str]) -> bool:
    """Leave out what stands beside the event in a folder of fixtures."""
    return path.name == "fixture.json" and "event.json" in names


def _looks_like_json(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(_SNIFFED_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}
    except OSError:
        return False


def _sniffed(file: BinaryIO) -> Iterator[Item]:
    """Read JSON Lines when the first line is a document of its own, else one document, else lines after all."""
    first = file.readline(_MOST_BYTES)
    while first and not first.strip():
        first += file.readline(_MOST_BYTES)
    if _is_whole(first):
        yield from _lines(io.BytesIO(first))
        yield from _lines(file, first.count(b"\n") + 1)
        return
    yield from _document(first, file)


def _is_whole(line: bytes) -> bool:
    try:
        return not any(item.problem for item in items(line.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return False


def _document(first: bytes, file: BinaryIO) -> Iterator[Item]:
    content = first + file.read(_MOST_BYTES + 1 - len(first))
    if len(content) > _MOST_BYTES:
        yield Item("", 1, problem=f"one document of more than {_MOST_BYTES:,} bytes; give it as JSON Lines")
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield Item("", line, problem="not UTF-8 text")
        return
    found = list(items(text))
    if len(found) == 1 and found[0].problem:
        by_line = list(_lines(io.BytesIO(content)))
        good = sum(not item.problem and item.text[:1] in {"{", "["} for item in by_line)
        if 2 * good >= len(by_line):
            found = by_line  # JSON Lines after all, perhaps with a bad one among them
    yield from found


def _lines(file: BinaryIO, line: int = 1) -> Iterator[Item]:
    """Read JSON Lines one by one; a line that is not UTF-8 is a problem of its own."""
    for number, content in enumerate(iter(lambda: file.readline(_MOST_BYTES), b""), start=line):
        try:
            text = content.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            yield Item("", number, problem="not UTF-8 text")
            continue
        yield from lines_of_items(iter([text]), number)
