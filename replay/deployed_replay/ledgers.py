"""The ledger of a run: begun with what was agreed to, or gone on with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from replay.counted_nouns import counted
from replay.deployed_replay.the_project import Project
from replay.errors import ConfigurationError, FixtureError
from replay.fixtures.fixture import FixtureReference
from replay.ledger.ledger import Ledger, find_run, read_chosen, read_header
from replay.ledger.lines import Document, keys_of, note_all
from replay.ledger.standing import Standing
from replay.replayer import FixtureReplayed, Pace
from replay.replayer.deployed_run import observation
from replay.targets.guard_rails.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """
    What the ledger of a run says beside the usual.

    Attributes:
        header: In its first line.
        observation: Of each fixture, when it was observed; no word of what was sent or answered.
    """

    header: Mapping[str, Any] = field(default_factory=dict)
    observation: Callable[[FixtureReplayed], Mapping[str, Any]] = observation


@dataclass(frozen=True, slots=True, kw_only=True)
class HowFar:
    """
    How far a run is that is to be gone on with; nobody has sent anything for a new one.

    Attributes:
        run: Its id; empty for a new one.
        unseen: The keys of what was sent, and whose end nobody had seen: it is looked for again.
        in_part: The keys of what was sent in several parts, of which not all were acknowledged: the others are sent.
    """

    run: str = ""
    standing: Standing = field(default_factory=Standing)
    unseen: frozenset[str] = frozenset()
    in_part: frozenset[str] = frozenset()

    def is_done(self, key: str) -> bool:
        """Say whether it has its verdict."""
        return self.standing.is_observed(key) and key not in self.unseen

    def is_under_way(self, key: str) -> bool:
        """Say whether all of it was acknowledged, in one part or in several, and it has no verdict."""
        is_acknowledged = self.standing.is_acknowledged(key) or self.standing.is_acknowledged(f"{key}#1")
        return is_acknowledged and key not in self.in_part and not self.is_done(key)

    def is_left(self, key: str) -> bool:
        """Say whether it is still to be sent."""
        return not self.is_done(key) and not self.is_under_way(key)


def how_far(project: Project, run: str) -> HowFar:
    """
    Read how far the run *run* is; an empty name stands for a new one.

    Raises:
        ReplayError: There is no such run.
    """
    if not run:
        return HowFar()
    path, standing, unseen = find_run(project.config.root, run), Standing(), set[str]()

    def note_unseen(document: Document) -> None:
        if document.get("type") == "observed":
            note = unseen.add if document.get("verdict") == "unobserved" else unseen.discard
            for key in keys_of(document):
                note(key)

    with path.open("rb") as file:
        note_all(file, standing.note, note_unseen)
    in_part = frozenset(key.partition("#")[0] for key in standing.unacknowledged() if "#" in key)
    return HowFar(run=path.stem, standing=standing, unseen=frozenset(unseen), in_part=in_part)


def pace_document(pace: Pace) -> dict[str, Any]:
    """Give what a ledger's first line says of the pace."""
    said = {"rate_per_s": pace.rate_per_s, "ramp_up_s": pace.ramp_up_s or None, "speed": pace.speed}
    return {name: value for name, value in said.items() if value is not None}


def ledger_of(
    root: Path,
    plan: Plan,
    *,
    resume: str,
    standing_only: bool = False,
    chosen: Sequence[FixtureReference] | None = None,
    **known: Any,
) -> Callable[[], Ledger]:
    """
    Give what opens the ledger of a run in the project at *root*: a new one, or that of the run *resume*.

    Args:
        standing_only: As of `Ledger.resume`.
        chosen: The fixtures that it is of.
        known: What its first line says beside what is planned.
    """
    if resume:
        return partial(Ledger.resume, root, resume, standing_only=standing_only)
    first = plan.destinations[0] if plan.destinations else None
    return partial(
        Ledger.begin,
        root,
        command="run",
        chosen=chosen,
        arns=[destination.arn for destination in plan.destinations],
        account_id=first.account_id if first else "",
        caller_arn=first.caller_arn if first else "",
        events=plan.events,
        **({"originals": True} if plan.originals is not None else {}),
        **known,
    )


def begun_header(project: Project, run: str) -> Mapping[str, Any]:
    """
    Give the first line of the run *run*, a `replay run` that is to be gone on with.

    Raises:
        ReplayError: There is no such run, or it was another command.
    """
    header = read_header(find_run(project.config.root, run))
    if header.get("command") != "run":
        raise ConfigurationError(
            "that run is another one",
            where=f"--resume {run}",
            expected="a `replay run`",
            hint=f"it was `replay {header.get('command')}`; see `replay runs`",
        )
    return header


def resumed(project: Project, run: str) -> tuple[str, list[FixtureReference]]:
    """
    Give the target and the fixtures of a run that was broken off.

    Raises:
        ReplayError: There is no such run, it was no `replay run`, or one of its fixtures is gone.
    """
    header = begun_header(project, run)
    chosen = read_chosen(find_run(project.config.root, run))
    if chosen is None:
        raise ConfigurationError(
            "that run was broken off before it began: nothing was sent",
            where=f"--resume {run}",
            hint="begin a new one",
        )
    names = set(chosen)
    references = [reference for reference in project.store.references() if str(reference) in names]
    if len(references) < len(names):
        gone = sorted(names - set(map(str, references)))
        raise FixtureError(
            f"{counted(len(gone), 'fixture of that run is', 'fixtures of that run are')} no longer there",
            where=gone[0],
            hint="bring it back, or begin a new run",
        )
    return str(header["target"]), references
