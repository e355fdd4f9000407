"""Batch calls of SQS, where each entry may fail by itself."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from replay.readers.aws_errors import error_code

BATCH_SIZE = 10
"""SQS API: a batch request holds at most ten entries."""

_CALLS = itertools.count(1)

Operation = Callable[..., Mapping[str, Any]]
Entry = Mapping[str, Any]


class Failed(NamedTuple):
    """
    An entry that failed for good: its place among the entries given, and AWS's code, or the exception's name.

    Without an answer whether the call took effect is not known.
    """

    place: int
    code: str
    answered: bool = True


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
        again = [failure for failure in failed if failure.answered]
        failed = [failure for failure in failed if not failure.answered]
        for failure in again:
            answer, still = _once(operation, queue_url, {failure.place: entries[failure.place]})
            done |= answer
            failed += still
    return done, failed


def _once(operation: Operation, queue_url: str, entries: Mapping[int, Entry]) -> tuple[dict[int, Any], list[Failed]]:
    from botocore.exceptions import ClientError, ParamValidationError

    # No two calls share an id: an answer that comes late on its connection is never taken for that of the next call.
    call = next(_CALLS)
    places = {f"{call}-{index}": index for index in entries}
    body = [{"Id": name, **entries[index]} for name, index in places.items()]
    try:
        answer = operation(QueueUrl=queue_url, Entries=body)
    except (ClientError, ParamValidationError) as error:
        code = error_code(error) or type(error).__name__
        return {}, [Failed(index, code) for index in entries]
    except Exception as error:  # noqa: BLE001 - not all is a BotoCoreError, such as ResponseParserError of a proxy's page
        return {}, [Failed(index, type(error).__name__, answered=False) for index in entries]
    done = {places[entry["Id"]]: entry for entry in answer.get("Successful", []) if entry["Id"] in places}
    codes = {places[each["Id"]]: str(each.get("Code", "")) for each in answer.get("Failed", []) if each["Id"] in places}
    return done, [Failed(index, codes.get(index, "NoAnswer")) for index in entries if index not in done]
