"""Events that lie in files: JSON, JSON Lines, whole folders, what other tools saved, or standard input."""

import io
import os
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from replay.counted_nouns import counted
from replay.errors import SourceError
from replay.payloads.captures import Capture, Origin
from replay.project_root import configuration_files
from replay.readers.failure_evidence import request_id_of
from replay.sources.advance import Advance
from replay.sources.base import Recording, Source, content_identity
from replay.sources.file_parts.contents import MOST_LINE_BYTES, Content, buffered, lines
from replay.sources.json_items import Item, beginning, items, lines_of_items
from replay.sources.logged_failures import MissingEvents, capture_of
from replay.sources.permissions import AwsPlace, Permission
from replay.sources.sqs_messages import message_capture

STANDARD_INPUT = "-"
_DOCUMENT_SUFFIXES = frozenset({".json"})
_LINES_SUFFIXES = frozenset({".jsonl", ".ndjson"})
_PACKED_SUFFIXES = frozenset({".gz", ".zst"})
_OTHER_SUFFIXES = frozenset(
    {".toml", ".ini", ".cfg", ".lock", ".py", ".js", ".mjs", ".ts", ".yaml", ".yml", ".md", ".html"}
)
"""Configuration, code and words, which never hold events, however they begin."""

_SNIFFED_BYTES = 4096
_JSON_BEGINS = re.compile(rb"""(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:["}]|\Z)|\[\s*(?:[\[{"\]0-9-]|true|false|null|\Z))""")
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
    Files that hold events, or what other tools save them in: see `items`.

    The suffixes .json, .jsonl and .ndjson (packed also .gz and .zst) say what a file is; others are looked into.
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
        self._missing: dict[str, MissingEvents] = {}
        self._content: Content | None = None
        self._read_before = 0
        self._total: int | None = None
        self.notes = []
        self.problems: list[str] = []

    def captures(self) -> Iterator[Capture]:
        """
        Give each event of each file once, files of a folder in the order of their names.

        Raises:
            SourceError: Nothing at all could be read.
        """
        paths = list(self._files())
        self._total = None if STANDARD_INPUT in paths else sum(map(_size_bytes, paths))
        for path in paths:
            for item in self._items(path):
                self._tell_advance()
                if item.problem:
                    self.unreadable += 1
                    if len(self.problems) < _MOST_PROBLEMS:
                        self.problems.append(f"{_place(path, item.line)}: not recorded: {item.problem}")
                elif item.logged is not None and not item.text:
                    self._missing.setdefault(path, MissingEvents()).add(item.logged)
                else:
                    self._read += 1
                    yield _capture(path, item)
            self._read_before += _size_bytes(path)
        for path, missing in self._missing.items():
            self.notes += missing.notes(_shown(path))
        if self._read == 0:
            raise SourceError(
                "no event could be read",
                where=", ".join(self._paths[:3]),
                expected="JSON documents, or JSON Lines",
                hint="mend what the notes name, or name other files"
                if self.notes or self.problems
                else "check that the files are not empty",
            )

    def _tell_advance(self) -> None:
        done = self._read_before + (self._content.read_bytes if self._content else 0)
        self.advanced(Advance(doing="reading files", done=done, total=self._total, unit="bytes"))

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
                if _suffix(path) in _DOCUMENT_SUFFIXES | _LINES_SUFFIXES or _looks_like_json(path):
                    yield str(path)
                else:
                    ignored += 1
        if ignored:
            which = counted(ignored, f"file in {folder} does", f"files in {folder} do")
            self.notes.append(f"{which} not look like JSON, and {'was' if ignored == 1 else 'were'} left aside")

    def _items(self, path: str) -> Iterator[Item]:
        try:
            if path == STANDARD_INPUT:
                self._content = Content(sys.stdin.buffer)
                yield from _unpacked_items(self._content, "")
                return
            with Path(path).open("rb") as file:
                self._content = Content(file)
                yield from _unpacked_items(self._content, _suffix(Path(path)))
        except OSError as error:
            yield Item("", 1, problem=f"cannot be read: {error.strerror or type(error).__name__}")


def _size_bytes(path: str) -> int:
    try:
        return Path(path).stat().st_size if path != STANDARD_INPUT else 0
    except OSError:
        return 0


def _suffix(path: Path) -> str:
    """Say what a file is by its name: of a packed one, what is packed in it."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in _PACKED_SUFFIXES else suffix


def _unpacked_items(content: Content, suffix: str) -> Iterator[Item]:
    """Read the items of a file; where its end cannot be unpacked, say so instead of what the cut end looks like."""
    file = buffered(content)
    if suffix in _LINES_SUFFIXES:
        found = _lines(file)
    else:
        found = _document(b"", file) if suffix in _DOCUMENT_SUFFIXES else _sniffed(file)
    last: Item | None = None
    for item in found:
        if last is not None:
            yield last
        last = item
    if last is not None and not (content.problem and last.problem):
        yield last
    if content.problem:
        yield Item("", last.line if last else 1, problem=content.problem)


def _capture(path: str, item: Item) -> Capture:
    place = _place(path, item.line)
    if item.logged is not None:
        identity = request_id_of(item.logged) or content_identity(item.text)
        return replace(
            capture_of(item.logged, item.text), origin=Origin(source="files", identity=identity, place=place)
        )
    if item.message is None:
        origin = Origin(source="files", identity=content_identity(item.text), place=place)
        return Capture(origin=origin, body=item.text, carrier="file", sent_at=item.sent_at)
    message_id, body = str(item.message["MessageId"]), str(item.message["Body"])
    identity = message_id if _is_uuid(message_id) else content_identity(f"{message_id}\n{body}" if message_id else body)
    return message_capture(item.message, Origin(source="files", identity=identity, place=place))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _place(path: str, line: int) -> str:
    """Name a place for eyes; in the project as a relative path, which tells nobody where we live."""
    return f"{_shown(path)}:{line}"


def _shown(path: str) -> str:
    if path == STANDARD_INPUT:
        return "stdin"
    shown = os.path.relpath(path) if _is_ours(Path(path)) else path
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


def _is_ours(path: Path) -> bool:
    here = Path.cwd()
    if path.absolute().is_relative_to(here):
        return True
    return path.is_absolute() and any(path.is_relative_to(file.parent) for file in configuration_files(here))


def _describes_a_fixture(path: Path, names: list[str]) -> bool:
    """Leave out what stands beside the event in a folder of fixtures."""
    return path.name == "fixture.json" and "event.json" in names


def _looks_like_json(path: Path) -> bool:
    if path.suffix.lower() in _OTHER_SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            return _JSON_BEGINS.match(buffered(Content(file)).read1(_SNIFFED_BYTES)) is not None
    except OSError:
        return False


def _sniffed(file: io.BufferedReader) -> Iterator[Item]:
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


def _document(first: bytes, file: io.BufferedReader) -> Iterator[Item]:
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
        are_lines = 2 * good >= len(by_line)  # JSON Lines after all, perhaps with a bad one among them
        found = by_line if are_lines else list(beginning(text.strip())) or found
    yield from found


def _lines(file: io.BufferedIOBase, first: int = 1) -> Iterator[Item]:
    """Read JSON Lines one by one; a line that is not UTF-8, or far too long, is a problem of its own."""
    for number, content in lines(file, first):
        if content is None:
            yield Item("", number, problem=f"a line of more than {MOST_LINE_BYTES:,} bytes")
            continue
        try:
            text = content.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            yield Item("", number, problem="not UTF-8 text")
            continue
        yield from lines_of_items(iter([text]), number)
