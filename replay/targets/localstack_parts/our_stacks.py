"""The stacks that runs make on LocalStack, and the buckets with their code: found by name and tag, and removed."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors, error_code
from replay.sources.archive_parts.made_for_replay import PREFIX, Mark, mark_of
from replay.sources.archive_parts.owners import runs
from replay.targets.guard_rails.identity import tags_of

_PATIENCE_S = 300.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_NO_STACK = "ValidationError"
"""What CloudFormation answers: "Stack with id … does not exist"."""

_GONE = {_NO_STACK, "NoSuchBucket", "404"}
_UNDER_WAY = "IN_PROGRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class OurThing:
    """
    A stack or a bucket that has a name like ours.

    Attributes:
        what: It, for eyes: `stack event-replay-…`.
        mark: What its tags say; None where they are not ours.
        remove: Removes it; gives why it is still there, or None.
    """

    what: str
    name: str
    mark: Mark | None
    remove: Callable[[], AwsError | None]

    def was_left(self, now: datetime) -> bool:
        """Say whether the run that made it has surely ended."""
        if self.mark is None:
            return False
        alive = runs(self.mark.owner) if self.mark.owner is not None else None
        return alive is False or (alive is None and now >= self.mark.kept_until)


def our_stacks(client: Any) -> Iterator[OurThing]:
    """
    Find the stacks of runs.

    Source: CloudFormation API `DescribeStacks`: without a name, all that are not deleted.
    """
    pages = client.get_paginator("describe_stacks").paginate()
    found: list[Any] = [each for page in pages for each in page["Stacks"] if each["StackName"].startswith(PREFIX)]
    for each in (each for each in found if each["StackStatus"] != "DELETE_COMPLETE"):
        name, tags = str(each["StackName"]), tags_of(each.get("Tags", []))
        yield OurThing(what=f"stack {name}", name=name, mark=mark_of(tags), remove=partial(remove_stack, client, name))


def our_buckets(client: Any) -> Iterator[OurThing]:
    """Find the buckets with the code of runs."""
    for name in [str(each["Name"]) for each in client.list_buckets()["Buckets"]]:
        if not name.startswith(PREFIX):
            continue
        try:
            tags = tags_of(client.get_bucket_tagging(Bucket=name).get("TagSet", []))
        except client.exceptions.ClientError as error:
            if error_code(error) in _GONE:
                continue  # its run has just removed it
            tags = {}
        yield OurThing(
            what=f"bucket {name}", name=name, mark=mark_of(tags), remove=partial(remove_bucket, client, name)
        )


OURS: Mapping[str, Callable[[Any], Iterator[OurThing]]] = {"cloudformation": our_stacks, "s3": our_buckets}
"""What finds the things of runs, by the service that has them."""


def remove_stack(client: Any, name: str) -> AwsError | None:
    """Remove a stack of ours with all that is in it, and wait until it is gone; give why it is not."""
    where = f"stack {name}"
    try:
        with aws_errors(where=where, service="cloudformation"):
            client.delete_stack(StackName=name)
        status = settled_status(client, name)
    except AwsError as error:
        return None if error.code in _GONE else error
    return AwsError(f"it is {status}", where=where) if status not in {"", "DELETE_COMPLETE"} else None


def remove_bucket(client: Any, name: str) -> AwsError | None:
    """Remove a bucket of ours with all that is in it; give why it is still there."""
    try:
        with aws_errors(where=f"bucket {name}", service="s3"):
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
                for each in page.get("Contents", []):
                    client.delete_object(Bucket=name, Key=each["Key"])
            client.delete_bucket(Bucket=name)
    except AwsError as error:
        return None if error.code in _GONE else error
    return None


def settled_status(client: Any, name: str) -> str:
    """
    Wait until nothing of a stack is under way, and give its status; empty where it is no longer there.

    Raises:
        AwsError: It may not be looked at.
    """
    until, pause_s = time.monotonic() + _PATIENCE_S, _FIRST_PAUSE_S
    while True:
        status = _status(client, name)
        if not status.endswith(_UNDER_WAY) or time.monotonic() > until:
            return status
        time.sleep(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, 1.5 * pause_s)


def holds_function(client: Any, stack: str, function: str) -> bool:
    """
    Say whether a stack has made the function of that name.

    Raises:
        AwsError: It may not be looked at.
    """
    with aws_errors(where=f"stack {stack}", service="cloudformation"):
        found: Any = client.describe_stack_resources(StackName=stack)["StackResources"]
    return any(function == each.get("PhysicalResourceId") for each in found)


def _status(client: Any, name: str) -> str:
    try:
        with aws_errors(where=f"stack {name}", service="cloudformation"):
            found: Any = client.describe_stacks(StackName=name)["Stacks"]
    except AwsError as error:
        if error.code == _NO_STACK:
            return ""
        raise
    return str(found[0]["StackStatus"]) if found else ""
