"""What a task of a state machine gets from its function."""

import json
from dataclasses import replace

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


@BOTH
def test_an_answer_after_the_tasks_timeout_is_lost(source) -> None:
    """TimeoutSeconds of the task ends it as States.Timeout, which has no cause, whatever the function says later."""
    source = replace(source, caller_timeout_s=5)
    in_time = reply(Reply(status="returned", payload="1", duration_s=5), source)
    assert in_time.dispositions == {"event": "processed"}
    report = reply(Reply(status="returned", payload="1", duration_s=5.1), source)
    assert report.response == {"error": "States.Timeout", "cause": ""}
    assert report.dispositions == {"event": "discarded"}
    assert report.elapsed_s == 5


@BOTH
@pytest.mark.parametrize("status", ["out_of_memory", "exited"])
def test_the_end_of_the_process_is_a_runtime_exit_error(source, status) -> None:
    """Too little memory and an exit have the error type that Lambda gives them."""
    failure = Failure(
        error_type="Runtime.ExitError", message="RequestId: 1 Error: Runtime exited with error: signal: killed"
    )
    report = reply(Reply(status=status, failure=failure), source)
    assert report.response["error"] == "Runtime.ExitError"
    assert json.loads(report.response["cause"])["errorType"] == "Runtime.ExitError"


@BOTH
def test_an_error_without_a_type_is_unknown(source) -> None:
    """Old runtimes report a timeout by its message alone: Step Functions then has no name for it."""
    failure = Failure(error_type="", message="2024-04-01T00:00:00.000Z 1 Task timed out after 3.00 seconds")
    report = reply(Reply(status="timed_out", failure=failure), source)
    assert report.response["error"] == "Lambda.Unknown"
    assert report.response["cause"].endswith(
        'Returned payload: {"errorMessage":"2024-04-01T00:00:00.000Z 1 Task timed out after 3.00 seconds"}'
    )
