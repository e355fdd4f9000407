"""An object's content in blocks of whole records, and the record around a place in it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from replay.payloads.log_formats.concatenated_json import extents

MOST_RECORD_BYTES = 8 * 1024 * 1024
"""A longer line is skipped: Lambda's events have at most 6 MB, log events 1 MB."""

MOST_DOCUMENT_BYTES = 16 * 1024 * 1024
TOO_LONG = "lines of more than 8 MB, which were skipped"
_DOCUMENTS_BYTES = 256 * 1024
"""So much of documents over many lines is read at once."""

NOT_JSON = "lines that begin like JSON and are none, of which only the text was read"
TOO_LONG_DOCUMENT = "JSON documents over many lines with more than 16 MB, which were read line by line"


class Separator(NamedTuple):
    """What divides two records: `text`; the first ends after `end` of its bytes, the second begins at `start`."""

    text: bytes
    end: int
    start: int


_NEWLINE = Separator(b"\n", 0, 1)
_DOCUMENTS = Separator(b'}{"', 1, 1)
_ELEMENTS = Separator(b'},{"eventVersion"', 1, 2)
_TRAIL = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"Records"\s*:\s*\[\s*(?=\{\s*"eventVersion"\s*:\s*"1\.\d\d")')
"""How a line of CloudTrail's begins, before its first record; those of S3's notifications have another version."""

Separators = tuple[Separator, ...]


class Block(NamedTuple):
    """Whole records from `offset` of the unpacked content on; without separators they end at `ends`."""

    data: bytes
    offset: int
    separators: Separators
    ends: tuple[int, ...] = ()


def blocks(pieces: Iterable[bytes], problems: Counter[str]) -> Iterator[Block]:
    """Cut what comes in *pieces* into blocks; what had to be left out is counted in *problems*."""
    offset = 0
    held = b""
    separators: Separators | None = None
    skipping = False
    for piece in _with_document_first(pieces, problems):
        if isinstance(piece, Block):
            yield piece
            offset = piece.offset + len(piece.data)
            continue
        held = held + piece if held else piece
        separators = separators or _separators(held)
        cut = _last_cut(held, separators)
        if skipping:
            begins = _first_cut(held, separators)
            offset, held, cut = offset + begins, held[begins:], max(cut - begins, 0)
            skipping = begins == 0
            if skipping:
                offset, held = offset + len(held), b""
        if cut:
            yield Block(held[:cut], offset, separators)
            offset, held = offset + cut, held[cut:]
        if len(held) > MOST_RECORD_BYTES:
            problems[TOO_LONG] += 1
            offset, held, skipping = offset + len(held), b"", True
    if held and separators:
        yield Block(held, offset, separators)


def extent(data: bytes, at: int, separators: Separators) -> tuple[int, int]:
    """Say where the record around *at* begins and ends."""
    start, end = 0, len(data)
    for each in separators:  # the newline is the first: the others are looked for in its line only
        before = data.rfind(each.text, start, at)
        if before >= 0:
            start = max(start, before + each.start)
        after = data.find(each.text, max(at, start), end)
        if after >= 0:
            end = min(end, after + each.end)
    return start, max(start, end)


def without_trail(data: bytes, separators: Separators) -> bytes:
    """Leave out how a line of CloudTrail's begins that is divided: its first record is as the others."""
    return _TRAIL.sub(b"", data, count=1) if _ELEMENTS in separators and _TRAIL.match(data) else data


def windows(found: Iterable[Block]) -> Iterator[tuple[Block | None, Block, Block | None]]:
    """Give each block with its neighbours."""
    before: Block | None = None
    current: Block | None = None
    for block in found:
        if current is not None:
            yield before, current, block
        before, current = current, block
    if current is not None:
        yield before, current, None


def _with_document_first(pieces: Iterable[bytes], problems: Counter[str]) -> Iterator[bytes | Block]:
    """Give content that is JSON over many lines as one block, where it is not too large."""
    iterator = iter(pieces)
    held = next(iterator, b"")
    if not _begins_as_document(held):
        yield held
        yield from iterator
        return
    gathered = [held]
    size = len(held)
    for piece in iterator:
        gathered.append(piece)
        size += len(piece)
        if size > MOST_DOCUMENT_BYTES:
            problems[TOO_LONG_DOCUMENT] += 1
            yield b"".join(gathered)
            yield from iterator
            return
    content = b"".join(gathered)
    of_documents = _of_documents(content, problems)
    yield from of_documents
    if not of_documents:
        yield content


def _of_documents(content: bytes, problems: Counter[str]) -> Sequence[Block]:
    """
    Cut what is nothing but JSON documents, one behind the other, into blocks of whole ones.

    Nothing is given where anything else is behind them: something that was printed over several lines only stood first.
    """
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    found: list[Block] = []
    held: list[bytes] = []
    begins = offset = size = 0

    def block() -> Block:
        return Block(b"".join(held), offset, (), tuple(accumulate(map(len, held))))

    for _, end in extents(text):
        held.append(text[begins:end].encode("utf-8", "surrogateescape"))
        begins, size = end, size + len(held[-1])
        if size >= _DOCUMENTS_BYTES:
            found.append(block())
            held, offset, size = [], offset + size, 0
    if text[begins:].strip(" \t\r\n,"):
        problems.update([NOT_JSON] if not begins else [])
        return ()
    return [*found, block()] if held else found


def _begins_as_document(head: bytes) -> bool:
    first = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0].strip()
    return first in {b"{", b"[", b"[{"} or first.replace(b" ", b"") in {b'{"Records":[', b'{"Records":[{'}


def _separators(head: bytes) -> Separators:
    begin = head[:64].lstrip(b"\xef\xbb\xbf \t\r\n").replace(b" ", b"")
    if _TRAIL.match(head):
        return (_NEWLINE, _ELEMENTS)
    return (_NEWLINE, _DOCUMENTS) if begin.startswith(b'{"') else (_NEWLINE,)


def _last_cut(data: bytes, separators: Separators) -> int:
    newline = data.rfind(b"\n") + 1
    if newline:
        return newline
    return max((data.rfind(each.text) + each.start for each in separators[1:] if each.text in data), default=0)


def _first_cut(data: bytes, separators: Separators) -> int:
    return min((data.find(each.text) + each.start for each in separators if each.text in data), default=0)
