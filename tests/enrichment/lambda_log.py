"""A function's log on a mocked AWS, as Lambda writes it."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

NBSP = "\N{NO-BREAK SPACE}"
BEGAN_MS = int(datetime(2026, 11, 21, 8, tzinfo=UTC).timestamp() * 1000)


def traced(error: str, code: str = "order['customer_id']") -> str:
    """An uncaught error as the Python runtime writes it: one event of several lines."""
    return (
        f"[ERROR] {error}\nTraceback (most recent call last):\n"
        f'{NBSP * 2}File "/var/task/app.py", line 12, in handler\n{NBSP * 4}{code}\n'
    )


@dataclass
class LambdaLog:
    """Writes invocations into a log group, one after the other."""

    client: Any
    group: str = "/aws/lambda/orders"
    stream: str = "2026/11/21/[$LATEST]0123456789abcdef"
    at_ms: int = BEGAN_MS
    written: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = [each["logGroupName"] for each in self.client.describe_log_groups()["logGroups"]]
        if self.group not in known:
            self.client.create_log_group(logGroupName=self.group)
        self.client.create_log_stream(logGroupName=self.group, logStreamName=self.stream)

    def invoke(self, *lines: str, request_id: str = "", error: str = "", gap_ms: int = 1_000) -> str:
        """Log one invocation and give its request id."""
        request_id = request_id or str(uuid.uuid4())
        told = [
            f"START RequestId: {request_id} Version: $LATEST\n",
            *(line.replace("<id>", request_id) for line in lines),
        ]
        if error:
            told.append(traced(error))
        used = "Duration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB"
        self.write(*told, f"END RequestId: {request_id}\n", f"REPORT RequestId: {request_id}\t{used}\t\n")
        self.at_ms += gap_ms
        return request_id

    def write(self, *lines: str) -> None:
        events = []
        for line in lines:
            events.append({"timestamp": self.at_ms, "message": line})
            self.at_ms += 3
        self.client.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=events)
