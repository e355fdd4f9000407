"""The words of a throttle, in whichever category they were recorded."""

from collections.abc import Mapping
from typing import Any

from replay.delivery.attempt import Reply
from replay.delivery.error_payload import error_message
from tests.truth.checks.shapes import objects_in
from tests.truth.verdicts import Findings


def compare_throttle(recording: Mapping[str, Any], findings: Findings) -> None:
    """Compare the words of a throttle with those that our documents have."""
    for each in objects_in(recording):
        if each.get("Code") == "TooManyRequestsException":
            findings.same("the words of a throttle", error_message(Reply(status="throttled")), each.get("Message"))
