"""What dead letters of EventBridge's rules and schedules have in common: the failure told in attributes."""

from collections.abc import Mapping

from replay.payloads.captures import Capture
from replay.payloads.envelopes.error_report import trace_id_of
from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure

_TOLD = {
    "RULE_ARN": "rule_arn",
    "SCHEDULE_ARN": "schedule_arn",
    "TARGET_ARN": "target_arn",
    "SCHEDULED_TIME": "scheduled_time",
    "EXECUTION_ID": "execution_id",
    "EXHAUSTED_RETRY_CONDITION": "exhausted_retry_condition",
    "RETRY_ATTEMPTS": "retry_attempts",
}
DELIVERY_ATTRIBUTES = frozenset(_TOLD) | {"ERROR_CODE", "ERROR_MESSAGE", "IS_PAYLOAD_TRUNCATED"}


def attribute(capture: Capture, name: str) -> str:
    """Give the text of a message attribute, empty where it is not there."""
    found = capture.message_attributes.get(name)
    return (found.string_value or "") if found is not None else ""


def delivery_failure(capture: Capture) -> Failure:
    """
    Tell why an event could not be delivered: the target was never invoked, so no code of the function's has run.

    Source: EventBridge User Guide, "Using dead-letter queues to process undelivered events".
    """
    retries = attribute(capture, "RETRY_ATTEMPTS")
    return Failure(
        error_type=attribute(capture, "ERROR_CODE") or "Undelivered",
        message=attribute(capture, "ERROR_MESSAGE"),
        condition=attribute(capture, "EXHAUSTED_RETRY_CONDITION") or None,
        attempts=int(retries[:9]) + 1 if retries.isdecimal() and retries.isascii() else None,
        trace_id=trace_id_of(capture.attributes),
    )


def delivery_details(capture: Capture) -> Mapping[str, Json]:
    """List what else the attributes tell."""
    return {name: attribute(capture, told) for told, name in _TOLD.items() if attribute(capture, told)}
