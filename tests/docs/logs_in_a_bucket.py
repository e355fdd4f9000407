"""What the function of the example would have left in a bucket: its log, as a delivery stream writes it, and downloaded."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from tests.sources.log_samples import request_id

PAGES = ("sources-s3-logs.md", "sources-athena.md")
BUCKET = "orders-logs"
_STACK = (
    (22, "handler", "take_order(record)"),
    (26, "take_order", 'order = parse_order(record["body"])'),
    (36, "parse_order", '"customer_id": order["customer_id"],'),
)
SERVICE = Path(__file__).parents[2] / "examples" / "orders"


def put_logs(folder: Path, environment: dict[str, str]) -> None:
    """Put a log with three failures into a bucket, and one with two into *folder*; of each, one has no event."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client(
        "s3", endpoint_url=environment["AWS_ENDPOINT_URL"], region_name=environment["AWS_DEFAULT_REGION"], **keys
    )
    client.create_bucket(Bucket=BUCKET)
    at = datetime.now(UTC) - timedelta(minutes=20)
    without_customer = [json.dumps(body) for body in _orders()]
    parts = [_invocation(number, at, body) for number, body in enumerate(without_customer[:2])]
    objects = [[*parts[0], *parts[1][:2]], [*parts[1][2:], *_invocation(2, at, "")]]
    for number, lines in enumerate(objects):
        key = f"{at:logs/%Y/%m/%d/%H/}orders-{number}.gz"
        client.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress("".join(lines).encode()))
    (folder / "downloaded").mkdir()
    application = [
        _line(level="info", requestId=request_id(7), received=json.dumps(_event(without_customer[2]))),
        _line(level="error", requestId=request_id(7), msg="order refused"),
    ]
    (folder / "downloaded" / "app.log").write_text("".join(application), encoding="utf-8")


def _orders() -> list[dict[str, Any]]:
    found = []
    for each in json.loads((SERVICE / "poison_messages.json").read_text(encoding="utf-8")):
        body = each["body"] if isinstance(each, dict) else each
        order = json.loads(body) if body.startswith("{") else {}
        if "order_id" in order and "customer_id" not in order:
            found.append(order)
    return found


def _event(body: str) -> dict[str, Any]:
    return {"Records": [{"messageId": request_id(len(body)), "body": body, "eventSource": "aws:sqs"}]}


def _line(**members: Any) -> str:
    return json.dumps(members) + "\n"


def _invocation(number: int, at: datetime, body: str) -> list[str]:
    """Write what is logged of an invocation that fails: its beginning, perhaps its event, its error, its report."""
    own, when = request_id(number), f"{at:%Y-%m-%dT%H:%M:%S.000Z}"
    frames = [f'  File "/var/task/app.py", line {line}, in {name}\n    {code}\n' for line, name, code in _STACK]
    error = {"errorType": "KeyError", "errorMessage": "'customer_id'", "stackTrace": frames}
    return [
        _line(time=when, type="platform.start", record={"requestId": own}),
        _line(level="INFO", message=_event(body) if body else "no event", timestamp=when, function_request_id=own),
        _line(timestamp=when, log_level="ERROR", requestId=own, **error),
        _line(
            time=when,
            type="platform.report",
            record={"requestId": own, "status": "error", "metrics": {"durationMs": 3.1}},
        ),
    ]
