"""Taking members out of a JSON text: each with its comma, and all else to the byte."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from replay.payloads.exact_json import Edit, Path, string_value

_PIECE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class _Member(NamedTuple):
    start: int
    end: int
    goes: bool
    path: Path


@dataclass(slots=True)
class _Open:
    """An object or array that is being read: where its members so far begin and end, and which of them go."""

    is_object: bool
    start: int
    path: Path
    members: list["_Member"] = field(default_factory=list)
    key: tuple[int, str] | None = None

    def place(self) -> Path:
        """Give the place of the value that comes next."""
        return (self.path, self.key[1] if self.is_object and self.key else len(self.members))


def dropping(text: str, is_dropped: Callable[[Path], bool]) -> Iterator[tuple[Path, Edit]]:
    """
    Give the edits that take out of *text*, which is JSON, the values that *is_dropped* says.

    Each with the place of the value. A member of an object goes whole; an element of an array becomes null, so that the
    others keep their places.
    """
    opened: list[_Open] = []
    gone = 0  # how many of those that are open lie within one that goes
    for piece in _PIECE.finditer(text):
        char = piece[0]
        if char in {"{", "["}:
            path = opened[-1].place() if opened else None
            gone += bool(gone or is_dropped(path))
            opened.append(_Open(char == "{", piece.start(), path))
        elif char in {"}", "]"}:
            done = opened.pop()
            if not gone and done.is_object:
                yield from _cuts(done.members)
            was_gone, gone = gone, max(0, gone - 1)
            yield from _ended(opened, done.start, piece.end(), goes=was_gone == 1, within=was_gone > 1)
        elif opened and opened[-1].is_object and opened[-1].key is None and char[0] == '"':
            opened[-1].key = (piece.start(), string_value(char))
        elif char not in {",", ":"}:
            path = opened[-1].place() if opened else None
            yield from _ended(opened, *piece.span(), goes=not gone and is_dropped(path), within=gone > 0)


def _ended(opened: list[_Open], start: int, end: int, *, goes: bool, within: bool) -> Iterator[tuple[Path, Edit]]:
    """Note that a value has ended; in an array, and at the top, one that goes becomes null."""
    path = opened[-1].place() if opened else None
    if not opened or not opened[-1].is_object:
        if goes and not within:
            yield path, Edit(start, end, "null")
        if opened:
            opened[-1].members.append(_Member(start, end, goes=False, path=path))
        return
    holder = opened[-1]
    begin = holder.key[0] if holder.key else start
    holder.members.append(_Member(begin, end, goes, path))
    holder.key = None


def _cuts(members: list[_Member]) -> Iterator[tuple[Path, Edit]]:
    """Cut each member that goes up to the next one; those at the end together with the comma before them."""
    last = len(members)
    while last and members[last - 1].goes:
        last -= 1
    for place in range(last):
        if members[place].goes:
            yield members[place].path, Edit(members[place].start, members[place + 1].start, "")
    if last < len(members):
        begin = members[last - 1].end if last else members[0].start
        yield members[last].path, Edit(begin, members[-1].end, "")
