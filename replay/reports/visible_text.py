"""Captured text made safe to look at: nothing in a payload can move a cursor, hide a line or reorder one."""

import re

# C0 but tab and newline, DEL, C1, line separators, bidirectional controls, zero-width marks, lone surrogates, BOM.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


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
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte
