"""Whose dead letters a queue holds, as AWS says; moto keeps no DeadLetterConfig, so it is proved on the request."""

from typing import Any

import pytest
from botocore.stub import Stubber

from replay.redriver.ways_back import find_ways_back
from replay.sources.sqs_queue import Queue
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.sqs import SqsTarget
from tests.redriver.letters import FUNCTION_ARN, QUEUE_ARN

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/orders-dlq"
OTHER = {"FunctionName": "x", "FunctionArn": FUNCTION_ARN + "-x", "DeadLetterConfig": {"TargetArn": QUEUE_ARN + "-x"}}
MINE = {"FunctionName": "orders", "FunctionArn": FUNCTION_ARN, "DeadLetterConfig": {"TargetArn": QUEUE_ARN}}
NONE = {"FunctionName": "none", "FunctionArn": FUNCTION_ARN + "-none"}


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> SqsTarget:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    target = SqsTarget(queue=QUEUE_ARN, account_id="123456789012")
    target.__dict__["queue"] = Queue(url=URL, arn=QUEUE_ARN)
    return target


def no_queues(stub: Stubber) -> None:
    stub.add_response("list_dead_letter_source_queues", {"queueUrls": []}, {"QueueUrl": URL})


def test_functions_are_found_by_their_dead_letter_config(source: SqsTarget) -> None:
    """Over all pages; each becomes a target in the queue's own account, with the queue's guard rails."""
    with Stubber(source.client()) as sqs, Stubber(source.client("lambda")) as functions:
        no_queues(sqs)
        functions.add_response("list_functions", {"Functions": [OTHER, NONE], "NextMarker": "m"}, {})
        functions.add_response("list_functions", {"Functions": [MINE]}, {"Marker": "m"})
        ways = find_ways_back(source)
        functions.assert_no_pending_responses()
    assert list(ways.functions) == [FUNCTION_ARN]
    assert (ways.queues, ways.notes) == ({}, ())
    options = ways.functions[FUNCTION_ARN].target.described
    wanted: Any = DeployedOptions(account_id="123456789012", region="us-east-1")
    assert all(getattr(options, name) == getattr(wanted, name) for name in DeployedOptions.__dataclass_fields__)


def test_what_may_not_be_listed_is_said(source: SqsTarget) -> None:
    """Without the permission the queues that are known still are ways back, and the rest is a note."""
    with Stubber(source.client()) as sqs, Stubber(source.client("lambda")) as functions:
        no_queues(sqs)
        functions.add_client_error("list_functions", "AccessDeniedException", http_status_code=403)
        ways = find_ways_back(source)
    assert ways.functions == {}
    assert "whether a function's dead letters are there is not known" in ways.notes[0]
