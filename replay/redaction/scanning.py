"""Files looked through for what redaction would replace: old fixtures, hand-made ones, and what lies beside them."""

import gzip
import io
import os
import secrets
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from replay.errors import InvalidJson, RedactionError, ReplayError
from replay.redaction.redacted import Replacement
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings

_LARGEST_BYTES = 64 * 1024 * 1024
_PASSED_OVER = frozenset({".git", ".replay", "__pycache__", ".hypothesis", "node_modules"})
_JSON = frozenset({".json"})
_PACK = ".jsonl.zst"
_MOST_UNPACKED_BYTES = 8 * 1024 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
IN_THE_NAME = "file name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    Something private in a file; never the value itself.

    `file` is the path as it may be shown. `at` is a JSON Pointer (`#` steps into a string) where the file, or its
    `line`, is JSON, and else empty; `line` counts from 1 and is 0 where the file is one JSON text.
    """

    file: str
    at: str
    detector: str
    line: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file that could not be looked through, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A file that was looked through to its end."""

    file: str


def scan(settings: RedactionSettings, root: Path) -> Iterator[Finding | Unreadable | Looked]:
    """
    Look through a file, or through all files beneath a folder, by the rules of *settings*.

    Links are not followed. Nothing is written, and no key is made: what redaction would put in the place does not
    matter here.

    Raises:
        ReplayError: There is no such file or folder.
    """
    redactor = Redactor(replace(settings, enabled=True, key=secrets.token_bytes(32)))
    if not root.exists():
        raise ReplayError("there is nothing to look through", where=str(root), hint="name a file or a folder")
    for path in _files(root):
        written = str(path) if root.is_file() else str(path.relative_to(root))
        shown = redactor.plain(written)
        if shown != written:
            yield Finding(file=shown, at="", detector=IN_THE_NAME)
        try:
            yield from _found(redactor, path, shown)
        except (OSError, ReplayError) as error:
            reason = (error.strerror or "") if isinstance(error, OSError) else error.what
            yield Unreadable(file=shown, reason=reason)
        else:
            yield Looked(file=shown)


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        for name in sorted(names):
            path = Path(folder, name)
            if not path.is_symlink() and path.is_file():
                yield path


def _found(redactor: Redactor, path: Path, shown: str) -> Iterator[Finding]:
    if path.name.endswith(_PACK):
        yield from _in_pack(redactor, path, shown)
        return
    text = _text(path)
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix in _JSON:
        try:
            yield from _findings(redactor.event(text).redactions, shown)
        except InvalidJson:  # it is looked through as the text that it is
            yield from _in_lines(redactor, text, shown)
    else:
        yield from _in_lines(redactor, text, shown)


def _in_pack(redactor: Redactor, path: Path, shown: str) -> Iterator[Finding]:
    """Look through a pack of fixtures line by line, also those lines that no longer count."""
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_LARGEST_BYTES)
    left, number = _MOST_UNPACKED_BYTES, 0
    try:
        with path.open("rb") as file, unpacker.stream_reader(file, read_across_frames=True) as stream:
            reader = io.BufferedReader(stream)
            while line := reader.readline(_LARGEST_BYTES + 1):
                number, left = number + 1, left - len(line)
                if len(line) > _LARGEST_BYTES or left < 0:
                    raise RedactionError(f"it is larger than {_LARGEST_BYTES:,} bytes")
                yield from _in_packed_line(redactor, line.decode("utf-8", "replace"), shown, number)
    except zstandard.ZstdError:
        raise RedactionError("its Zstandard is broken") from None


def _in_packed_line(redactor: Redactor, line: str, shown: str, number: int) -> Iterator[Finding]:
    try:
        yield from _findings(redactor.event(line).redactions, shown, number)
    except InvalidJson:
        yield from _findings(redactor.text(line).redactions, shown, number)


def _in_lines(redactor: Redactor, text: str, shown: str) -> Iterator[Finding]:
    """Look through each line, and then for what goes on over several, as a private key does."""
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        for found in _findings(redactor.text(line).redactions, shown, number):
            seen.add(found.detector)
            yield found
    for found in _findings(redactor.text(text).redactions, shown, 1):
        if found.detector not in seen:
            yield found


def _findings(redactions: tuple[Replacement, ...], shown: str, line: int = 0) -> Iterator[Finding]:
    for each in redactions:
        yield Finding(file=shown, at=each.at.removeprefix("#"), detector=each.detector, line=line, count=each.count)


def _text(path: Path) -> str:
    """
    Read a file as text, unpacked; bytes that are no text become the characters of their numbers.

    Raises:
        RedactionError: It is too large.
    """
    with path.open("rb") as file:
        content = file.read(_LARGEST_BYTES + 1)
    if content.startswith(_GZIP):
        content = _unpacked(path)
    if len(content) > _LARGEST_BYTES:
        raise RedactionError(f"it is larger than {_LARGEST_BYTES:,} bytes")
    if content.startswith(_UTF16):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(_LARGEST_BYTES + 1)
    except (EOFError, zlib.error):
        raise RedactionError("its gzip is broken") from None
