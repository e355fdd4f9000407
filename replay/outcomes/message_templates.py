"""What of a message was written by the programmer: read from the line of code that raised it."""

import ast
import re
import warnings
from functools import lru_cache

_CODE_NAME = re.compile(r"[A-Za-z]+(?:[_.][A-Za-z]+)*_[A-Za-z]+(?:[_.][A-Za-z]+)*\d{0,2}|[a-z]+(?:[A-Z][a-z]+)+")
_PLACEHOLDER = re.compile(r"%(?:\([^)]*\))?[-#0 +]*[\d*]*(?:\.[\d*]+)?[diouxXeEfFgGcrsa]|\{[^{}]*\}")
_LETTERS_TO_TRUST = 4
_CODE_LIMIT = 1000


def written_part(message: str, code: str) -> str | None:
    """
    Replace in *message* what the line *code* filled in, if that line raises an exception with such a message.

    Of `raise OrderError(f"bad amount {amount!r}")` the words are the programmer's and stay, the amount is replaced. A
    value that can only be the name of a field (`customer_id`, `customerId`) stays too: it tells two bugs apart.

    Returns:
        None when *code* is no such line.
    """
    parts = _written_parts(code)
    if parts is None:
        return None
    at = len(parts[0])
    if not message.startswith(parts[0]):
        return None
    pieces = [parts[0]]
    for index, part in enumerate(parts[1:], 1):
        last = index == len(parts) - 1
        found = len(message) - len(part) if last and message.endswith(part) else -1 if last else message.find(part, at)
        if found < at:
            return None
        pieces += (_filled_in(message[at:found]), part)
        at = found + len(part)
    return "".join(pieces)


def _filled_in(value: str) -> str:
    return value if _CODE_NAME.fullmatch(value.strip("'\"`")) else "<value>"


@lru_cache(maxsize=1024)
def _written_parts(code: str) -> tuple[str, ...] | None:
    """Give the literal parts of the message that *code* raises, with something filled in between each two."""
    if not code.startswith("raise ") or len(code) > _CODE_LIMIT:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an odd escape in the user's line
            statement = ast.parse(code).body[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(statement, ast.Raise) or not isinstance(statement.exc, ast.Call) or not statement.exc.args:
        return None
    parts = _parts(statement.exc.args[0])
    if parts is None or len(parts) < 2 or sum(map(str.isalpha, "".join(parts))) < _LETTERS_TO_TRUST:  # noqa: PLR2004 - one hole at least
        return None
    return parts


def _parts(node: ast.expr) -> tuple[str, ...] | None:
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(each.value) if isinstance(each, ast.Constant) else "\0" for each in node.values)
        return tuple(re.split("\0+", text))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _filled(node.left)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _filled(node.func.value)
    return None


def _filled(template: ast.expr) -> tuple[str, ...] | None:
    if not isinstance(template, ast.Constant) or not isinstance(template.value, str):
        return None
    return tuple(_PLACEHOLDER.split(template.value))
