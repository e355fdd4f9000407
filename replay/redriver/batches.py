"""
Batch calls of SQS of which nothing is believed but what was answered for this very entry.

Each entry's `Id` is its own for ever, so that an answer which belongs to another request (a proxy that answers twice)
is never taken for this one's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from replay.targets.sending import Answered, answered_error

Operation = Callable[..., Mapping[str, Any]]


def call_batch(operation: Operation, queue_url: str, entries: Mapping[str, Mapping[str, Any]]) -> Answered:
    """
    Call a batch *operation* once, with at most ten *entries* by their id.

    Source: SQS API, "BatchResultErrorEntry"; a batch answers 200 although entries in it failed.
    """
    try:
        answer = operation(QueueUrl=queue_url, Entries=[{"Id": name, **entry} for name, entry in entries.items()])
    except Exception as error:  # noqa: BLE001 - not all is a BotoCoreError, such as ResponseParserError of a proxy's page
        return answered_error(error, entries)
    done = {each["Id"]: each for each in answer.get("Successful", []) if each["Id"] in entries}
    refused = {each["Id"]: str(each.get("Code", "")) for each in answer.get("Failed", []) if each["Id"] in entries}
    unknown = {name: "NoAnswer" for name in entries if name not in done and name not in refused}
    return Answered(done=done, refused=refused, unknown=unknown)


def problems_of(answered: Answered) -> Mapping[str, str]:
    """Say why each entry that was not acknowledged was not."""
    return {**answered.refused, **answered.throttled, **answered.unknown}
