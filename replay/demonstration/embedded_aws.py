"""An AWS of our own on loopback, with a poisoned queue in it."""

import json
import logging
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_REGION = "us-east-1"
_MAX_RECEIVE_COUNT = 3


@contextmanager
def embedded_aws() -> Iterator[dict[str, str]]:
    """
    Start moto's server on a free loopback port.

    Yields:
        The environment in which every AWS client, of this process or a child, talks to it and to nothing else.
    """
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request would drown the story
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        # moto's state belongs to the process: without this, a second server would show the first one's queues.
        urllib.request.urlopen(f"http://{host}:{port}/moto-api/reset", data=b"", timeout=10).close()
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.stop()


def poison_queue(environment: dict[str, str], messages: Path, *, queue: str, dead_letter_queue: str) -> int:
    """
    Send the messages of a JSON file to *queue* and let them fail there until SQS moves them to *dead_letter_queue*.

    Returns:
        How many messages the dead-letter queue holds.
    """
    sqs = _client(environment)
    dead_url = sqs.create_queue(QueueName=dead_letter_queue)["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": _MAX_RECEIVE_COUNT}
    url = sqs.create_queue(QueueName=queue, Attributes={"RedrivePolicy": json.dumps(redrive)})["QueueUrl"]
    sent = json.loads(messages.read_text(encoding="utf-8"))
    for message in sent:
        sqs.send_message(
            QueueUrl=url, MessageBody=message["body"], MessageAttributes=message.get("message_attributes", {})
        )
    # The function fails each time, so nothing deletes a message, and after the last receive it is moved.
    for _ in range(len(sent) * (_MAX_RECEIVE_COUNT + 1)):
        if not sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages"):
            break
    attributes = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def _client(environment: dict[str, str]) -> Any:
    import boto3

    return boto3.client(
        "sqs",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=_REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106 - moto takes anything
    )
