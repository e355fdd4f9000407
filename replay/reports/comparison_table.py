"""A comparison of two targets for human eyes: what differs as a table, each kind of difference once."""

import shutil
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

import click

from replay.comparison.compare_events import CompareEvent, ComparisonFinished, ComparisonStarted, FixtureCompared
from replay.comparison.differences import Difference, Kind
from replay.counted_nouns import counted
from replay.reports.explanation import run_command
from replay.reports.visible_text import one_line

_NAMES_AT_MOST = 5
_TABLES_AT_MOST = 10
_WIDEST = 60
_NARROWEST = 18
_INDENT = " " * 6
_MARKS: Mapping[Kind, tuple[str, str]] = {
    "differs": ("✗", "red"),
    "not_compared": ("!", "magenta"),
    "same": ("✓", "green"),
}
_WORDS = {"differs": "differs", "not_compared": "not compared", "same": "same"}
_ORDER = tuple(_MARKS)
_MILLISECOND = 0.001


class ComparisonTable:
    """
    Listen to a comparison and write it with *echo*, one call a line, when it is over.

    Green is the same, red differs, magenta was not compared: one of the targets did not show how it ended.

    Args:
        options: Of this run, for the command that compares a few fixtures again.
    """

    def __init__(self, echo: Callable[[str], object], *, options: Sequence[str] = ()) -> None:
        self._echo, self._options = echo, tuple(options)
        self._names = ("", "")
        self._told: dict[str, list[FixtureCompared]] = {}

    def notice(self, event: CompareEvent) -> None:
        """Take note of *event*, and write everything when the comparison is over."""
        if isinstance(event, ComparisonStarted):
            self._names = (event.baseline, event.other)
        elif isinstance(event, FixtureCompared):
            self._told.setdefault(event.reference.function, []).append(event)
        elif isinstance(event, ComparisonFinished):
            self._write(event)

    def _write(self, finished: ComparisonFinished) -> None:
        for function, events in self._told.items():
            self._echo(click.style(function, bold=True))
            groups = _groups(events)
            for group in groups[:_TABLES_AT_MOST]:
                self._write_group(group)
            more = len(groups) - _TABLES_AT_MOST
            if more > 0:
                self._echo(click.style(f"  … and {counted(more, 'more kind of difference', 'more kinds')}", dim=True))
        everything = [event for events in self._told.values() for event in events]
        if everything:
            self._echo("")
            for note in self._notes(everything):
                self._echo(click.style(note, dim=True))
        self._echo(self._last_line(finished))

    def _write_group(self, group: Sequence[FixtureCompared]) -> None:
        first = group[0]
        mark, color = _MARKS[first.compared.kind]
        word = click.style(f"{_WORDS[first.compared.kind]:<12}", fg=color)
        about = counted(len(group), "fixture")
        if first.compared.kind == "not_compared":
            about += f": {one_line(first.compared.left_out.get('all', ''), limit=200)}"
        self._echo(f"  {click.style(mark, fg=color, bold=True)} {word}  {about}")
        if first.compared.kind == "differs":
            self._write_table(first.compared.differences, group)
        if first.compared.kind != "same":
            self._write_names(group)

    def _write_table(self, differences: Sequence[Difference], group: Sequence[FixtureCompared]) -> None:
        times = (_median(each.baseline.duration_s for each in group), _median(each.other.duration_s for each in group))
        told = [(_what(each), each.baseline, each.other) for each in differences]
        rows = [("", *self._names), *told, ("took", *times)]
        widths = _widths(rows[:-1])  # a duration is short, and may not move what is above it
        for number, row in enumerate(rows):
            cells = [f"{one_line(cell, limit=width):<{width}}" for cell, width in zip(row, widths, strict=True)]
            faint = number in {0, len(rows) - 1}
            self._echo(_INDENT + click.style("  ".join(cells).rstrip(), dim=faint))

    def _write_names(self, group: Sequence[FixtureCompared]) -> None:
        for event in group[:_NAMES_AT_MOST]:
            self._echo(click.style(f"{_INDENT}{event.reference.name}", dim=True))
        if len(group) > _NAMES_AT_MOST:
            self._echo(click.style(f"{_INDENT}… and {len(group) - _NAMES_AT_MOST:,} more", dim=True))

    def _notes(self, events: Sequence[FixtureCompared]) -> Iterable[str]:
        left_out = dict.fromkeys(
            f"note: no {aspect} compared: {why}" if aspect == "effects" else f"note: {aspect} not compared: {why}"
            for event in events
            for aspect, why in event.compared.left_out.items()
            if aspect != "all"
        )
        yield from map(one_line, left_out)
        differing = [event.reference.short for event in events if event.compared.kind == "differs"]
        if differing:
            yield f"run again  {run_command(differing[:_NAMES_AT_MOST], self._options)}"

    def _last_line(self, finished: ComparisonFinished) -> str:
        told = [f"{finished.kinds[kind]:,} {_counted_word(kind)}" for kind in _ORDER if finished.kinds.get(kind)]
        fixtures = counted(finished.total, "fixture")
        if finished.interrupted:
            fixtures = f"interrupted after {sum(finished.kinds.values()):,} of {fixtures}"
        through = one_line(f"{self._names[0]} and {self._names[1]}")
        line = f"{fixtures} through {through} in {finished.elapsed_s:.2f} s: {', '.join(told) or 'nothing compared'}"
        color = next((_MARKS[kind][1] for kind in _ORDER if finished.kinds.get(kind)), "yellow")
        return click.style(line, fg="yellow" if finished.interrupted else color, bold=True)


def _counted_word(kind: Kind) -> str:
    return "differ" if kind == "differs" else _WORDS[kind]


def _groups(events: Sequence[FixtureCompared]) -> list[list[FixtureCompared]]:
    """Put together what differs in the same places; what was not compared, for the same reason."""
    groups: dict[object, list[FixtureCompared]] = {}
    for event in events:
        places = tuple((each.aspect, each.where) for each in event.compared.differences)
        states = tuple(
            (each.baseline, each.other) for each in event.compared.differences if each.aspect in {"status", "error"}
        )
        key = (event.compared.kind, places, states, event.compared.left_out.get("all"))
        groups.setdefault(key, []).append(event)
    return sorted(groups.values(), key=lambda group: (_ORDER.index(group[0].compared.kind), -len(group)))


def _what(difference: Difference) -> str:
    return f"{difference.aspect} {difference.where}".rstrip()


def _widths(rows: Sequence[tuple[str, str, str]]) -> tuple[int, int, int]:
    columns = [max(len("999.99 min"), *(len(one_line(row[column])) for row in rows)) for column in range(3)]
    what = min(columns[0], _WIDEST // 2)
    room = max(2 * _NARROWEST, shutil.get_terminal_size().columns - len(_INDENT) - what - 4)
    left = min(columns[1], max(room // 2, room - columns[2]), _WIDEST)
    return what, left, max(_NARROWEST, min(columns[2], room - left, _WIDEST))


def _median(durations_s: Iterable[float]) -> str:
    seconds = statistics.median(durations_s)
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds / _MILLISECOND:.1f} ms"
