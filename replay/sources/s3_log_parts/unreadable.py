"""What could not be read of objects, counted by reason, with the places."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from replay.counted_nouns import counted
from replay.sources.s3_log_parts.missing_events import printable

_MOST_NOTES = 20


class UnreadableParts:
    """Counts what could not be read, by its reason and its object."""

    def __init__(self) -> None:
        self._places: dict[str, Counter[str]] = {}

    def add(self, place: str, problems: Mapping[str, int]) -> None:
        """Count the problems of one object."""
        for problem, count in problems.items():
            self._places.setdefault(problem, Counter())[place] += count

    def notes(self, *, without: Collection[str] = ()) -> Iterator[str]:
        """Tell each reason once, but for some, with how often it was met and in which object first."""
        told = [(problem, places) for problem, places in self._places.items() if problem not in without]
        for problem, places in told[:_MOST_NOTES]:
            first = printable(next(iter(places)))
            others = f" and {counted(len(places) - 1, 'other object')}" if len(places) > 1 else ""
            yield f"{counted(places.total(), 'time')}, first in {first}{others}: {printable(problem)}"
