"""Who takes the messages of a queue: its event source mappings, and the deployed function that is meant among them."""

from collections.abc import Sequence
from typing import Any

from replay.errors import AwsError, ConfigurationError
from replay.functions.function import Function
from replay.readers.aws_errors import aws_errors
from replay.targets.guard_rails.identity import unless_denied
from replay.targets.guard_rails.this_machine import is_on_this_machine

_OFF = {"Disabled", "Disabling", "Deleting"}


def mappings_of(lambda_client: Any, source_arn: str, *, where: str) -> list[dict[str, Any]] | None:
    """
    List the event source mappings of *source_arn*, over all pages; None where that is not allowed.

    Raises:
        AwsError: It failed for another reason.
    """
    pages = lambda_client.get_paginator("list_event_source_mappings")

    def read() -> list[dict[str, Any]]:
        with aws_errors(where=where, service="lambda"):
            found = pages.paginate(EventSourceArn=source_arn)
            return [mapping for page in found for mapping in page.get("EventSourceMappings", [])]

    found: list[dict[str, Any]] | None = unless_denied(read, service="lambda", where=where)
    return found


def is_on(mapping: dict[str, Any]) -> bool:
    """Say whether a mapping hands anything over."""
    return mapping.get("State") not in _OFF


def function_name(arn: str) -> str:
    """Give a function's name, with its alias where the ARN has one."""
    return arn.rpartition(":function:")[2] or arn


def chosen_function(candidates: Sequence[str], *, asked: str, function: Function, where: str) -> str:
    """
    Say which deployed function to watch for the events of *function*; empty where there is none.

    Args:
        candidates: Names or ARNs of those that AWS says get what is sent.
        asked: What the target's `function` says; it wins.

    Raises:
        ConfigurationError: There are several, and none is called like *function*.
    """
    if asked:
        return asked
    names = list(dict.fromkeys(candidates))
    if len(names) <= 1:
        return names[0] if names else ""
    known = {function.name, function.display_name}
    same = [each for each in names if function_name(each).partition(":")[0] in known]
    if len(same) == 1:
        return same[0]
    raise ConfigurationError(
        f"{len(names)} functions get what is sent there: which one is {function.display_name}?",
        where=where,
        expected=f"one of {', '.join(map(function_name, names))}",
        hint='say it in the target\'s section: function = "NAME"',
    )


def mapped_functions(lambda_client: Any, source_arn: str, *, where: str) -> tuple[str, ...]:
    """
    Name, for a plan, the functions that get what *source_arn* hands over.

    An emulator of one service alone, on this machine, has no functions to ask for.

    Raises:
        AwsError: They cannot be listed, for another reason than that it is not allowed.
    """
    try:
        mappings = mappings_of(lambda_client, source_arn, where=where)
    except AwsError as error:
        if is_on_this_machine(str(lambda_client.meta.endpoint_url)):
            return (f"whoever reads it (its functions cannot be listed: {error.what})",)
        raise
    if mappings is None:
        return ("whoever reads it (lambda:ListEventSourceMappings is not allowed)",)
    return tuple(f"function {function_name(str(each.get('FunctionArn', '')))}" for each in mappings if is_on(each))
