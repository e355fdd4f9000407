"""The `sqs` target: which queue it is, who consumes it, and that it answers nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from replay.delivery.attempt import Attempt
from replay.errors import ConfigurationError, TargetError, TargetRefused
from replay.targets.guard_rails import deployed
from replay.targets.sqs import SqsTarget
from tests.cli.command_line import CommandLine, make_command_line, make_project

ACCOUNT = "123456789012"


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        client: Any = boto3.client("sqs")
        yield client.create_queue(QueueName="orders", tags={"stage": "test"})["QueueUrl"]


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return make_command_line(capsys)


def test_is_described_with_its_tags(queue: str) -> None:
    """ARN, account, caller and tags are AWS's own; name, URL and ARN all name it."""
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"
    for name in ("orders", queue, arn):
        destination = SqsTarget(queue=name, account_id=ACCOUNT).checked_destination()
        assert (destination.arn, destination.caller_account_id) == (arn, ACCOUNT)
        assert destination.tags == {"stage": "test"}


def test_its_consumers_stand_in_the_plan(queue: str) -> None:
    """Who else will see what is sent: the functions that are mapped to the queue, over all pages; proved on the request."""
    target = SqsTarget(queue="orders", account_id=ACCOUNT)
    arn = target.queue.arn
    mapping = {"FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:billing:live"}
    with Stubber(target.client("lambda")) as stub:
        stub.add_response(
            "list_event_source_mappings", {"EventSourceMappings": [], "NextMarker": "m"}, {"EventSourceArn": arn}
        )
        stub.add_response(
            "list_event_source_mappings", {"EventSourceMappings": [mapping]}, {"EventSourceArn": arn, "Marker": "m"}
        )
        assert target.destination().seen_by == ("function billing:live",)
    with Stubber(target.client("lambda")) as stub:
        stub.add_client_error("list_event_source_mappings", "AccessDeniedException", http_status_code=403)
        assert "not allowed" in target.destination().seen_by[0]


def test_another_queue_keeps_the_guards(queue: str) -> None:
    """The queue that messages go back to is checked under the same account."""
    other = SqsTarget(queue="orders", account_id="999988887777").at("orders")
    with pytest.raises(TargetRefused, match="credentials are those of account"):
        other.checked_destination()


def test_answers_nothing(queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replay_: CommandLine) -> None:
    """By a queue nothing is judged: `replay run` says so before anything is sent."""
    with pytest.raises(TargetError, match="no answer"):
        SqsTarget(queue="orders").invoke(Attempt(payload="{}"))
    with pytest.raises(ConfigurationError, match="which queue"):
        SqsTarget()
    monkeypatch.chdir(make_project(tmp_path, "def handler(event, context): return event['x']\n", {"id": 1}))
    replay_("record", "files", "events.jsonl", "--function", "f")
    told = replay_("run", "--target", "sqs:orders")
    assert told.exit_code == 2
    assert "gives no answer to judge by" in told.stderr
