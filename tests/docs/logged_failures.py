"""What the function of the example would have logged on AWS of the messages that have no customer."""

import json
import time
from typing import Any

import boto3

from tests.enrichment.lambda_log import NBSP, LambdaLog

PAGES = ("enrichment.md", "sources-cloudwatch-logs.md")
_STACK = (
    (22, "handler", "take_order(record)"),
    (26, "take_order", 'order = parse_order(record["body"])'),
    (36, "parse_order", '"customer_id": order["customer_id"],'),
)


def log_failures(environment: dict[str, str]) -> None:
    """Log an invocation for each such message, event first, and one that fails before it logs anything."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    where = {"endpoint_url": environment["AWS_ENDPOINT_URL"], "region_name": environment["AWS_DEFAULT_REGION"], **keys}
    log = LambdaLog(boto3.client("logs", **where), at_ms=int(time.time() * 1000) - 30_000)
    for message in _messages(boto3.client("sqs", **where)):
        order = json.loads(message["Body"]) if message["Body"].startswith("{") else {}
        if "order_id" in order and "customer_id" not in order:
            record = {"messageId": message["MessageId"], "body": message["Body"], "eventSource": "aws:sqs"}
            event = json.dumps({"Records": [record]})
            told = f'{{"level": "INFO", "message": {event}, "function_request_id": "<id>"}}\n'
            log.invoke(told, _trace("KeyError: 'customer_id'"))
    log.invoke("2026-11-21T08:00:10.000Z <id> Task timed out after 10.00 seconds\n\n")


def _messages(client: Any) -> list[dict[str, Any]]:
    url = client.get_queue_url(QueueName="orders-dlq")["QueueUrl"]
    found: dict[str, dict[str, Any]] = {}
    while len(found) < 12:
        for message in client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1)["Messages"]:
            found[message["MessageId"]] = message
    time.sleep(1.1)
    return list(found.values())


def _trace(error: str) -> str:
    frames = (
        f'{NBSP * 2}File "/var/task/app.py", line {line}, in {name}\n{NBSP * 4}{code}\n' for line, name, code in _STACK
    )
    return f"[ERROR] {error}\nTraceback (most recent call last):\n{''.join(frames)}"
