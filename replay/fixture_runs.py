"""Runs of a project's fixtures, on this machine or on a deployed target."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from replay.errors import ConfigurationError
from replay.fixtures.fixture import FixtureReference
from replay.fixtures.run_notes import note_run
from replay.payloads.aws_calls import Fault
from replay.project import Project
from replay.replayer import FixtureReplayed, Pace, Replayer, RunEvent, run
from replay.replayer.pace import refuse_pace_here
from replay.replayer.replayer import AsSent, as_it_is
from replay.targets.aws.known_faults import known_faults

if TYPE_CHECKING:
    from replay.targets.guard_rails.plan import Plan

_UNBOUNDED = Pace()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replaying:
    """
    How fixtures are replayed.

    Attributes:
        repeat: How often to replay each; outcomes that disagree are `flaky`.
        cold: Import the function afresh for every event, as a cold start does; and note what a warm one would keep.
        red: Make a reproduction unexpected too, for who is mending it.
        pin: Whether the first local failure of a fixture that knew none becomes its expected one.
        faults: What the AWS calls of every fixture meet, before the faults that it has itself; nothing is pinned then.
        twice: Deliver every event a second time; one that writes again is unexpected: its handler is not idempotent.
        pace: What bounds the run; rate and concurrency are for deployed targets.
        plan: For a deployed target: what `plan_replay` gave, and its user has agreed to.
        resume: For a deployed target: the run to go on with.
        as_sent: Says what of a fixture is really sent.
        advanced: Is told, in words, how far a call is that takes long.
    """

    target: str
    repeat: int
    cold: bool
    red: bool
    pin: bool
    faults: Sequence[Fault]
    twice: bool
    pace: Pace
    plan: "Plan | None"
    resume: str
    as_sent: AsSent
    advanced: Callable[[str], object]


def _to_nobody(how_far: str) -> None:
    del how_far


def replay_fixtures(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    target: str = "local",
    repeat: int = 1,
    cold: bool = False,
    red: bool = False,
    pin: bool = True,
    faults: Sequence[Fault] = (),
    twice: bool = False,
    pace: Pace = _UNBOUNDED,
    plan: "Plan | None" = None,
    resume: str = "",
    as_sent: AsSent = as_it_is,
    advanced: Callable[[str], object] = _to_nobody,
) -> Generator[RunEvent, None, None]:
    """
    Replay *references* and judge each: the events of a run, as they happen. The arguments are those of `_Replaying`.

    Raises:
        ConfigurationError: There is no such target, nothing is to be repeated, or a fault is for no call of AWS.
        TargetRefused: The target is beyond this machine, and nobody has agreed to a plan.
    """
    how = _Replaying(
        target=target, repeat=repeat, cold=cold, red=red, pin=pin, faults=faults, twice=twice, pace=pace, plan=plan,
        resume=resume, as_sent=as_sent, advanced=advanced,
    )  # fmt: skip
    if repeat < 1:
        raise ConfigurationError("--repeat must be at least 1", where=f"--repeat {repeat}", hint="leave it out")
    project.target(target, cold=cold)
    known_faults(faults, where="--fault")
    replay = _replay_beyond if project.is_deployed(target) else _replay_here
    return replay(project, references, how)


def _replay_beyond(
    project: Project, references: Sequence[FixtureReference], how: _Replaying
) -> Generator[RunEvent, None, None]:
    """Replay through an endpoint of AWS."""
    from replay.deployed_replay import replay_deployed

    if how.faults:
        raise ConfigurationError(
            "the calls of a deployed function cannot be made to fail", where="--fault", hint="use --target local"
        )
    return replay_deployed(
        project,
        references,
        target=how.target,
        repeat=how.repeat,
        red=how.red,
        twice=how.twice,
        pace=how.pace,
        plan=how.plan,
        resume=how.resume,
        as_sent=how.as_sent,
        advanced=how.advanced,
    )


def _replay_here(
    project: Project, references: Sequence[FixtureReference], how: _Replaying
) -> Generator[RunEvent, None, None]:
    """Replay in this process, or in one beside it."""
    refuse_pace_here(how.target, how.pace, how.resume)
    replayer = Replayer(
        project.store,
        functions=project.catalog.get,
        open_invoker=partial(project.open_invoker, target=how.target, cold=how.cold),
        repeat=how.repeat,
        red=how.red,
        pin=how.pin,
        faults=how.faults,
        redactor=lambda: project.redactor,
        expect_options=project.fixtures_option,
        twice=how.twice,
        isolates=project.target(how.target, cold=how.cold).kind == "local",
        as_sent=how.as_sent,
    )
    events = run(replayer, references, pace=how.pace)
    return _noted(project, events) if how.pin else events


def _noted(project: Project, events: Generator[RunEvent, None, None]) -> Generator[RunEvent, None, None]:
    """Give the events of a run, and note in the end what was replayed."""
    ran = []
    try:
        with closing(events):
            for event in events:
                if isinstance(event, FixtureReplayed):
                    ran.append(event.fixture.reference)
                yield event
    finally:
        note_run(project.config.root, ran)
