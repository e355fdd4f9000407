"""
One line of a corpus.

    {"fixture":"orders/keyerror--1f9a03c2","event":{…}}

`event` is the fixture's event, token for token; only the line breaks between its tokens are spaces here.
"""

import re

from replay.errors import FixtureError
from replay.payloads.exact_json import string_token

_BREAKS = re.compile(r"[\r\n]")
"""No JSON string has one: between tokens they are white space."""


def item_line(fixture: str, event_text: str) -> bytes:
    """
    Write one line, with its line break.

    Args:
        event_text: JSON, exactly.

    Raises:
        FixtureError: It cannot be written as UTF-8.
    """
    text = f'{{"fixture":{string_token(fixture)},"event":{_BREAKS.sub(" ", event_text)}}}\n'
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise FixtureError(
            "its event has half of a surrogate pair, which no UTF-8 file can hold",
            where=fixture,
            hint="write it as an escape (\\ud800) in the fixture's event.json",
        ) from None
