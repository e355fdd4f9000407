"""JSON inside a text that is none as a whole: `Received event: {…}`."""

import json
import re
from collections.abc import Iterator, Sequence

from replay.payloads.exact_json import Edit, splice

_OPENING = re.compile(r'\[\s{0,8}["\[{]|\{\s{0,8}"')
_DECODER = json.JSONDecoder(object_pairs_hook=len, parse_int=str, parse_float=str)
_MOST_READ_AGAIN = 4
"""How often a text may be read from where something began that was no JSON."""


class _Uncounted(str):
    """A text whose lines are not counted: Python's error does that from the beginning, each time that it is raised."""

    __slots__ = ()

    def count(self, *_: object) -> int:
        return 0

    def rfind(self, *_: object) -> int:
        return -1


def may_embed(text: str) -> bool:
    """Say quickly whether JSON may stand in *text*."""
    return _OPENING.search(text) is not None


def embedded_json(text: str) -> Iterator[tuple[int, int]]:
    """Find the objects and arrays in *text*: where each begins and ends. Those that were cut off are not found."""
    at, left, uncounted = 0, _MOST_READ_AGAIN * len(text), _Uncounted(text)
    while left >= 0 and (found := _OPENING.search(text, at)):
        try:
            _, end = _DECODER.raw_decode(uncounted, found.start())
        except json.JSONDecodeError as error:
            unterminated = error.msg.startswith("Unterminated")
            left -= (len(text) if unterminated else error.pos) - found.start()
            at = found.start() + 1
        except (ValueError, RecursionError):  # more digits, or deeper, than Python reads
            return
        else:
            yield found.start(), end
            at = end


def one_after_the_other(text: str, first: Sequence[Edit], second: Sequence[Edit]) -> list[Edit]:
    """Give the edits of *text* that do what *first* does, and to what that makes *second*."""
    if not (first and second):
        return [*first, *second]
    made: list[Edit] = [*first]
    for edit in second:
        start, end = _before(first, edit.start), _before(first, edit.end)
        if start is None or end is None or any(each.start < end and start < each.end for each in first):
            return [Edit(0, len(text), splice(splice(text, first), second))]
        made.append(Edit(start, end, edit.replacement))
    return made


def _before(edits: Sequence[Edit], at: int) -> int | None:
    """Say where a place of the text behind *edits* was before them; None of one within a replacement."""
    later = 0
    for edit in sorted(edits):
        start, end = edit.start + later, edit.start + later + len(edit.replacement)
        if at <= start:
            break
        if at < end:
            return None
        later += len(edit.replacement) - (edit.end - edit.start)
    return at - later
