"""The part of an event that a failure speaks of."""

import difflib
import json
import re
from collections.abc import Iterable, Sequence

from replay.errors import InvalidJson
from replay.payloads.exact_json import Json, parse
from replay.payloads.failures import Failure
from replay.reports.visible_text import visible

_QUOTED = re.compile(r"'([^']{1,80})'|\"([^\"]{1,80})\"")
_KEY = re.compile(r'\s*"((?:[^"\\]|\\.)*)": ')
_LINE_LIMIT = 140
_NAME_LIMIT = 80
_NAMES_AT_MOST = 5
_KEYS_AT_MOST = 2_000
"""Looking for a near key costs time for each, and who looks at a payload of more keys searches it otherwise."""


def payload_excerpt(event_text: str, failure: Failure | None, *, lines: int = 12) -> list[str]:
    """
    Show the lines of the payload around what *failure* names, or its first lines.

    Where the named key is missing, the nearest key is looked for, since a misspelt key is the usual bug.
    """
    rows = _payload_text(event_text).split("\n")
    at = _row_of_interest(rows, failure)
    start = max(0, min(at - lines // 2, len(rows) - lines))
    shown = [visible(row, limit=_LINE_LIMIT) for row in rows[start : start + lines]]
    if start:
        shown.insert(0, "…")
    if start + lines < len(rows):
        shown.append("…")
    return shown if shown != [""] else ["(empty)"]


def _payload_text(event_text: str) -> str:
    try:
        event = parse(event_text)
    except InvalidJson:
        return event_text
    return _pretty(_innermost(event))


def _innermost(event: Json) -> Json:
    """Give the body of a one-record event, where people put their data; else the event."""
    if isinstance(event, dict):
        records = event.get("Records")
        if isinstance(records, list) and len(records) == 1 and isinstance(records[0], dict):
            for name in ("body", "Sns", "dynamodb", "kinesis", "s3"):
                if name in records[0]:
                    return _parsed(records[0][name])
    return event


def _parsed(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        inner = parse(value)
    except InvalidJson:
        return value
    return inner if isinstance(inner, dict | list) else value


def _pretty(value: Json) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except (RecursionError, ValueError):
        return "(nested too deep to be shown)"


def _row_of_interest(rows: Sequence[str], failure: Failure | None) -> int:
    """Find the row of what the failure quotes: as a key, else as a key misspelt, else anywhere."""
    names = _quoted(failure.message) if failure else []
    if not names:
        return 0
    keys = _keys(rows)
    found = (
        *(keys.get(name) for name in names),
        *(_near(name, keys) for name in names),
        *(next((number for number, row in enumerate(rows) if name in row), None) for name in names),
    )
    return next((number for number in found if number is not None), 0)


def _quoted(message: str) -> list[str]:
    return [first or second for first, second in _QUOTED.findall(message[:2_000])][:_NAMES_AT_MOST]


def _keys(rows: Iterable[str]) -> dict[str, int]:
    """Map each key of the payload to its first row."""
    keys: dict[str, int] = {}
    for number, row in enumerate(rows):
        found = _KEY.match(row)
        if found:
            keys.setdefault(found[1], number)
    return keys


def _near(name: str, keys: dict[str, int]) -> int | None:
    candidates = {
        key.casefold(): number for key, number in list(keys.items())[:_KEYS_AT_MOST] if len(key) <= _NAME_LIMIT
    }
    near = difflib.get_close_matches(name.casefold(), candidates, n=1, cutoff=0.6)
    return candidates[near[0]] if near else None
