"""Texts that are written as arrays of their bytes: headers of Kafka's records, and what Node calls a Buffer."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from replay.payloads.exact_json import Edit, Path, splice, tokens

_ARRAY = re.compile(r"\[\s{0,8}(-?\d{1,3}(?:(?>(\s{0,8},\s{0,8})-?\d{1,3})){5,}+)\s{0,8}\]", re.ASCII)
_BYTES = range(-128, 256)


class ByteArray(NamedTuple):
    """An array of bytes in a JSON text, `text[start:end]` without its brackets, and the text that they are."""

    path: Path
    start: int
    end: int
    plain: str
    between: str

    def written(self, plain: str) -> str:
        """Write another text as the array has this one."""
        return self.between.join(map(str, plain.encode()))


def may_hold_bytes(text: str) -> bool:
    """Say quickly whether an array of bytes may stand in *text*."""
    return ('"headers"' in text or '"Buffer"' in text) and _ARRAY.search(text) is not None


def byte_arrays(text: str) -> Iterator[ByteArray]:
    """
    Find the arrays in *text*, which is JSON, that are UTF-8.

    Source: Lambda Developer Guide, "Using Lambda with Amazon MSK", the example event; Node's Buffer.toJSON().
    """
    found = {match.start(1): match for match in _ARRAY.finditer(text)} if may_hold_bytes(text) else {}
    for token in tokens(text) if found else ():
        match = found.get(token.start)
        if match is None or token.path is None:
            continue
        numbers = [int(number) for number in re.findall(r"-?\d+", match[1])]
        try:
            plain = bytes(number % 256 for number in numbers if number in _BYTES).decode()
        except UnicodeDecodeError:
            continue
        if all(number in _BYTES for number in numbers):
            yield ByteArray(token.path[0], *match.span(1), plain, match[2])


def with_byte_arrays(
    arrays: Iterable[ByteArray], edits: list[Edit], redact: Callable[[str, Path], list[Edit]]
) -> list[Edit]:
    """Give the *edits* of a text, and those that *redact* makes of the texts of its *arrays*."""
    for array in arrays:
        is_gone = any(each.start < array.start and array.end <= each.end for each in edits)
        inner = [] if is_gone else redact(array.plain, array.path)
        if inner:
            edits.append(Edit(array.start, array.end, array.written(splice(array.plain, inner))))
    return edits
