"""The record of an asynchronous invocation that Lambda sends to a destination, on failure or on success."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from replay.payloads.captures import Capture, Event, Missing
from replay.payloads.envelopes.base import Envelope, Unwrapped, inner_capture, known_or
from replay.payloads.envelopes.documents import at, count_at, object_in, text_at
from replay.payloads.envelopes.error_report import is_whole_report, reported_failure, trace_id_of
from replay.payloads.envelopes.function_event import asynchronous_source, missing_event
from replay.payloads.envelopes.members import member
from replay.payloads.envelopes.sqs_digests import renew_digests
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure

_BATCHES = ("KinesisBatchInfo", "DDBStreamBatchInfo", "KafkaBatchInfo")
_MOST_RETRIES = 2


class LambdaDestination(Envelope):
    """
    An invocation record: the event is its `requestPayload`, the error its `responsePayload`.

    It is the body of a message, the `Message` of a notification, an object in S3, or the detail of an event on a bus.

    Source: recordings test_assess_lambda_destination_invocation, test_retries, test_maxeventage,
    test_reserved_concurrency and test_invoke_lambda_eventbridge.
    """

    name: ClassVar[str] = "lambda-destination"
    rank: ClassVar[int] = 85
    tells_of_failure: ClassVar[bool] = True

    def detect(self, capture: Capture) -> bool:
        """Say whether the body is an invocation record, or an event that has one as its detail."""
        return _record(capture) is not None

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the request payload, exactly; Lambda leaves it out where the destination could not take it."""
        record, payload = _record(capture) or {}, _payload(capture)
        kind_of = asynchronous_source(payload) if payload is not None else EventSource(kind="async")
        source = _with_settings(known_or(capture, kind_of), record, _destination(capture))
        if payload is None:
            reason = "the record has no requestPayload: it was too large for its destination"
            event = missing_event(capture.body, source.kind, Missing(reason=reason))
        else:
            event = Event(text=payload, kind=source.kind)
        return Unwrapped(
            event=event,
            event_source=source,
            failure=capture.failure or _failure(capture, record),
            details=_details(record),
            is_whole=is_whole_report(at(record, "responsePayload")),
        )

    def inside(self, capture: Capture) -> Capture | None:
        """Give the request payload."""
        payload = _payload(capture)
        return None if payload is None else inner_capture(capture, payload)

    def reseal(self, before: str, after: str) -> str:
        """Renew the digests of changed SQS records, which an event that was sent by hand may have."""
        return renew_digests(before, after)


def is_invocation_record(value: object) -> bool:
    """
    Say whether *value* is a record as Lambda writes it for a destination, of whatever kind of invocation.

    MiniStack 1.5.33 leaves out the version, the time and the request's id; then both payload and answer must be there.
    """
    if not isinstance(value, dict) or text_at(value, "requestContext", "functionArn") is None:
        return False
    if text_at(value, "requestContext", "condition") is None:
        return False
    if text_at(value, "requestContext", "requestId") is None:
        return "requestPayload" in value and isinstance(value.get("responseContext"), dict)
    return isinstance(value.get("version"), str) and isinstance(value.get("timestamp"), str)


def record_failure(capture: Capture, record: object, report: Json) -> Failure | None:
    """Tell the failure of an invocation record; None where the invocation succeeded."""
    condition = text_at(record, "requestContext", "condition") or ""
    function_error = text_at(record, "responseContext", "functionError")
    if condition == "Success":
        return None
    return reported_failure(
        report,
        otherwise=function_error or condition,
        condition=condition,
        attempts=count_at(record, "requestContext", "approximateInvokeCount"),
        request_id=text_at(record, "requestContext", "requestId"),
        trace_id=trace_id_of(capture.attributes),
    )


def _on_a_bus(body: object) -> bool:
    detail_type = text_at(body, "detail-type") or ""
    return text_at(body, "source") == "lambda" and detail_type.startswith("Lambda Function Invocation Result")


def _record(capture: Capture) -> Mapping[str, Any] | None:
    body = object_in(capture.body)
    record = at(body, "detail") if _on_a_bus(body) else body
    if not isinstance(record, dict) or any(name in record for name in _BATCHES):
        return None
    return record if is_invocation_record(record) else None


def _payload(capture: Capture) -> str | None:
    names = ("detail", "requestPayload") if _on_a_bus(object_in(capture.body)) else ("requestPayload",)
    return member(capture.body, *names)


def _destination(capture: Capture) -> str | None:
    """Name the destination: the bus that an event names first among its resources, else where the capture lay."""
    body = object_in(capture.body)
    resources = body.get("resources")
    if _on_a_bus(body) and isinstance(resources, list) and resources and isinstance(resources[0], str):
        return resources[0]
    return capture.origin.arn or None


def _with_settings(source: EventSource, record: object, destination: str | None) -> EventSource:
    """Add what a record gives away of the function's settings."""
    condition, count = (
        text_at(record, "requestContext", "condition"),
        count_at(record, "requestContext", "approximateInvokeCount"),
    )
    if condition == "Success":
        return replace(source, on_success=destination)
    source = replace(source, on_failure=destination)
    if condition == "RetriesExhausted" and count is not None and 0 < count <= _MOST_RETRIES + 1:
        return replace(source, maximum_retry_attempts=count - 1)
    return replace(source, reserved_concurrency=0) if condition == "ZeroReservedConcurrency" else source


def _failure(capture: Capture, record: object) -> Failure | None:
    return record_failure(capture, record, at(record, "responsePayload"))


def _details(record: object) -> dict[str, Json]:
    told = {
        "function_arn": text_at(record, "requestContext", "functionArn"),
        "executed_version": text_at(record, "responseContext", "executedVersion"),
        "ended_at": text_at(record, "timestamp"),
        "condition": text_at(record, "requestContext", "condition"),
    }
    return {name: value for name, value in told.items() if value is not None}
