"""Everywhere the end of an event for one deployed function can be seen, as its configuration says."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors
from replay.readers.logs import default_log_group
from replay.targets.carrier import Settled, Watch, Whose
from replay.targets.guard_rails.identity import unless_denied
from replay.targets.guard_rails.this_machine import is_on_this_machine
from replay.targets.observing.counted_log import CountedLog
from replay.targets.observing.dead_letters import DeadLetters
from replay.targets.observing.destination_objects import DestinationObjects
from replay.targets.observing.function_log import FunctionLog, LoggedEnds
from replay.targets.observing.function_metrics import FunctionMetrics
from replay.targets.observing.letter_owners import LetterRequests, Owner, plain_name
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
    def given_up(self) -> Settled:
        """What becomes of an event that has failed as often as Lambda tries it."""
        if self.destination("OnFailure"):
            return "sent_to_destination"
        return "dead_lettered" if self.dead_letter_queue else "discarded"

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
    clients: Clients,
    deployed: str,
    *,
    code: Path,
    patience_s: float,
    emulators_try_again: bool = True,
    others: Collection[str] | None = (),
    queues: Mapping[str, Whose] | None = None,
) -> list[Watch]:
    """
    Give the places where the end of an asynchronous invocation of *deployed* can be seen: log, dead letters, metrics.

    Args:
        code: The function's code here.
        patience_s: How long is looked.
        emulators_try_again: Whether emulators try again what failed, as AWS does: else it proves nothing if none comes.
        others: The other functions that get the same event; None where they are not known.
        queues: Further queues to look into (name, URL or ARN), and whose a message there is that tells nothing of that.

    Raises:
        AwsError: There is no such function.
    """
    function = DeployedFunction(clients, deployed)
    on_failure, on_success = function.destination("OnFailure"), function.destination("OnSuccess")
    given_up, attempts = function.given_up, function.attempts
    ends = LoggedEnds(returned="processed", given_up=given_up, attempts=attempts, timeout_s=function.timeout_s)
    here, requests = is_on_this_machine(str(clients("logs").meta.endpoint_url)), LetterRequests()
    log, *counts = log_and_metrics(clients, function, code=code, ends=ends, requests=requests)
    letters = _Letters(clients, function, others=others, queues=queues or {}, patience_s=patience_s, requests=requests)
    failed = letters.watches([(function.dead_letter_queue, "dead_lettered"), (on_failure, "sent_to_destination")])
    failed += letters.objects(on_failure)
    counted = CountedLog(
        log,
        attempts=attempts,
        given_up=given_up,
        again_within_s=_LETTER_HERE_WITHIN_S if here and emulators_try_again else math.inf,
        left_behind=(lambda at_ms: any(each.may_have_come_since(at_ms) for each in failed)) if failed else None,
    )
    named: list[tuple[str, Settled]] = [(queue, "dead_lettered") for queue in queues or {}]
    more = letters.watches([(on_success, "processed"), *named])
    return [counted, *counts, *failed, *more, *unread(function.dead_letter_queue, on_failure, on_success)]


class _Letters:
    """Makes the watches of the queues that tell of a function's ends, and of those of others that get its events."""

    def __init__(
        self,
        clients: Clients,
        function: DeployedFunction,
        *,
        others: Collection[str] | None,
        queues: Mapping[str, Whose],
        patience_s: float,
        requests: LetterRequests,
    ) -> None:
        self._clients, self._function, self._patience_s, self._requests = clients, function, patience_s, requests
        self._watched = set[str]()
        self._others, self._queues = others, {_queue_name(queue): whose for queue, whose in queues.items()}

    def watches(self, places: Sequence[tuple[str, Settled]]) -> list[DeadLetters | DestinationObjects]:
        """Give the watches of those *places* that are queues, and that are not watched yet."""
        found = []
        for place, settled in places:
            name = _queue_name(place)
            if not _is_queue(place) or name in self._watched:
                continue
            self._watched.add(name)
            found.append(
                DeadLetters(
                    self._clients("sqs"),
                    place,
                    settled=settled,
                    lease_s=self._patience_s,
                    owner=self._owner(place),
                    requests=self._requests,
                )
            )
        return [*found]

    def objects(self, on_failure: str) -> list[DeadLetters | DestinationObjects]:
        """Give the watch of the destination *on_failure* where that is a bucket."""
        if ":s3:" not in on_failure:
            return []
        prefix = f"aws/lambda/async/{self._function.name_and_alias[0]}/"
        return [DestinationObjects(self._clients("s3"), on_failure, prefix=prefix, requests=self._requests)]

    def _owner(self, queue: str) -> Owner:
        return Owner(
            function=self._function.deployed,
            is_shared=self._others_queues is None or _queue_name(queue) in self._others_queues,
            others=self._queues.get(_queue_name(queue), "unknown"),
            is_here=is_on_this_machine(str(self._clients("sqs").meta.endpoint_url)),
        )

    @cached_property
    def _others_queues(self) -> set[str] | None:
        """The names of the dead-letter queues of the other functions; None where any of them may not be known."""
        if self._others is None:
            return None
        found = set()
        for name in {plain_name(each): each for each in self._others}.values():
            other = DeployedFunction(self._clients, name)
            try:
                configuration = other.configuration
            except AwsError:
                return None
            if not configuration:
                return None
            found.add(_queue_name(other.dead_letter_queue))
        return found


def unread(*destinations: str) -> list[UnreadDestination]:
    """Name those of *destinations* (ARNs) that cannot be looked into: topics, buses, functions."""
    arns = dict.fromkeys(arn for arn in destinations if arn and ":sqs:" not in arn and ":s3:" not in arn)
    return [UnreadDestination(arn) for arn in arns]


def log_and_metrics(
    clients: Clients,
    function: DeployedFunction,
    *,
    code: Path,
    ends: LoggedEnds,
    requests: LetterRequests | None = None,
) -> list[Watch]:
    """Give the watches of a function's log and of its metrics; *requests* is for asynchronous invocations."""
    logs = clients("logs")
    here = is_on_this_machine(str(logs.meta.endpoint_url))
    quiet_s = _QUIET_HERE_S if here else _QUIET_S
    return [
        FunctionLog(logs, function.log_group, code=code, ends=ends, quiet_s=quiet_s, here=here, requests=requests),
        FunctionMetrics(clients("cloudwatch"), function.name_and_alias[0]),
    ]


def queue_watches(clients: Clients, places: Sequence[tuple[str, Settled]], *, patience_s: float) -> list[DeadLetters]:
    """Give the watches of those *places* that are queues, by name, URL or ARN; into a topic or bus nobody can look."""
    return [
        DeadLetters(clients("sqs"), place, settled=settled, lease_s=patience_s)
        for place, settled in places
        if _is_queue(place)
    ]


def _is_queue(place: str) -> bool:
    return bool(place) and (not place.startswith("arn:") or ":sqs:" in place)


def _queue_name(place: str) -> str:
    return place.rpartition("/")[2].rpartition(":")[2]
