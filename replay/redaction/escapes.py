r"""Escapes inside a text: %40, \n, \u0022, &quot;, colours. Private is what they stand for, and it stays escaped."""

import html
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote

_HEX = "[0-9A-Fa-f]"
_TAIL = "%[89ABab][0-9A-Fa-f]"
_UNIT = re.compile(
    rf"%(?:[CDcd]{_HEX}{_TAIL}|[Ee]{_HEX}{_TAIL}{_TAIL}|[Ff][0-7]{_TAIL}{_TAIL}{_TAIL}|[0-7]{_HEX})"
    rf"|\\(?:u{_HEX}{{4}}|x{_HEX}{{2}}|[nrtbfv\"'/\\])"
    r"|&(?:quot|apos|lt|gt|nbsp|commat|period|plus|equals|colon|sol|amp|#\d{1,6}|#[xX][0-9A-Fa-f]{1,5});"
    r"|\x1b\[[0-9;]{0,16}m"
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v"}
_BEGINNINGS = "%\\&\x1b"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
"""What a copy from a chat or a page brings along, within a key or an address: nobody sees it, so nobody means it."""
_MOST_TIMES = 4
"""How often a text may have been escaped: JSON in JSON in a log line, `%2540`."""


class Unescaped(NamedTuple):
    """A text with one character for each escape; `starts` says where in the raw text each of its characters begins."""

    text: str
    starts: list[int]


def unescaped(raw: str) -> Unescaped | None:
    """Read *raw* without its escapes, and theirs, and without what is invisible, or give None where it has none."""
    found = _unescaped(raw)
    text = raw if found is None else found.text
    if text.isascii() or _INVISIBLE.search(text) is None:
        return found
    visible = [at for at, char in enumerate(text) if not _INVISIBLE.match(char)]
    starts = [*visible, len(text)]
    without = "".join(map(text.__getitem__, visible))
    return Unescaped(without, starts if found is None else [found.starts[start] for start in starts])


def _unescaped(raw: str) -> Unescaped | None:
    found = _unescaped_once(raw)
    for _ in range(_MOST_TIMES - 1):
        if found is None:
            break
        deeper = _unescaped_once(found.text)
        if deeper is None:
            break
        found = Unescaped(deeper.text, [found.starts[start] for start in deeper.starts])
    return found


def replaced(raw: str, replace: Callable[[str], str]) -> str:
    """Give what *replace* makes of *raw* without its escapes, with the escapes that *raw* has."""
    without = _unescaped(raw)
    if without is None:
        return replace(raw)
    made = replace(without.text)
    if made == without.text:
        return raw
    written = {
        char: raw[start:end]
        for char, start, end in zip(without.text, without.starts, without.starts[1:], strict=False)
        if end - start > 1 and not char.isalnum()
    }
    in_url = any(unit.startswith("%") for unit in written.values())
    return "".join(written.get(char) or (_quoted(char) if in_url else char) for char in made)


def _quoted(char: str) -> str:
    return char if char.isascii() else quote(char, errors="surrogatepass")


def holds_escape(raw: str) -> bool:
    """Say whether `unescaped` finds anything in *raw*."""
    if any(beginning in raw for beginning in _BEGINNINGS) and _UNIT.search(raw) is not None:
        return True
    return not raw.isascii() and _INVISIBLE.search(raw) is not None


def _unescaped_once(raw: str) -> Unescaped | None:
    if not any(beginning in raw for beginning in _BEGINNINGS):
        return None
    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for unit in _UNIT.finditer(raw):
        parts += (raw[at : unit.start()], _character(unit[0]))
        starts += range(at, unit.start() + 1)
        at = unit.end()
    if not parts:
        return None
    return Unescaped("".join((*parts, raw[at:])), [*starts, *range(at, len(raw) + 1)])


def _character(unit: str) -> str:
    """Give the one character that an escape stands for; a colour is none, but ends a word."""
    if unit[0] == "%":
        text = unquote(unit, errors="replace")
    elif unit[0] == "&":
        text = html.unescape(unit)
    elif unit[0] == "\\":
        text = chr(int(unit[2:], 16)) if unit[2:] else _CONTROLS.get(unit[1], unit[1])  # noqa: FURB166 - no 0x in it
    else:
        text = "\x1b"
    return text if len(text) == 1 else "\x1b"
