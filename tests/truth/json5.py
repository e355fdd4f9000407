"""JSON5 as far as recordings use it: JSON with comments and trailing commas."""

import json
import re
from pathlib import Path
from typing import Any

_STRING_OR_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])')


def parse_json5(text: str) -> Any:
    """Parse JSON that may have comments and trailing commas; raises ValueError when it is not that."""
    text = _STRING_OR_COMMENT.sub(lambda found: found[1] or " ", text)
    return json.loads(_STRING_OR_TRAILING_COMMA.sub(lambda found: found[1] or "", text))


def read_json5(path: Path) -> Any:
    """Read such a file."""
    return parse_json5(path.read_text(encoding="utf-8-sig"))
