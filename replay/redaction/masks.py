"""Masks: every letter an x and every digit a 0, but for a few; what punctuation and length say stays."""

from collections.abc import Callable

_MASK = frozenset("xX0")
_SHORTEST = 4
_MOST_TRUE = 4
"""One in so many letters and digits may be true."""


def masked(value: str, *, kept: Callable[[str], bool] = lambda _: False) -> str:
    """Mask the letters and digits of *value*, but those that are *kept*."""
    return "".join(char if kept(char) else _mask(char) for char in value)


def _mask(char: str) -> str:
    if char.isdecimal():
        return "0"
    if not char.isalpha():
        return char
    return "X" if char.isupper() else "x"


def is_mask(value: str) -> bool:
    """Say whether *value* is a mask, through which at most one letter or digit in four shows; 0000 may be a PIN."""
    signs = [char for char in value if char.isalnum()]
    true = sum(char not in _MASK for char in signs)
    return len(signs) >= _SHORTEST and true * _MOST_TRUE <= len(signs) and ("x" in value or "X" in value)
