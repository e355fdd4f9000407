"""A run of fixtures against a deployed target that somebody has agreed to: invoked, carried by AWS, or all at once."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from replay.deployed_replay.ledgers import Noted, how_far, ledger_of, pace_document
from replay.deployed_replay.plans import plan_replay, readable, refuse_unseen
from replay.deployed_replay.the_project import Project, function_of, gives_answers, invoker_of
from replay.errors import ConfigurationError
from replay.fixtures.fixture import FixtureReference
from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.replayer import Pace, Replayer, RunEvent
from replay.replayer.bulk_run import BulkRun
from replay.replayer.carried_run import CarriedRun
from replay.replayer.deployed_run import DeployedRun
from replay.replayer.event_delivery import captured_at
from replay.replayer.pace import Timeline, timeline
from replay.replayer.replayer import AsSent, as_it_is
from replay.replayer.warm_functions import OpenInvoker
from replay.targets.bulk import Bulk, BulkAnswer
from replay.targets.carrier import Carrier
from replay.targets.guard_rails.plan import Plan

Advanced = Callable[[str], object]
"""Is told, in words for eyes, how far a call is that takes long."""

_USUAL = Noted()


def _to_nobody(how_far: str) -> None:
    del how_far


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A run, as it was asked for."""

    project: Project
    references: Sequence[FixtureReference]
    target: str
    repeat: int
    red: bool
    twice: bool
    pace: Pace
    plan: Plan
    resume: str
    as_sent: AsSent
    noted: Noted
    advanced: Advanced

    def opens_ledger(self, *, standing_only: bool = False) -> Callable[[], Ledger]:
        """Give what opens its ledger; *standing_only* as of `Ledger.resume`."""
        options = {"repeat": self.repeat, "twice": self.twice, "red": self.red, **pace_document(self.pace)}
        return ledger_of(
            self.project.config.root,
            self.plan,
            resume=self.resume,
            standing_only=standing_only,
            chosen=self.references,
            target=self.target,
            **options,
            **self.noted.header,
        )

    def make_replayer(self, noting: Callable[[OpenInvoker], OpenInvoker]) -> Replayer:
        """Make a replayer whose invokers are what *noting* makes of those of the target."""
        project = self.project
        return Replayer(
            project.store,
            functions=partial(function_of, project),
            open_invoker=noting(partial(project.open_invoker, target=self.target)),
            repeat=self.repeat,
            red=self.red,
            pin=False,  # what a deployed function does is no failure of this code
            redactor=lambda: project.redactor,
            expect_options=project.fixtures_option,
            twice=self.twice,
            as_sent=self.as_sent,
        )


def replay_deployed(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    target: str,
    repeat: int,
    red: bool,
    twice: bool,
    pace: Pace,
    plan: Plan | None,
    resume: str,
    as_sent: AsSent = as_it_is,
    noted: Noted = _USUAL,
    advanced: Advanced = _to_nobody,
) -> Generator[RunEvent, None, None]:
    """
    Replay *references* against a deployed target.

    Args:
        as_sent: Says what of a fixture is really sent.
        advanced: Is told how far a call is that takes long, such as the replay of an archive.

    Raises:
        TargetRefused: Nobody has agreed to a plan.
        ReplayError: The run to go on with is not there.
    """
    if plan is None:
        plan = plan_replay(
            project, references, target=target, each=repeat * (2 if twice else 1), pace=pace, resume=resume
        )
        refuse_unseen(plan, target)
    asked = _Asked(
        project=project, references=references, target=target, repeat=repeat, red=red, twice=twice, pace=pace,
        plan=plan, resume=resume, as_sent=as_sent, noted=noted, advanced=advanced,
    )  # fmt: skip
    invoker = invoker_of(project, references, target)
    if isinstance(invoker, Bulk):
        return _all_at_once(asked, invoker)
    return _invoked(asked) if gives_answers(project, references, target) else _carried(asked)


def _all_at_once(asked: _Asked, target: Bulk) -> Generator[RunEvent, None, None]:
    refuse_in_bulk(
        asked.target, repeat=asked.repeat, twice=asked.twice, pace=asked.pace, as_it_is=asked.as_sent is as_it_is
    )
    run = BulkRun(
        target=target,
        event_text=lambda reference: asked.project.store.load(reference).event_text,
        reference_of=_reference_of,
        make_replayer=lambda opens: asked.make_replayer(lambda _: opens),
        open_ledger=asked.opens_ledger(standing_only=True),
        observation=asked.noted.observation,
    )
    return run.events(asked.references, total=len(asked.references))


def _reference_of(key: str, answer: BulkAnswer | None) -> FixtureReference:
    del answer
    function, _, name = key.partition("/")
    return FixtureReference(function=function, name=name)


def _carried(asked: _Asked) -> Generator[RunEvent, None, None]:
    _refuse_carried(asked.target, repeat=asked.repeat, twice=asked.twice)
    spaced = _timeline(asked)
    run = CarriedRun(
        store=asked.project.store,
        functions=partial(function_of, asked.project),
        open_carrier=partial(_open_carrier, asked.project, target=asked.target, advanced=asked.advanced),
        open_ledger=asked.opens_ledger(),
        pace=asked.pace,
        redactor=lambda: asked.project.redactor,
        red=asked.red,
        options=asked.project.fixtures_option,
        as_sent=asked.as_sent,
        timeline=spaced,
        observation=asked.noted.observation,
    )
    return run.events(_in_order(asked.references, spaced))


def _invoked(asked: _Asked) -> Generator[RunEvent, None, None]:
    spaced = _timeline(asked)
    run = DeployedRun(
        make_replayer=asked.make_replayer,
        open_ledger=asked.opens_ledger(standing_only=True),
        pace=asked.pace,
        timeline=spaced,
        observation=asked.noted.observation,
    )
    return run.events(_in_order(asked.references, spaced), total=len(asked.references))


def refuse_in_bulk(target: str, *, repeat: int = 1, twice: bool = False, pace: Pace, as_it_is: bool = True) -> None:
    """
    Refuse what cannot be asked of a target that takes all events at once.

    Raises:
        ConfigurationError: Something of that was asked for.
    """
    asked = {
        "--repeat": repeat > 1,
        "--twice": twice,
        "--rate": pace.rate_per_s is not None,
        "--speed": pace.speed is not None,
        "--concurrency": pace.concurrency > 1,
        "--max-errors or --stop-on-first": pace.stop_on_first or pace.budget != Pace().budget,
        "--originals": not as_it_is,
    }
    for flag in (flag for flag, is_asked in asked.items() if is_asked):
        raise ConfigurationError(
            f"the target {target} takes all events at once, each once, and from S3: not with {flag}",
            where=flag,
            hint="leave it out; max_concurrency and tolerated_failure_percentage in the target's section bound it",
        )


def _refuse_carried(target: str, *, repeat: int, twice: bool) -> None:
    """Refuse what cannot be asked of a target that gives no answer."""
    for flag, is_asked in {"--repeat": repeat > 1, "--twice": twice}.items():
        if is_asked:
            raise ConfigurationError(
                f"AWS delivers what is sent through {target}, as often as it does: not with {flag}",
                where=flag,
                hint="leave it out, or name the function itself: --target lambda:FUNCTION",
            )


def _open_carrier(project: Project, function: Function, *, target: str, advanced: Advanced) -> Carrier:
    carrier = project.open_invoker(function, target=target)
    assert isinstance(carrier, Carrier)
    carrier.told = lambda how_far: advanced(str(how_far))
    return carrier


def _timeline(asked: _Asked) -> Timeline | None:
    """Space what is left to send; nobody waits for the times of what was sent before the run was broken off."""
    store, speed = asked.project.store, asked.pace.speed
    if speed is None:
        return None
    far = how_far(asked.project, asked.resume)
    left = store.as_stored(reference for reference in asked.references if far.is_left(str(reference)))
    fixtures = (readable(loaded) for loaded in store.load_all(left))
    spaced = timeline(((str(each.reference), captured_at(each)) for each in fixtures), speed=speed)
    sent = {key: 0.0 for key in map(str, asked.references) if not far.is_left(key)}
    return replace(spaced, due_s=sent | spaced.due_s)


def _in_order(references: Sequence[FixtureReference], spaced: Timeline | None) -> Sequence[FixtureReference]:
    if spaced is None:
        return references
    named = {str(reference): reference for reference in references}
    return [named[key] for key in spaced.keys]
