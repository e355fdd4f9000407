"""The events of an EventBridge archive: replayed to a queue of our own, recorded, and everything made removed."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from replay.errors import ConfigurationError
from replay.payloads.event_patterns import compile_pattern
from replay.payloads.exact_json import parse, write
from replay.readers.sides import on_aws, refuse_two_sides
from replay.sources.archive_parts.archive_recording import SETTLES_WITHIN_S, ArchiveRecording
from replay.sources.archive_parts.archives import Archive, ArchiveAddress, archive_address, find_archive
from replay.sources.archive_parts.bus_rules import other_rules
from replay.sources.archive_parts.made_for_replay import PREFIX
from replay.sources.archive_parts.replay_permissions import replay_permissions
from replay.sources.archive_parts.replayed_events import REPLAY_NAME
from replay.sources.aws_options import AwsOptions
from replay.sources.base import Source
from replay.sources.permissions import ANY, AwsPlace, Permission

MOST_WAIT_S = 20
MOST_PATTERN_CHARACTERS = 2048
"""EventBridge quotas: the size of an event pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBridgeArchiveOptions(AwsOptions):
    """Which events of which archive, and what a replay may do to its bus."""

    archive: str = field(metadata={"help": "the archive: its name or ARN", "metavar": "NAME|ARN"})
    pattern: str | None = field(
        default=None,
        metadata={"help": "an event pattern: only events that it matches leave the archive", "metavar": "PATTERN"},
    )
    force: bool = field(
        default=False,
        metadata={"help": "replay though other rules of the bus would get the events again", "flag": True},
    )
    settle_s: int | None = field(
        default=None,
        metadata={
            "help": f"how long the new rule is given before the replay starts, in seconds; {SETTLES_WITHIN_S} on AWS",
            "metavar": "SECONDS",
        },
    )
    wait_s: int = field(
        default=5, metadata={"help": "how long an empty receive waits, in seconds", "metavar": "SECONDS"}
    )

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.

        Raises:
            ConfigurationError: A number out of its range, or a pattern that names a replay.
            InvalidEventPattern: EventBridge would refuse the pattern.
        """
        for name, value, most in (("--settle-s", self.settle_s or 0, 600), ("--wait-s", self.wait_s, MOST_WAIT_S)):
            if not 0 <= value <= most:
                raise ConfigurationError("a number out of its range", where=f"{name} {value}", expected=f"0 to {most}")
        self.replay_pattern(PREFIX + "0" * 12)

    def replay_pattern(self, name: str) -> dict[str, Any]:
        """Give the pattern of the temporary rule: this replay's events, and of those the ones that are asked for."""
        if self.pattern is None:
            return {REPLAY_NAME: [name]}
        compile_pattern(self.pattern)
        asked = parse(self.pattern)
        assert isinstance(asked, dict), "EventBridge takes no other pattern"
        if REPLAY_NAME in asked:
            raise ConfigurationError(
                f"--pattern cannot ask for {REPLAY_NAME}: each recording asks for that of its own replay",
                where="--pattern",
                hint=f"leave {REPLAY_NAME} out",
            )
        whole = {REPLAY_NAME: [name], **asked}
        if len(write(whole)) > MOST_PATTERN_CHARACTERS:
            raise ConfigurationError(
                "the pattern is too long for a rule of EventBridge",
                where=f"--pattern of {len(self.pattern):,} characters",
                expected=f"with the replay's name at most {MOST_PATTERN_CHARACTERS:,} characters",
                hint="ask for part of it by --where, which has no such limit",
            )
        return whole


class EventBridgeArchiveSource(Source):
    """
    An archive of EventBridge, which can only be read by replaying it to its bus.

    The replay goes to a rule of our own alone, and from there to a queue of our own.

    Source: EventBridge User Guide, "Archiving and replaying events".
    """

    name = "eventbridge-archive"
    summary = "the events of an EventBridge archive, replayed to a queue of its own"
    options = EventBridgeArchiveOptions
    gives_clients = True

    def __init__(self, options: EventBridgeArchiveOptions) -> None:
        self._options = options

    def open(self) -> "ArchiveRecording":
        """
        Find the archive, and refuse a replay that would reach others, before anything is made.

        Raises:
            SourceError: The option names no archive, or the archive has not been made yet.
            SourceRefused: Other rules of the bus would get the events again, and nothing could prevent it.
            ConfigurationError: The region option contradicts the ARN, or the queue would be made elsewhere.
            AwsError: Credentials, region, permission, name.
        """
        options = self._options
        address = archive_address(options.archive)
        _refuse_other_region(options.region, address)
        events, sqs = (self._client(service, address) for service in ("events", "sqs"))
        refuse_two_sides(
            events,
            sqs,
            services="EventBridge and SQS",
            expected="a queue beside the rule that sends to it",
            otherwise="for none",
        )
        archive = find_archive(events, address)
        notes = [] if archive.state == "ENABLED" else [_not_enabled(archive)]
        notes += other_rules(events, archive, forced=options.force)
        recording = ArchiveRecording(
            events,
            sqs,
            archive,
            pattern_of=options.replay_pattern,
            is_narrowed=options.pattern is not None,
            settle_s=options.settle_s,
            wait_s=options.wait_s,
        )
        recording.notes += notes
        if on_aws(events) or not on_aws(self._client("lambda", address)):
            recording.client_of = partial(self._client, address=address)
        return recording

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...]:
        """Making, reading and removing what bears our prefix, and replaying the one archive."""
        options = self._options
        address = archive_address(options.archive) if options.archive != ANY else ArchiveAddress(name=ANY)
        return replay_permissions(address, at, region=options.region or "")

    def _client(self, service: str, address: ArchiveAddress) -> Any:
        return self._options.client(service, region=address.region)


def _refuse_other_region(region: str | None, address: ArchiveAddress) -> None:
    if region and address.region not in {"", region}:
        raise ConfigurationError(
            f"archive {address.name} is in {address.region}, but --region is {region}",
            where=f"archive {address.name}",
            expected="one region",
            hint="leave out --region, or name an archive of that region",
        )


def _not_enabled(archive: Archive) -> str:
    reason = f" ({archive.reason})" if archive.reason else ""
    return f"archive {archive.name} is {archive.state}{reason}: it takes no new events; what it has is replayed"
