"""The `eventbridge` target: events are put on a bus, and reach the function through its rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.readers.aws_errors import aws_errors
from replay.targets.bus_parts.bus_entries import MOST_BYTES, bus_entry, delivered_event
from replay.targets.bus_parts.bus_rules import BusRule, Reach, reach_of, read_rules, refuse_others, refuse_unknown
from replay.targets.carrier import Acknowledgement, Answer, Carrier, CarrierOptions, Entry, Refusal, Watch
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.observing.called_function import called_patience_s, called_watches

DEFAULT_BUS = "default"
_FINAL = {
    "MalformedDetail", "InvalidArgument", "NotAuthorizedForSourceException", "NotAuthorizedForDetailTypeException",
    "NotAuthorized", "AccessDeniedException", "ResourceNotFoundException",
}  # fmt: skip
"""EventBridge API `PutEventsResultEntry`: what would be answered another time too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBridgeOptions(CarrierOptions):
    """
    Which bus is put to.

    Attributes:
        bus: Its name or ARN.
        rules: The rules that are meant, by name or ARN, besides those that call the function.
        other_rules: Whether other rules of the bus may get the events too.
    """

    bus: str = DEFAULT_BUS
    rules: tuple[str, ...] = ()
    other_rules: bool = False


class EventBridgeTarget(Carrier):
    """
    A bus of EventBridge.

    Source, detail type, detail, resources and time of an event are kept; EventBridge gives it a new id, and the bus's
    account and region.

    Source: EventBridge API `PutEvents`.
    """

    name = "eventbridge"
    options = EventBridgeOptions
    named_by: ClassVar[str] = "bus"
    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int | None] = MOST_BYTES

    def __init__(self, function: Function | None = None, /, *, project: Path | None = None, **options: Any) -> None:
        del project
        self._options: EventBridgeOptions = self.options(**options)
        self._function = self._options.function or (function.name if function else "")
        self._bus_name = self._options.bus.rpartition("event-bus/")[2] or DEFAULT_BUS
        self.clients = TargetClients(self._options, arn=self._options.bus)
        self._bus_arn = ""
        self._rules: Sequence[BusRule] | None = ()

    @property
    def described(self) -> EventBridgeOptions:
        """The options that say where it is."""
        return self._options

    @property
    def serves_many(self) -> bool:
        """Whether many functions get their events there: each by rules of its own."""
        return True

    @property
    def travels(self) -> str:
        """The bus."""
        return f"bus {self._bus_name}"

    def destination(self) -> Destination:
        """
        Ask EventBridge what it is, and which rules it has.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named.
            AwsError: There is no such bus, or it may not be looked at.
        """
        client, where = self.clients("events"), self.travels
        with aws_errors(where=where, service="events"):
            arn = str(client.describe_event_bus(Name=self._options.bus or DEFAULT_BUS)["Arn"])
        tags = unless_denied(
            lambda: tags_of(client.list_tags_for_resource(ResourceARN=arn)["Tags"]), service="events", where=where
        )
        destination = described(
            self._options,
            target=f"{self.name}:{self._bus_name}",
            arn=arn,
            region=str(client.meta.region_name),
            endpoint_url=str(client.meta.endpoint_url),
            tags=tags,
        )
        self._bus_arn, self._rules = arn, read_rules(client, self._bus_name)
        return destination

    def also_seen_by(self, event: Event) -> Sequence[str]:
        """
        Name the rules that get *event*, and whom they call.

        Raises:
            InvalidEvent: It cannot be put.
            TargetRefused: Other rules would get it, and nobody has said that they may.
        """
        entry = bus_entry(event, key=self.travels, marker="", bus=self._bus_name)
        self._refuse_others(entry)
        if self._rules is None:
            return ("whichever rules match (events:ListRules is not allowed)",)
        return self._reach(entry).lines(account_id=self._account_id) or (f"no rule of {self.travels}: nobody",)

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give the one entry that puts *event*.

        Raises:
            InvalidEvent: It is no event of a bus, is one that only AWS may put, or is too large.
            TargetRefused: Other rules would get it, and nobody has said that they may.
        """
        entry = bus_entry(event, key=key, marker=marker, bus=self._bus_name)
        self._refuse_others(entry)
        return [entry]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """
        Put *entries*; EventBridge answers in their order, and by nothing else.

        Source: EventBridge API `PutEvents`; recording test_put_events_response_entries_order.
        """
        answer: Any = self.clients.sending("events").put_events(Entries=[dict(entry.request) for entry in entries])
        told = answer.get("Entries", [])
        if len(told) != len(entries):
            return {}  # it belongs to another request: nothing is known of this one
        return {entry.key: _answer(each) for entry, each in zip(entries, told, strict=True)}

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the log, dead letters and destinations of the function that the rules of the bus call.

        Raises:
            ConfigurationError: They are several, and it is not said which is *function*.
            AwsError: The function cannot be looked at.
        """
        return called_watches(
            self.clients,
            self._options,
            self._called,
            function=function,
            where=self._bus_arn,
            emulators_try_again=False,  # MiniStack's buses invoke once, and write no dead letter
        )

    def patience_s(self, function: Function) -> float:
        """Say how long all tries of the function take."""
        return called_patience_s(self.clients, self._options, self._called, function=function, where=self._bus_arn)

    def _refuse_others(self, entry: Entry) -> None:
        if self._options.other_rules:
            return
        if self._rules is None:
            refuse_unknown(bus=self._bus_name, bus_arn=self._bus_arn)
        refuse_others(self._reach(entry), bus=self._bus_name, bus_arn=self._bus_arn)

    def _reach(self, entry: Entry) -> Reach:
        region = self._bus_arn.split(":")[3] if self._bus_arn else ""
        event = delivered_event(entry, account_id=self._account_id, region=region)
        return reach_of(self._rules or (), event, function=self._function, named=self._options.rules)

    @property
    def _called(self) -> list[str]:
        return [arn for rule in self._rules or () for arn in rule.targets if ":function:" in arn]

    @property
    def _account_id(self) -> str:
        return self._bus_arn.split(":")[4] if self._bus_arn else ""


def _answer(told: Mapping[str, Any]) -> Answer:
    code = str(told.get("ErrorCode") or "")
    if not code:
        return Acknowledgement(identity=str(told.get("EventId", "")))
    return Refusal(code=code, message=str(told.get("ErrorMessage") or ""), retryable=code not in _FINAL)
