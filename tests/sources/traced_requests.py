"""Requests that X-Ray traced, with their lines in the log, on a mocked AWS."""

import json
import uuid
from typing import Any

import boto3

from tests.enrichment.lambda_log import LambdaLog

ACCOUNT = "arn:aws:lambda:us-east-1:111122223333:function"


def put_trace(log: LambdaLog, *lines: str, error: str = "", function: str = "orders", request_id: str = "") -> str:
    """Log one invocation and put its trace, as Lambda does of a function that calls a table; give the request's id."""
    start_s = log.at_ms / 1000
    request_id = log.invoke(*lines, error=error, request_id=request_id)
    documents = trace(request_id, start_s=start_s, error=error, function=function)
    boto3.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(each) for each in documents])
    return request_id


def trace(request_id: str, *, start_s: float, error: str = "", function: str = "orders") -> list[dict[str, Any]]:
    """
    Give the two segments that Lambda writes of a request, the second with the call of a table below it.

    Source: Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray".
    """
    name = f"1-{int(start_s):08x}-{uuid.uuid4().hex[:24]}"
    ids = [uuid.uuid4().hex[:16] for _ in range(4)]
    failed: dict[str, Any] = {"fault": True, "cause": cause_of(error)} if error else {}
    times = {"start_time": start_s, "end_time": start_s + 0.5}
    call = {"id": ids[3], "name": "DynamoDB", "namespace": "aws", "aws": {"operation": "PutItem"}, **times, **failed}
    handled = {"id": ids[2], "name": "Invocation", **times, "subsegments": [call], **({"fault": True} if error else {})}
    return [
        {
            "id": ids[0], "trace_id": name, "name": function, "origin": "AWS::Lambda", **times,
            "aws": {"request_id": request_id}, "resource_arn": f"{ACCOUNT}:{function}",
            "http": {"response": {"status": 200}},
        },
        {
            "id": ids[1], "trace_id": name, "parent_id": ids[0], "name": function, "origin": "AWS::Lambda::Function",
            "aws": {"function_arn": f"{ACCOUNT}:{function}"}, "subsegments": [handled], **times,
            **({"fault": True} if error else {}),
        },
    ]  # fmt: skip


def cause_of(error: str) -> dict[str, Any]:
    """Give the cause of a fault, as the X-Ray SDK notes an exception."""
    kind, _, message = error.partition(": ")
    return {"exceptions": [{"id": uuid.uuid4().hex[:16], "type": kind, "message": message}]}
