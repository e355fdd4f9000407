"""Rows that are lines of a log: failed requests are found among them, and joined with the events that were logged."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from replay.payloads.log_formats.reading import Forms
from replay.sources.s3_log_parts.joined import Joined
from replay.sources.s3_log_parts.lookup import look_up
from replay.sources.s3_log_parts.scan import scan
from replay.sources.s3_log_parts.sightings import Sighting

_PIECE_LETTERS = 1024 * 1024


def failed_requests(
    lines: Callable[[], Iterable[str]], forms: Forms, joined: Joined, problems: Counter[str]
) -> Iterator[Sighting]:
    """
    Give each failed request whose event was logged; those whose was not stay in *joined*.

    Args:
        lines: Begins to go through the lines; called again where events do not stand near their failures.
        problems: Gets what could not be read.
    """
    for found in scan(_pieces(lines()), forms, problems):
        if complete := joined.see(found, 0):
            yield complete
    yield from (found for _, found in joined.complete())
    sought = joined.sought()
    if not sought:
        return
    for event in look_up(_pieces(lines()), sought, forms, Counter()):
        if complete := joined.meet(event):
            yield complete


def _pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """Write lines as an object has them, some megabytes at a time."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line if line.endswith("\n") else f"{line}\n")
        size += len(line)
        if size >= _PIECE_LETTERS:
            yield "".join(held).encode("utf-8", "replace")
            held, size = [], 0
    if held:
        yield "".join(held).encode("utf-8", "replace")
