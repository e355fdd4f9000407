"""The part of an event that a failure speaks of."""

import difflib
import re
from collections.abc import Iterable, Sequence

from replay.errors import InvalidJson
from replay.fixtures.fixture import Fixture
from replay.payloads.exact_json import Json, parse, string_value
from replay.payloads.failures import Failure
from replay.reports.pretty_json import pretty_rows
from replay.reports.visible_text import visible

_QUOTED = re.compile(r"'([^']{1,80})'|\"([^\"]{1,80})\"")
_KEY = re.compile(r'\s*"((?:[^"\\]|\\.)*)": ')
_IN_RECORD = " " * 6
"""How far the keys of a record are indented in an event that is laid out."""
_LINE_LIMIT = 140
_NAME_LIMIT = 80
_NAMES_AT_MOST = 5
_KEYS_AT_MOST = 2_000
"""Looking for a near key costs time for each, and who looks at a payload of more keys searches it otherwise."""


def payload_section(fixture: Fixture, failure: Failure | None, *, lines: int = 12) -> list[str]:
    """Show the payload of *fixture* around what *failure* names, under a heading that says whether it was redacted."""
    heading = "payload (redacted)" if fixture.redactions else "payload"
    return [heading, *(f"  {row}" for row in payload_excerpt(fixture.event_text, failure, lines=lines))]


def payload_excerpt(event_text: str, failure: Failure | None, *, lines: int = 12) -> list[str]:
    """
    Show the lines of the payload around what *failure* names, or its first lines, every token exactly as written.

    Where the named key is missing, the nearest key is looked for, since a misspelt key is the usual bug.
    """
    rows = _payload_rows(event_text)
    at = _row_of_interest(rows, failure)
    start = max(0, min(at - lines // 2, len(rows) - lines))
    shown = [visible(row, limit=_LINE_LIMIT) for row in rows[start : start + lines]]
    if start:
        shown.insert(0, "…")
    if start + lines < len(rows):
        shown.append("…")
    return shown if shown != [""] else ["(empty)"]


def _payload_rows(event_text: str) -> list[str]:
    try:
        event = parse(event_text)
        inside = _inside(event)
        if isinstance(inside, str):
            return _text_rows(inside)
        rows = pretty_rows(event_text)
    except InvalidJson:
        return event_text.split("\n")
    return rows if inside is None else _cut_out(rows, inside[0])


def _inside(event: Json) -> str | tuple[str] | None:
    """Find what people put into a one-record event: a text, or the key of an object, or nothing of its own."""
    records = event.get("Records") if isinstance(event, dict) else None
    if isinstance(records, list) and len(records) == 1 and isinstance(records[0], dict):
        for name in ("body", "Sns", "dynamodb", "kinesis", "s3"):
            if name in records[0]:
                value = records[0][name]
                return value if isinstance(value, str) else (name,)
    return None


def _text_rows(text: str) -> list[str]:
    """Lay a text out that is itself a JSON object or array; leave any other as it is."""
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return pretty_rows(text)
        except InvalidJson:
            pass
    return text.split("\n")


def _cut_out(rows: Sequence[str], name: str) -> list[str]:
    """Give the rows of the value *name* of the only record, moved to the margin."""
    start = next((number for number, row in enumerate(rows) if row.startswith(f'{_IN_RECORD}"{name}": ')), None)
    if start is None:
        return list(rows)  # its key is written with escapes
    margin = len(_IN_RECORD)
    cut = [rows[start].partition(": ")[2]]
    for row in rows[start + 1 :]:
        if cut[0][-1:] not in {"{", "["} or row[:margin].strip():
            break
        cut.append(row[margin:])
        if row[margin : margin + 1] in {"}", "]"}:
            break
    return [*cut[:-1], cut[-1].removesuffix(",")]


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
            keys.setdefault(_key_name(found[1]), number)
    return keys


def _key_name(written: str) -> str:
    try:
        return string_value(f'"{written}"')
    except ValueError:
        return written  # a row of a text that is not JSON


def _near(name: str, keys: dict[str, int]) -> int | None:
    candidates = {
        key.casefold(): number for key, number in list(keys.items())[:_KEYS_AT_MOST] if len(key) <= _NAME_LIMIT
    }
    near = difflib.get_close_matches(name.casefold(), candidates, n=1, cutoff=0.6)
    return candidates[near[0]] if near else None
