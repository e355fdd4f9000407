"""A private part of a text, and what finds such parts."""

from collections.abc import Callable, Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """A private part of a text, `text[start:end]`; `prefix` is what of it says its kind and may stay."""

    start: int
    end: int
    detector: str
    prefix: str = ""


Detector = Callable[[str], Iterator[Span]]


def whole(value: str, detector: str) -> Span:
    """Give the span of all of *value*."""
    return Span(0, len(value), detector)


def known_or(known: list[Span], value: str, start: int, otherwise: str) -> Span:
    """Give the span from *start* to the end of *value*; a token whose format is known, as *known* says, keeps it."""
    if len(known) == 1 and (known[0].start, known[0].end) == (0, len(value) - start):
        return known[0]._replace(start=start, end=len(value))
    return Span(start, len(value), otherwise)
