"""The part of an event that a failure speaks of."""

import difflib
import json
import re

from replay.errors import InvalidJson
from replay.payloads.exact_json import Json, parse
from replay.payloads.failures import Failure
from replay.reports.visible_text import visible

_WORD = re.compile(r"'([^']{1,80})'|\"([^\"]{1,80})\"")
_LINE_LIMIT = 140


def payload_excerpt(event_text: str, failure: Failure | None, *, lines: int = 12) -> list[str]:
    """
    Show the lines of the payload around what *failure* names, or its first lines.

    Where the named key is missing, the nearest key is looked for, since a misspelt key is the usual bug.
    """
    text = _payload_text(event_text)
    rows = [visible(row, limit=_LINE_LIMIT) for row in text.splitlines()] or ["(empty)"]
    at = _row_of_interest(rows, failure)
    start = max(0, min(at - lines // 2, len(rows) - lines))
    shown = rows[start : start + lines]
    if start:
        shown.insert(0, "…")
    if start + lines < len(rows):
        shown.append("…")
    return shown


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


def _row_of_interest(rows: list[str], failure: Failure | None) -> int:
    if failure is None:
        return 0
    words = [first or second for first, second in _WORD.findall(failure.message)]
    for word in words:
        for number, row in enumerate(rows):
            if word in row:
                return number
    keys = {row.split('"')[1]: number for number, row in enumerate(rows) if row.lstrip().startswith('"')}
    for word in words:
        near = difflib.get_close_matches(word, keys, n=1, cutoff=0.6)
        if near:
            return keys[near[0]]
    return 0
