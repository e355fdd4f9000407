"""JSON5 as far as recordings use it: JSON with comments, trailing commas, bare keys and single quotes."""

import json
import re
from pathlib import Path
from typing import Any

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*")|'(?P<single>(?:[^'\\]|\\.)*)'|//[^\n]*|/\*.*?\*/|(?P<key>[A-Za-z_$][\w$]*)(?=\s*:)""",
    re.DOTALL,
)
_STRING_OR_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])')


def parse_json5(text: str) -> Any:
    """Parse such a text; raises ValueError when it is not that."""
    return json.loads(_STRING_OR_TRAILING_COMMA.sub(lambda found: found[1] or "", _TOKEN.sub(_as_json, text)))


def read_json5(path: Path) -> Any:
    """Read such a file."""
    return parse_json5(path.read_text(encoding="utf-8-sig"))


def _as_json(found: re.Match[str]) -> str:
    if found["key"] is not None:
        return f'"{found["key"]}"'
    if found["single"] is not None:
        text = found["single"].replace("\\'", "'").replace('"', '\\"')
        return f'"{text}"'
    return found["string"] or " "
