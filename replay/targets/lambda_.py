"""The `lambda` target: a function that is deployed, invoked through Lambda's API."""

import base64
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Literal

from replay.delivery.attempt import Attempt, Reply
from replay.errors import AwsError
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.failures import Failure
from replay.readers.aws_errors import aws_errors
from replay.targets.aws.asynchronous_invocation import invocation_entry, queued
from replay.targets.aws.lambda_answer import LambdaAnswer, reply_of_answer, with_modules_of
from replay.targets.carrier import Answer, Carrier, CarrierOptions, Entry, Watch
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.observing.function_watches import DeployedFunction, asynchronous_watches, queue_watches

_LONGEST_RUN_S = 900
_BEYOND_TIMEOUT_S = 30
_THROTTLED = {"TooManyRequestsException", "ThrottlingException", "Throttling", "EC2ThrottledException"}
_TRIES = 5
_FIRST_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaOptions(CarrierOptions):
    """
    Which deployed function answers.

    Attributes:
        function: Its name, name:alias, or ARN; by default the name that the function has in this project.
        functions: The same by the function's name here, for a project of several.
        invocation: `RequestResponse` waits for each answer; `Event` has Lambda queue each event, try it again by
            itself, and send it to the function's destinations: what becomes of it is observed.
    """

    functions: Mapping[str, str] = field(default_factory=dict)
    invocation: Literal["RequestResponse", "Event"] = "RequestResponse"


class LambdaTarget(Carrier):
    """
    A deployed function, by name, ARN or alias.

    It is invoked synchronously, and answers with its error, the tail of its log, and its duration; or asynchronously,
    and its end is seen in its log, its dead-letter queue and its destinations. Its calls of AWS are real, and so are
    their effects. Nothing is invoked twice by itself, but where Lambda said that it did not invoke.

    Source: Lambda API `Invoke` (RequestResponse, LogType Tail; Event).
    """

    name = "lambda"
    options = LambdaOptions
    named_by: ClassVar[str] = "function"
    most_entries: ClassVar[int] = 1
    most_bytes: ClassVar[int | None] = None

    def __init__(self, function: Function, /, *, project: Path | None = None, **options: Any) -> None:
        del project
        self._function = function
        self._options: LambdaOptions = self.options(**options)
        named = self._options.functions.get(function.name) or self._options.functions.get(function.display_name)
        self._deployed = named or self._options.function or function.name
        self._read_timeout_s = _LONGEST_RUN_S + _BEYOND_TIMEOUT_S
        self._clients = TargetClients(self._options, arn=self._deployed)

    @property
    def answers(self) -> bool:
        """Whether it is invoked synchronously."""
        return self._options.invocation == "RequestResponse"

    @property
    def travels(self) -> str:
        """Lambda's own queue."""
        return f"Lambda's queue for {self._deployed}"

    @property
    def described(self) -> LambdaOptions:
        """The options that say where it is."""
        return self._options

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is different from a local replay."""
        clock = "the clock of a deployed function is the real one" if self._function.clock == "captured" else ""
        return (clock,) if clock else ()

    def destination(self) -> Destination:
        """
        Ask Lambda which function it is.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named.
            AwsError: There is no such function, or it may not be looked at.
        """
        where = f"function {self._deployed}"
        client = self._client
        with aws_errors(where=where, service="lambda"):
            found: Any = client.get_function_configuration(FunctionName=self._deployed)
        self._read_timeout_s = int(found.get("Timeout", _LONGEST_RUN_S)) + _BEYOND_TIMEOUT_S
        arn = str(found["FunctionArn"])
        unqualified = ":".join(arn.split(":")[:7])
        tags = unless_denied(
            lambda: tags_of(client.list_tags(Resource=unqualified).get("Tags", {})), service="lambda", where=where
        )
        return described(
            self._options,
            target=f"{self.name}:{self._deployed}",
            arn=arn,
            region=str(client.meta.region_name),
            endpoint_url=str(client.meta.endpoint_url),
            tags=tags,
        )

    def invoke(self, attempt: Attempt) -> Reply:
        """
        Invoke it once.

        Raises:
            AwsError: Lambda did not take the invocation, or no answer came; then whether it ran is not known.
        """
        where = f"function {self._deployed}"
        for pause_s in self._pauses():
            try:
                with aws_errors(where=where, service="lambda"):
                    return self._invoked(attempt)
            except AwsError as error:
                if error.code not in _THROTTLED:
                    raise
                if pause_s is None:
                    return Reply(status="throttled", failure=Failure(error_type=error.code, message=error.what))
                time.sleep(pause_s)
        raise AssertionError  # the last pause is None

    def ask_with(self, clients: TargetClients) -> None:
        """Ask with the *clients* of another target, which must be in the same place, account and region."""
        self._clients = clients

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give the event itself; there is no place for a marker.

        Raises:
            InvalidEvent: It is larger than Lambda queues.
        """
        del marker
        return [invocation_entry(event, key=key)]

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """Have Lambda queue one event."""
        (entry,) = entries
        return queued(self._invoker, self._deployed, entry)

    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give its log, dead-letter queue, destinations and metrics.

        Raises:
            AwsError: There is no such function.
        """
        patience_s = self.patience_s(function)
        found = asynchronous_watches(self._clients, self._deployed, code=function.code, patience_s=patience_s)
        named = self._options.dead_letter_queue
        return [*found, *queue_watches(self._clients, [(named, "dead_lettered")], patience_s=patience_s)]

    def patience_s(self, function: Function) -> float:
        """Say how long all tries take."""
        del function
        if self._options.observe_for_s is not None:
            return self._options.observe_for_s
        return DeployedFunction(self._clients, self._deployed).patience_s

    def _invoked(self, attempt: Attempt) -> Reply:
        began = perf_counter()
        answer: Any = self._invoker.invoke(
            FunctionName=self._deployed,
            InvocationType="RequestResponse",
            LogType="Tail",
            Payload=attempt.payload.encode("utf-8", "surrogatepass"),
        )
        payload = answer["Payload"].read().decode("utf-8", "replace")
        took_s = perf_counter() - began
        told = LambdaAnswer(
            payload=payload,
            function_error=str(answer.get("FunctionError", "")),
            log=_log(answer.get("LogResult", "")),
            request_id=str(answer.get("ResponseMetadata", {}).get("RequestId", "")),
            took_s=took_s,
        )
        return with_modules_of(reply_of_answer(told), self._function.code)

    @staticmethod
    def _pauses() -> list[float | None]:
        return [*(_FIRST_PAUSE_S * 2**number for number in range(_TRIES - 1)), None]

    @cached_property
    def _client(self) -> Any:
        return self._clients("lambda")

    @cached_property
    def _invoker(self) -> Any:
        """A client that never tries again by itself: an answer that was lost does not say that nothing ran."""
        return self._clients("lambda", read_timeout_s=self._read_timeout_s, max_attempts=1)


def _log(encoded: str) -> str:
    with suppress(ValueError):
        return base64.b64decode(encoded, validate=False).decode("utf-8", "replace")
    return ""
