"""Values that stand in prose: JSON, Python's spelling of it, and the ellipsis of who was brief."""

import json
import re
from typing import Any

_ELLIPSIS = re.compile(r"\{\s*(?:…|\.\.\.)\s*\}")
_PYTHON = {"None": None, "True": True, "False": False}


def json_value(text: str) -> Any:
    """Read a value; None where there is none. An object of which only `{…}` is told has one made-up member."""
    text = text.strip().rstrip(".")
    if text in _PYTHON:
        return _PYTHON[text]
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        return json.loads(_ELLIPSIS.sub('{"a-name": "a value"}', text))
    except ValueError:
        return None


def is_json_value(text: str) -> bool:
    """Say whether a text is a value."""
    return json_value(text) is not None or text.strip().rstrip(".") in {"null", "None"}


def split_clauses(text: str) -> list[str]:
    """Split prose at its commas and semicolons, but not inside brackets or quotes."""
    clauses, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif not quoted and letter in "{[(":
            depth += 1
        elif not quoted and letter in "}])":
            depth -= 1
        elif not quoted and not depth and letter in ",;":
            clauses.append(text[start:place])
            start = place + 1
    return [clause.strip() for clause in [*clauses, text[start:]] if clause.strip()]
