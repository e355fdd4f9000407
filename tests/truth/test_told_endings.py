"""The words in which a case may tell how messages and functions end: each is judged, and wrong ones fail."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.truth.runner import judge_folder

_POISON = {
    "esm": {"BatchSize": 1},
    "queue": {"maxReceiveCount": 2, "VisibilityTimeout": 1},
    "messages": [{"order": 1}],
    "handler": {"does": "raise"},
}
_GROUP = {
    "esm": {"BatchSize": 1},
    "queue": {"FifoQueue": True},
    "messages": [{"n": 1, "MessageGroupId": "g"}, {"n": 2, "MessageGroupId": "g"}],
    "handler": {"does": "sleep 2 s"},
}
_FINE = {**_POISON, "handler": {"returns": {}}}
_STARTED_BADLY = {"errorMessage": "no table", "errorType": "Exception", "requestId": "", "stackTrace": []}
_OUT_OF_MEMORY = {
    "errorType": "Runtime.ExitError",
    "errorMessage": "RequestId: <uuid:1> Error: Runtime exited with error: signal: killed",
}
_OLD_TIMEOUT = {"errorMessage": "<date> <uuid:1> Task timed out after 1.00 seconds"}
_NO_CONCURRENCY = {
    "version": "1.0",
    "timestamp": "date",
    "requestContext": {
        "requestId": "<uuid:1>",
        "functionArn": "arn:<partition>:lambda:<region>:111111111111:function:<f:1>:$LATEST",
        "condition": "ZeroReservedConcurrency",
        "approximateInvokeCount": 0,
    },
    "requestPayload": {"order": 1},
}


def _status(folder: Path, category: str, recorded: Any = None, **case: Any) -> str:
    entry = {"id": f"{category}/made-up", "category": category, **case}
    if recorded is not None:
        (folder / "made-up.json").write_text(json.dumps({"t": {"recorded-content": recorded}}), encoding="utf-8")
        entry["file"] = "made-up.json"
    (folder / "index.json").write_text(json.dumps([entry]), encoding="utf-8")
    (verdict,) = judge_folder(folder).verdicts
    return verdict.status


@pytest.mark.parametrize(
    "then",
    [
        "DLQ with the same MessageId and body",
        "DLQ, same MessageId",
        "message goes to the DLQ after maxReceiveCount",
        "whole batch fails",
        "whole batch retried, then DLQ",
    ],
)
def test_the_end_of_a_poison_message_is_judged(tmp_path: Path, then: str) -> None:
    """Each sentence holds of a message that always fails, and of none that succeeds."""
    assert _status(tmp_path, "esm-sqs", stimulus=_POISON, expect={"then": then}) == "passed"
    assert _status(tmp_path, "esm-sqs", stimulus=_FINE, expect={"then": then}) == "failed"


@pytest.mark.parametrize("expect", [{"concurrent": False}, {"max_concurrency_per_group": 1}, {"sequential": True}])
def test_a_group_is_never_delivered_side_by_side(tmp_path: Path, expect: dict[str, Any]) -> None:
    """What is told of a group's deliveries is judged by their order; that they overlap cannot be told."""
    assert _status(tmp_path, "esm-sqs", stimulus=_GROUP, expect=expect) == "passed"
    (key, _), *_ = expect.items()
    assert _status(tmp_path, "esm-sqs", stimulus=_GROUP, expect={key: 2}) == "failed"


def test_a_dead_letter_is_the_event(tmp_path: Path) -> None:
    """The body of a dead letter may be told by words, and settings of the function stand apart."""
    stimulus = {
        "invoke": {"payload": {"order": 1}},
        "config": {"DeadLetterConfig": "sqs", "MaximumRetryAttempts": 0},
        "function": {"Timeout": 1},
        "handler": {"does": "sleep 2 s"},
    }
    assert _status(tmp_path, "async-invoke", stimulus=stimulus, expect={"Body": "the event"}) == "passed"
    assert _status(tmp_path, "async-invoke", stimulus=stimulus, expect={"Body": {"order": 2}}) == "failed"


@pytest.mark.parametrize(
    ("recorded", "stimulus", "expect"),
    [
        (_STARTED_BADLY, {"handler": {"does": "raise at import"}}, {"requestId": ""}),
        (_OUT_OF_MEMORY, {"env": {"A": "b"}}, {"errorType": "Runtime.ExitError"}),
        (
            _OLD_TIMEOUT,
            {"handler": {"does": "time out"}},
            {"errorMessage": "date id Task timed out after 1.00 seconds"},
        ),
        ({"errorMessage": "x", "errorType": "E", "causes": []}, {"runtime": "dotnet8"}, {"FunctionError": "Unhandled"}),
    ],
)
def test_failures_to_start_and_of_the_platform_are_judged(
    tmp_path: Path, recorded: Any, stimulus: dict[str, Any], expect: dict[str, Any]
) -> None:
    """Errors that no callable can make are compared with what is recorded of them."""
    if "stackTrace" in recorded:
        recorded = {**recorded, "stackTrace": ['  File "/var/task/a.py", line 1, in <module>\n    x()\n']}
    assert _status(tmp_path, "invoke-errors", recorded, stimulus=stimulus, expect=expect) == "passed"


def test_a_record_without_an_invocation_is_delivered_without_one(tmp_path: Path) -> None:
    """A function without concurrency is not invoked for the event of its record either."""
    message = {"MessageId": "<uuid:2>", "Body": _NO_CONCURRENCY}
    assert _status(tmp_path, "async-invoke", {"messages": {"Messages": [message]}}) == "passed"
