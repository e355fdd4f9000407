"""The `eventbridge-replay` target: an archive is replayed to chosen rules, for the minutes that its events were of."""

import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from replay.counted_nouns import counted
from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetRefused
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.envelopes.members import members
from replay.payloads.exact_json import string_value
from replay.readers.sides import on_aws
from replay.sources.archive_parts.archives import Archive, Window, archive_address, find_archive
from replay.sources.archive_parts.bus_rules import rules_in_reach
from replay.sources.event_times import event_time
from replay.sources.moments import moment
from replay.targets.bus_parts.archive_replays import ArchiveReplay, joined, minute_of
from replay.targets.bus_parts.bus_rules import BusRule, Reach, read_rules, refuse_unknown
from replay.targets.carrier import Acknowledgement, Answer, Carrier, CarrierOptions, Entry, Refusal, Watch
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.observing.called_function import called_patience_s, called_watches

_NAME = re.compile(r"[.\-\w]{1,64}", re.ASCII)
_COMPLETED = "COMPLETED"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBridgeReplayOptions(CarrierOptions):
    """
    Which archive is replayed, and to whom.

    Attributes:
        archive: Its name or ARN.
        rules: The rules of its bus that get the events, by name or ARN; by default those that call the function.
        since: From when on is replayed, as `--since` takes it; by default the minutes of the events alone are.
        until: Until when, the same.
        other_rules: Whether all other rules of the bus may get the events too, where nothing keeps them out.
    """

    archive: str = ""
    rules: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    other_rules: bool = False


class EventBridgeReplayTarget(Carrier):
    """
    An archive of a bus of EventBridge, replayed to chosen rules.

    AWS replays whole minutes: whatever else the archive has of them is replayed too. Events are as they were archived,
    with the name of the replay in them.

    Source: EventBridge API `StartReplay`; User Guide, "Archiving and replaying events".
    """

    name = "eventbridge-replay"
    options = EventBridgeReplayOptions
    named_by: ClassVar[str] = "archive"
    most_entries: ClassVar[int] = 10_000
    most_bytes: ClassVar[int | None] = None
    brings_more: ClassVar[bool] = True

    def __init__(self, function: Function | None = None, /, *, project: Path | None = None, **options: Any) -> None:
        del project
        self._options: EventBridgeReplayOptions = self.options(**options)
        if not self._options.archive:
            raise ConfigurationError(
                "which archive?",
                where="the target eventbridge-replay",
                hint='say it: archive = "NAME", or eventbridge-replay:NAME',
            )
        self._address = archive_address(self._options.archive)
        self.clients = TargetClients(self._options, arn=self._options.archive)
        self._window = _fixed_window(self._options)
        self._function = self._options.function or (function.name if function else "")
        self._chosen: Sequence[BusRule] = ()
        self._sending, self._done = threading.Lock(), list[Window]()

    @property
    def described(self) -> EventBridgeReplayOptions:
        """The options that say where it is."""
        return self._options

    @property
    def rule_arns(self) -> tuple[str, ...]:
        """The rules that get the events; known once the destination is."""
        return tuple(rule.arn for rule in self._chosen)

    @property
    def serves_many(self) -> bool:
        """Whether many functions get their events there: each by rules of its own."""
        return True

    @property
    def travels(self) -> str:
        """The archive."""
        return f"archive {self._address.name}, by whole minutes"

    @property
    def client(self) -> Any:
        """The client for where the archive is; trying again starts nothing twice, as each replay has its own name."""
        return self.clients("events")

    @cached_property
    def archive(self) -> Archive:
        """
        Find the archive.

        Raises:
            AwsError: There is no such archive, or it may not be looked at.
            SourceError: It is none that can be replayed, or another account's.
        """
        return find_archive(self.client, self._address)

    def destination(self) -> Destination:
        """
        Ask EventBridge for the bus of the archive, and its rules.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named; or rules that nobody has chosen
                would get the events.
            ConfigurationError: No rule is chosen, or none is there of the name.
            AwsError: There is no such archive, or it may not be looked at.
        """
        client, archive = self.client, self.archive
        where = f"bus {archive.bus}"
        tags = unless_denied(
            lambda: tags_of(client.list_tags_for_resource(ResourceARN=archive.bus_arn)["Tags"]),
            service="events",
            where=where,
        )
        destination = described(
            self._options,
            target=f"{self.name}:{archive.name}",
            arn=archive.bus_arn,
            region=str(client.meta.region_name),
            endpoint_url=str(client.meta.endpoint_url),
            tags=tags,
        )
        rules = read_rules(client, archive.bus)
        if rules is None:
            refuse_unknown(bus=archive.bus, bus_arn=archive.bus_arn)
        self._chosen = self._choose(rules)
        others = self._refuse_others(archive, rules)
        reach = Reach(meant=tuple(self._chosen), others=tuple(others))
        return replace(destination, seen_by=tuple(reach.lines(account_id=destination.account_id)))

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give the time to replay for *event*.

        Raises:
            InvalidEvent: It is no event of a bus, has no time, or one that is not replayed.
        """
        parts = {name: string_value(text) for name, text in members(event.text).items() if text.startswith('"')}
        time = event_time(parts)
        if time is None:
            raise InvalidEvent(
                "it is no event of EventBridge with a time, so that no archive has it",
                where=key,
                expected="source, detail-type, detail and time",
                hint="invoke the function itself: --target lambda:FUNCTION",
            )
        window = minute_of(time)
        if self._window and not self._window.start <= time < self._window.end:
            raise InvalidEvent(
                f"it is of {time:%Y-%m-%d %H:%M:%S} UTC, which is not replayed",
                where=key,
                expected=str(self._window),
                hint="change since and until in the target's section, or leave them out",
            )
        window = self._window or window
        request = {
            "ReplayName": _replay_name(marker or key),
            "EventStartTime": window.start,
            "EventEndTime": window.end,
            "EventId": parts.get("id", ""),
        }
        return [Entry(key=key, request=request, size_bytes=0)]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """
        Replay the minutes of *entries*, those that follow each other by one replay, and wait until it has ended.

        Ctrl-C cancels the replay that runs.
        """
        windows = {entry.key: _window(entry) for entry in entries}
        answers: dict[str, Answer] = {}
        with self._sending:
            known = [entry for entry in entries if _is_within(windows[entry.key], self._done)]
            answers |= {entry.key: _acknowledged(entry) for entry in known}
            for window in joined([windows[entry.key] for entry in entries if entry.key not in answers]):
                inside = [each for each in entries if window.start <= windows[each.key].start < window.end]
                answers |= self._replayed(window, inside)
        return answers

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the log, dead letters and destinations of the function that the chosen rules call.

        Raises:
            ConfigurationError: They are several, and it is not said which is *function*.
            AwsError: The function cannot be looked at.
        """
        return called_watches(
            self.clients,
            self._options,
            self._called,
            function=function,
            where=self.archive.bus_arn,
            emulators_try_again=False,  # as of any event of its bus
        )

    def patience_s(self, function: Function) -> float:
        """Say how long all tries of the function take."""
        return called_patience_s(
            self.clients, self._options, self._called, function=function, where=self.archive.bus_arn
        )

    @property
    def _called(self) -> list[str]:
        return [arn for rule in self._chosen for arn in rule.targets if ":function:" in arn]

    def _replayed(self, window: Window, entries: Sequence[Entry]) -> dict[str, Answer]:
        name = str(entries[0].request["ReplayName"])
        replayed = ArchiveReplay(
            self.client,
            self.archive,
            window,
            name=name,
            rule_arns=[rule.arn for rule in self._chosen],
            description="started by `replay run`",
        )
        try:
            with replayed:
                ended = replayed.follow(self.told)
        except AwsError as error:
            if not error.code:
                return {}  # no answer came: whether it was started is not known
            return dict.fromkeys((each.key for each in entries), Refusal(code=error.code, message=error.what))
        if ended.state != _COMPLETED:
            refusal = Refusal(code=f"Replay{ended.state.title()}", message=ended.reason, retryable=False)
            return dict.fromkeys((each.key for each in entries), refusal)
        self._done.append(window)
        return {entry.key: _acknowledged(entry, replay=name) for entry in entries}

    def _choose(self, rules: Sequence[BusRule]) -> list[BusRule]:
        named = self._options.rules
        if not named:
            chosen = [rule for rule in rules if rule.calls(self._function)]
            if chosen or self._options.other_rules:
                return chosen
            raise ConfigurationError(
                f"which rules of bus {self.archive.bus}? None of them calls the function {self._function}",
                where=self.archive.bus_arn,
                expected="rules = [NAME, …] in the target's section",
                hint=f"they are: {', '.join(rule.name for rule in rules[:_MOST_NAMED]) or 'none'}",
            )
        missing = [name for name in named if not any(name in {rule.name, rule.arn} for rule in rules)]
        if missing:
            raise ConfigurationError(
                f"bus {self.archive.bus} has no rule {missing[0]} that is enabled and matches events",
                where=self.archive.bus_arn,
                expected=f"some of {', '.join(rule.name for rule in rules[:_MOST_NAMED]) or 'none'}",
                hint="correct rules in the target's section",
            )
        return [rule for rule in rules if rule.name in named or rule.arn in named]

    def _refuse_others(self, archive: Archive, rules: Sequence[BusRule]) -> list[BusRule]:
        """
        Give the rules that nothing keeps out.

        Source: EventBridge API `ReplayDestination` (`FilterArns`); moto 5.2.5, LocalStack 4.14.0 and MiniStack 1.5.33
        ignore them.
        """
        if on_aws(self.client) and self._chosen:
            return []
        reached = set(rules_in_reach(self.client, archive.bus, replay=_replay_name("")))
        chosen = {rule.name for rule in self._chosen}
        others = [rule for rule in rules if rule.name in reached and rule.name not in chosen and not rule.managed_by]
        if not others or self._options.other_rules:
            return others
        named = ", ".join(rule.name for rule in others[:_MOST_NAMED]) + (" …" if len(others) > _MOST_NAMED else "")
        count = counted(len(others), f"other rule of bus {archive.bus}", f"other rules of bus {archive.bus}")
        raise TargetRefused(
            f"{count} would get the replayed events too: {named}",
            where=f"{archive.arn} at {self.client.meta.endpoint_url}",
            expected="AWS itself, where FilterArns keep a replay from other rules; emulators are known to ignore them",
            hint="disable those rules meanwhile, or write `other_rules = true` into the target's section",
        )


def _fixed_window(options: EventBridgeReplayOptions) -> Window | None:
    if not options.since and not options.until:
        return None
    now = datetime.now(UTC)
    start = moment(options.since, now=now, option="since") if options.since else None
    end = moment(options.until, now=now, option="until") if options.until else now
    if start is None or start >= end:
        raise ConfigurationError(
            "that is no time to replay",
            where=f"since = {options.since!r}, until = {options.until!r}",
            expected="since, and an until behind it (or none: now)",
        )
    return Window(start=minute_of(start).start, end=minute_of(end).end)


def _acknowledged(entry: Entry, **known: str) -> Acknowledgement:
    return Acknowledgement(identity=str(entry.request["EventId"]), known=known)


def _is_within(window: Window, done: Sequence[Window]) -> bool:
    """Say whether a replay of this run has brought that time already: it brings all of it, whoever asked."""
    return any(each.start <= window.start and window.end <= each.end for each in done)


def _window(entry: Entry) -> Window:
    return Window(start=entry.request["EventStartTime"], end=entry.request["EventEndTime"])


def _replay_name(marker: str) -> str:
    """Give the name of a replay, the same for the same marker. Source: EventBridge API `StartReplay`, `ReplayName`."""
    return marker if _NAME.fullmatch(marker) else f"replay-{hashlib.sha256(marker.encode()).hexdigest()[:40]}"
