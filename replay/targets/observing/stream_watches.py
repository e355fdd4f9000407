"""Everywhere the end of a stream's records can be seen: the log of the mapped function, and its destination."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from replay.functions.function import Function
from replay.payloads.exact_json import Json
from replay.targets.carrier import CarrierOptions, Sought, Watch
from replay.targets.guard_rails.this_machine import is_on_this_machine
from replay.targets.observing.consumers import chosen_function, is_on, mappings_of
from replay.targets.observing.counted_log import CountedLog
from replay.targets.observing.dead_letters import DeadLetters
from replay.targets.observing.destination_objects import DestinationObjects
from replay.targets.observing.function_log import LoggedEnds
from replay.targets.observing.function_watches import Clients, DeployedFunction, log_and_metrics, queue_watches, unread

_BATCH_INFO = ("KinesisBatchInfo", "DDBStreamBatchInfo")
_COMES_AGAIN_WITHIN_S, _COMES_AGAIN_HERE_WITHIN_S = 20.0, 2.5
"""A batch of a stream that failed is tried again at once, but logs are late; a batch may have been a part of it."""


def watches_of_stream(
    clients: Clients,
    stream_arn: str,
    options: CarrierOptions,
    *,
    function: Function,
    travels: str,
    patience_s: float,
) -> list[Watch]:
    """
    Give the places where the end of records can be seen that whatever is mapped to *stream_arn* gets for *function*.

    Raises:
        ConfigurationError: Several are mapped to it, and it is not said which is *function*.
        AwsError: The mappings may not be listed.
    """
    mappings = mappings_of(clients("lambda"), stream_arn, where=travels) or []
    called = [str(each.get("FunctionArn", "")) for each in mappings if is_on(each)]
    queues: list[Watch] = [
        *queue_watches(clients, [(options.dead_letter_queue, "dead_lettered")], patience_s=patience_s)
    ]
    deployed = chosen_function(called, asked=options.function, function=function, where=stream_arn)
    if not deployed:
        return queues
    mapping = mapping_of(mappings, deployed)
    return [*stream_watches(clients, deployed, mapping, code=function.code, patience_s=patience_s), *queues]


def stream_watches(
    clients: Clients, deployed: str, mapping: Mapping[str, Any], *, code: Path, patience_s: float
) -> list[Watch]:
    """
    Give the places where the end of records can be seen that *mapping* hands to *deployed*.

    Source: Lambda API `GetEventSourceMapping`; Developer Guide, "Using Lambda to process records from Kinesis".
    """
    function = DeployedFunction(clients, deployed)
    destination = str(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") or "")
    retries = int(mapping.get("MaximumRetryAttempts", -1))
    reports = "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", [])
    is_counted = retries >= 0 and not reports and not mapping.get("BisectBatchOnFunctionError")
    ends = LoggedEnds(returned=None if reports else "processed", timeout_s=function.timeout_s)
    here = is_on_this_machine(str(clients("logs").meta.endpoint_url))
    log, *others = log_and_metrics(clients, function, code=code, ends=ends)
    watches: list[Watch] = [
        CountedLog(
            log,
            attempts=retries + 1 if is_counted else None,
            given_up="sent_to_destination" if destination else "discarded",
            again_within_s=(_COMES_AGAIN_HERE_WITHIN_S if here else _COMES_AGAIN_WITHIN_S)
            + float(mapping.get("MaximumBatchingWindowInSeconds") or 0),
            left_behind=lambda _: False,  # an emulator whose log lacks failures tries a batch for ever
            untold_from=None if ":sqs:" in destination or ":s3:" in destination else _reports_given_up(mapping),
        ),
        *others,
    ]
    if ":sqs:" in destination:
        watches.append(StreamFailures(clients("sqs"), destination, settled="sent_to_destination", lease_s=patience_s))
    if ":s3:" in destination:
        prefix = f"aws/lambda/{mapping.get('UUID', '')}/"
        watches.append(
            DestinationObjects(clients("s3"), destination, prefix=prefix, in_folders=True, keys_of=keys_between)
        )
    return [*watches, *unread(destination)]


def _reports_given_up(mapping: Mapping[str, Any]) -> int | None:
    """
    Say from which try on a batch that the function reports as failed may not come again; None where it always does.

    Source: Lambda Developer Guide, "Configuring partial batch response with Kinesis": a report counts as a failed try;
    "MaximumRecordAgeInSeconds" ends the tries too, and the log tells no age.
    """
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
        return None
    told = (mapping.get(name) for name in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds"))
    retries, age_s = (-1 if each is None else int(each) for each in told)
    ages = [2] if age_s >= 0 else []  # the first try is made at once
    return min([*ages, *([retries + 1] if retries >= 0 else [])], default=None)


def mapping_of(mappings: Sequence[Mapping[str, Any]] | None, deployed: str) -> Mapping[str, Any]:
    """Give the mapping that hands records to the function *deployed*; empty where none is known."""
    name = deployed.rpartition(":function:")[2].partition(":")[0]
    found = (
        each
        for each in mappings or ()
        if is_on(dict(each)) and str(each.get("FunctionArn", "")).rpartition(":function:")[2].partition(":")[0] == name
    )
    return next(found, {})


class StreamFailures(DeadLetters):
    """Sees what a mapping has given up, in its destination: the document names the first and the last of a batch."""

    def keys_of(self, letter: Mapping[str, Any], sought: Sequence[Sought]) -> tuple[str, ...]:
        """Give the entries whose sequence numbers lie in the batch."""
        return keys_between(str(letter.get("Body", "")), sought)


def keys_between(body: str, sought: Sequence[Sought]) -> tuple[str, ...]:
    """Give the entries whose sequence numbers lie in the batch that the document *body* tells of."""
    bounds = _bounds(body)
    if bounds is None:
        return ()
    first, last = bounds
    return tuple(
        each.key
        for each in sought
        if any(sign.isdecimal() and sign.isascii() and first <= int(sign) <= last for sign in each.signs)
    )


def _bounds(body: str) -> tuple[int, int] | None:
    try:
        document: Json = json.loads(body)
        found = next(document[name] for name in _BATCH_INFO if isinstance(document, dict) and name in document)
        return int(found["startSequenceNumber"]), int(found["endSequenceNumber"])
    except (ValueError, RecursionError, StopIteration, TypeError, KeyError):
        return None
