"""A run of captured events: counted, and those that fail alike told together, however many there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import click

from replay.outcomes.failure_classes import failure_class
from replay.outcomes.outcome import Outcome
from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure, Signature
from replay.replayer import FixtureNotRun, FixtureReplayed, RunEvent, RunFinished
from replay.reports.console import failure_line, what_was_run
from replay.reports.explanation import run_command
from replay.reports.line_parts import problem
from replay.reports.not_run import reason_key, reason_text
from replay.reports.visible_text import one_line, visible

_NAMED = 5
_MOST_GROUPS = 1_000
_MOST_NOTES = 50


@dataclass(slots=True)
class Group:
    """Events that ended alike: how many, how, and the places of the first few."""

    status: str
    failure: Failure | None = None
    signature: Signature | None = None
    count: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, place: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.places) < _NAMED:
            self.places.append(place)


@dataclass(slots=True)
class EventGroups:
    """Listens to a run, and groups what has failed by its signature, and what could not run by its reason."""

    succeeded: int = 0
    others: int = 0
    """How many have failed in ways of their own, behind the first thousand ways."""
    not_run: dict[object, tuple[FixtureNotRun, Group]] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    _failed: dict[tuple[str, Signature | None], Group] = field(default_factory=dict)

    def notice(self, event: RunEvent) -> None:
        """Take note of *event*."""
        if isinstance(event, FixtureReplayed):
            if event.notes and len(self.notes) < _MOST_NOTES:
                self.notes.update(dict.fromkeys(event.notes))
            if event.judgement.as_expected:
                self.succeeded += 1
            else:
                self._add(event.outcomes[-1], str(event.fixture.reference))
        elif isinstance(event, FixtureNotRun):
            key = (
                (event.error.what, event.error.hint) if event.error.where == str(event.reference) else reason_key(event)
            )
            if key in self.not_run or len(self.not_run) < _MOST_GROUPS:
                self.not_run.setdefault(key, (event, Group("error")))[1].add(str(event.reference))

    @property
    def failed(self) -> Sequence[Group]:
        """The groups, the most frequent first."""
        return sorted(self._failed.values(), key=lambda group: -group.count)

    def _add(self, outcome: Outcome, place: str) -> None:
        key = (outcome.status, outcome.signature)
        group = self._failed.get(key)
        if group is None:
            if len(self._failed) >= _MOST_GROUPS:
                self.others += 1
                return
            group = self._failed[key] = Group(outcome.status, outcome.failure, outcome.signature)
        group.add(place)


class EventsConsole:
    """
    Listen to a run of captured events and write it with *echo*, one call a line, when it is over.

    Args:
        options: Of this run, for the command that runs one of its events again; without `--events`.
    """

    def __init__(self, echo: Callable[[str], object], *, options: Sequence[str] = ()) -> None:
        self._echo, self._options = echo, tuple(options)
        self._groups = EventGroups()

    def notice(self, event: RunEvent) -> None:
        """Take note of *event*, and write everything when the run is over."""
        self._groups.notice(event)
        if isinstance(event, RunFinished):
            self._write(event)

    def _write(self, finished: RunFinished) -> None:
        groups = self._groups
        for group in groups.failed:
            what = failure_line(group.failure) if group.failure else group.status
            self._echo(f"{click.style('✗', fg='red', bold=True)} {click.style(f'{group.count:>9,}', fg='red')}  {what}")
            self._write_places(group)
        if groups.others:
            self._echo(f"{click.style('✗', fg='red', bold=True)} {groups.others:>9,}  failed in yet other ways")
        if groups.succeeded:
            self._echo(f"{click.style('✓', fg='green', bold=True)} {groups.succeeded:>9,}  succeeded")
        for event, group in groups.not_run.values():
            self._echo("")
            mark = click.style("!", fg="magenta", bold=True)
            self._echo(f"{mark} could not run: {visible(reason_text([event]))}")
            self._write_places(group)
        self._write_end(finished)

    def _write_places(self, group: Group) -> None:
        for place in group.places:
            self._echo(click.style(f"             {one_line(place)}", dim=True))
        if group.count > len(group.places):
            self._echo(click.style(f"             … and {group.count - len(group.places):,} more", dim=True))

    def _write_end(self, finished: RunFinished) -> None:
        failed = self._groups.failed
        if failed:
            self._echo("")
            self._echo(f"run one of them again  {run_command([], [*self._options, '--events', failed[0].places[0]])}")
        self._echo("")
        for note in self._groups.notes:
            self._echo(click.style(f"note: {visible(note)}", dim=True))
        words = {"error": "could not run"}
        counts = ", ".join(f"{count:,} {words.get(verdict, verdict)}" for verdict, count in finished.verdicts.items())
        color = "red" if finished.verdicts.get("failed") else "magenta" if finished.unexpected else "green"
        line = what_was_run(finished, counts, noun="event")
        self._echo(click.style(line, fg="yellow" if finished.interrupted else color, bold=True))


def event_document(event: FixtureReplayed | FixtureNotRun) -> dict[str, Json]:
    """Give the `outcome` line of one captured event; `event` is its place, which is its id."""
    if isinstance(event, FixtureNotRun):
        verdict: dict[str, Json] = {"verdict": "error", "as_expected": False, "status": None, "error": None}
        return {"type": "outcome", "event": str(event.reference), **verdict, **problem(event.error)}
    outcome = event.outcomes[-1]
    return {
        "type": "outcome",
        "event": str(event.fixture.reference),
        "verdict": event.judgement.verdict,
        "as_expected": event.judgement.as_expected,
        "status": outcome.status,
        **_failure_document(outcome.failure, outcome.signature),
        "dispositions": list(outcome.dispositions),
        "invocations": len(outcome.report.invocations),
        "duration_s": round(outcome.duration_s, 6),
        "notes": list(event.notes),
    }


def groups_document(groups: EventGroups) -> dict[str, Json]:
    """Give what the summary of a run of captured events says beside its counts: what failed alike, with examples."""
    failures: list[Json] = [
        {
            "count": group.count,
            "status": group.status,
            **_failure_document(group.failure, group.signature),
            "events": list(group.places),
        }
        for group in groups.failed
    ]
    return {"failures": failures, **({"other_failures": groups.others} if groups.others else {})}


def _failure_document(failure: Failure | None, signature: Signature | None) -> dict[str, Json]:
    return {
        "error": {"type": failure.error_type, "message": failure.message} if failure else None,
        "class": failure_class(failure) if failure else None,
        "signature": signature.digest if signature else None,
    }
