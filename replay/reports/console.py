"""A run for human eyes: what happened grouped by failure, then each surprise explained, then the count."""

import shlex
from collections.abc import Callable, Sequence
from itertools import pairwise

import click

from replay.counted_nouns import counted
from replay.payloads.failures import Failure
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished
from replay.reports.expectation_words import headline
from replay.reports.explanation import explain, run_command
from replay.reports.not_run import by_reason, named, reason_text
from replay.reports.verdict_words import count_words, look, verdict_word, word_width
from replay.reports.visible_text import one_line, visible

_EXPLAINED_AT_MOST = 5
_NAMES_AT_MOST = 5
_IDS_AT_MOST = 40
_OF_EXPECT = frozenset({"--fixtures", "--fault"})


class RunConsole:
    """
    Listen to a run and write it with *echo*, one call a line, when it is over.

    Green is as expected, yellow a known bug that is still there, red unexpected, magenta could not run.

    Args:
        options: Of this run, for the commands that run a part of it again.
    """

    def __init__(self, echo: Callable[[str], object], *, options: Sequence[str] = ()) -> None:
        self._echo = echo
        self._options = tuple(options)
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
        width = word_width(event for events in self._told.values() for event in events)
        for function, events in self._told.items():
            self._echo(click.style(function, bold=True))
            for group in _by_failure(events):
                self._write_group(group, width)
        self._write_explanations()
        self._write_not_run()
        if self._told or self._not_run:
            self._echo("")
        for note in self._notes:
            self._echo(click.style(f"note: {visible(note)}", dim=True))
        self._echo(self._last_line(finished))

    def _write_group(self, group: Sequence[FixtureReplayed], width: int) -> None:
        first = group[0]
        color, mark = look(first)
        verdict = click.style(f"{verdict_word(first):<{width}}", fg=color)
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
        fixed = [event for event in unexpected if _is_fixed(event)]
        others = _one_of_each([event for event in unexpected if not _is_fixed(event)])
        for event in others[:_EXPLAINED_AT_MOST]:
            self._echo("")
            self._echo(click.style(f"── {event.fixture.reference}", fg="red", bold=True))
            self._echo(explain(event.fixture, event.outcomes, event.judgement, options=self._options))
        rest = others[_EXPLAINED_AT_MOST:]
        if rest:
            command = run_command([event.fixture.reference.short for event in rest[:_EXPLAINED_AT_MOST]], self._options)
            self._echo(f"\n… and {counted(len(rest), 'more failure')} of other kinds; to see why:  {command}")
        if fixed:
            self._echo(f"\n{_accept(fixed, _expect_options(self._options))}")

    def _write_not_run(self) -> None:
        """Write each reason once, with the fixtures that it has kept from being replayed."""
        for reason in by_reason(self._not_run):
            self._echo("")
            self._echo(f"{click.style('!', fg='magenta', bold=True)} could not run: {visible(reason_text(reason))}")
            self._write_names([one_line(named(event)) for event in reason])
            ids = [event.reference.short for event in reason]
            functions = list(dict.fromkeys(event.reference.function for event in reason))
            self._echo(f"run again  {run_command(ids if len(ids) <= _NAMES_AT_MOST else functions, self._options)}")

    def _last_line(self, finished: RunFinished) -> str:
        events = [event for told in self._told.values() for event in told]
        line = _what_was_run(finished, count_words(events, len(self._not_run)))
        red = sum(event.judgement.red for event in events)
        surprises = sum(not event.judgement.as_expected for event in events) - red
        ends = [f"{surprises:,} not as expected"] if surprises else []
        ends += [f"{counted(red, 'known bug')} red because of --red"] if red else []
        if ends:
            return click.style(f"{line}; {', '.join(ends)}", fg="red", bold=True)
        if self._not_run:
            return click.style(line, fg="magenta", bold=True)
        if finished.interrupted or not finished.total:
            return click.style(line, fg="yellow", bold=True)
        return click.style(f"{line}; all as expected", fg="green", bold=True)


def _what_was_run(finished: RunFinished, counts: str) -> str:
    fixtures = counted(finished.total, "fixture")
    if finished.interrupted:
        fixtures = f"interrupted after {sum(finished.verdicts.values()):,} of {fixtures}"
    nothing = "nothing replayed" if finished.interrupted else "nothing to replay"
    return f"{fixtures} in {finished.elapsed_s:.2f} s: {counts or nothing}"


def _is_fixed(event: FixtureReplayed) -> bool:
    """Say whether nothing fails any more, and not only because AWS does not fail here."""
    return event.judgement.verdict == "fixed" and event.proposed_fault is None


def _accept(fixed: Sequence[FixtureReplayed], options: Sequence[str]) -> str:
    """Say how to accept what no longer fails."""
    if len(fixed) == 1:
        return visible(f"{fixed[0].fixture.reference}: {fixed[0].judgement.reason}")
    called = [event for event in fixed if event.outcomes[-1].status == "succeeded"]
    others = [event for event in fixed if event.outcomes[-1].status != "succeeded"]
    accepting = ((called, "succeeds"), (others, "now"))
    return "\n".join(_accept_all(events, [word, *options]) for events, word in accepting if events)


def _expect_options(options: Sequence[str]) -> list[str]:
    """Take those of a run's options that `replay expect` needs too."""
    return [word for flag, value in pairwise(options) if flag in _OF_EXPECT for word in (flag, value)]


def _accept_all(fixed: Sequence[FixtureReplayed], words: Sequence[str]) -> str:
    what = f"{len(fixed):,} no longer {'fails' if len(fixed) == 1 else 'fail'}. Accept the fix"
    if len(fixed) <= _IDS_AT_MOST:
        ids = [event.fixture.reference.short for event in fixed]
        return f"{what}:  {shlex.join(('replay', 'expect', *ids, *words))}"
    functions = dict.fromkeys(event.fixture.reference.function for event in fixed)
    return f"{what}, for all fixtures of:  {shlex.join(('replay', 'expect', *functions, *words))}"


def _one_of_each(events: Sequence[FixtureReplayed]) -> list[FixtureReplayed]:
    """Take the first of each kind of surprise: ten fixtures that fail alike are explained by one."""
    return [group[0] for group in _by_failure(events)]


def _by_failure(events: Sequence[FixtureReplayed]) -> list[list[FixtureReplayed]]:
    """Group what ended alike, the unexpected first, the most frequent before the rare."""
    groups: dict[tuple[object, ...], list[FixtureReplayed]] = {}
    for event in events:
        outcome = event.outcomes[-1]
        function, judgement = event.fixture.reference.function, event.judgement
        key = (
            function,
            verdict_word(event),
            judgement.as_expected,
            outcome.status,
            outcome.signature,
            event.proposed_fault,
        )
        groups.setdefault(key, []).append(event)
    return sorted(groups.values(), key=lambda group: (group[0].judgement.as_expected, -len(group)))


def failure_line(failure: Failure) -> str:
    """Write a failure and the innermost line of the user's own code that it came from."""
    user = [frame for frame in failure.frames if frame.owner == "user"]
    where = ""
    if user:
        line = f":{user[-1].line}" if user[-1].line else ""
        place = f"{one_line(user[-1].module, limit=60)}{line} in {one_line(user[-1].function, limit=40)}"
        where = click.style(f"  {place}", dim=True)
    return headline(failure.error_type, failure.message, limit=72) + where
