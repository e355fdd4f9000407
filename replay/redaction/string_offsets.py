"""Where a decoded string's characters stand in its JSON token, so that one can be replaced and no other changes."""

import json
import re
from collections.abc import Iterable, Iterator

from replay.payloads.exact_json import Edit, string_token

_UNIT = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)


def in_token(edits: Iterable[Edit], token: str, start: int) -> Iterator[Edit]:
    """
    Turn edits of a decoded string into edits of the text in which its *token* begins at *start*.

    What is put in is escaped as the token is: all ASCII where the token is.
    """
    places = _places(token)
    for edit in edits:
        yield Edit(start + places[edit.start], start + places[edit.end], _encoded(edit.replacement, token))


def _places(token: str) -> range | list[int]:
    if "\\" not in token:
        return range(1, len(token))
    return [*(unit.start() for unit in _UNIT.finditer(token, 1, len(token) - 1)), len(token) - 1]


def _encoded(value: str, token: str) -> str:
    return (json.dumps(value) if token.isascii() else string_token(value))[1:-1]
