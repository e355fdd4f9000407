"""
Batch calls of SQS of which nothing is believed but what was answered for this very entry.

Each entry's `Id` is its own for ever, so that an answer which belongs to another request (a proxy that answers twice)
is never taken for this one's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from replay.readers.aws_errors import error_code
from replay.sources.sqs_batches import BATCH_SIZE
from replay.sources.sqs_drain import MOST_BATCH_BYTES

Operation = Callable[..., Mapping[str, Any]]

_AGAIN = {
    "RequestThrottled", "ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException",
    "RequestLimitExceeded", "SlowDown", "KmsThrottled", "OverLimit",
}  # fmt: skip
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """
    What came of a batch call, by entry.

    Attributes:
        done: What SQS acknowledged, with its answer.
        refused: What it has said that it did not do, with its code.
        throttled: The same, and the whole call may be made again.
        unknown: What no answer came for, with what happened instead; it may have been done.
    """

    done: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    throttled: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)


def call_batch(operation: Operation, queue_url: str, entries: Mapping[str, Mapping[str, Any]]) -> Answered:
    """
    Call a batch *operation* once, with at most ten *entries* by their id.

    Source: SQS API, "BatchResultErrorEntry"; a batch answers 200 although entries in it failed.
    """
    from botocore.exceptions import ClientError, ParamValidationError

    try:
        answer = operation(QueueUrl=queue_url, Entries=[{"Id": name, **entry} for name, entry in entries.items()])
    except ParamValidationError as error:
        return Answered(refused=dict.fromkeys(entries, type(error).__name__))
    except ClientError as error:
        code = error_code(error)
        if code in _AGAIN:
            return Answered(throttled=dict.fromkeys(entries, code))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
        if status >= _SERVER_ERROR:
            return Answered(unknown=dict.fromkeys(entries, code))
        return Answered(refused=dict.fromkeys(entries, code))
    except Exception as error:  # noqa: BLE001 - not all is a BotoCoreError, such as ResponseParserError of a proxy's page
        return Answered(unknown=dict.fromkeys(entries, type(error).__name__))
    done = {each["Id"]: each for each in answer.get("Successful", []) if each["Id"] in entries}
    refused = {each["Id"]: str(each.get("Code", "")) for each in answer.get("Failed", []) if each["Id"] in entries}
    unknown = {name: "NoAnswer" for name in entries if name not in done and name not in refused}
    return Answered(done=done, refused=refused, unknown=unknown)


def packed(sizes: Iterable[tuple[str, int]]) -> Iterator[Sequence[str]]:
    """
    Pack entries into batches, in their order: ten at most, and together within what SQS takes.

    Args:
        sizes: The id of each, and its size in bytes.
    """
    batch: list[str] = []
    total = 0
    for name, size in sizes:
        if batch and (len(batch) == BATCH_SIZE or total + size > MOST_BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(name)
        total += size
    if batch:
        yield batch
