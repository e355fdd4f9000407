"""The `localstack` target: an event goes through the service that it came from, as it is on LocalStack."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

from replay.delivery.attempt import Attempt, Reply
from replay.errors import AwsError, InvalidEvent, TargetError
from replay.fixtures.fixture import StoredObject
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource, EventSourceKind
from replay.readers.aws_errors import aws_errors
from replay.targets.carrier import Answer, Carrier, CarrierOptions, Entry, Watch
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination
from replay.targets.http_parts.captured_request import captured_request
from replay.targets.lambda_ import LambdaTarget
from replay.targets.localstack_parts.deployable import Deployable, deployable
from replay.targets.localstack_parts.made_stack import MAKING, OF_SIBLINGS, MadeStack, stack_in_use
from replay.targets.localstack_parts.opened_ways import THROUGH_FUNCTION, OpenedWays
from replay.targets.localstack_parts.our_stacks import OurThing
from replay.targets.localstack_parts.stacks_of_runs import StacksOfRuns
from replay.targets.localstack_parts.ways_in import ASKED, CARRIED, LACKING, WORDS, WayIn, resource_name, ways_in

_ACCOUNT = "000000000000"
_NOT_THERE = "ResourceNotFoundException"
_FOR_LAMBDA = ("account_id", "region", "profile", "endpoint_url", "production", "production_patterns", "functions")
_SEEN_AT_FUNCTION = {"kinesis", "dynamodb", "s3"}
"""Targets whose function is found by AWS alone."""


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
        maximum_retry_attempts: Of functions that are made: how often Lambda tries again what it was asked to do
            asynchronously; by default as the template says.
        other_rules: Whether other rules of a bus that is there may get the events too.
        overwrite: Whether an object of the same key may be replaced in a bucket that is there.
        put_old_items: Whether the item as it was is put first, where a table does not have it so.
    """

    endpoint_url: str | None = "localstack"
    through: Literal["service", "function"] = "service"
    functions: Mapping[str, str] = field(default_factory=dict)
    make: bool = True
    visibility_timeout_s: int | None = None
    batch_size: int | None = None
    maximum_retry_attempts: int | None = None
    other_rules: bool = False
    overwrite: bool = False
    put_old_items: bool = False


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
    lasts: ClassVar[bool] = True
    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int | None] = 1024 * 1024

    def __init__(self, function: Function, /, *, project: Path | None = None, **options: Any) -> None:
        self._function, self._project = function, project
        self._options: LocalstackOptions = self.options(**options)
        named = self._options.functions.get(function.name) or self._options.functions.get(function.display_name)
        self._deployed = named or self._options.function or function.name
        self._clients = TargetClients(self._options)
        self._invoker = LambdaTarget(function, **self._known(*_FOR_LAMBDA), function=self._deployed)
        self._stacks = StacksOfRuns(self._clients, self._deployed)
        self._ways: OpenedWays | None = None
        self._notes: list[str] = []
        self._left: list[str] = []
        self._made: MadeStack | None = None
        self._arn = self._stack = ""

    @property
    def answers(self) -> bool:
        """Whether the function is invoked, or asked by requests: nothing that its template says gives no answer."""
        return self._options.through == "function" or not self._carried

    def is_answered(self, event: Event) -> bool:
        """Whether *event* is a request, or an invocation of the function itself; of one function some may be so."""
        return self.answers or event.kind not in CARRIED

    @property
    def made(self) -> str:
        """The name of the stack, if this process has made one."""
        return self._made.name if self._made is not None else ""

    @property
    def left(self) -> Sequence[str]:
        """What is left of the stack."""
        return self._left

    @classmethod
    def share(cls, made: Iterable[str]) -> None:
        """Use the stacks of other processes of the same run."""
        OF_SIBLINGS.update(made)

    @property
    def described(self) -> LocalstackOptions:
        """The options that say where it is."""
        return self._options

    @property
    def travels(self) -> str:
        """The queue, topic, bus, … as they are called here."""
        buses = {"eventbridge", "schedule"}  # of these the ARN is that of a rule
        names = [(WORDS[each.kind], resource_name(each.arn or "") * (each.kind not in buses)) for each in self._carried]
        named = (f"{word} {name}".strip() for word, name in names)
        return ", ".join(dict.fromkeys(named)) or f"function {self._deployed}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is different from a local replay."""
        return (*self._invoker.notes, *self._notes, *self._stacks.not_seen)

    @property
    def _carried(self) -> list[EventSource]:
        return [source for source in self._function.event_sources if source.kind in CARRIED]

    @property
    def _goes_through_services(self) -> bool:
        kinds = {source.kind for source in self._function.event_sources}
        return self._options.through == "service" and bool(kinds & (CARRIED | ASKED | LACKING.keys()))

    def destination(self) -> Destination:
        """
        Ask LocalStack which function it is, and what leads to it; where it is not there, say what would be made.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named; or what leads to it may not be used.
            TargetError: It is not there, and cannot be made; or no way leads to it.
            AwsError: LocalStack does not answer.
        """
        found: Destination | None = None
        try:
            found = self._invoker.destination()
        except AwsError as error:
            if error.code != _NOT_THERE:
                raise
        makes = self._options.make and not self._arn
        left = self._stacks.left() if makes else []
        if found is None or any(self._stacks.holds_it(each) for each in left):
            return self._to_be_made(left)
        if makes:
            self._stack = self._stacks.of_this_run()
        self._arn = found.arn
        if self._goes_through_services and self._ways is None:
            self._ways = self._opened(self._arn)
        seen_by = tuple(dict.fromkeys(self._ways.seen_by)) if self._ways is not None else ()
        return replace(found, target=f"{self.name}:{self._deployed}", seen_by=seen_by)

    def also_seen_by(self, event: Event) -> Sequence[str]:
        """
        Name who gets *event* besides the function, where what leads to it is there already.

        Raises:
            InvalidEvent: It cannot be sent.
            TargetRefused: Others would get it, and nobody has said that they may.
        """
        if self._ways is None or self.is_answered(event):
            return ()
        return next(iter(self._ways.of(event, self.travels).values())).also_seen_by(event)

    def __enter__(self) -> Self:
        """
        Check where it leads, make what is not there, and find the ways to the function.

        Raises:
            TargetRefused: It could hurt an account.
            TargetError: Something could not be made, or no way leads to the function.
            AwsError: It could not be looked at.
        """
        try:
            with MAKING:
                self.checked_destination()
                if not self._arn:
                    self._remove_what_was_left()
                    self._arn = self._arn_of_made()
                elif self._stack:
                    self._made = stack_in_use(self._stack)
            if self._goes_through_services:
                self._ways = self._ways or self._opened(self._arn)
                self._ways.enter()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was made."""
        self._leave()

    def place_objects(self, objects: Sequence[StoredObject]) -> None:
        """Keep what the fixture has of objects, for the entries of its event."""
        if self._ways is not None:
            self._ways.place_objects(objects)

    def invoke(self, attempt: Attempt) -> Reply:
        """
        Ask the API, or invoke the function.

        Raises:
            AwsError: No answer came.
            TargetError: No API leads to the function; or the event gives no answer.
        """
        if self._ways is None:
            return self._invoker.invoke(attempt)
        kind = _kind_of_request(attempt.payload)
        return (self._invoker if kind is None else self._ways.asked(kind)).invoke(attempt)

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give the entries of the way that *event* takes.

        Raises:
            InvalidEvent: No way that was found takes events of its shape, or LocalStack would change it on the way.
        """
        return self._opened_ways.entries(event, key=key, marker=marker)

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """Send each through its own way."""
        return self._opened_ways.send(entries)

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the places where the end of an event can be seen, whatever way it takes.

        Raises:
            AwsError: Who gets what is sent cannot be found out.
        """
        return self._ways.watches(function) if self._ways is not None else ()

    def patience_s(self, function: Function) -> float:
        """Say how long the slowest way takes; nothing before it is known."""
        return self._ways.patience_s(function) if self._ways is not None else 0.0

    @property
    def _opened_ways(self) -> OpenedWays:
        assert self._ways is not None, "it is entered before anything is sent"
        return self._ways

    def _to_be_made(self, left: Sequence[OurThing]) -> Destination:
        if not self._options.make:
            raise TargetError(
                f"the function {self._deployed} is not on LocalStack",
                where=f"{self.name}:{self._deployed}",
                hint="deploy it (samlocal, cdklocal), or let it be made of its template: make = true",
            )
        what = self._deployable()
        client = self._clients("lambda")
        region = str(client.meta.region_name)
        account = self._options.account_id or _ACCOUNT
        made = f"a stack that is made there of {what.origin} for this run, and removed behind it"
        first = [f"first the {each.what} is removed, which a killed run has left there" for each in left]
        return described(
            self._options,
            target=f"{self.name}:{self._deployed}",
            arn=f"arn:aws:lambda:{region}:{account}:function:{self._deployed}",
            region=region,
            endpoint_url=str(client.meta.endpoint_url),
            tags={},
            made=(made, *first, *self._stacks.not_seen),
        )

    def _remove_what_was_left(self) -> None:
        for each in self._stacks.left():
            problem = each.remove()
            done = f"could not be removed: {problem.what}" if problem else "was removed first"
            self._notes.append(f"the {each.what}, which a killed run had left on LocalStack, {done}")

    def _arn_of_made(self) -> str:
        made = MadeStack(self._clients, self._deployable())
        made.make()
        self._made, self._stack = made, made.name
        client = self._clients("lambda")
        with aws_errors(where=f"function {self._deployed}", service="lambda"):
            client.get_waiter("function_active_v2").wait(
                FunctionName=self._deployed, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
            return str(client.get_function_configuration(FunctionName=self._deployed)["FunctionArn"])

    def _deployable(self) -> Deployable:
        options = self._options
        return deployable(
            self._function if self._goes_through_services else replace(self._function, event_sources=()),
            visibility_timeout_s=options.visibility_timeout_s,
            batch_size=options.batch_size,
            maximum_retry_attempts=options.maximum_retry_attempts,
        )

    def _opened(self, arn: str) -> OpenedWays:
        ways = ways_in(self._clients, self._function, arn)
        opened = OpenedWays(ways, self._options_of, function=self._function, deployed=self._deployed)
        if self._carried and not opened.carriers:
            kinds = " or ".join(sorted({WORDS[source.kind] for source in self._carried}))
            raise TargetError(
                f"the function {self._deployed} on LocalStack has no {kinds} that leads to it",
                where=arn,
                expected="a function that is deployed with its event sources",
                hint=f"deploy it with its template, or remove it: then replay makes it; or {THROUGH_FUNCTION}",
            )
        return opened

    def _options_of(self, way: WayIn) -> dict[str, Any]:
        names = [each.name for each in fields(CarrierOptions) if each.name not in {"function", "dead_letter_queue"}]
        if way.kind in ASKED:
            names.remove("observe_for_s")
        known = {**self._known(*names), way.option: way.resource}
        made, options = bool(self._stack), self._options
        own: dict[str, dict[str, Any]] = {
            "eventbridge": {"other_rules": made or options.other_rules},  # the template's own: nobody else is there
            "s3": {"overwrite": made or options.overwrite},
            "dynamodb": {"put_old_items": options.put_old_items},
        }
        if way.target not in _SEEN_AT_FUNCTION:
            known["function"] = self._deployed
        return {**known, **own.get(way.target, {})}

    def _known(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self._options, name) for name in names}

    def _leave(self) -> None:
        if self._ways is not None:
            self._ways.leave()
            self._ways = None
        self._arn = self._stack = ""
        if self._made is not None:
            made, self._made = self._made, None
            with MAKING:
                self._left = made.remove()
            self._notes += self._left


def _kind_of_request(payload: str) -> EventSourceKind | None:
    """Say through what a request came; None for an event that is none."""
    try:
        return captured_request(Event(text=payload)).kind
    except InvalidEvent:
        return None
