"""Batch calls of SQS, where each entry may fail by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from replay.readers.aws_errors import error_code

BATCH_SIZE = 10
"""SQS API: a batch request holds at most ten entries."""

UNANSWERED = frozenset(
    {"EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "HTTPClientError"}
)
"""What boto3 raises when no answer came: whether the call took effect is not known."""

Operation = Callable[..., Mapping[str, Any]]
Entry = Mapping[str, Any]


class Failed(NamedTuple):
    """An entry that failed for good: its place among the entries given, and AWS's code, or the exception's name."""

    place: int
    code: str


def send_batch(operation: Operation, queue_url: str, entries: Sequence[Entry]) -> tuple[dict[int, Any], list[Failed]]:
    """
    Call a batch *operation* with at most ten *entries* (without their `Id`), and what failed once more alone.

    Returns:
        AWS's answer for each entry that was acknowledged, by its place, and the others. An entry whose fate is unknown,
        because no answer came, counts as failed.

    Source: SQS API, "BatchResultErrorEntry"; a batch answers 200 although entries in it failed.
    """
    done, failed = _once(operation, queue_url, dict(enumerate(entries)))
    if len(entries) > 1:
        again = [failure for failure in failed if failure.code not in UNANSWERED]
        failed = [failure for failure in failed if failure.code in UNANSWERED]
        for failure in again:
            answer, still = _once(operation, queue_url, {failure.place: entries[failure.place]})
            done |= answer
            failed += still
    return done, failed


def _once(operation: Operation, queue_url: str, entries: Mapping[int, Entry]) -> tuple[dict[int, Any], list[Failed]]:
    from botocore.exceptions import BotoCoreError, ClientError

    body = [{"Id": str(index), **entry} for index, entry in entries.items()]
    try:
        answer = operation(QueueUrl=queue_url, Entries=body)
    except (ClientError, BotoCoreError) as error:
        code = error_code(error) or type(error).__name__
        return {}, [Failed(index, code) for index in entries]
    done = {int(entry["Id"]): entry for entry in answer.get("Successful", [])}
    codes = {int(entry["Id"]): str(entry.get("Code", "")) for entry in answer.get("Failed", [])}
    return done, [Failed(index, codes.get(index, "NoAnswer")) for index in entries if index not in done]
