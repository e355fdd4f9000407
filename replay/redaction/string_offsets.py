"""Where a decoded string's characters stand in its JSON token, so that one can be replaced and no other changes."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

from replay.payloads.exact_json import Edit, string_token

_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL)


def in_token(edits: Iterable[Edit], token: str, start: int) -> Iterator[Edit]:
    """
    Turn edits of a decoded string into edits of the text in which its *token* begins at *start*.

    What is put in is escaped as the token is: all ASCII where the token is.
    """
    place = _places(token)
    for edit in edits:
        yield Edit(start + place(edit.start), start + place(edit.end), _encoded(edit.replacement, token))


def _places(token: str) -> Callable[[int], int]:
    """Say where in *token* a character of its value begins: each escape before it is longer than what it means."""
    if "\\" not in token:
        return (1).__add__
    behind: list[int] = []  # the first character after each escape, and by how much it stands later in the token
    later: list[int] = []
    more = 1
    for escape in _ESCAPE.finditer(token, 1, len(token) - 1):
        begin, end = escape.span()
        behind.append(begin - more + 1)
        more += end - begin - 1
        later.append(more)

    def place(at: int) -> int:
        escapes = bisect_right(behind, at)
        return at + (later[escapes - 1] if escapes else 1)

    return place


def _encoded(value: str, token: str) -> str:
    return (json.dumps(value) if token.isascii() else string_token(value))[1:-1]
