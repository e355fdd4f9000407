"""
Execution logs of API Gateway: what a stage tells of each request, line by line behind the id of the request.

Source: API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs in API Gateway" (log group
`API-Gateway-Execution-Logs_{api-id}/{stage}`), and "API Gateway quotas for configuring and running a REST API": of
headers and bodies no more than 1,024 bytes are logged, and `[TRUNCATED]` stands for the rest.
"""

import re
from dataclasses import replace
from typing import NamedTuple

from replay.payloads.envelopes.documents import object_in, text_at
from replay.payloads.envelopes.error_report import reported_failure
from replay.payloads.failures import Failure
from replay.payloads.uncaught_errors import uncaught_error

_LINE = re.compile(
    r"\((?P<id>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\) (?P<message>(?:"
    r"Extended Request Id|Verifying Usage Plan|Usage Plan|API Key|Starting execution|HTTP Method|Method (?:request|"
    r"response|completed)|Endpoint re(?:quest|sponse)|Sending request|Received response|Successfully completed|"
    r"(?:Lambda e|E)xecution failed|AWS Integration|X-ray Tracing|Gateway response|[\w ]{0,30}[Aa]uthorizer)\b.*)",
    re.DOTALL,
)
_STATUS = re.compile(r"Method completed with status: (5\d\d)")
_OF_FUNCTION = re.compile(
    r"Lambda execution failed (?:with status \d{3} )?due to customer function error: (?P<message>.*?)"
    r"(?:\. Lambda request id: \S+)?",
    re.DOTALL,
)
_OF_GATEWAY = re.compile(r"Execution failed due to (?:configuration error: (?P<message>.*)|.+)", re.DOTALL)
_ANSWER, _EVENT = "Endpoint response body before transformations: ", "Endpoint request body after transformations: "
_CONTENTS = re.compile(r"\w+ re(?:quest|sponse) (?:headers|body|query string)")
_UNTYPED = "Unhandled"


class ExecutionLine(NamedTuple):
    """
    A line of an execution log: what it tells of its request.

    `event` is the event of a Lambda proxy integration, where it was not cut. `is_contents`: headers, a query or a body.
    """

    request_id: str
    message: str
    failure: Failure | None
    event: str | None
    is_contents: bool


def execution_line(text: str) -> ExecutionLine | None:
    """Read a line, or give None for what is none."""
    found = _LINE.fullmatch(text.strip()) if text[:1] == "(" else None
    if found is None:
        return None
    request_id, message = found["id"], found["message"]
    failure = _failure(message)
    return ExecutionLine(
        request_id=request_id,
        message=message,
        failure=replace(failure, request_id=request_id, observed="logs") if failure else None,
        event=_event(message.removeprefix(_EVENT), request_id) if message.startswith(_EVENT) else None,
        is_contents=_CONTENTS.match(message) is not None,
    )


def _failure(message: str) -> Failure | None:
    """Read how the request failed; several lines tell of it, each another part."""
    if status := _STATUS.fullmatch(message):
        return Failure(error_type=f"HTTP {status[1]}", message="")
    if of_function := _OF_FUNCTION.fullmatch(message):
        told = uncaught_error(of_function["message"])
        return told.failure if told else Failure(error_type=_UNTYPED, message=of_function["message"])
    if of_gateway := _OF_GATEWAY.fullmatch(message):
        return Failure(error_type=_UNTYPED, message=of_gateway["message"] or message)
    report = object_in(message.removeprefix(_ANSWER)) if message.startswith(_ANSWER) else {}
    is_report = isinstance(report.get("errorType"), str) and isinstance(report.get("errorMessage"), str)
    has_stack = any(isinstance(report.get(name), list) for name in ("stackTrace", "trace"))
    return reported_failure(dict(report), otherwise=_UNTYPED) if is_report and has_stack else None


def _event(body: str, request_id: str) -> str | None:
    """Give what the function got; an authorizer's event, or what another integration was sent, is not that."""
    event = object_in(body)
    is_of_request = text_at(event, "requestContext", "requestId") == request_id
    return body.strip() if is_of_request and "methodArn" not in event else None
