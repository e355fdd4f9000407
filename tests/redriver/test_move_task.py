"""Moving all by SQS's own task: moto and MiniStack have none, so the requests are proved with botocore's Stubber."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from replay.errors import AwsError, ConfigurationError
from replay.ledger.ledger import Ledger, read_run, run_paths
from replay.redriver.move_task import MoveTask
from replay.sources.sqs_queue import Queue

DEAD = Queue(url="https://sqs.eu-west-1.amazonaws.com/1/dlq", arn="arn:aws:sqs:eu-west-1:111122223333:dlq", visible=9)
TO = Queue(url="https://sqs.eu-west-1.amazonaws.com/1/to", arn="arn:aws:sqs:eu-west-1:111122223333:to")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    return boto3.client("sqs", region_name="eu-west-1")


def task(client: Any, root: Path, **options: Any) -> MoveTask:
    known = {"to": TO, "rate_per_s": 50.0, **options}
    opens = lambda: Ledger.begin(root, command="redrive")  # noqa: E731 - as short as it is
    return MoveTask(client=client, source=DEAD, open_ledger=opens, sleep=lambda _: None, **known)


def looked_at(stub: Stubber, status: str, moved: int, **more: Any) -> None:
    result = {"Status": status, "ApproximateNumberOfMessagesMoved": moved, "ApproximateNumberOfMessagesToMove": 9}
    wanted = {"SourceArn": DEAD.arn, "MaxResults": 1}
    stub.add_response("list_message_move_tasks", {"Results": [{**result, **more}]}, wanted)


def test_it_is_started_and_followed_to_its_end(client: Any, tmp_path: Path) -> None:
    """The task gets source, destination and rate, and its progress is told until it is completed."""
    wanted = {"SourceArn": DEAD.arn, "DestinationArn": TO.arn, "MaxNumberOfMessagesPerSecond": 50}
    with Stubber(client) as stub:
        stub.add_response("start_message_move_task", {"TaskHandle": "h"}, wanted)
        looked_at(stub, "RUNNING", 4)
        looked_at(stub, "COMPLETED", 9)
        told = list(task(client, tmp_path).events())
        stub.assert_no_pending_responses()
    assert [(each.status, each.moved, each.to_move) for each in told] == [("RUNNING", 4, 9), ("COMPLETED", 9, 9)]
    ended = read_run(run_paths(tmp_path)[0]).ended
    assert ended is not None
    assert (ended["status"], ended["moved"]) == ("COMPLETED", 9)


def test_by_default_each_goes_to_where_it_came_from(client: Any, tmp_path: Path) -> None:
    """Without destination and rate SQS chooses both."""
    with Stubber(client) as stub:
        stub.add_response("start_message_move_task", {"TaskHandle": "h"}, {"SourceArn": DEAD.arn})
        looked_at(stub, "COMPLETED", 9)
        assert len(list(task(client, tmp_path, to=None, rate_per_s=None).events())) == 1


def test_broken_off_it_is_cancelled(client: Any, tmp_path: Path) -> None:
    """Whoever stops listening stops the task too: it does not run on behind the user's back."""
    with Stubber(client) as stub:
        stub.add_response("start_message_move_task", {"TaskHandle": "h"})
        looked_at(stub, "RUNNING", 4)
        stub.add_response("cancel_message_move_task", {"ApproximateNumberOfMessagesMoved": 4}, {"TaskHandle": "h"})
        events = task(client, tmp_path).events()
        next(events)
        events.close()
        stub.assert_no_pending_responses()


def test_a_task_that_failed_says_why(client: Any, tmp_path: Path) -> None:
    """SQS's own reason is told; what was not moved is where it was."""
    with Stubber(client) as stub:
        stub.add_response("start_message_move_task", {"TaskHandle": "h"})
        looked_at(stub, "FAILED", 0, FailureReason="AccessDenied")
        with pytest.raises(AwsError, match="AccessDenied"):
            list(task(client, tmp_path).events())


@pytest.mark.parametrize("rate", [0.5, 1.5, 501.0])
def test_only_rates_that_sqs_has(client: Any, tmp_path: Path, rate: float) -> None:
    """SQS moves 1 to 500 messages a second, and no fractions."""
    with pytest.raises(ConfigurationError, match="cannot move at this rate"):
        task(client, tmp_path, rate_per_s=rate)
