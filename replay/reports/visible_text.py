"""Captured text made safe to look at: nothing in a payload can move a cursor, hide a line or reorder one."""

import re

# What has no glyph of its own, or changes that of others. Source: Unicode 16, general categories Cc (but tab and
# newline), Cf, Cs, Zl and Zp; and the fillers, joiners and variation selectors that look like nothing at all.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: str, *, limit: int | None = None) -> str:
    """
    Write what a terminal would act on as an escape, and cut at *limit* characters.

    Newlines and tabs stay; use `one_line` where they may not.
    """
    if limit is not None and len(text) > limit:
        text = f"{text[: limit - 1]}…"
    return _UNSEEN.sub(_escaped, text)


def one_line(text: str, *, limit: int = 160) -> str:
    """Make *text* one visible line of at most *limit* characters (before escapes)."""
    return visible(" ".join(text[: limit * 4].split()), limit=limit)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:  # noqa: PLR2004 - one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - two bytes
