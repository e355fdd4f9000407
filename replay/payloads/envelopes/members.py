"""Members of a JSON object as they are written: taken out by position, never parsed and written back."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain

from replay.errors import InvalidJson
from replay.payloads.exact_json import string_value, tokens

_STRUCTURE = re.compile(r"[\[\]{},]")
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_SPACE = " \t\n\r"


def member(text: str, *names: str) -> str | None:
    """Give the text of the member of members by its *names*, exactly, or None where there is none."""
    found: str | None = text
    for name in names:
        found = None if found is None else members(found).get(name)
    return found


@lru_cache(maxsize=4)
def members(text: str) -> Mapping[str, str]:
    """
    Give the members of the object *text*, each value exactly as it is written; of duplicate keys the last counts.

    What is no JSON object has no members. Depth does no harm.
    """
    if text.lstrip(_SPACE)[:1] != "{":
        return {}
    try:
        return dict(_members(text))
    except InvalidJson:
        return {}


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Follow the nesting between the tokens; a member ends at a comma on the first level, or with the object."""
    depth, end_of_last, name, start = 0, 0, "", -1
    places = ((token.start, token.end, token.kind == "key") for token in tokens(text))
    for token_start, token_end, is_key in chain(places, [(len(text), len(text), False)]):
        for mark in _STRUCTURE.finditer(text, end_of_last, token_start):
            depth += (mark[0] in "[{") - (mark[0] in "]}")
            if start >= 0 and (depth == 0 or (depth == 1 and mark[0] == ",")):
                yield name, text[start : mark.start()].rstrip(_SPACE)
                start = -1
        if is_key and depth == 1:
            colon = _COLON.match(text, token_end)
            name, start = string_value(text[token_start:token_end]), colon.end() if colon else token_end
        end_of_last = token_end
