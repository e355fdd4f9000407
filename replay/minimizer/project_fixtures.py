"""Minimises fixtures of a project, one after the other, with their functions warm in between."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.minimizer.minimizing import MOST_PROBES, WITHIN_S, Minimized, minimize
from replay.minimizer.processes import Processes
from replay.outcomes.outcome import Outcome
from replay.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMinimized:
    """A fixture that stays as it is, and why."""

    reference: FixtureReference
    error: ReplayError


def minimize_fixtures(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    most_probes: int = MOST_PROBES,
    within_s: float = WITHIN_S,
    dry_run: bool = False,
    processes: int = 1,
) -> Iterator[Minimized | NotMinimized]:
    """
    Bring each fixture to the smallest event that still fails in the same way, and write it as a new revision.

    Args:
        most_probes: How many replays each may take.
        within_s: And how many seconds.
        dry_run: Write nothing.
        processes: How many replay at once; what is found is the same, unless time runs out.

    Yields:
        What became of each, or why it stays as it is.
    """
    with ExitStack() as resources:
        replayer = resources.enter_context(project.replayer(pin=False))
        ahead = resources.enter_context(Processes(project, processes)).ahead if processes > 1 else None

        def observe(fixture: Fixture) -> Outcome:
            return replayer.observe(fixture).outcome

        def is_safe(event_text: str) -> bool:
            return project.redactor.event(event_text).text == event_text

        for reference in references:
            try:
                minimized = minimize(
                    project.store.load(reference),
                    observe,
                    most_probes=most_probes,
                    within_s=within_s,
                    is_safe=is_safe,
                    ahead=ahead,
                )
                replayer.suspend()  # the function's clock and file system must not be those that we write with
                if minimized.changed and not dry_run:
                    project.store.update(minimized.fixture)
            except ReplayError as error:
                replayer.suspend()
                yield NotMinimized(reference=reference, error=error)
            else:
                yield minimized
