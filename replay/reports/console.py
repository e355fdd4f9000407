"""A run for human eyes: what happened grouped by failure, then each surprise explained, then the count."""

from collections.abc import Callable, Sequence

import click

from replay.payloads.failures import Failure
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished
from replay.reports.explanation import explain, headline
from replay.reports.visible_text import one_line, visible

_EXPLAINED_AT_MOST = 5
_NAMES_AT_MOST = 5
_IDS_AT_MOST = 40
_VERDICT_WORDS = {"error": "could not run"}


class RunConsole:
    """
    Listen to a run and write it with *echo*, one call a line, when it is over.

    Green is as expected, yellow a known bug that is still there, red unexpected, magenta could not run.
    """

    def __init__(self, echo: Callable[[str], object]) -> None:
        self._echo = echo
        self._told: dict[str, list[FixtureReplayed]] = {}
        self._not_run: list[FixtureNotRun] = []
        self._notes: dict[str, None] = {}

    def notice(self, event: RunEvent) -> None:
        """Take note of *event*, and write everything when the run is over."""
        if isinstance(event, FixtureReplayed):
            self._told.setdefault(event.fixture.reference.function, []).append(event)
            self._notes |= dict.fromkeys(event.notes)
        elif isinstance(event, FixtureNotRun):
            self._not_run.append(event)
        elif isinstance(event, RunFinished):
            self._write(event)

    def _write(self, finished: RunFinished) -> None:
        for function, events in self._told.items():
            self._echo(click.style(function, bold=True))
            for group in _by_failure(events):
                self._write_group(group)
        self._write_explanations()
        self._write_not_run()
        if self._told or self._not_run:
            self._echo("")
        for note in self._notes:
            self._echo(click.style(f"note: {visible(note)}", dim=True))
        self._echo(run_summary(finished))

    def _write_group(self, group: Sequence[FixtureReplayed]) -> None:
        first = group[0]
        color, mark = _look(first)
        verdict = click.style(f"{first.judgement.verdict:<10}", fg=color)
        outcome = first.outcomes[-1]
        what = failure_line(outcome.failure) if outcome.failure else outcome.status
        self._echo(f"  {click.style(mark, fg=color, bold=True)} {verdict}  {what}")
        self._write_names([event.fixture.reference.name for event in group])

    def _write_names(self, names: Sequence[str]) -> None:
        for name in names[:_NAMES_AT_MOST]:
            self._echo(click.style(f"      {name}", dim=True))
        if len(names) > _NAMES_AT_MOST:
            self._echo(click.style(f"      … and {len(names) - _NAMES_AT_MOST:,} more", dim=True))

    def _write_explanations(self) -> None:
        unexpected = [event for events in self._told.values() for event in events if not event.judgement.as_expected]
        fixed = [event for event in unexpected if event.judgement.verdict == "fixed"]
        others = _one_of_each([event for event in unexpected if event.judgement.verdict != "fixed"])
        for event in others[:_EXPLAINED_AT_MOST]:
            self._echo("")
            self._echo(click.style(f"── {event.fixture.reference}", fg="red", bold=True))
            self._echo(explain(event.fixture, event.outcomes, event.judgement))
        if len(others) > _EXPLAINED_AT_MOST:
            self._echo(f"\n… and {len(others) - _EXPLAINED_AT_MOST:,} more failures: replay one by its id to see why")
        if fixed:
            self._echo(f"\n{_accept(fixed)}")

    def _write_not_run(self) -> None:
        """Write each reason once, with the fixtures that it has kept from being replayed."""
        reasons: dict[str, list[str]] = {}
        for event in self._not_run:
            reasons.setdefault(str(event.error), []).append(str(event.reference))
        for reason, names in reasons.items():
            self._echo("")
            self._echo(f"{click.style('!', fg='magenta', bold=True)} could not run: {visible(reason)}")
            self._write_names(names)


def _accept(fixed: Sequence[FixtureReplayed]) -> str:
    """Say how to accept what no longer fails."""
    if len(fixed) == 1:
        return visible(fixed[0].judgement.reason)
    if len(fixed) <= _IDS_AT_MOST:
        which = " ".join(event.fixture.reference.id for event in fixed)
        return f"{len(fixed):,} no longer fail. Accept the fix:  replay expect {which} succeeds"
    functions = " ".join(dict.fromkeys(event.fixture.reference.function for event in fixed))
    return f"{len(fixed):,} no longer fail. Accept the fix, for all fixtures of:  replay expect {functions} succeeds"


def _one_of_each(events: Sequence[FixtureReplayed]) -> list[FixtureReplayed]:
    """Take the first of each kind of surprise: ten fixtures that fail alike are explained by one."""
    return [group[0] for group in _by_failure(events)]


def _by_failure(events: Sequence[FixtureReplayed]) -> list[list[FixtureReplayed]]:
    """Group what ended alike, the unexpected first, the most frequent before the rare."""
    groups: dict[tuple[object, ...], list[FixtureReplayed]] = {}
    for event in events:
        outcome = event.outcomes[-1]
        function, judgement = event.fixture.reference.function, event.judgement
        key = (function, judgement.verdict, judgement.as_expected, outcome.status, outcome.signature)
        groups.setdefault(key, []).append(event)
    return sorted(groups.values(), key=lambda group: (group[0].judgement.as_expected, -len(group)))


def _look(event: FixtureReplayed) -> tuple[str, str]:
    if event.judgement.known_bug:
        return "yellow", "●"
    return ("green", "✓") if event.judgement.as_expected else ("red", "✗")


def failure_line(failure: Failure) -> str:
    """Write a failure and the innermost line of the user's own code that it came from."""
    user = [frame for frame in failure.frames if frame.owner == "user"]
    where = ""
    if user:
        line = f":{user[-1].line}" if user[-1].line else ""
        place = f"{one_line(user[-1].module, limit=60)}{line} in {one_line(user[-1].function, limit=40)}"
        where = click.style(f"  {place}", dim=True)
    return headline(failure.error_type, failure.message, limit=72) + where


def run_summary(event: RunFinished) -> str:
    """Write the last line of a run."""
    counts = [f"{count:,} {_VERDICT_WORDS.get(verdict, verdict)}" for verdict, count in event.verdicts.items()]
    fixtures = "1 fixture" if event.total == 1 else f"{event.total:,} fixtures"
    if event.interrupted:
        fixtures = f"interrupted after {sum(event.verdicts.values()):,} of {fixtures}"
    line = f"{fixtures} in {event.elapsed_s:.2f} s: {', '.join(counts) or 'nothing to replay'}"
    surprises = event.unexpected - event.verdicts.get("error", 0)
    if surprises:
        return click.style(f"{line}; {surprises:,} not as expected", fg="red", bold=True)
    if event.unexpected:
        return click.style(line, fg="magenta", bold=True)
    if event.interrupted or not event.total:
        return click.style(line, fg="yellow", bold=True)
    return click.style(f"{line}; all as expected", fg="green", bold=True)
