"""State machines by name or ARN, and their tags."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replay.errors import AwsError, TargetRefused
from replay.readers.aws_errors import aws_errors
from replay.targets.guard_rails.identity import tags_of, unless_denied

_ARN = re.compile(
    r"arn:[\w-]+:states:(?P<region>[\w-]+):(?P<account>\d{12}):stateMachine:(?P<name>[^:]{1,80})(?::(?P<of>[^:]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """One state machine; its ARN may name a version or an alias."""

    arn: str
    tags: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.arn.split(":")[6]

    def execution_arn(self, name: str) -> str:
        """Give the ARN that an execution of this name has. Source: Step Functions API `StartExecution`."""
        return ":".join([*self.arn.split(":")[:5], "execution", self.name, name])


def region_of(machine: str) -> str:
    """Give the region that an ARN names; empty for a name."""
    found = _ARN.fullmatch(machine)
    return found["region"] if found else ""


def name_of(machine: str) -> str:
    """Give the name of a state machine that is given by name or ARN."""
    found = _ARN.fullmatch(machine)
    return found["name"] if found else machine


def find_machine(client: Any, machine: str) -> StateMachine:
    """
    Find a state machine by name or ARN, and read its tags.

    Source: Step Functions API `ListStateMachines`, `DescribeStateMachine`, `ListTagsForResource`.

    Raises:
        AwsError: There is none, or it may not be looked at.
        TargetRefused: It is an Express one: AWS keeps none of its executions to look at.
    """
    where = f"state machine {machine}"
    arn = machine if _ARN.fullmatch(machine) else _arn_of(client, machine)
    unqualified = ":".join(arn.split(":")[:7])
    with aws_errors(where=where, service="states"):
        described = client.describe_state_machine(stateMachineArn=unqualified)
    if described.get("type") == "EXPRESS":
        raise TargetRefused(
            "AWS keeps no executions of an Express state machine, so nobody can see what becomes of them",
            where=arn,
            expected="a Standard state machine",
            hint="name the function that it invokes: --target lambda:FUNCTION",
        )
    tags = unless_denied(
        lambda: tags_of(
            [
                {"Key": tag["key"], "Value": tag["value"]}
                for tag in client.list_tags_for_resource(resourceArn=unqualified).get("tags", [])
            ]
        ),
        service="states",
        where=where,
    )
    return StateMachine(arn=arn, tags=tags)


def _arn_of(client: Any, name: str) -> str:
    with aws_errors(where=f"state machine {name}", service="states"):
        pages = client.get_paginator("list_state_machines").paginate()
        found = next((each for page in pages for each in page["stateMachines"] if each["name"] == name), None)
    if found is None:
        raise AwsError(
            f"there is no state machine {name!r}",
            code="StateMachineDoesNotExist",
            where=f"region {client.meta.region_name}",
            hint="check the name and the region, or give its ARN",
        )
    return str(found["stateMachineArn"])
