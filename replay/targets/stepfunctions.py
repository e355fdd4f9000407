"""The `stepfunctions` target: a state machine, which is started with the event as its input."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from replay.errors import ConfigurationError, InvalidEvent
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.readers.aws_errors import error_code
from replay.targets.carrier import Acknowledgement, Answer, Carrier, CarrierOptions, Entry, Watch
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination
from replay.targets.state_machine_parts.execution_watch import ExecutionWatch
from replay.targets.state_machine_parts.machines import StateMachine, find_machine, name_of, region_of

MOST_INPUT_BYTES = 262_144
"""Source: Step Functions developer guide, "Quotas related to state machine executions"."""

_LONGEST_NAME = 80
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFunctionsOptions(CarrierOptions):
    """
    Which state machine is started.

    Attributes:
        state_machine: Its name or ARN, which may name a version or an alias.
    """

    state_machine: str = ""


class StepFunctionsTarget(Carrier):
    """
    A Standard state machine of Step Functions, started once for each event.

    The event is the execution's input, byte for byte, and the marker its name: by it the same event is never started
    twice in one run, also where the answer was lost. What becomes of it is asked of the execution itself.

    Source: Step Functions API `StartExecution`, `DescribeExecution`, `GetExecutionHistory`.
    """

    name = "stepfunctions"
    options = StepFunctionsOptions
    named_by: ClassVar[str] = "state_machine"
    most_entries: ClassVar[int] = 1
    most_bytes: ClassVar[int | None] = None

    def __init__(self, function: Function, /, *, project: Path | None = None, **options: Any) -> None:
        del project
        self._function = function
        self._options: StepFunctionsOptions = self.options(**options)
        if not self._options.state_machine:
            raise ConfigurationError(
                "which state machine?",
                where="the target stepfunctions",
                hint='say it: state_machine = "NAME", or stepfunctions:NAME',
            )
        self._clients = TargetClients(self._options)

    @property
    def described(self) -> StepFunctionsOptions:
        """The options that say where it is."""
        return self._options

    @property
    def travels(self) -> str:
        """The state machine."""
        return f"state machine {name_of(self._options.state_machine)}"

    @cached_property
    def machine(self) -> StateMachine:
        """
        Find the state machine.

        Raises:
            AwsError: There is none, or it may not be looked at.
            TargetRefused: It is an Express one.
        """
        return find_machine(self.client(), self._options.state_machine)

    def client(self, **settings: Any) -> Any:
        """Make a client for where the state machine is."""
        region = self._options.region or region_of(self._options.state_machine) or None
        return self._clients("stepfunctions", region=region, **settings)

    def destination(self) -> Destination:
        """
        Ask Step Functions what it is.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named; or it is an Express one.
            AwsError: There is no such state machine, or it may not be looked at.
        """
        client, machine = self.client(), self.machine
        return described(
            self._options,
            target=f"{self.name}:{machine.name}",
            arn=machine.arn,
            region=str(client.meta.region_name),
            endpoint_url=str(client.meta.endpoint_url),
            tags=machine.tags,
        )

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give one execution.

        Raises:
            InvalidEvent: The event is larger than an input may be.
        """
        size = len(event.text.encode("utf-8", "surrogatepass"))
        if size > MOST_INPUT_BYTES:
            raise InvalidEvent(
                f"the event has {size:,} bytes, and the input of an execution at most {MOST_INPUT_BYTES:,}",
                where=key,
                expected=f"at most {MOST_INPUT_BYTES:,} bytes",
                hint="deliver it to the function itself: --target lambda:FUNCTION",
            )
        name = _NOT_IN_A_NAME.sub("-", marker)[:_LONGEST_NAME]
        return [Entry(key=key, request={"name": name, "input": event.text}, size_bytes=size, marker=name)]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """Start the one execution; one that was started before under this name is that one."""
        from botocore.exceptions import ClientError

        (entry,) = entries
        try:
            answer = self._sender.start_execution(stateMachineArn=self.machine.arn, **entry.request)
        except ClientError as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise
            arn = self.machine.execution_arn(entry.marker)  # it was started, and its answer was lost
            return {entry.key: Acknowledgement(identity=arn)}
        return {entry.key: Acknowledgement(identity=str(answer["executionArn"]))}

    def watches(self, function: Function) -> Sequence[Watch]:
        """Give the executions themselves."""
        return [ExecutionWatch(self.client(), self.machine, code=function.code)]

    @cached_property
    def _sender(self) -> Any:
        return self.client(max_attempts=1)
