"""A run for human eyes: a line per fixture as it comes, then what is unexpected, then the count."""

from collections.abc import Callable

import click

from replay.payloads.failures import Failure
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished
from replay.reports.explanation import explain, headline
from replay.reports.visible_text import one_line

_EXPLAINED_AT_MOST = 10
_NAME_WIDTH = 44


class RunConsole:
    """
    Listen to a run and write it with *echo*, one call a line.

    Green is as expected, yellow a known bug that is still there, red unexpected.
    """

    def __init__(self, echo: Callable[[str], object]) -> None:
        self._echo = echo
        self._function = ""
        self._unexpected: list[FixtureReplayed] = []

    def notice(self, event: RunEvent) -> None:
        """Write what *event* means for who watches."""
        if isinstance(event, FixtureReplayed):
            self._heading(event.fixture.reference.function)
            self._echo(_replayed_line(event))
            if not event.judgement.as_expected:
                self._unexpected.append(event)
        elif isinstance(event, FixtureNotRun):
            self._heading(event.reference.function)
            mark = click.style("!", fg="magenta", bold=True)
            self._echo(f"  {mark} {event.reference.name:<{_NAME_WIDTH}}  could not run")
            self._echo("      " + str(event.error).replace("\n", "\n      "))
        elif isinstance(event, RunFinished):
            self._explanations()
            self._echo("")
            self._echo(run_summary(event))

    def _heading(self, function: str) -> None:
        if function != self._function:
            self._function = function
            self._echo(click.style(function, bold=True))

    def _explanations(self) -> None:
        for event in self._unexpected[:_EXPLAINED_AT_MOST]:
            self._echo("")
            self._echo(click.style(f"── {event.fixture.reference}", fg="red", bold=True))
            self._echo(explain(event.fixture, event.outcomes, event.judgement))
        left = len(self._unexpected) - _EXPLAINED_AT_MOST
        if left > 0:
            self._echo(f"\n… and {left} more: replay one by its id to see why")


def _replayed_line(event: FixtureReplayed) -> str:
    judgement, outcome = event.judgement, event.outcomes[-1]
    color = "yellow" if judgement.known_bug else "green" if judgement.as_expected else "red"
    mark = {"yellow": "●", "green": "✓", "red": "✗"}[color]
    verdict = click.style(f"{judgement.verdict:<10}", fg=color)
    what = failure_line(outcome.failure) if outcome.failure else outcome.status
    return (
        f"  {click.style(mark, fg=color, bold=True)} {event.fixture.reference.name:<{_NAME_WIDTH}}  {verdict}  {what}"
    )


def failure_line(failure: Failure) -> str:
    """Write a failure and the innermost line of the user's own code that it came from."""
    user = [frame for frame in failure.frames if frame.owner == "user"]
    where = ""
    if user:
        frame = user[-1]
        line = f":{frame.line}" if frame.line else ""
        where = click.style(
            f"  {one_line(frame.module, limit=60)}{line} in {one_line(frame.function, limit=40)}", dim=True
        )
    return headline(failure.error_type, failure.message, limit=72) + where


def run_summary(event: RunFinished) -> str:
    """Write the last line of a run."""
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in event.verdicts.items() if count)
    fixtures = "1 fixture" if event.total == 1 else f"{event.total:,} fixtures"
    line = f"{fixtures} in {event.elapsed_s:.2f} s: {verdicts or 'nothing to replay'}"
    if event.unexpected:
        return click.style(f"{line}; {event.unexpected} not as expected", fg="red", bold=True)
    return click.style(f"{line}; all as expected", fg="green", bold=True)
