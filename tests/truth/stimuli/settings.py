"""AWS's settings of mappings, queues, functions and destinations, as the project's `EventSource`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from replay.payloads.event_sources import EventSourceKind
from tests.truth.verdicts import Unreadable

ACCOUNT = "123456789012"
REGION = "us-east-1"
_ARNS: Mapping[str, str] = {
    "sqs": f"arn:aws:sqs:{REGION}:{ACCOUNT}:destination",
    "sns": f"arn:aws:sns:{REGION}:{ACCOUNT}:destination",
    "s3": "arn:aws:s3:::destination",
    "events": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
    "lambda": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:destination",
}
_SERVICES: tuple[tuple[str, str], ...] = (
    (r"sqs|queue|dlq", "sqs"),
    (r"sns|topic", "sns"),
    (r"s3|bucket", "s3"),
    (r"event ?bridge|event ?bus|events", "events"),
    (r"lambda|function", "lambda"),
)
_ESM_NUMBERS = {
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "maximum_batching_window_s",
    "MaximumRetryAttempts": "maximum_retry_attempts",
    "MaximumRecordAgeInSeconds": "maximum_record_age_s",
    "ParallelizationFactor": "parallelization_factor",
    "TumblingWindowInSeconds": "tumbling_window_s",
}
_ESM_WITHOUT_EFFECT = frozenset({
    "StartingPosition", "StartingPositionTimestamp", "Enabled", "State", "StateTransitionReason", "UUID", "LastModified",
    "EventSourceArn", "EventSourceMappingArn", "FunctionArn", "FunctionName", "LastProcessingResult", "ResponseMetadata",
})  # fmt: skip
"""What the records here are, was delivered; these say from where on, or are the mapping's name and state."""
_QUEUE_WITHOUT_EFFECT = frozenset({
    "ContentBasedDeduplication", "DelaySeconds", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds",
    "DeduplicationScope", "FifoThroughputLimit", "MaximumMessageSize", "QueueName", "SqsManagedSseEnabled",
})  # fmt: skip


def destination_arn(told: Any) -> str | None:
    """Give an ARN for a destination in words (`sqs`, `eventbridge default bus`) or ARN; None for none."""
    if isinstance(told, Mapping):
        told = told.get("Destination", told.get("TargetArn", ""))
    if told in (None, "", False):
        return None
    if isinstance(told, str) and told.startswith("arn:"):
        service = told.split(":")[2]
    else:
        words = str(told).partition("(")[0]
        service = next((name for form, name in _SERVICES if re.search(rf"\b(?:{form})\b", words, re.IGNORECASE)), "")
    if service not in _ARNS:
        raise Unreadable(f"cannot read stimulus: the destination {told!r}")
    return _ARNS[service]


def mapping_settings(told: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read the settings of an event source mapping.

    Raises:
        Unreadable: One of them is not known, or has a form that is not.
    """
    settings: dict[str, Any] = {}
    for key, value in told.items():
        if key in _ESM_NUMBERS:
            number = _number(key, value)
            settings[_ESM_NUMBERS[key]] = None if number == -1 else number
        elif key == "FunctionResponseTypes":
            settings["report_batch_item_failures"] = "ReportBatchItemFailures" in (value or [])
        elif key == "BisectBatchOnFunctionError":
            settings["bisect_batch_on_function_error"] = bool(value)
        elif key == "FilterCriteria":
            settings["filter_criteria"] = filter_patterns(value)
        elif key == "OnFailure":
            settings["on_failure"] = destination_arn(value)
        elif key == "DestinationConfig":
            settings["on_failure"] = destination_arn((value or {}).get("OnFailure"))
        elif key == "ScalingConfig":
            settings["maximum_concurrency"] = (value or {}).get("MaximumConcurrency")
        elif key not in _ESM_WITHOUT_EFFECT:
            raise Unreadable(f"cannot read stimulus: the mapping's setting {key!r}")
    return settings


def filter_patterns(told: Any) -> tuple[str, ...]:
    """Read filter criteria: a pattern, several, or AWS's own form; a pattern that is text stays text."""
    if isinstance(told, Mapping) and isinstance(told.get("Filters"), list):
        told = [each.get("Pattern") if isinstance(each, Mapping) else each for each in told["Filters"]]
    patterns = told if isinstance(told, list) else [told]
    return tuple(each if isinstance(each, str) else json.dumps(each) for each in patterns)


def queue_settings(told: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read the attributes of a source queue.

    Raises:
        Unreadable: One of them is not known.
    """
    settings: dict[str, Any] = {}
    for key, value in told.items():
        if key == "FifoQueue":
            settings["fifo"] = str(value).lower() == "true"
        elif key == "VisibilityTimeout":
            settings["visibility_timeout_s"] = _number(key, value)
        elif key in {"maxReceiveCount", "MaxReceiveCount"}:
            settings["max_receive_count"] = _number(key, value)
        elif key == "RedrivePolicy":
            policy = json.loads(value) if isinstance(value, str) else value
            settings["max_receive_count"] = _number(key, policy["maxReceiveCount"])
        elif key not in _QUEUE_WITHOUT_EFFECT:
            raise Unreadable(f"cannot read stimulus: the queue's attribute {key!r}")
    return settings


def invoke_settings(told: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read what is set for asynchronous invocations of a function.

    Raises:
        Unreadable: One of them is not known.
    """
    names = {
        "MaximumRetryAttempts": "maximum_retry_attempts",
        "MaximumEventAgeInSeconds": "maximum_event_age_s",
        "ReservedConcurrentExecutions": "reserved_concurrency",
        "ReservedConcurrency": "reserved_concurrency",
        "reserved_concurrency": "reserved_concurrency",
    }
    settings: dict[str, Any] = {}
    for key, value in told.items():
        if key in names:
            settings[names[key]] = None if value is None else _number(key, value)
        elif key == "OnSuccess":
            settings["on_success"] = destination_arn(value)
        elif key == "OnFailure":
            settings["on_failure"] = destination_arn(value)
        elif key in {"DeadLetterConfig", "DeadLetterQueue"}:
            settings["dead_letter_queue"] = destination_arn(value)
        elif key == "DestinationConfig":
            settings |= invoke_settings(value)
        elif key not in _ESM_WITHOUT_EFFECT:
            raise Unreadable(f"cannot read stimulus: the configuration {key!r}")
    return settings


def function_settings(told: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Read what is set for the function itself: as settings of delivery, and what its stimulus' handler must know.

    Raises:
        Unreadable: One of them is not known.
    """
    settings: dict[str, Any] = {}
    known: dict[str, Any] = {}
    for key, value in told.items():
        if key in {"ReservedConcurrentExecutions", "ReservedConcurrency"}:
            settings["reserved_concurrency"] = None if value is None else _number(key, value)
        elif key in {"Timeout", "timeout_s", "timeout", "runtime"}:
            known[key] = value
        elif key not in {
            "Environment",
            "environment",
            "env",
            "Layers",
            "MemorySize",
            "memory_mb",
            "Runtime",
            "Handler",
            "Architectures",
            "Role",
            *_ESM_WITHOUT_EFFECT,
        }:
            raise Unreadable(f"cannot read stimulus: the function's {key!r}")
    return settings, known


def source_arn(kind: EventSourceKind, *, fifo: bool = False) -> str:
    """Give the ARN of a made-up event source."""
    names = {
        "sqs": f"arn:aws:sqs:{REGION}:{ACCOUNT}:source{'.fifo' if fifo else ''}",
        "kinesis": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/source",
        "dynamodb": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/source/stream/2026-01-01T00:00:00.000",
    }
    return names[kind]


def _number(key: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Unreadable(f"cannot read stimulus: {key} is {value!r}, no number") from None
