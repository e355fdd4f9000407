"""What destinations and dead-letter queues hold, key for key as Lambda writes it."""

import hashlib
import json

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.deliver import deliver
from replay.delivery.destinations import service_of
from replay.delivery.error_payload import error_payload
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure, Frame

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:failed"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:failed"
BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/default"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
FAILURE = Failure(
    error_type="KeyError",
    message="'sku'",
    stack=(
        "Traceback (most recent call last):\n"
        '  File "/var/task/a.py", line 1, in first\n    a()\n'
        "ValueError: x\n\nDuring handling of the above exception, another exception occurred:\n\n"
        "Traceback (most recent call last):\n"
        '  File "/var/task/app.py", line 9, in handler\n    order["sku"]\n    ~~~~~^^^^^^^\n'
        '  File "/var/task/b.py", line 2, in get\n    raise KeyError\n'
        "KeyError: 'sku'\n"
    ),
)
FAILED = Reply(status="raised", failure=FAILURE)


def run(reply: Reply, text: str = '{"order": 7}', **settings) -> DeliveryReport:
    source = EventSource(kind="async", maximum_retry_attempts=0, **settings)
    return drive(begin_delivery(Event(text=text), source, FUNCTION), lambda attempt: reply)


def test_a_failed_record_has_lambdas_keys_in_lambdas_order() -> None:
    """The record of a failure names the qualified function, the error of the runtime, and the event as its payload."""
    (record,) = run(FAILED, on_failure=QUEUE).failure_records
    request_id = record["requestContext"]["requestId"]
    assert json.dumps(record, separators=(",", ":")) == (
        '{"version":"1.0","timestamp":"1970-01-01T00:00:00.000Z","requestContext":{'
        f'"requestId":"{request_id}","functionArn":"{FUNCTION}:$LATEST",'
        '"condition":"RetriesExhausted","approximateInvokeCount":1},"requestPayload":{"order":7},'
        '"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},'
        f'"responsePayload":{{"errorMessage":"\'sku\'","errorType":"KeyError","requestId":"{request_id}","stackTrace":['
        '"  File \\"/var/task/app.py\\", line 9, in handler\\n    order[\\"sku\\"]\\n    ~~~~~^^^^^^^\\n",'
        '"  File \\"/var/task/b.py\\", line 2, in get\\n    raise KeyError\\n"]}}'
    )


def test_a_success_record_has_no_function_error() -> None:
    """The record of a success holds the answer, and says nothing of an error."""
    (record,) = run(Reply(status="returned", payload='{"ok": [1]}'), on_success=QUEUE).failure_records
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"ok": [1]}
    assert record["requestContext"]["condition"] == "Success"


@pytest.mark.parametrize(
    ("event", "timestamp"),
    [
        ({"time": "2026-03-01T10:00:00Z", "detail": {}}, "2026-03-01T10:01:00.000Z"),
        ({"Records": [{"Sns": {"Timestamp": "2026-03-01T10:00:00.250Z"}}]}, "2026-03-01T10:01:00.250Z"),
        ({"Records": [{"eventTime": "2026-03-01T10:00:00.000Z"}]}, "2026-03-01T10:01:00.000Z"),
        ({"time": "0001-01-01T00:00:00+23:59"}, "1970-01-01T00:01:00.000Z"),
        ({"time": "soon"}, "1970-01-01T00:01:00.000Z"),
        ([3], "1970-01-01T00:01:00.000Z"),
    ],
)
def test_virtual_time_begins_with_the_event(event, timestamp) -> None:
    """A record's time is the event's own and what has passed since; without one it counts from the epoch."""
    source = EventSource(kind="async", maximum_retry_attempts=1, on_failure=QUEUE)
    report = drive(begin_delivery(Event(text=json.dumps(event)), source), lambda attempt: FAILED)
    assert report.failure_records[0]["timestamp"] == timestamp


def test_an_event_bus_gets_an_event() -> None:
    """On a bus the record is the detail of an event from lambda, which names the bus and the function."""
    (event,) = run(FAILED, on_failure=BUS).failure_records
    assert list(event) == [
        "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail",
    ]  # fmt: skip
    assert event["detail-type"] == "Lambda Function Invocation Result - Failure"
    assert (event["source"], event["account"], event["region"]) == ("lambda", "123456789012", "eu-central-1")
    assert event["time"] == "1970-01-01T00:00:00Z"
    assert event["resources"] == [BUS, f"{FUNCTION}:$LATEST"]
    assert event["detail"]["requestPayload"] == {"order": 7}


def test_an_event_bus_is_told_of_a_success() -> None:
    """The detail type says which of the two it is."""
    (event,) = run(Reply(status="returned", payload="1"), on_success=BUS).failure_records
    assert event["detail-type"] == "Lambda Function Invocation Result - Success"


@pytest.mark.parametrize(("size", "kept"), [(1000, True), (256 * 1024, False)])
def test_a_topic_gets_no_payloads_beyond_256_kb(size, kept) -> None:
    """A record too large for SNS goes without what was asked and answered; a queue gets all of it."""
    text = json.dumps({"order": "x" * size})
    (record,) = run(FAILED, text, on_failure=TOPIC).failure_records
    assert ("requestPayload" in record) is kept
    assert ("responsePayload" in record) is kept
    assert record["responseContext"]["functionError"] == "Unhandled"
    (record,) = run(FAILED, text, on_failure=QUEUE).failure_records
    assert len(record["requestPayload"]["order"]) == size


def test_a_dead_letter_is_the_event_and_three_attributes() -> None:
    """The body is the event character for character; id, status code and message of the error are its attributes."""
    (message,) = run(FAILED, '{ "order":7, "order":8}', dead_letter_queue=QUEUE).failure_records
    request_id = message["MessageAttributes"]["RequestID"]["StringValue"]
    assert message["Body"] == '{ "order":7, "order":8}'
    assert message["MD5OfBody"] == hashlib.md5(message["Body"].encode()).hexdigest()
    assert message["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "'sku'"},
    }


def test_a_dead_letter_topic_has_the_same_as_sns_attributes() -> None:
    """On a topic the event is the message, and the attributes have SNS's own form."""
    (message,) = run(FAILED, dead_letter_queue=TOPIC).failure_records
    assert message["Message"] == '{"order": 7}'
    assert message["TopicArn"] == TOPIC
    assert message["MessageAttributes"]["ErrorCode"] == {"Type": "Number", "Value": "200"}
    assert set(message["MessageAttributes"]) == {"RequestID", "ErrorCode", "ErrorMessage"}


def test_a_dead_letters_error_message_is_cut_at_a_kilobyte() -> None:
    """No character is cut in two where 1,024 bytes end."""
    long = Reply(status="raised", failure=Failure(error_type="E", message="x" + "é" * 1000))
    (message,) = run(long, dead_letter_queue=QUEUE).failure_records
    told = message["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert told == "x" + "é" * 511


def test_a_dead_letter_that_was_never_invoked_tells_of_the_throttle() -> None:
    """With a reserved concurrency of 0 there is no error of the function to tell of."""
    (message,) = run(FAILED, dead_letter_queue=QUEUE, reserved_concurrency=0).failure_records
    assert message["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "Rate Exceeded."


@pytest.mark.parametrize(
    ("status", "keys"),
    [
        ("raised", ["errorMessage", "errorType", "requestId", "stackTrace"]),
        ("unserialisable", ["errorMessage", "errorType", "requestId", "stackTrace"]),
        ("timed_out", ["errorType", "errorMessage"]),
        ("exited", ["errorType", "errorMessage"]),
        ("out_of_memory", ["errorType", "errorMessage"]),
        ("response_too_large", ["errorMessage", "errorType"]),
    ],
)
def test_the_error_object_has_the_keys_of_whoever_reports(status, keys) -> None:
    """The runtime tells more of an error than the platform does of a process that ended."""
    reply = Reply(status=status, failure=FAILURE)
    assert list(error_payload(Attempt(payload="{}", request_id="r-1"), reply)) == keys


def test_a_failure_to_start_belongs_to_no_request() -> None:
    """The runtime's error object of an init error has an empty request id, which is not replaced."""
    reply = Reply(status="raised", failure=Failure(error_type="E", message="", request_id=""))
    assert error_payload(Attempt(payload="{}", request_id="r-1"), reply)["requestId"] == ""


def test_without_a_trace_the_frames_make_the_stack() -> None:
    """Where only frames are known they are written as Python writes them, under the folder of the function's code."""
    frame = Frame(module="app.py", function="handler", code="order['sku']", line=9)
    reply = Reply(status="raised", failure=Failure(error_type="KeyError", message="'sku'", frames=(frame,)))
    payload = error_payload(Attempt(payload="{}"), reply)
    assert payload["stackTrace"] == ["  File \"/var/task/app.py\", line 9, in handler\n    order['sku']\n"]


def test_the_record_names_the_callable_that_failed() -> None:
    """A delivered callable has an ARN of its own name, and its exception is the response payload."""

    def orders(event, context):
        raise KeyError(event["order"])

    source = EventSource(kind="sns", maximum_retry_attempts=1, on_failure=QUEUE)
    (record,) = deliver({"order": "a-1"}, orders, source).failure_records
    assert record["requestContext"]["functionArn"].endswith(":function:orders:$LATEST")
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorType"] == "KeyError"
    assert record["responsePayload"]["requestId"] == record["requestContext"]["requestId"]
    assert 'raise KeyError(event["order"])' in record["responsePayload"]["stackTrace"][0]


@pytest.mark.parametrize(("arn", "service"), [(QUEUE, "sqs"), (BUS, "events"), ("queue", ""), ("a:b:c", "")])
def test_the_service_is_read_from_the_arn(arn, service) -> None:
    """Text that is no ARN names no service."""
    assert service_of(arn) == service
