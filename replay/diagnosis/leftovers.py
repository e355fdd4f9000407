"""What recordings and runs that were killed have left in an account: found by name and tag, and removed."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from replay.diagnosis.finding import Finding, problem
from replay.errors import AwsError, ReplayError
from replay.readers.aws_errors import aws_errors, error_code
from replay.readers.clients import aws_client
from replay.sources.archive_parts.archives import every
from replay.sources.archive_parts.made_for_replay import (
    PREFIX,
    UNFINISHED,
    Mark,
    Tag,
    cancel_replay,
    mark_in,
    mark_of,
    remove_queue,
    remove_rule,
)
from replay.sources.archive_parts.owners import runs
from replay.targets.localstack_parts.our_stacks import our_buckets, our_stacks
from replay.targets.map_parts.made_machine import remove_machine

_CHECK = "leftovers"
_OF_RUNS = ("state machine ", "stack ", "bucket ")
_AWS = re.compile(r"amazonaws\.com(\.cn)?|api\.aws", re.IGNORECASE)
_Removal = Callable[[], AwsError | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something of ours in the account: a rule, a queue, a running replay, …; `what` names it for eyes."""

    what: str
    mark: Mark
    remove: _Removal


@dataclass(slots=True, kw_only=True)
class Remains:
    """Everything that there is of one recording, which may still run."""

    things: dict[str, Thing] = field(default_factory=dict)

    @property
    def mark(self) -> Mark:
        """The mark that was renewed last."""
        return max((thing.mark for thing in self.things.values()), key=lambda mark: mark.kept_until)

    def why_it_may_run(self, now: datetime) -> str:
        """
        Say why its things must be left alone; empty where its process has surely ended.

        On this machine the process itself is looked for; one of another machine says in a tag until when it is taken
        to run, and renews that while it runs.
        """
        mark = self.mark
        alive = runs(mark.owner) if mark.owner is not None else None
        if alive:
            return f"process {mark.owner.pid if mark.owner else ''} of this machine still runs"
        if alive is None and now < mark.kept_until:
            return f"it is another machine's, and taken to run until {mark.kept_until:%Y-%m-%d %H:%M} UTC"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Where to look for what killed recordings have left (as AWS's tools say it), and whether to `remove` it."""

    remove: bool = False
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None

    @property
    def command(self) -> str:
        """The command that removes what was found."""
        options = {"--region": self.region, "--profile": self.profile, "--endpoint-url": self.endpoint_url}
        said = [word for name, value in options.items() if value for word in (name, value)]
        return shlex.join(["replay", "doctor", "--leftovers", "--remove", *said])


def check_leftovers(asked: Leftovers, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Finding]:
    """
    Say what killed recordings and runs have left in an account and region, or remove it.

    Only what bears our name and our tag is touched, and nothing of a recording that may still run. Running replays of
    ours are cancelled. Stacks and their buckets are made on emulators alone, and looked for there.
    """
    try:
        client = partial(aws_client, region=asked.region, profile=asked.profile, endpoint_url=asked.endpoint_url)
        search = _Search(
            events=client("events"),
            sqs=client("sqs"),
            states=client("stepfunctions"),
            tagging=client("resourcegroupstaggingapi"),
            stacks=client("cloudformation"),
            buckets=client("s3"),
        )
    except ReplayError as error:
        yield problem(_CHECK, error)
        return
    recordings = search.recordings()
    yield from (problem(_CHECK, error) for error in search.errors)
    for name in search.unmarked_of_nobody(recordings):
        yield Finding(check=_CHECK, level="note", what=f"{name} has a name like ours, and no tag of ours: left alone")
    for what in search.not_looked_at:
        yield Finding(check=_CHECK, level="note", what=f"{what} could not be looked at")
    for identity, recording in sorted(recordings.items()):
        yield from _findings(identity, recording, now(), asked)
    if not recordings and not search.errors:
        yield Finding(check=_CHECK, level="ok", what=f"nothing is left behind in {search.region}")


def _findings(identity: str, recording: Remains, now: datetime, asked: Leftovers) -> Iterator[Finding]:
    kind = "run" if all(what.startswith(_OF_RUNS) for what in recording.things) else "recording"
    named = f"{kind} {identity} of {recording.mark.created:%Y-%m-%d %H:%M} UTC"
    things = ", ".join(recording.things)
    why = recording.why_it_may_run(now)
    if why:
        yield Finding(check=_CHECK, level="note", what=f"{named}: {why}; not touched: {things}")
    elif not asked.remove:
        yield Finding(
            check=_CHECK, level="problem", what=f"{named} has left: {things}", hint=f"{asked.command} removes it"
        )
    else:
        errors = [error for thing in recording.things.values() if (error := thing.remove())]
        yield from (problem(_CHECK, error, about=named) for error in errors)
        if not errors:
            yield Finding(check=_CHECK, level="ok", what=f"{named}: removed {things}")


class _Search:
    """
    Looks for things of ours: by their names, on every bus, and by their tags where the tagging API is there.

    What may not be looked at is told in `errors`, and the rest is found all the same.
    """

    def __init__(self, *, events: Any, sqs: Any, states: Any, tagging: Any, stacks: Any, buckets: Any) -> None:
        self._events, self._sqs, self._states, self._tagging = events, sqs, states, tagging
        self._made = {"stacks": partial(our_stacks, stacks), "buckets": partial(our_buckets, buckets)}
        if _AWS.search(str(stacks.meta.endpoint_url)):
            self._made = {}
        self.region = str(events.meta.region_name)
        self.errors: list[AwsError] = []
        self.unmarked: list[str] = []
        self.not_looked_at: list[str] = []

    def recordings(self) -> dict[str, Remains]:
        """Give what there is, by recording; running replays first, as they are to be cancelled first."""
        found: dict[str, Remains] = {}
        for kind in (self._replays, self._rules, self._queues, self._machines, self._tagged, self._of_runs):
            for thing in self._told(kind()):
                found.setdefault(thing.mark.recording, Remains()).things.setdefault(thing.what, thing)
        return found

    def unmarked_of_nobody(self, recordings: Mapping[str, Remains]) -> list[str]:
        """List what has a name like ours and no tag, but for what a stack of ours has made and named after itself."""
        stacks = [f"{what.removeprefix('stack ')}-" for each in recordings.values() for what in each.things]
        return [name for name in self.unmarked if not any(stack in name for stack in stacks)]

    def _told(self, things: Iterable[Thing]) -> Iterator[Thing]:
        try:
            with aws_errors(where=f"leftovers in {self.region}"):
                yield from things
        except AwsError as error:
            self.errors.append(error)

    def _replays(self) -> Iterator[Thing]:
        for each in every(self._events.list_replays, "Replays", NamePrefix=PREFIX):
            name = str(each["ReplayName"])
            if each.get("State") in UNFINISHED:
                description = self._events.describe_replay(ReplayName=name).get("Description", "")
                yield from self._thing(
                    f"running replay {name}", mark_in(description), partial(cancel_replay, self._events, name)
                )

    def _rules(self) -> Iterator[Thing]:
        for bus in every(self._events.list_event_buses, "EventBuses"):
            name = str(bus["Name"])
            for rule in every(self._events.list_rules, "Rules", EventBusName=name, NamePrefix=PREFIX):
                tags = self._events.list_tags_for_resource(ResourceARN=rule["Arn"]).get("Tags", [])
                yield from self._rule(str(rule["Name"]), name, _mapping(tags))

    def _rule(self, name: str, bus: str, tags: Mapping[str, str]) -> Iterator[Thing]:
        removal = partial(remove_rule, self._events, name, bus)
        return self._thing(f"rule {name} on bus {bus}", mark_of(tags), removal)

    def _queues(self) -> Iterator[Thing]:
        pages = self._sqs.get_paginator("list_queues").paginate(
            QueueNamePrefix=PREFIX, PaginationConfig={"PageSize": 1000}
        )
        for url in (url for page in pages for url in page.get("QueueUrls", [])):
            yield from self._queue(str(url).rpartition("/")[2])

    def _queue(self, name: str) -> Iterator[Thing]:
        try:
            url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
            tags = self._sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
        except self._sqs.exceptions.QueueDoesNotExist:
            return  # a queue is listed for a while after it was deleted
        yield from self._thing(f"queue {name}", mark_of(tags), partial(remove_queue, self._sqs, name, url))

    def _machines(self) -> Iterator[Thing]:
        """Find state machines of Distributed Maps; who uses none need not be allowed to list them."""
        try:
            pages = self._states.get_paginator("list_state_machines").paginate()
            found = [each for page in pages for each in page["stateMachines"] if each["name"].startswith(PREFIX)]
        except self._states.exceptions.ClientError as error:
            self.not_looked_at.append(f"state machines ({error_code(error)})")
            return
        for each in found:
            yield from self._machine(str(each["name"]), str(each["stateMachineArn"]))

    def _machine(self, name: str, arn: str) -> Iterator[Thing]:
        try:
            tags = self._states.list_tags_for_resource(resourceArn=arn).get("tags", [])
        except self._states.exceptions.ClientError as error:
            if error_code(error) in {"ResourceNotFound", "StateMachineDoesNotExist"}:
                return  # it is listed for a while after it was deleted
            raise
        where = f"state machine {name}"
        mark = mark_of({tag["key"]: tag["value"] for tag in tags})
        yield from self._thing(where, mark, partial(remove_machine, self._states, arn, where))

    def _of_runs(self) -> Iterator[Thing]:
        """Find what the target `localstack` makes: a stack first, since the code in its bucket is the stack's."""
        for kind, find in self._made.items():
            try:
                with aws_errors(where=kind):
                    found = list(find())
            except AwsError as error:
                self.not_looked_at.append(f"{kind} ({error.code})")
                continue
            for each in found:
                yield from self._thing(each.what, each.mark, each.remove)

    def _tagged(self) -> Iterator[Thing]:
        """Find by tag what the lists do not show; the tagging API itself is not everywhere, and not for everybody."""
        try:
            pages = self._tagging.get_paginator("get_resources").paginate(TagFilters=[{"Key": Tag.RECORDING}])
            listed = [each for page in pages for each in page.get("ResourceTagMappingList", [])]
        except self._tagging.exceptions.ClientError:
            return
        for each in listed:
            service, resource = str(each["ResourceARN"]).split(":", 5)[2::3]
            *place, name = resource.split("/")  # rule/NAME on the default bus, rule/BUS/NAME on others
            if not name.startswith(PREFIX):
                continue  # somebody tagged it by hand: not ours
            if service == "sqs":
                yield from self._queue(name)
            elif service == "events" and place[:1] == ["rule"]:
                yield from self._listed_rule(name, "/".join(place[1:]) or "default", each["Tags"])

    def _listed_rule(self, name: str, bus: str, tags: Any) -> Iterator[Thing]:
        try:
            self._events.describe_rule(Name=name, EventBusName=bus)
        except self._events.exceptions.ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return  # the tags of what was deleted are listed for a while
            raise
        yield from self._rule(name, bus, _mapping(tags))

    def _thing(self, what: str, mark: Mark | None, removal: _Removal) -> Iterator[Thing]:
        if mark is not None:
            yield Thing(what=what, mark=mark, remove=removal)
        elif what not in self.unmarked:
            self.unmarked.append(what)


def _mapping(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in tags}
