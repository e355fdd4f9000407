"""A run for human eyes: what happened grouped by failure, then each surprise explained, then the count."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Alike:
    """Fixtures of one function that ended alike: the first of them, and of the others what is shown."""

    first: FixtureReplayed
    count: int = 0
    names: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def add(self, event: FixtureReplayed) -> None:
        """Count one more."""
        self.count += 1
        reference = event.fixture.reference
        if len(self.names) < _NAMES_AT_MOST:
            self.names.append(reference.name)
        if len(self.ids) <= _IDS_AT_MOST:
            self.ids.append(reference.short)


class RunConsole:
    """
    Listen to a run and write it with *echo*, one call a line, when it is over.

    Of those that end alike one is kept, however many there are.

    Green is as expected, yellow a known bug that is still there, red unexpected, magenta could not run.

    Args:
        options: Of this run, for the commands that run a part of it again.
    """

    def __init__(self, echo: Callable[[str], object], *, options: Sequence[str] = ()) -> None:
        self._echo = echo
        self._options = tuple(options)
        self._told: dict[tuple[object, ...], _Alike] = {}
        self._not_run: list[FixtureNotRun] = []
        self._notes: dict[str, None] = {}

    def notice(self, event: RunEvent) -> None:
        """Take note of *event*, and write everything when the run is over."""
        if isinstance(event, FixtureReplayed):
            self._told.setdefault(_how(event), _Alike(event)).add(event)
            self._notes |= dict.fromkeys(event.notes)
        elif isinstance(event, FixtureNotRun):
            self._not_run.append(event)
        elif isinstance(event, RunFinished):
            self._write(event)

    def _write(self, finished: RunFinished) -> None:
        groups = sorted(self._told.values(), key=lambda group: (group.first.judgement.as_expected, -group.count))
        width = word_width(group.first for group in groups)
        for function in dict.fromkeys(_function(group) for group in self._told.values()):
            self._echo(click.style(function, bold=True))
            for group in groups:
                if _function(group) == function:
                    self._write_group(group, width)
        self._write_explanations(groups)
        self._write_not_run()
        if self._told or self._not_run:
            self._echo("")
        for note in self._notes:
            self._echo(click.style(f"note: {visible(note)}", dim=True))
        self._echo(self._last_line(finished))

    def _write_group(self, group: _Alike, width: int) -> None:
        first = group.first
        color, mark = look(first)
        verdict = click.style(f"{verdict_word(first):<{width}}", fg=color)
        outcome = first.outcomes[-1]
        what = failure_line(outcome.failure) if outcome.failure else outcome.status
        self._echo(f"  {click.style(mark, fg=color, bold=True)} {verdict}  {what}")
        self._write_names(group.names, group.count)

    def _write_names(self, names: Sequence[str], count: int) -> None:
        for name in names[:_NAMES_AT_MOST]:
            self._echo(click.style(f"      {name}", dim=True))
        if count > _NAMES_AT_MOST:
            self._echo(click.style(f"      … and {count - _NAMES_AT_MOST:,} more", dim=True))

    def _write_explanations(self, groups: Sequence[_Alike]) -> None:
        unexpected = [group for group in groups if not group.first.judgement.as_expected]
        fixed = [group for group in unexpected if _is_fixed(group.first)]
        others = [group.first for group in unexpected if not _is_fixed(group.first)]
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
            self._write_names([one_line(named(event)) for event in reason], len(reason))
            ids = [event.reference.short for event in reason]
            functions = list(dict.fromkeys(event.reference.function for event in reason))
            self._echo(f"run again  {run_command(ids if len(ids) <= _NAMES_AT_MOST else functions, self._options)}")

    def _last_line(self, finished: RunFinished) -> str:
        groups = self._told.values()
        counts = Counter[str]()
        for group in groups:
            counts[verdict_word(group.first)] += group.count
        line = what_was_run(finished, count_words(counts, len(self._not_run)))
        red = sum(group.count for group in groups if group.first.judgement.red)
        surprises = sum(group.count for group in groups if not group.first.judgement.as_expected) - red
        ends = [f"{surprises:,} not as expected"] if surprises else []
        ends += [f"{counted(red, 'known bug')} red because of --red"] if red else []
        if ends:
            return click.style(f"{line}; {', '.join(ends)}", fg="red", bold=True)
        if self._not_run:
            return click.style(line, fg="magenta", bold=True)
        if finished.interrupted or not finished.total:
            return click.style(line, fg="yellow", bold=True)
        return click.style(f"{line}; all as expected", fg="green", bold=True)


def what_was_run(finished: RunFinished, counts: str, *, noun: str = "fixture") -> str:
    """Say how many there were, how long it took, and in *counts* what they came to."""
    fixtures = counted(finished.total, noun)
    if finished.interrupted:
        fixtures = f"interrupted after {sum(finished.verdicts.values()):,} of {fixtures}"
    nothing = "nothing replayed" if finished.interrupted else "nothing to replay"
    return f"{fixtures} in {finished.elapsed_s:.2f} s: {counts or nothing}"


def _is_fixed(event: FixtureReplayed) -> bool:
    """Say whether nothing fails any more, and not only because AWS does not fail here."""
    return event.judgement.verdict == "fixed" and event.proposed_fault is None


def _accept(fixed: Sequence[_Alike], options: Sequence[str]) -> str:
    """Say how to accept what no longer fails."""
    first = fixed[0].first
    if len(fixed) == 1 and fixed[0].count == 1:
        return visible(f"{first.fixture.reference}: {first.judgement.reason}")
    called = [group for group in fixed if group.first.outcomes[-1].status == "succeeded"]
    others = [group for group in fixed if group.first.outcomes[-1].status != "succeeded"]
    accepting = ((called, "succeeds"), (others, "now"))
    return "\n".join(_accept_all(groups, [word, *options]) for groups, word in accepting if groups)


def _expect_options(options: Sequence[str]) -> list[str]:
    """Take those of a run's options that `replay expect` needs too."""
    return [word for flag, value in pairwise(options) if flag in _OF_EXPECT for word in (flag, value)]


def _accept_all(fixed: Sequence[_Alike], words: Sequence[str]) -> str:
    count = sum(group.count for group in fixed)
    what = f"{count:,} no longer {'fails' if count == 1 else 'fail'}. Accept the fix"
    if count <= _IDS_AT_MOST:
        ids = [each for group in fixed for each in group.ids]
        return f"{what}:  {shlex.join(('replay', 'expect', *ids, *words))}"
    functions = dict.fromkeys(map(_function, fixed))
    return f"{what}, for all fixtures of:  {shlex.join(('replay', 'expect', *functions, *words))}"


def _how(event: FixtureReplayed) -> tuple[object, ...]:
    """Give what is equal of fixtures that ended alike."""
    outcome = event.outcomes[-1]
    return (
        event.fixture.reference.function,
        verdict_word(event),
        event.judgement.as_expected,
        event.judgement.red,
        outcome.status,
        outcome.signature,
        event.proposed_fault,
    )


def _function(group: _Alike) -> str:
    return group.first.fixture.reference.function


def failure_line(failure: Failure) -> str:
    """Write a failure and the innermost line of the user's own code that it came from."""
    user = [frame for frame in failure.frames if frame.owner == "user"]
    where = ""
    if user:
        line = f":{user[-1].line}" if user[-1].line else ""
        place = f"{one_line(user[-1].module, limit=60)}{line} in {one_line(user[-1].function, limit=40)}"
        where = click.style(f"  {place}", dim=True)
    return headline(failure.error_type, failure.message, limit=72) + where
