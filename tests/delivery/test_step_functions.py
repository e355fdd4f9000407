"""What a task of a state machine gets from its function."""

import json

import pytest

from replay.delivery.attempt import Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure

INVOKE = EventSource(kind="stepfunctions", arn="arn:aws:states:eu-central-1:123456789012:stateMachine:orders")
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
DIRECT = EventSource(kind="stepfunctions", arn=FUNCTION)
BOTH = pytest.mark.parametrize("source", [INVOKE, DIRECT], ids=["invoke", "direct"])


def reply(given: Reply, source: EventSource) -> DeliveryReport:
    return drive(begin_delivery(Event(text="{}"), source), lambda attempt: given)


@pytest.mark.parametrize("value", [{"a": 1}, "text", 0, 0.5, [], None])
def test_the_result_of_a_task(value) -> None:
    """A task on the function itself gets its answer; one on lambda:invoke gets it as the payload of Invoke's result."""
    assert deliver({}, lambda event, context: value, DIRECT).response == value
    result = deliver({}, lambda event, context: value, INVOKE).response
    assert result["Payload"] == value
    assert (result["StatusCode"], result["ExecutedVersion"]) == (200, "$LATEST")


@BOTH
def test_an_exception_is_an_error_with_the_whole_error_object_as_its_cause(source) -> None:
    """The error is the exception's type; the cause is compact JSON text, as Catch sees it."""

    def handler(event, context):
        raise LookupError("no such ördér")

    report = deliver({}, handler, source)
    assert report.response["error"] == "LookupError"
    cause = json.loads(report.response["cause"])
    assert list(cause) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert report.response["cause"].startswith(
        '{"errorMessage":"no such ördér","errorType":"LookupError","requestId":"'
    )
    assert report.dispositions == {"event": "discarded"}


@BOTH
def test_a_timeout_of_the_function_is_not_one_of_the_task(source) -> None:
    """The function's own timeout is reported under the name that Lambda gives it."""
    failure = Failure(error_type="Sandbox.Timedout", message="RequestId: 1 Error: Task timed out after 3.00 seconds")
    report = reply(Reply(status="timed_out", failure=failure), source)
    assert report.response["error"] == "Sandbox.Timedout"
    assert list(json.loads(report.response["cause"])) == ["errorType", "errorMessage"]


@BOTH
def test_a_throttle_is_a_service_exception(source) -> None:
    """The names of Lambda's own exceptions begin with `Lambda.`."""
    report = reply(Reply(status="throttled"), source)
    assert report.response["error"] == "Lambda.TooManyRequestsException"
    assert "Status Code: 429" in report.response["cause"]


@pytest.mark.parametrize(("source", "named"), [(INVOKE, "lambda"), (DIRECT, FUNCTION)], ids=["invoke", "direct"])
def test_a_result_over_256_kb_is_an_error(source, named) -> None:
    """The limit counts bytes of UTF-8, and the cause names the task's resource."""
    fits = Reply(status="returned", payload=json.dumps("é" * (128 * 1024 - 1), ensure_ascii=False))
    assert reply(fits, source).dispositions == {"event": "processed"}
    report = reply(Reply(status="returned", payload=json.dumps("é" * 128 * 1024, ensure_ascii=False)), source)
    assert report.response["error"] == "States.DataLimitExceeded"
    assert report.response["cause"].startswith(f"The state/task '{named}' returned a result with a size exceeding")
    assert report.dispositions == {"event": "discarded"}
