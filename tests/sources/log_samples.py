"""Logs of failed requests in our own words, for the tests of whoever reads logs in objects."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

START = "2026-11-21T07:00:00.000Z"


def request_id(number: int) -> str:
    """Give the same id for the same number, in the form of Lambda's."""
    return str(uuid.UUID(int=0x9E3779B97F4A7C15F39CC0605CEDC834 * (number + 1) % 2**128, version=4))


def line(**members: Any) -> str:
    """Write one JSON line."""
    return json.dumps(members) + "\n"


def platform(number: int, kind: str, **record: Any) -> str:
    """Write an event of the platform, as the JSON log format has it."""
    return line(time=START, type=f"platform.{kind}", record={"requestId": request_id(number), **record})


def powertools(number: int, message: object, level: str = "INFO") -> str:
    """Write a line of the Powertools logger for Python."""
    return line(
        level=level,
        location="decorate:352",
        message=message,
        timestamp="2026-11-21 07:00:00,000+0000",
        service="orders",
        function_request_id=request_id(number),
    )


def uncaught(number: int, name: str = "'customer_id'") -> str:
    """Write the error that the Python runtime logs in the JSON log format."""
    return line(
        timestamp=START,
        log_level="ERROR",
        errorType="KeyError",
        errorMessage=name,
        requestId=request_id(number),
        stackTrace=['  File "/var/task/app.py", line 7, in handler\n    return order["customer_id"]\n'],
    )


def failed_in_json(number: int, event: object) -> list[str]:
    """Write the lines of a failed invocation: its start, its event, its error, its report."""
    return [
        platform(number, "start", version="$LATEST"),
        powertools(number, event),
        uncaught(number),
        platform(
            number, "report", status="error", metrics={"durationMs": 3.5, "memorySizeMB": 128, "maxMemoryUsedMB": 40}
        ),
    ]


def good_in_json(number: int) -> list[str]:
    """Write the lines of an invocation that succeeded."""
    return [
        platform(number, "start", version="$LATEST"),
        powertools(number, {"n": number}),
        platform(number, "report", status="success", metrics={"durationMs": 3.5}),
    ]


def failed_in_text(number: int, event_line: str = "", error: str = "") -> list[str]:
    """Write the lines of a failed invocation in the text format; the trace is indented as the runtime does it."""
    own = request_id(number)
    trace = [
        "[ERROR] KeyError: 'customer_id'\n",
        "Traceback (most recent call last):\n",
        '\xa0\xa0File "/var/task/app.py", line 7, in handler\n',
        '\xa0\xa0\xa0\xa0return order["customer_id"]\n',
    ]
    return [
        f"START RequestId: {own} Version: $LATEST\n",
        *([f"{event_line}\n"] if event_line else []),
        *([f"{error}\n"] if error else trace),
        f"END RequestId: {own}\n",
        f"REPORT RequestId: {own}\tDuration: 2.75 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 56 MB\t\n",
    ]


def timed_out(number: int) -> str:
    """Write how a timeout is told in the text format."""
    return f"{START} {request_id(number)} Task timed out after 3.00 seconds"


def subscription(messages: list[str], stream: str = "2026/11/21/[$LATEST]0123456789abcdef") -> str:
    """Write what a subscription filter delivers, without anything behind it, as Firehose puts it into a bucket."""
    events = [
        {"id": str(number), "timestamp": 1_795_244_400_000 + number, "message": message}
        for number, message in enumerate(messages)
    ]
    value: Mapping[str, Any] = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/aws/lambda/orders",
        "logStream": stream,
        "subscriptionFilters": ["all"],
        "logEvents": events,
    }
    return json.dumps(value, separators=(",", ":"))
