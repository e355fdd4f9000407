"""Where the dead letters of a queue can go back to, as AWS says or the user has named it; each place is checked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from replay.errors import AwsError, ConfigurationError
from replay.functions.function import Function
from replay.project import Project
from replay.readers.aws_errors import aws_errors
from replay.readers.clients import aws_client
from replay.redriver.function_outlet import FunctionOutlet
from replay.redriver.queue_outlet import DeduplicationIds, QueueOutlet
from replay.redriver.routes import ANY, Routes
from replay.sources.sqs_queue import RedriveSources
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.lambda_ import LambdaTarget
from replay.targets.sqs import SqsTarget

_FUNCTION_KINDS = ("lambda", "localstack")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionWay:
    """A function that dead letters can go back to: the target that is checked, and how its clients are made."""

    target: LambdaTarget
    make_client: Callable[..., Any]

    def checked_destination(self) -> Destination:
        """
        Give where it leads, after all checks, with who gets what comes of an invocation.

        Raises:
            TargetRefused: It could hurt an account.
            AwsError: It could not be looked at.
        """
        destination = self.target.checked_destination()
        return replace(destination, seen_by=(*destination.seen_by, *_handed_on(self.make_client(), destination.arn)))

    def outlet(self, arn: str, *, at_once: int) -> FunctionOutlet:
        """Give the way to the function *arn*."""
        return FunctionOutlet(self.make_client(max_pool_connections=at_once, max_attempts=1), arn)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysBack:
    """
    The places that dead letters can go back to; under `ANY` the one that the user has named.

    `notes` say what AWS would not tell of them.
    """

    queues: dict[str, SqsTarget]
    functions: dict[str, FunctionWay]
    notes: tuple[str, ...] = ()

    def checked_destinations(self) -> list[Destination]:
        """
        Give where each leads, after all checks.

        Raises:
            TargetRefused: One could hurt an account.
            AwsError: One could not be looked at.
        """
        targets: list[SqsTarget | FunctionWay] = [*self.queues.values(), *self.functions.values()]
        return [target.checked_destination() for target in targets]

    def routes(self, *, at_once: int, deduplication_ids: DeduplicationIds) -> Routes:
        """Open the ways."""
        queues = {
            arn: QueueOutlet(
                target.client(max_pool_connections=at_once, max_attempts=1),
                target.queue,
                deduplication_ids=deduplication_ids,
            )
            for arn, target in self.queues.items()
        }
        functions = {
            arn: way.outlet(arn if arn != ANY else way.target.destination().arn, at_once=at_once)
            for arn, way in self.functions.items()
        }
        return Routes(queues=queues, functions=functions)


def named_way(project: Project, source: SqsTarget, to: str) -> WaysBack:
    """
    Give the one way that the user has named: a queue, or a function as `lambda:NAME`, an ARN, or a target's name.

    Raises:
        ConfigurationError: It is the queue itself.
        AwsError: There is no such thing.
    """
    function = _named_function(project, source, to)
    if function is not None:
        return WaysBack(queues={}, functions={ANY: function})
    target = source.at(to)
    if target.queue.arn == source.queue.arn:
        raise ConfigurationError(
            "messages cannot be moved to the queue that they are in", where=f"--to {to}", hint="leave it out"
        )
    return WaysBack(queues={ANY: target}, functions={})


def find_ways_back(source: SqsTarget) -> WaysBack:
    """
    Ask AWS whose dead letters the queue of *source* holds: queues' by their redrive policies, functions' by theirs.

    Source: SQS API `ListDeadLetterSourceQueues`; Lambda API `ListFunctions`, `DeadLetterConfig`.
    """
    redrive = RedriveSources(source.client(), source.queue)
    notes = [*redrive.notes]
    try:
        found = _functions_that_fail_into(source)
    except AwsError as error:
        found = []
        notes.append(f"whether a function's dead letters are there is not known ({error.what})")
    return WaysBack(
        queues={arn: source.at(arn) for arn in redrive.arns},
        functions={arn: _function_way(source.described, arn) for arn in found},
        notes=tuple(notes),
    )


def _functions_that_fail_into(source: SqsTarget) -> list[str]:
    client, arn = source.client("lambda"), source.queue.arn
    with aws_errors(where=f"queue {source.queue.name}", service="lambda"):
        pages = client.get_paginator("list_functions").paginate()
        functions: list[Any] = [each for page in pages for each in page.get("Functions", [])]
    return [str(each["FunctionArn"]) for each in functions if each.get("DeadLetterConfig", {}).get("TargetArn") == arn]


def _named_function(project: Project, source: SqsTarget, to: str) -> FunctionWay | None:
    configured = project.config.targets.get(to)
    if configured is not None:
        if configured.get("kind", to) not in _FUNCTION_KINDS:
            return None
        target = project.target(to)
        made = LambdaTarget(Function(name=to, handler="", code=project.config.root), **target.options)
        return FunctionWay(target=made, make_client=_clients(made.described))
    kind, _, name = to.partition(":")
    if kind == "arn" and to.split(":")[2:3] == ["lambda"]:
        return _function_way(source.described, to)
    return _function_way(source.described, name) if kind == "lambda" and name else None


def _function_way(options: DeployedOptions, function: str) -> FunctionWay:
    """Give the way to a function in the account of the queue, under the same guard rails."""
    known = {field.name: getattr(options, field.name) for field in fields(DeployedOptions)}
    if function.startswith("arn:"):
        known["region"] = known["region"] or function.split(":")[3]
    target = LambdaTarget(Function(name=function, handler="", code=Path()), **known, function=function)
    return FunctionWay(target=target, make_client=_clients(target.described))


def _clients(options: DeployedOptions) -> Callable[..., Any]:
    return partial(
        aws_client, "lambda", region=options.region, profile=options.profile, endpoint_url=options.endpoint_url
    )


def _handed_on(client: Any, arn: str) -> Sequence[str]:
    """Say who gets what comes of an asynchronous invocation. Source: Lambda API `GetFunctionEventInvokeConfig`."""
    try:
        with aws_errors(where=arn, service="lambda"):
            found = client.get_function_event_invoke_config(FunctionName=arn)
    except AwsError as error:
        known = error.code == "ResourceNotFoundException"  # nothing is configured
        return () if known else ("whoever is a destination of its invocations (that may not be read)",)
    return list(_destinations(found.get("DestinationConfig", {})))


def _destinations(config: Any) -> Iterator[str]:
    for name, words in (("OnSuccess", "if it succeeds"), ("OnFailure", "if it fails again")):
        arn = str(config.get(name, {}).get("Destination", ""))
        if arn:
            yield f"{arn} {words}"
