"""What a function's answer says of the records of its batch, where the mapping has ReportBatchItemFailures."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from replay.errors import InvalidJson
from replay.payloads.exact_json import Json, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResponse:
    """
    The item identifiers that a function reported.

    `problem` says why the answer could not be used: then the whole batch has failed.
    """

    failed: frozenset[str] = frozenset()
    problem: str = ""


_ALL_DONE = BatchResponse()


def read_batch_response(payload: str | None, known: Collection[str]) -> BatchResponse:
    """
    Read the answer to a batch whose records have the item identifiers *known*.

    | answer | means |
    |---|---|
    | `batchItemFailures` lists known identifiers | these failed, the others are done (1) |
    | `{}` | all done (2) |
    | `batchItemFailures` empty or null or missing; an empty or null answer | all done (3); of `""` and `[]` the proof is a stream's (4) |
    | an item without `itemIdentifier` (another key) | the whole batch has failed (5) |
    | not JSON, or JSON of another form | the whole batch has failed (3) |
    | an identifier that is empty, null, no string or not in the batch | the whole batch has failed (3) |
    | `batchItemFailures` is no list | not documented; the whole batch has failed, as nothing is lost by it |
    | an identifier twice | not documented; it counts once |

    Source: (1) recording test_report_batch_item_failures; (2) recording …_empty_json_batch_succeeds; (3) Lambda developer
    guide, "Handling errors for an SQS event source in Lambda"; (4) recordings test_kinesis_report_batch_item_success_scenarios
    and its DynamoDB twin; (5) recording …_invalid_result_json_batch_fails.
    """  # noqa: E501 - rows of a table
    try:
        answer = parse(payload) if payload else None
    except InvalidJson:
        return BatchResponse(problem="the answer is not JSON")
    if answer is None or answer in ("", []):
        return _ALL_DONE
    if not isinstance(answer, dict):
        return BatchResponse(problem=f"the answer is {_kind(answer)}, not an object with batchItemFailures")
    items = answer.get("batchItemFailures")
    if items is None:
        return _ALL_DONE
    if not isinstance(items, list):
        return BatchResponse(problem=f"batchItemFailures is {_kind(items)}, not a list")
    return _read_items(items, known)


def names_failures(payload: str | None) -> bool:
    """Say whether an answer reports records as failed, in the form that `ReportBatchItemFailures` asks for."""
    try:
        answer = parse(payload) if payload else None
    except InvalidJson:
        return False
    items = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    return isinstance(items, list) and bool(items)


def _read_items(items: list[Json], known: Collection[str]) -> BatchResponse:
    failed = set()
    for index, item in enumerate(items):
        if not isinstance(item, Mapping) or "itemIdentifier" not in item:
            return BatchResponse(problem=f"batchItemFailures[{index}] has no itemIdentifier")
        identifier = item["itemIdentifier"]
        if not isinstance(identifier, str) or not identifier:
            what = "empty" if identifier == "" else _kind(identifier)
            return BatchResponse(problem=f"itemIdentifier of batchItemFailures[{index}] is {what}")
        if identifier not in known:
            return BatchResponse(problem=f"itemIdentifier of batchItemFailures[{index}] is of no record in the batch")
        failed.add(identifier)
    return BatchResponse(failed=frozenset(failed))


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names[type(value)]
