"""The state machine that hands every line of a corpus to a function: written here, and nowhere kept."""

import json
from dataclasses import dataclass
from typing import Any

MOST_ITEM_BYTES = 262_144
"""What an execution takes as its input. Source: Step Functions developer guide, "Quotas"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSettings:
    """
    What a user says of a Distributed Map.

    Attributes:
        max_concurrency: How many events are under way at once.
        tolerated_failure_percentage: From which share of failed events on it gives up the others; 100 is never.
        tolerated_failure_count: From which number on; None is no such bound.
    """

    max_concurrency: int
    tolerated_failure_percentage: float = 100.0
    tolerated_failure_count: int | None = None


def map_definition(function_arn: str, settings: MapSettings) -> dict[str, Any]:
    """
    Give the definition: a Distributed Map that reads JSON Lines from S3, invokes the function once for each line's
    `event`, and writes what became of each to S3.

    The input of its execution says where: `{"bucket": …, "key": …, "results": …}`. There is no Retry and no Catch, so
    that nothing is invoked twice by it, and no ItemBatcher, so that each event is one invocation.

    Source: Step Functions developer guide, "Using Map state in Distributed mode": ItemReader, ItemProcessor,
    ResultWriter, ToleratedFailurePercentage, ToleratedFailureCount; "Invoke an AWS Lambda function".
    """
    partition = function_arn.split(":")[1]
    invoke = {
        "Type": "Task",
        "Resource": f"arn:{partition}:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn, "Payload.$": "$.event"},
        "ResultSelector": {"payload.$": "$.Payload"},
        "End": True,
    }
    events: dict[str, Any] = {
        "Type": "Map",
        "Label": "Events",
        "MaxConcurrency": settings.max_concurrency,
        "ToleratedFailurePercentage": float(settings.tolerated_failure_percentage),
        "ItemReader": {
            "Resource": f"arn:{partition}:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.key"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Invoke",
            "States": {"Invoke": invoke},
        },
        "ResultWriter": {
            "Resource": f"arn:{partition}:states:::s3:putObject",
            "Parameters": {"Bucket.$": "$.bucket", "Prefix.$": "$.results"},
        },
        "End": True,
    }
    if settings.tolerated_failure_count is not None:
        events["ToleratedFailureCount"] = settings.tolerated_failure_count
    return {
        "Comment": "made by `replay run --target stepfunctions-map`, which removes it",
        "StartAt": "Events",
        "States": {"Events": events},
    }


def definition_text(definition: dict[str, Any]) -> str:
    """Write a definition for eyes and for AWS."""
    return json.dumps(definition, indent=2)
