"""The `localstack` target: an event goes through the service that it came from, as it is on LocalStack."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

from replay.delivery.attempt import Attempt, Reply
from replay.errors import AwsError, InvalidEvent, TargetError
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.targets.carrier import Answer, Carrier, CarrierOptions, Entry, Watch
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import Deployed, described
from replay.targets.guard_rails.destination import Destination
from replay.targets.lambda_ import LambdaTarget
from replay.targets.localstack_parts.deployable import Deployable, deployable
from replay.targets.localstack_parts.made_stack import MadeStack
from replay.targets.localstack_parts.ways_in import ASKED, CARRIED, WayIn, rounded_numbers, source_name, ways_in
from replay.targets.registry import open_target

_ACCOUNT = "000000000000"
_NOT_THERE = "ResourceNotFoundException"
_FOR_LAMBDA = ("account_id", "region", "profile", "endpoint_url", "production", "production_patterns", "functions")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalstackOptions(CarrierOptions):
    """
    Which function of which LocalStack gets the events, and how.

    Attributes:
        endpoint_url: `localstack` for the LocalStack of `LOCALSTACK_HOST`, else the one on this machine.
        through: `service` sends an event to its queue, topic, bus, stream, table, bucket or API, which hands it over;
            `function` invokes the function.
        functions: The function there by its name here, for a project of several.
        make: Whether what is not there is made from the template for the time of the run.
        visibility_timeout_s: Of queues that are made: how long a message is hidden between two deliveries; by default
            for as long as the function may run.
        batch_size: Of event source mappings that are made: how many messages or records the function gets at once; by
            default as the template says. 1 keeps events apart that are under way at the same time.
    """

    endpoint_url: str | None = "localstack"
    through: Literal["service", "function"] = "service"
    functions: Mapping[str, str] = field(default_factory=dict)
    make: bool = True
    visibility_timeout_s: int | None = None
    batch_size: int | None = None


class LocalstackTarget(Carrier):
    """
    LocalStack, with the function as it is deployed there, or as its template says.

    Events of queues, topics, buses, streams, tables and buckets give no answer, and their end is observed; requests of
    APIs and direct invocations are answered. What the template's resources are named there they are found by; where the
    function is not there, the template is deployed, and removed behind the run.

    A LocalStack on another machine (`LOCALSTACK_HOST`) is beyond this machine like any other account.
    """

    name = "localstack"
    options = LocalstackOptions
    named_by: ClassVar[str] = "function"
    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int | None] = 1024 * 1024

    def __init__(self, function: Function, /, *, project: Path | None = None, **options: Any) -> None:
        self._function, self._project = function, project
        self._options: LocalstackOptions = self.options(**options)
        named = self._options.functions.get(function.name) or self._options.functions.get(function.display_name)
        self._deployed = named or self._options.function or function.name
        self._clients = TargetClients(self._options)
        self._invoker = LambdaTarget(function, **self._known(*_FOR_LAMBDA), function=self._deployed)
        self._asked: Deployed | None = None
        self._carriers: dict[WayIn, Carrier] = {}
        self._carrier_of: dict[str, Carrier] = {}
        self._open = ExitStack()
        self._notes: list[str] = []
        self._made: MadeStack | None = None

    @property
    def answers(self) -> bool:
        """Whether the function is invoked, or asked by requests: nothing that its template says gives no answer."""
        return self._options.through == "function" or not self._carried

    @property
    def described(self) -> LocalstackOptions:
        """The options that say where it is."""
        return self._options

    @property
    def travels(self) -> str:
        """The services."""
        kinds = ", ".join(sorted({source.kind for source in self._carried})) or "its function"
        return f"{kinds} of LocalStack"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is different from a local replay."""
        return (*self._invoker.notes, *self._notes)

    @property
    def _carried(self) -> list[EventSource]:
        return [source for source in self._function.event_sources if source.kind in CARRIED]

    @property
    def _goes_through_services(self) -> bool:
        kinds = {source.kind for source in self._function.event_sources}
        return self._options.through == "service" and bool(kinds & (CARRIED | ASKED))

    def destination(self) -> Destination:
        """
        Ask LocalStack which function it is; where it is not there, say what would be made.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named.
            TargetError: It is not there, and cannot be made.
            AwsError: LocalStack does not answer.
        """
        try:
            destination = self._invoker.destination()
        except AwsError as error:
            if error.code != _NOT_THERE or not (self._goes_through_services and self._options.make):
                raise
        else:
            return replace(destination, target=f"{self.name}:{self._deployed}")
        what = self._deployable()
        client = self._clients("lambda")
        region = str(client.meta.region_name)
        account = self._options.account_id or _ACCOUNT
        return described(
            self._options,
            target=f"{self.name}:{self._deployed}",
            arn=f"arn:aws:lambda:{region}:{account}:function:{self._deployed}",
            region=region,
            endpoint_url=str(client.meta.endpoint_url),
            tags={},
            seen_by=(f"what {what.origin} makes there for this run, and is removed behind it",),
        )

    def __enter__(self) -> Self:
        """
        Check where it leads, make what is not there, and find the ways to the function.

        Raises:
            TargetRefused: It could hurt an account.
            TargetError: Something could not be made, or no way leads to the function.
            AwsError: It could not be looked at.
        """
        self.checked_destination()
        try:
            if self._goes_through_services:
                self._find_ways(self._arn_there())
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was made."""
        self._leave()

    def invoke(self, attempt: Attempt) -> Reply:
        """
        Ask the API, or invoke the function.

        Raises:
            AwsError: No answer came.
            TargetError: The events of this function give no answer.
        """
        if not self.answers:
            return super().invoke(attempt)
        return (self._asked or self._invoker).invoke(attempt)

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give the entries of the way that *event* takes.

        Raises:
            InvalidEvent: No way that was found takes events of its shape, or LocalStack would change it on the way.
        """
        carrier = self._way_of(event, key)
        if carrier.name == "sqs" and (number := rounded_numbers(event)):
            raise InvalidEvent(
                f"LocalStack would round a number of {len(number)} digits on the way from the queue to the function",
                where=key,
                expected="a body whose numbers are doubles, which LocalStack 4 writes anew",
                hint='invoke the function itself: through = "function"',
            )
        entries = carrier.entries(event, key=key, marker=marker)
        self._carrier_of.update((entry.key, carrier) for entry in entries)
        return entries

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """Send each through its own way."""
        by_carrier: dict[int, list[Entry]] = {}
        for entry in entries:
            by_carrier.setdefault(id(self._carrier_of[entry.key]), []).append(entry)
        answers: dict[str, Answer] = {}
        for mine in by_carrier.values():
            carrier = self._carrier_of[mine[0].key]
            for start in range(0, len(mine), carrier.most_entries):
                answers |= carrier.send(mine[start : start + carrier.most_entries])
        return answers

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the places where the end of an event can be seen, whatever way it takes.

        Raises:
            AwsError: Who gets what is sent cannot be found out.
        """
        return [watch for carrier in self._carriers.values() for watch in carrier.watches(function)]

    def patience_s(self, function: Function) -> float:
        """Say how long the slowest way takes."""
        return max((carrier.patience_s(function) for carrier in self._carriers.values()), default=0.0)

    def _arn_there(self) -> str:
        """Give the function's ARN; where it is not there, make it first."""
        client = self._clients("lambda")
        try:
            return str(client.get_function_configuration(FunctionName=self._deployed)["FunctionArn"])
        except client.exceptions.ResourceNotFoundException:
            pass
        made = MadeStack(self._clients, self._deployable())
        made.make()
        self._made = made
        client.get_waiter("function_active_v2").wait(
            FunctionName=self._deployed, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        return str(client.get_function_configuration(FunctionName=self._deployed)["FunctionArn"])

    def _deployable(self) -> Deployable:
        options = self._options
        return deployable(
            self._function, visibility_timeout_s=options.visibility_timeout_s, batch_size=options.batch_size
        )

    def _find_ways(self, arn: str) -> None:
        for way in ways_in(self._clients, self._function, arn):
            if way.kind in ASKED and self._asked is not None:
                continue
            opened = open_target(way.target, self._function, **self._options_of(way), **{way.option: way.resource})
            assert isinstance(opened, Deployed)
            self._open.enter_context(opened)
            if isinstance(opened, Carrier):
                self._carriers[way] = opened
            else:
                self._asked = opened
        if not self.answers and not self._carriers:
            kinds = ", ".join(sorted({source.kind for source in self._carried}))
            raise TargetError(
                f"the function {self._deployed} on LocalStack has none of its event sources ({kinds})",
                where=arn,
                expected="a function that is deployed with them",
                hint="deploy it with its template, or remove it: then replay makes it; "
                'or invoke it itself: through = "function"',
            )

    def _way_of(self, event: Event, key: str) -> Carrier:
        kind = "eventbridge" if event.kind == "schedule" else event.kind
        ways = {way: carrier for way, carrier in self._carriers.items() if way.kind == kind}
        source = source_name(event)
        named = [carrier for way, carrier in ways.items() if way.name == source]
        if named or len(ways) == 1:
            return (named or list(ways.values()))[0]
        found = ", ".join(f"{way.kind} {way.name}" for way in ways or self._carriers)
        raise InvalidEvent(
            f"no way of a {event.kind} event to the function {self._deployed} is known on LocalStack",
            where=key,
            expected=f"one of: {found}",
            hint='invoke the function itself: through = "function"',
        )

    def _options_of(self, way: WayIn) -> dict[str, Any]:
        names = [each.name for each in fields(CarrierOptions) if each.name not in {"function", "dead_letter_queue"}]
        if way.kind in ASKED:
            names = [name for name in names if name != "observe_for_s"]
        known = self._known(*names)
        return known if way.kind in {"kinesis", "dynamodb", "s3"} else {**known, "function": self._deployed}

    def _known(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self._options, name) for name in names}

    def _leave(self) -> None:
        self._open.close()
        if self._made is not None:
            made, self._made = self._made, None
            self._notes += made.remove()
