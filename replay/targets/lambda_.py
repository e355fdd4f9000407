"""The `lambda` target: a function that is deployed, invoked through Lambda's API."""

import base64
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

from replay.delivery.attempt import Attempt, Reply
from replay.errors import AwsError
from replay.functions.function import Function
from replay.payloads.failures import Failure
from replay.readers.aws_errors import aws_errors
from replay.readers.clients import aws_client
from replay.targets.aws.lambda_answer import LambdaAnswer, reply_of_answer, with_modules_of
from replay.targets.guard_rails.deployed import Deployed, described
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.guard_rails.options import DeployedOptions

_ARN = re.compile(r"arn:[\w-]+:lambda:(?P<region>[\w-]+):(?P<account>\d{12}):function:(?P<name>[\w-]+)(?::(?P<of>.+))?")
_LONGEST_RUN_S = 900
_BEYOND_TIMEOUT_S = 30
_THROTTLED = {"TooManyRequestsException", "ThrottlingException", "Throttling", "EC2ThrottledException"}
_TRIES = 5
_FIRST_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaOptions(DeployedOptions):
    """
    Which deployed function answers.

    Attributes:
        function: Its name, name:alias, or ARN; by default the name that the function has in this project.
        functions: The same by the function's name here, for a project of several.
    """

    function: str = ""
    functions: Mapping[str, str] = field(default_factory=dict)


class LambdaTarget(Deployed):
    """
    A deployed function, by name, ARN or alias.

    It is invoked synchronously, and answers with its error, the tail of its log, and its duration. Its calls of AWS are
    real, and so are their effects. Nothing is invoked twice by itself, but where Lambda said that it did not invoke.

    Source: Lambda API `Invoke` (RequestResponse, LogType Tail).
    """

    name = "lambda"
    options = LambdaOptions
    named_by: ClassVar[str] = "function"

    def __init__(self, function: Function, /, *, project: Path | None = None, **options: Any) -> None:
        del project
        self._function = function
        self._options: LambdaOptions = self.options(**options)
        named = self._options.functions.get(function.name) or self._options.functions.get(function.display_name)
        self._deployed = named or self._options.function or function.name
        self._read_timeout_s = _LONGEST_RUN_S + _BEYOND_TIMEOUT_S

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
        return self._made_client()

    @cached_property
    def _invoker(self) -> Any:
        """A client that never tries again by itself: an answer that was lost does not say that nothing ran."""
        return self._made_client(read_timeout_s=self._read_timeout_s, max_attempts=1)

    def _made_client(self, **settings: Any) -> Any:
        options = self._options
        found = _ARN.fullmatch(self._deployed)
        region = options.region or (found["region"] if found else None)
        endpoint_url = options.endpoint_url
        return aws_client("lambda", region=region, profile=options.profile, endpoint_url=endpoint_url, **settings)


def _log(encoded: str) -> str:
    with suppress(ValueError):
        return base64.b64decode(encoded, validate=False).decode("utf-8", "replace")
    return ""
