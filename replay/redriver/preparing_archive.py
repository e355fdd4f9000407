"""What is known of a replay of an archive before it begins: the archive, its bus, and which rules get the events."""

from collections.abc import Generator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from replay.deployed_replay import function_of
from replay.errors import ConfigurationError
from replay.project import Project
from replay.redriver.archive_redrive import ArchiveRedrive
from replay.redriver.preparing import RedriveRequest, ledger_of
from replay.sources.archive_parts.archives import replay_window
from replay.targets.bus_parts.archive_replays import ReplayProgress
from replay.targets.eventbridge_replay import EventBridgeReplayOptions, EventBridgeReplayTarget
from replay.targets.guard_rails.plan import Plan

_PREFIX = "archive:"
_IN_AN_ARN = ":archive/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRequest:
    """
    Which part of an archive a user wants replayed, and to whom.

    Attributes:
        request: The rest of what is asked for; its `queue` names the archive, its `function` whose rules are meant.
        rules: The rules that get the events, by name or ARN; by default those that call the function.
        other_rules: Whether other rules of the bus may get them too, where nothing keeps them out.
        since: From when on; None for all that there is.
    """

    request: RedriveRequest
    rules: tuple[str, ...] = ()
    other_rules: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedArchiveRedrive:
    """A replay of an archive of which everything is checked; `about` says of what it is."""

    plan: Plan
    about: str
    redrive: ArchiveRedrive

    def events(self) -> Generator[ReplayProgress, None, None]:
        """Do it, and tell how far it has come."""
        return self.redrive.events()


def archive_named(project: Project, text: str) -> str:
    """Give the archive that *text* names: `archive:NAME`, an ARN, or a target of that; empty for anything else."""
    if text.startswith(_PREFIX):
        return text.removeprefix(_PREFIX)
    if text.startswith("arn:") and _IN_AN_ARN in text:
        return text
    return str(project.config.targets.get(text, {}).get("archive", ""))


def prepare_archive_redrive(project: Project, asked: ArchiveRequest) -> PreparedArchiveRedrive:
    """
    Find and check the archive, its bus and the rules; nothing is started.

    Raises:
        ConfigurationError: Nothing says which rules are meant, or the time lies in the future.
        TargetRefused: The bus could be hurt, or other rules would get the events and nobody has said that they may.
        AwsError: Something of it could not be looked at.
    """
    request = asked.request
    if not request.function and not asked.rules and not _options(project, asked).get("rules"):
        raise ConfigurationError(
            "which rules get the events?", where="--rule", expected="--rule NAME, or the --function that rules call"
        )
    function = function_of(project, request.function) if request.function else None
    target = EventBridgeReplayTarget(function, **_options(project, asked))
    destination = target.checked_destination()
    archive = target.archive
    window = replay_window(archive, asked.since, asked.until, now=datetime.now(UTC))
    plan = Plan(events=archive.event_count, destinations=(destination,))
    redrive = ArchiveRedrive(
        client=target.client,
        archive=archive,
        window=window,
        rule_arns=target.rule_arns,
        open_ledger=ledger_of(project, request, archive.arn, plan),
    )
    about = f"of archive {archive.name}, which counts {archive.event_count:,} in all, those from {window}"
    return PreparedArchiveRedrive(plan=plan, about=about, redrive=redrive)


def _options(project: Project, asked: ArchiveRequest) -> dict[str, Any]:
    """Give the options of the target: of its section in the configuration, and what the command line says."""
    request = asked.request
    archive = archive_named(project, request.queue)
    tables = project.config.targets
    named = [name for name, table in tables.items() if request.queue == name or archive == table.get("archive")]
    known = project.target(named[0]).options if named else {}
    names = {field.name for field in fields(EventBridgeReplayOptions)} - {"since", "until"}
    given = {
        "archive": archive,
        "rules": asked.rules,
        "other_rules": asked.other_rules,
        "endpoint_url": request.endpoint_url,
        "region": request.region,
        "profile": request.profile,
    }
    return {
        **{name: value for name, value in known.items() if name in names},
        **{name: value for name, value in given.items() if value},
    }
