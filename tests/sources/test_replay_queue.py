"""The queue that a replay fills is read to its end, whatever is lost on the way."""

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.sources.archive_parts import replay_queue
from replay.sources.archive_parts.replay_queue import ReplayQueue


@pytest.fixture
def sqs() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("sqs", region_name="eu-west-1")


@pytest.fixture
def queue(sqs: Any) -> ReplayQueue:
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a")
    return ReplayQueue(sqs, url, "q", wait_s=0)


def test_what_is_read_is_deleted(queue: ReplayQueue) -> None:
    """A message comes once, and then the queue is empty."""
    assert not queue.is_empty()
    assert queue.receive() == ["a"]
    assert queue.is_empty()
    assert queue.receive() == []


def test_a_lost_answer_leaves_no_message_behind(sqs: Any, queue: ReplayQueue) -> None:
    """A message that SQS gave, but whose answer never came, is waited for, and comes again."""
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    (lost,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert queue.receive() == []
    assert not queue.is_empty()
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=lost["ReceiptHandle"], VisibilityTimeout=0)
    assert queue.receive() == ["a"]
    assert queue.is_empty()


def test_a_message_that_nobody_may_delete_is_not_waited_for(
    sqs: Any, queue: ReplayQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read and stays in flight, since its deletion failed, is done all the same."""
    monkeypatch.setattr(
        sqs,
        "delete_message_batch",
        lambda Entries, **_: {"Failed": [{"Id": each["Id"], "Code": "AccessDenied"} for each in Entries]},  # noqa: N803
    )
    assert queue.receive() == ["a"]
    assert queue.is_empty()


def test_a_count_that_does_not_go_down_ends_at_last(
    sqs: Any, queue: ReplayQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS counts approximately: where nothing has come for longer than a message can be in flight, none is left."""
    sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName="q")["QueueUrl"])
    later = time.monotonic() + 95
    monkeypatch.setattr(replay_queue.time, "monotonic", lambda: later)
    assert queue.is_empty()
