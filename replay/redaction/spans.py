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
