"""Records of failures: the event that a function failed with comes out exactly, with what is told of the failure."""

import json
from dataclasses import replace

import pytest

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.families import begin_delivery, drive
from replay.payloads.captures import Capture, Event, MessageAttribute, StreamRange
from replay.payloads.envelopes.error_report import reported_failure
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure
from tests.payloads.envelopes.aws_shapes import (
    FUNCTION,
    QUEUE,
    REQUEST_ID,
    SOURCE_QUEUE,
    TRACE,
    destination_record,
    notification,
    number,
    on_a_bus,
    received,
    saved,
    stream_record,
    text,
    text_of,
)

EXACT = '{ "n": 1.10, "n" : "\\u00e9\\ud800", "big": 123456789012345678901234567890 }'
BUCKET_EVENT = text_of({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"arn": "arn:aws:s3:::in"}}}]})
QUEUE_EVENT = text_of({"Records": [{"eventSource": "aws:sqs", "eventSourceARN": SOURCE_QUEUE, "body": "x"}]})
DEAD = {"RequestID": text(REQUEST_ID), "ErrorCode": number("200"), "ErrorMessage": text("'customer_id'")}
RULE = "arn:aws:events:eu-west-1:111122223333:rule/orders"
UNDELIVERED = {
    "TARGET_ARN": text(FUNCTION),
    "ERROR_CODE": text("NO_PERMISSIONS"),
    "ERROR_MESSAGE": text("not allowed"),
    "RETRY_ATTEMPTS": number("2"),
}


# Dead letters of functions


def test_the_body_of_a_functions_dead_letter_is_the_event() -> None:
    """The event is the body, byte for byte; the attributes tell the message, the request and the trace."""
    envelope, unwrapped = unwrap(received(EXACT, DEAD, AWSTraceHeader=TRACE))
    assert envelope.name == "lambda-dead-letter"
    assert unwrapped.event == Event(text=EXACT, kind="async")
    assert unwrapped.event_source == EventSource(kind="async", dead_letter_queue=QUEUE)
    assert unwrapped.failure == Failure(
        error_type="Unhandled",
        message="'customer_id'",
        request_id=REQUEST_ID,
        trace_id="1-65a1b2c3-0123456789abcdef01234567",
    )
    assert unwrapped.envelopes == ("sqs-message", "lambda-dead-letter")


def test_a_dead_letter_on_a_topic_comes_through_its_queue() -> None:
    """A topic as dead-letter queue: the attributes are the notification's, and the topic is the dead-letter queue."""
    told = {name: {"Type": value.data_type, "Value": value.string_value} for name, value in DEAD.items()}
    topic = "arn:aws:sns:eu-west-1:111122223333:failed"
    body = notification(EXACT, MessageAttributes=told, TopicArn=topic)
    envelope, unwrapped = unwrap(received(body))
    assert envelope.name == "lambda-dead-letter"
    assert unwrapped.event.text == json.loads(body)["Message"]
    assert unwrapped.event_source.dead_letter_queue == topic


@pytest.mark.parametrize(
    ("code", "message", "error_type"),
    [
        ("200", "2026-01-01T00:00:03.000Z 7d0c Task timed out after 3.00 seconds", "Sandbox.Timedout"),
        ("200", "RequestId: 7d0c Error: Runtime exited with error: signal: killed", "Runtime.ExitError"),
        ("429", "Rate Exceeded.", "TooManyRequestsException"),
        ("500", "", "ErrorCode 500"),
    ],
)
def test_the_type_of_a_dead_letters_error_is_what_can_be_known(code: str, message: str, error_type: str) -> None:
    """A dead letter names no type: Lambda's own errors are known by their words, throttles by their code."""
    _, unwrapped = unwrap(received("{}", {**DEAD, "ErrorCode": number(code), "ErrorMessage": text(message)}))
    assert unwrapped.failure is not None
    assert (unwrapped.failure.error_type, unwrapped.failure.message) == (error_type, message)


def test_a_function_with_no_concurrency_leaves_dead_letters_without_a_code() -> None:
    """An emergency stop (reserved concurrency 0): the message says that nothing was invoked, and names no code."""
    told = "Function not invoked. Function is configured with zero reserved concurrent executions"
    named = {"RequestID": DEAD["RequestID"], "ErrorMessage": text(told)}
    envelope, unwrapped = unwrap(received(EXACT, named))
    assert envelope.name == "lambda-dead-letter"
    assert unwrapped.event.text == EXACT
    assert unwrapped.failure is not None
    assert (unwrapped.failure.error_type, unwrapped.failure.condition) == ("ZeroReservedConcurrency",) * 2
    assert unwrapped.event_source.reserved_concurrency == 0
    assert unwrap(received(EXACT, {**named, "ErrorMessage": text("no such order")}))[0].name == "sqs-message"


@pytest.mark.parametrize(
    "changed",
    [
        {"ErrorCode": text("E42")},
        {"ErrorCode": text("1001")},
        {"ErrorCode": number("42")},
        {"ErrorCode": number("600")},
        {"ErrorCode": text("٢٠٠")},
        {"RequestID": None},
        {"ErrorMessage": None},
    ],
)
def test_attributes_that_a_user_may_have_set_are_no_dead_letter(changed: dict[str, MessageAttribute | None]) -> None:
    """Only all three, with the code an HTTP status, are Lambda's; a wrong guess would lose the message's record."""
    named = {name: value for name, value in {**DEAD, **changed}.items() if value is not None}
    assert unwrap(received("{}", named))[0].name == "sqs-message"


@pytest.mark.parametrize(
    ("event", "kind"), [(BUCKET_EVENT, "s3"), (QUEUE_EVENT, "async"), ("{}", "async"), ("[1]", "async")]
)
def test_who_invoked_is_told_by_the_event(event: str, kind: str) -> None:
    """The event of an asynchronous invoker is its; one in a queue's shape was invoked by hand, and no mapping retries it."""
    _, unwrapped = unwrap(received(event, DEAD))
    assert (unwrapped.event.kind, unwrapped.event_source.kind) == (kind, kind)


# Destinations


def test_a_record_of_ministack_is_known_too() -> None:
    """It has no version, time and request id, but payload and answer; one that lacks these as well is no record."""
    record = json.loads(destination_record(EXACT))
    for name in ("version", "timestamp"):
        record.pop(name)
    record["requestContext"].pop("requestId")
    envelope, unwrapped = unwrap(received(json.dumps(record)))
    assert envelope.name == "lambda-destination"
    assert json.loads(unwrapped.event.text) == json.loads(EXACT)
    assert unwrapped.failure is not None
    assert unwrapped.failure.error_type == "KeyError"
    record.pop("responseContext")
    assert unwrap(received(json.dumps(record)))[0].name == "sqs-message"


@pytest.mark.parametrize("wrapped", ["queue", "topic", "bus", "bus in a queue", "object"])
def test_the_request_payload_of_a_destination_record_is_the_event(wrapped: str) -> None:
    """Whatever destination the record went to, the event comes out byte for byte, with the error and its frames."""
    record = destination_record(EXACT)
    capture = {
        "queue": received(record),
        "topic": received(notification(record)),
        "bus": saved(on_a_bus(record)),
        "bus in a queue": received(on_a_bus(record)),
        "object": saved(record),
    }[wrapped]
    envelope, unwrapped = unwrap(capture)
    assert envelope.name == "lambda-destination"
    assert unwrapped.event == Event(text=EXACT, kind="async")
    failure = unwrapped.failure
    assert failure is not None
    assert (failure.error_type, failure.message, failure.condition) == ("KeyError", "'customer_id'", "RetriesExhausted")
    assert (failure.attempts, failure.request_id) == (3, REQUEST_ID)
    assert [(each.module, each.function, each.code, each.owner) for each in failure.frames] == [
        ("orders/app.py", "handler", "return price(order)", "user"),
        ("orders/pricing.py", "price", 'order["customer_id"]', "user"),
    ]
    assert failure.stack.startswith("Traceback (most recent call last):\n")
    assert failure.stack.endswith("KeyError: 'customer_id'\n")


def test_a_record_gives_away_settings_of_its_function() -> None:
    """The number of retries, the destination, and a reserved concurrency of zero are told by the record."""
    _, unwrapped = unwrap(received(destination_record("{}", count=2)))
    assert unwrapped.event_source == EventSource(kind="async", maximum_retry_attempts=1, on_failure=QUEUE)
    _, unwrapped = unwrap(received(destination_record("{}", condition="ZeroReservedConcurrency", count=0)))
    assert unwrapped.event_source == EventSource(kind="async", reserved_concurrency=0, on_failure=QUEUE)
    assert unwrapped.failure is not None
    assert (unwrapped.failure.error_type, unwrapped.failure.attempts) == ("ZeroReservedConcurrency", 0)
    _, unwrapped = unwrap(saved(on_a_bus(destination_record("{}"))))
    assert unwrapped.event_source.on_failure == "arn:aws:events:eu-west-1:111122223333:event-bus/failed"


def test_a_record_of_a_success_has_no_failure() -> None:
    """A success is captured as the event that it was."""
    _, unwrapped = unwrap(received(destination_record(EXACT, condition="Success", count=1)))
    assert unwrapped.event.text == EXACT
    assert unwrapped.failure is None
    assert unwrapped.event_source == EventSource(kind="async", on_success=QUEUE)
    assert unwrapped.details["condition"] == "Success"


def test_a_record_without_its_payload_says_that_the_event_is_missing() -> None:
    """A topic's record of a large invocation has no payloads: the record is kept, and nobody takes it for the event."""
    record = {name: value for name, value in json.loads(destination_record("{}")).items() if "Payload" not in name}
    _, unwrapped = unwrap(received(text_of(record)))
    assert unwrapped.event.missing is not None
    assert "too large" in unwrapped.event.missing.reason
    assert json.loads(unwrapped.event.text) == record


@pytest.mark.parametrize(
    ("report", "frames"),
    [
        (
            {"errorType": "TypeError", "errorMessage": "x", "trace": ["TypeError: x", "    at go (/var/task/a.mjs:3:9)",
             "    at async file:///var/task/b.mjs:9:1", "    at async load (file:///var/task/b.mjs:4:3)",
             "    at Runtime.handler (file:///var/task/index.mjs:9:5)"]},
            [("index.mjs", "Runtime.handler", "user"), ("b.mjs", "async load", "user"), ("b.mjs", "<anonymous>", "user"),
             ("a.mjs", "go", "user")],
        ),
        (
            {"errorType": "E", "errorMessage": "x", "stackTrace": ["exports.handler (/var/task/index.js:18:18)"]},
            [("index.js", "exports.handler", "user")],
        ),
        (
            {"errorType": "E", "errorMessage": "x", "stackTrace": ["shop.Handler.go(Handler.java:12)"]},
            [("Handler.java", "shop.Handler.go", "user")],
        ),
        (
            {"errorType": "KeyNotFoundException", "errorMessage": "x", "stackTrace": [
                "at Shop.Orders.Function.Price(Order order) in C:\\build\\Orders\\Function.cs:line 41",
                "at Shop.Orders.Function.<Handle>d__4.MoveNext() in /src/Orders/Function.cs:line 23",
                "--- End of stack trace from previous location ---",
                "at Amazon.Lambda.RuntimeSupport.HandlerWrapper.Go(Func`2 f) in /src/HandlerWrapper.cs:line 42",
                "at lambda_method(Closure , Stream , ILambdaContext , Stream )"]},
            [("HandlerWrapper.cs", "Amazon.Lambda.RuntimeSupport.HandlerWrapper.Go", "library"),
             ("Function.cs", "Shop.Orders.Function.<Handle>d__4.MoveNext", "user"),
             ("Function.cs", "Shop.Orders.Function.Price", "user")],
        ),
        (
            {"errorType": "Exception", "errorMessage": "x", "stackTrace":
             "   at App.Go(String text) in /src/App.fs:line 7\n   at App.Main()\n"},
            [("App.fs", "App.Go", "user")],
        ),
        (
            {"errorType": "E", "errorMessage": "x", "stackTrace": ["/var/task/app.rb:5:in `go'"]},
            [("app.rb", "go", "user")],
        ),
        (
            {"errorType": "E", "errorMessage": "x",
             "stackTrace": ['  File "/opt/python/lib/python3.12/site-packages/a/b.py", line 1, in c\n    d\n']},
            [("a/b.py", "c", "library")],
        ),
        (
            {"errorType": "boundsError", "errorMessage": "x", "stackTrace": [
                {"path": "github.com/aws/aws-lambda-go@v1.47.0/lambda/errors.go", "line": 39, "label": "lambdaPanic"},
                {"path": "github.com/aws/aws-lambda-go/lambda/handler.go", "line": 5, "label": "reflectHandler"},
                {"path": "runtime/panic.go", "line": 770, "label": "gopanic"},
                {"path": "shop/runtime/price.go", "line": 13, "label": "of"},
                {"path": "example.com/money@v2.1.0/round.go", "line": 3, "label": "up"},
                {"path": "main.go", "line": 8, "label": "handle"},
                {"path": "main.go", "line": "8", "label": "odd"},
            ]},
            [
                ("main.go", "handle", "user"), ("example.com/money@v2.1.0/round.go", "up", "library"),
                ("shop/runtime/price.go", "of", "user"), ("runtime/panic.go", "gopanic", "library"),
                ("github.com/aws/aws-lambda-go/lambda/handler.go", "reflectHandler", "library"),
                ("github.com/aws/aws-lambda-go@v1.47.0/lambda/errors.go", "lambdaPanic", "library"),
            ],
        ),
        ({"errorType": "E", "errorMessage": "x", "stackTrace": "?"}, []),
        ({"errorMessage": "2026 Task timed out after 1.00 seconds"}, []),
        ("text", []),
    ],
)  # fmt: skip
def test_traces_of_each_language_are_read(report: object, frames: list[tuple[str, str, str]]) -> None:
    """Frames go outermost first, with Lambda's folders taken off; what cannot be read is no frame."""
    record = json.loads(destination_record("{}")) | {"responsePayload": report}
    _, unwrapped = unwrap(received(text_of(record)))
    assert unwrapped.failure is not None
    assert [(each.module, each.function, each.owner) for each in unwrapped.failure.frames] == frames


def test_what_caused_an_error_is_told_below_it() -> None:
    """Java and .NET report a cause inside of its effect: each is in the trace, while the frames stay the error's own."""
    inner = {
        "errorType": "java.io.IOException",
        "errorMessage": "closed",
        "stackTrace": ["shop.Wire.read(Wire.java:7)"],
    }
    middle = {"errorType": "shop.NoStock", "errorMessage": None, "stackTrace": None, "cause": inner}
    report = {
        "errorType": "shop.Refused",
        "errorMessage": "x",
        "stackTrace": ["shop.Handler.go(Handler.java:12)"],
        "cause": middle,
    }
    failure = reported_failure(report, otherwise="")
    assert failure.stack.splitlines() == [
        "shop.Handler.go(Handler.java:12)",
        "Caused by: shop.NoStock",
        "Caused by: java.io.IOException: closed",
        "shop.Wire.read(Wire.java:7)",
    ]
    assert [frame.function for frame in failure.frames] == ["shop.Handler.go"]


def test_causes_without_end_are_told_so_far() -> None:
    """Of a chain of a thousand causes the first ones are told: nobody reads more, and a report may be anything."""
    report: dict[str, object] = {"errorType": "E", "cause": "none"}
    for _ in range(1_000):
        report = {"errorType": "E", "cause": report}
    assert reported_failure(report, otherwise="").stack == "Caused by: E\n" * 10


def test_a_failure_that_the_source_knew_goes_before_the_records() -> None:
    """What a source found out itself is not overwritten."""
    known = Failure(error_type="KnownError", message="")
    capture = replace(received(destination_record("{}")), failure=known)
    assert unwrap(capture)[1].failure == known


def test_a_frame_too_long_to_be_one_keeps_no_half_of_its_code() -> None:
    """Code is kept whole or not at all: half of a secret in it would not be known as one by redaction."""
    place = '  File "/var/task/app.py", line 7, in handler\n'
    lines = [f"{place}    {'x' * 1_950}S3cretPassw0rd@db\n", f"{place}    fine()\n", "x" * 3_000]
    failure = reported_failure({"errorType": "E", "stackTrace": lines}, otherwise="")
    assert [(each.module, each.function, each.code) for each in failure.frames] == [
        ("app.py", "handler", ""),
        ("app.py", "handler", "fine()"),
    ]


# What is around an event


@pytest.mark.parametrize(
    ("answer", "is_whole"),
    [
        ("null", True),
        ('{"errorType": "E", "errorMessage": "m", "trace": ["E: m"], "requestId": "r"}', True),
        ('{"errorType": "E", "errorMessage": "m", "stackTrace": [], "cause": {"errorType": "F"}}', True),
        ('{"errorType": "E", "errorMessage": "m", "orderId": 7}', False),
        ('{"errorType": "E", "errorMessage": {"code": 7}}', False),
        ('{"errorType": "E", "cause": {"errorType": "F", "orderId": 7}}', False),
        ('{"ok": true}', False),
        ('"done"', False),
        ("[]", False),
        ("0", False),
        ("false", False),
        ('{"cause": ' * 12 + "null" + "}" * 12, False),
    ],
)
def test_an_answer_that_is_no_error_makes_a_record_say_more(answer: str, is_whole: bool) -> None:
    """Event and error are kept of a record; a function's other answer is in neither, and whoever drains is told so."""
    record = json.loads(destination_record("{}"))
    _, unwrapped = unwrap(received(text_of({**record, "responsePayload": json.loads(answer)})))
    assert unwrapped.is_whole == is_whole


RULES_DEAD_LETTER = {"RULE_ARN": text(RULE), **UNDELIVERED}
SCHEDULES_DEAD_LETTER = {
    "SCHEDULE_ARN": text("arn:aws:scheduler:eu-west-1:111122223333:schedule/default/nightly"),
    "SCHEDULED_TIME": text("2026-01-01T00:00:00Z"),
    "EXECUTION_ID": text("e-1"),
    "IS_PAYLOAD_TRUNCATED": text("false"),
    **UNDELIVERED,
}


@pytest.mark.parametrize("told", [DEAD, RULES_DEAD_LETTER, SCHEDULES_DEAD_LETTER], ids=["function", "rule", "schedule"])
def test_attributes_that_nobody_reads_make_a_dead_letter_say_more(told: dict[str, MessageAttribute]) -> None:
    """What AWS wrote beside the event is told; an attribute of somebody else's is not, and whoever drains is told."""
    assert unwrap(received("{}", told))[1].is_whole
    assert not unwrap(received("{}", {**told, "tenant": text("blue")}))[1].is_whole


def test_attributes_around_a_record_are_in_no_event() -> None:
    """A record that was sent on by hand, with an attribute, is not whole without it."""
    assert unwrap(received(destination_record("{}")))[1].is_whole
    assert not unwrap(received(destination_record("{}"), {"tenant": text("blue")}))[1].is_whole


def test_a_message_has_its_attributes_in_its_event() -> None:
    """A message and a notification are whole: their attributes reach the function, whatever they are."""
    named = {"tenant": {"Type": "String", "Value": "blue"}}
    sources = [EventSource(kind="sns")]
    assert unwrap(received("{}", {"tenant": text("blue")}))[1].is_whole
    envelope, unwrapped = unwrap(received(notification("{}", MessageAttributes=named)), sources)
    assert (envelope.name, unwrapped.is_whole) == ("sns-notification", True)
    assert not unwrap(received(notification("{}"), {"tenant": text("blue")}), sources)[1].is_whole


# Streams


def test_a_stream_failure_names_what_must_be_read_again() -> None:
    """The event is missing; shard, sequence numbers and times say where it still is."""
    envelope, unwrapped = unwrap(received(stream_record()))
    assert (envelope.name, unwrapped.event.kind) == ("stream-failure", "kinesis")
    missing = unwrapped.event.missing
    assert missing is not None
    assert missing.stream is not None
    assert missing.stream.arn == "arn:aws:kinesis:eu-west-1:111122223333:stream/orders"
    assert missing.stream.batch_size == 9
    assert missing.stream.ranges == (
        StreamRange(
            partition="shardId-000000000001",
            first="4961",
            last="4969",
            first_at="2026-01-01T00:00:00.000Z",
            last_at="2026-01-01T00:00:02.000Z",
        ),
    )
    assert unwrapped.event.text == stream_record()
    assert unwrapped.event_source.maximum_retry_attempts == 3
    assert unwrapped.failure is not None
    assert (unwrapped.failure.error_type, unwrapped.failure.attempts) == ("Unhandled", 4)


def test_a_stream_failure_without_a_function_error_is_known_by_its_condition() -> None:
    """Batch item failures that were reported have no error: the condition stands for it."""
    record = json.loads(stream_record("DDBStreamBatchInfo"))
    record["responseContext"]["functionError"] = None
    _, unwrapped = unwrap(received(text_of(record)))
    assert unwrapped.event.kind == "dynamodb"
    assert unwrapped.failure is not None
    assert unwrapped.failure.error_type == "RetryAttemptsExhausted"


@pytest.mark.parametrize("as_text", [True, False])
def test_a_stream_failure_in_a_bucket_or_a_topic_of_kafka_has_the_event(as_text: bool) -> None:
    """S3 has the batch as JSON text, Kafka as an object; both come out exactly."""
    batch = '{"Records" : [{"eventSource": "aws:kinesis", "kinesis": {"data": "eA=="}}]}'
    record = stream_record(payload=batch if as_text else "PUT HERE").replace('"PUT HERE"', batch)
    _, unwrapped = unwrap(saved(record))
    assert unwrapped.event == Event(text=batch, kind="kinesis")


def test_kafkas_offsets_are_told_by_partition() -> None:
    """A record of Kafka names each topic and partition with its offsets."""
    info = {
        "batchSize": 2,
        "eventSourceArn": "arn:aws:kafka:eu-west-1:111122223333:cluster/c/1",
        "bootstrapServers": "b-1:9092",
        "recordsInfo": {"orders-0": {"firstRecordOffset": "7", "lastRecordOffset": 8, "firstRecordTimestamp": "t"}},
    }
    record = {**json.loads(stream_record("x")), "KafkaBatchInfo": info, "responseContext": None}
    _, unwrapped = unwrap(received(text_of(record)))
    assert unwrapped.event.missing is not None
    stream = unwrapped.event.missing.stream
    assert stream is not None
    assert (stream.kind, stream.bootstrap_servers) == ("kafka", "b-1:9092")
    assert stream.ranges == (StreamRange(partition="orders-0", first="7", last="8", first_at="t"),)


# Rules and schedules


def test_the_body_of_a_rules_dead_letter_is_the_event() -> None:
    """The target was never invoked: error, condition and attempts are those of the delivery."""
    event = text_of({"source": "shop", "detail-type": "OrderPlaced", "detail": {"n": 1}})
    told = {**UNDELIVERED, "RULE_ARN": text(RULE), "EXHAUSTED_RETRY_CONDITION": text("MaximumRetryAttempts")}
    envelope, unwrapped = unwrap(received(event, told))
    assert envelope.name == "eventbridge-dead-letter"
    assert unwrapped.event == Event(text=event, kind="eventbridge")
    assert unwrapped.event_source == EventSource(kind="eventbridge", arn=RULE)
    assert unwrapped.failure == Failure(
        error_type="NO_PERMISSIONS", message="not allowed", condition="MaximumRetryAttempts", attempts=3
    )
    assert unwrapped.details["target_arn"] == FUNCTION


def test_the_input_of_a_schedules_dead_letter_is_the_event() -> None:
    """Of a universal target it is the payload inside of the request."""
    schedule = "arn:aws:scheduler:eu-west-1:111122223333:schedule/default/nightly"
    told = {**UNDELIVERED, "SCHEDULE_ARN": text(schedule), "IS_PAYLOAD_TRUNCATED": text("false")}
    envelope, unwrapped = unwrap(received(EXACT, told))
    assert envelope.name == "scheduler-dead-letter"
    assert unwrapped.event == Event(text=EXACT, kind="schedule")
    assert unwrapped.event_source.arn == schedule
    told["TARGET_ARN"] = text("arn:aws:scheduler:::aws-sdk:lambda:invoke")
    request = text_of({"FunctionName": "orders", "Payload": '{"n":  1}'})
    assert unwrap(received(request, told))[1].event.text == '{"n":  1}'


def test_a_cut_input_is_no_event() -> None:
    """What Scheduler has cut is kept, and said to be missing."""
    told = {**UNDELIVERED, "SCHEDULE_ARN": text("arn:x"), "IS_PAYLOAD_TRUNCATED": text("true")}
    _, unwrapped = unwrap(received('{"orders": [1, 2', told))
    assert unwrapped.event.missing is not None
    assert json.loads(unwrapped.event.text) == '{"orders": [1, 2'


# What we write ourselves


def _failing(attempt: Attempt) -> Reply:
    return Reply(status="raised", failure=Failure(error_type="ValueError", message="no"))


@pytest.mark.parametrize("destination", ["sqs", "sns", "events", "s3"])
def test_what_our_own_delivery_writes_is_read_back(destination: str) -> None:
    """Round trip: the document that a delivery leaves at a destination gives back the event and the failure."""
    arns = {
        "sqs": QUEUE,
        "sns": "arn:aws:sns:eu-west-1:111122223333:failed",
        "events": "arn:aws:events:eu-west-1:111122223333:event-bus/failed",
        "s3": "arn:aws:s3:::failed",
    }
    source = EventSource(kind="async", on_failure=arns[destination], maximum_retry_attempts=1)
    report = drive(begin_delivery(Event(text=EXACT), source, FUNCTION), _failing)
    (document,) = report.failure_records
    _, unwrapped = unwrap(saved(text_of(document)))
    assert json.loads(unwrapped.event.text) == json.loads(EXACT)
    assert unwrapped.event_source.maximum_retry_attempts == 1
    assert unwrapped.failure is not None
    assert (unwrapped.failure.error_type, unwrapped.failure.message) == ("ValueError", "no")
    assert (unwrapped.failure.attempts, unwrapped.failure.condition) == (2, "RetriesExhausted")


def test_our_own_dead_letter_is_read_back() -> None:
    """Round trip: a dead letter that a delivery writes is one."""
    source = EventSource(kind="async", dead_letter_queue=QUEUE)
    (letter,) = drive(begin_delivery(Event(text=EXACT), source, FUNCTION), _failing).failure_records
    assert isinstance(letter, dict)
    named = {
        name: MessageAttribute(data_type=value["DataType"], string_value=value["StringValue"])
        for name, value in letter["MessageAttributes"].items()
    }
    capture: Capture = received(letter["Body"], named)
    envelope, unwrapped = unwrap(capture)
    assert envelope.name == "lambda-dead-letter"
    assert unwrapped.event.text == EXACT
