"""Everywhere the end of an event for one deployed function can be seen, as its configuration says."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors
from replay.readers.logs import default_log_group
from replay.targets.carrier import Settled, Watch
from replay.targets.guard_rails.identity import unless_denied
from replay.targets.guard_rails.this_machine import is_on_this_machine
from replay.targets.observing.counted_log import CountedLog
from replay.targets.observing.dead_letters import DeadLetters
from replay.targets.observing.destination_objects import DestinationObjects
from replay.targets.observing.function_log import FunctionLog, LoggedEnds
from replay.targets.observing.function_metrics import FunctionMetrics
from replay.targets.observing.unread_destination import UnreadDestination

Clients = Callable[[str], Any]
"""Gives the client of a service, for where the target is."""

MAXIMUM_RETRY_ATTEMPTS = 2
_RETRY_DELAYS_S = (60.0, 120.0)
_MARGIN_S = 30.0
_QUIET_S, _QUIET_HERE_S = 10.0, 1.0
_LETTER_HERE_WITHIN_S = 2.0
"""An emulator writes dead letters at once; beyond this machine only the log says that a function has returned."""


class DeployedFunction:
    """
    A deployed function, by name, `name:alias` or ARN, and where it tells of its invocations.

    Source: Lambda API `GetFunctionConfiguration`, `GetFunctionEventInvokeConfig`.
    """

    def __init__(self, clients: Clients, deployed: str) -> None:
        self._clients, self.deployed = clients, deployed

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """Its configuration; empty where it may not be read."""
        where = f"function {self.deployed}"
        read = self._clients("lambda").get_function_configuration
        found: dict[str, Any] | None = unless_denied(
            lambda: read(FunctionName=self.deployed), service="lambda", where=where
        )
        return found or {}

    @cached_property
    def asynchronous(self) -> dict[str, Any]:
        """What is configured of its asynchronous invocations; empty where nothing is, or it may not be read."""
        name, _, qualifier = self.name_and_alias
        request = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
        try:
            with aws_errors(where=f"function {self.deployed}", service="lambda"):
                found: dict[str, Any] = self._clients("lambda").get_function_event_invoke_config(**request)
        except AwsError:
            return {}  # most functions have none, and some emulators not even the operation
        return found

    @property
    def name_and_alias(self) -> tuple[str, str, str]:
        """Its plain name, `:` and its alias or version, where it has one."""
        tail = self.deployed.rpartition(":function:")[2]
        return tail.partition(":")

    @property
    def timeout_s(self) -> float:
        """How long an invocation takes at most."""
        return float(self.configuration.get("Timeout", 900))

    @property
    def log_group(self) -> str:
        """Where it logs."""
        told = self.configuration.get("LoggingConfig", {}).get("LogGroup")
        return str(told or default_log_group(self.name_and_alias[0]))

    @property
    def dead_letter_queue(self) -> str:
        """The ARN of its dead-letter target, which is a queue or a topic; empty where it has none."""
        return str(self.configuration.get("DeadLetterConfig", {}).get("TargetArn", ""))

    def destination(self, condition: str) -> str:
        """Give the ARN of its destination `OnFailure` or `OnSuccess`; empty where it has none."""
        return str(self.asynchronous.get("DestinationConfig", {}).get(condition, {}).get("Destination", "") or "")

    @property
    def attempts(self) -> int:
        """How often Lambda tries an event by itself."""
        told = self.asynchronous.get("MaximumRetryAttempts")
        return 1 + (MAXIMUM_RETRY_ATTEMPTS if told is None else int(told))

    @property
    def patience_s(self) -> float:
        """How long all tries of an asynchronous event take at most, where nothing throttles them."""
        return self.attempts * self.timeout_s + sum(_RETRY_DELAYS_S[: self.attempts - 1]) + _MARGIN_S


def asynchronous_watches(
    clients: Clients, deployed: str, *, code: Path, patience_s: float, emulators_try_again: bool = True
) -> list[Watch]:
    """
    Give the places where the end of an asynchronous invocation of *deployed* can be seen: log, dead letters, metrics.

    Args:
        code: The function's code here.
        patience_s: How long is looked.
        emulators_try_again: Whether emulators try again what failed, as AWS does: else it proves nothing if none comes.

    Raises:
        AwsError: There is no such function.
    """
    function = DeployedFunction(clients, deployed)
    on_failure, on_success = function.destination("OnFailure"), function.destination("OnSuccess")
    given_up: Settled = "discarded"
    if function.dead_letter_queue:
        given_up = "dead_lettered"
    if on_failure:
        given_up = "sent_to_destination"
    ends = LoggedEnds(returned="processed", given_up=given_up, attempts=function.attempts, timeout_s=function.timeout_s)
    log, *others = log_and_metrics(clients, function, code=code, ends=ends)
    failed = _watches_of_failures(clients, function, on_failure, patience_s=patience_s)
    here = is_on_this_machine(str(clients("logs").meta.endpoint_url))
    counted = CountedLog(
        log,
        attempts=function.attempts,
        given_up=given_up,
        again_within_s=_LETTER_HERE_WITHIN_S if here and emulators_try_again else math.inf,
        left_behind=(lambda at_ms: any(each.may_have_come_since(at_ms) for each in failed)) if failed else None,
    )
    succeeded = queue_watches(clients, [(on_success, "processed")], patience_s=patience_s)
    return [counted, *others, *failed, *succeeded, *unread(function.dead_letter_queue, on_failure, on_success)]


def _watches_of_failures(
    clients: Clients, function: DeployedFunction, on_failure: str, *, patience_s: float
) -> list[DeadLetters | DestinationObjects]:
    """Give the watches of where failures go, as far as that can be looked into."""
    places: list[tuple[str, Settled]] = [
        (function.dead_letter_queue, "dead_lettered"),
        (on_failure, "sent_to_destination"),
    ]
    queues = queue_watches(clients, places, patience_s=patience_s)
    if ":s3:" not in on_failure:
        return [*queues]
    prefix = f"aws/lambda/async/{function.name_and_alias[0]}/"
    return [*queues, DestinationObjects(clients("s3"), on_failure, prefix=prefix)]


def unread(*destinations: str) -> list[UnreadDestination]:
    """Name those of *destinations* (ARNs) that cannot be looked into: topics, buses, functions."""
    arns = dict.fromkeys(arn for arn in destinations if arn and ":sqs:" not in arn and ":s3:" not in arn)
    return [UnreadDestination(arn) for arn in arns]


def log_and_metrics(clients: Clients, function: DeployedFunction, *, code: Path, ends: LoggedEnds) -> list[Watch]:
    """Give the watches of a function's log and of its metrics."""
    logs = clients("logs")
    here = is_on_this_machine(str(logs.meta.endpoint_url))
    quiet_s = _QUIET_HERE_S if here else _QUIET_S
    return [
        FunctionLog(logs, function.log_group, code=code, ends=ends, quiet_s=quiet_s, here=here),
        FunctionMetrics(clients("cloudwatch"), function.name_and_alias[0]),
    ]


def queue_watches(clients: Clients, places: Sequence[tuple[str, Settled]], *, patience_s: float) -> list[DeadLetters]:
    """Give the watches of those *places* that are queues, by name, URL or ARN; into a topic or bus nobody can look."""
    return [
        DeadLetters(clients("sqs"), place, settled=settled, lease_s=patience_s)
        for place, settled in places
        if place and (not place.startswith("arn:") or ":sqs:" in place)
    ]
