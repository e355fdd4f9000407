"""An SQS message becomes the event that Lambda would hand over, and text that is an event stays as it is."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from moto import mock_aws

from replay.payloads.captures import Capture, MessageAttribute, Origin
from replay.payloads.envelopes.registry import envelopes, unwrap
from replay.payloads.envelopes.sqs_digests import md5_of_body, md5_of_message_attributes
from replay.payloads.event_sources import EventSource

DLQ = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
SOURCE = "arn:aws:sqs:eu-west-1:111122223333:orders"
MESSAGE_ID = "5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11"
ATTRIBUTES = {
    "SenderId": "AIDAEXAMPLE",
    "ApproximateFirstReceiveTimestamp": "1767225600123",
    "ApproximateReceiveCount": "4",
    "SentTimestamp": "1767225600000",
    "DeadLetterQueueSourceArn": SOURCE,
    "AWSTraceHeader": "Root=1-5e1b4151-5ac6c58f3d1f1b0a5f6f7f8a",
}


def message(body: str = "hello", **changes: object) -> Capture:
    values = {
        "origin": Origin(source="sqs", arn=DLQ, identity=MESSAGE_ID, place="https://sqs.example/orders-dlq"),
        "body": body,
        "carrier": "sqs",
        "attributes": ATTRIBUTES,
        "sent_at": datetime(2026, 1, 1, tzinfo=UTC),
        **changes,
    }
    return Capture(**values)  # type: ignore[arg-type]  # the tests' own values


def record_of(capture: Capture) -> dict[str, object]:
    _, unwrapped = unwrap(capture)
    (record,) = json.loads(unwrapped.event.text)["Records"]
    return record


def test_the_record_has_lambdas_keys_in_lambdas_order() -> None:
    """Keys, their order and their casing are those of the event source mapping."""
    record = record_of(message())
    assert list(record) == [
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfMessageAttributes", "md5OfBody",
        "eventSource", "eventSourceARN", "awsRegion",
    ]  # fmt: skip
    assert record["eventSource"] == "aws:sqs"
    assert record["md5OfMessageAttributes"] is None
    assert record["messageAttributes"] == {}


def test_a_dead_letter_is_delivered_as_its_source_queue_delivered_it() -> None:
    """The event names the source queue, counts from 1, and says nothing of the dead-letter queue."""
    capture = message()
    record = record_of(capture)
    assert record["eventSourceARN"] == SOURCE
    assert record["awsRegion"] == "eu-west-1"
    assert record["attributes"] == {
        "ApproximateReceiveCount": "1",
        "AWSTraceHeader": ATTRIBUTES["AWSTraceHeader"],
        "SentTimestamp": "1767225600000",
        "SenderId": "AIDAEXAMPLE",
        "ApproximateFirstReceiveTimestamp": "1767225600123",
    }
    _, unwrapped = unwrap(capture)
    assert unwrapped.details == {"receive_count": 4, "dead_letter_queue_source_arn": SOURCE}
    assert unwrapped.event.kind == "sqs"


def test_what_the_source_knows_of_the_queue_goes_before_the_attribute() -> None:
    """The settings found by the source are those of the event source."""
    known = EventSource(kind="sqs", arn="arn:aws:sqs:eu-west-1:111122223333:found", max_receive_count=5)
    _, unwrapped = unwrap(message(event_source=known))
    assert unwrapped.event_source is known
    assert record_of(message(event_source=known))["eventSourceARN"] == known.arn


def test_without_a_source_queue_the_queue_itself_is_named() -> None:
    """A message that was sent to the recorded queue directly comes from there."""
    attributes = {name: value for name, value in ATTRIBUTES.items() if name != "DeadLetterQueueSourceArn"}
    assert record_of(message(attributes=attributes))["eventSourceARN"] == DLQ


def test_a_fifo_dead_letter_keeps_its_ids_and_says_what_sqs_replaced() -> None:
    """The deduplication id stays as SQS made it on the way to the dead-letter queue; the details say that it is new."""
    attributes = {
        **ATTRIBUTES,
        "DeadLetterQueueSourceArn": f"{SOURCE}.fifo",
        "MessageGroupId": "customer-1",
        "MessageDeduplicationId": MESSAGE_ID,
        "SequenceNumber": "18850000000000000000",
    }
    capture = message(attributes=attributes)
    delivered = record_of(capture)["attributes"]
    assert isinstance(delivered, dict)
    assert {name: delivered[name] for name in ("MessageGroupId", "MessageDeduplicationId", "SequenceNumber")} == {
        "MessageGroupId": "customer-1",
        "MessageDeduplicationId": MESSAGE_ID,
        "SequenceNumber": "18850000000000000000",
    }
    _, unwrapped = unwrap(capture)
    assert unwrapped.event_source.fifo
    assert unwrapped.details["message_deduplication_id_replaced"] is True


def test_the_receipt_handle_is_made_up_and_steady() -> None:
    """A real handle could delete a message; ours is derived from the message id and always the same."""
    first, again = record_of(message(handle="real-handle")), record_of(message(handle="another"))
    assert first["receiptHandle"] == again["receiptHandle"]
    assert "real-handle" not in json.dumps(first)


def test_message_attributes_have_the_events_own_casing() -> None:
    """String, Number, Binary and custom types are spelled as Lambda spells them, binary as base64."""
    record = record_of(
        message(
            message_attributes={
                "note": MessageAttribute(data_type="String", string_value="naïve 😀"),
                "count": MessageAttribute(data_type="Number.int", string_value="18446744073709551617"),
                "blob": MessageAttribute(data_type="Binary.png", binary_value=b"\x00\xff"),
            }
        )
    )
    lists = {"stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {
        "note": {"stringValue": "naïve 😀", **lists, "dataType": "String"},
        "count": {"stringValue": "18446744073709551617", **lists, "dataType": "Number.int"},
        "blob": {"binaryValue": base64.b64encode(b"\x00\xff").decode(), **lists, "dataType": "Binary.png"},
    }


def test_the_digest_of_attributes_is_that_of_sqs() -> None:
    """The digest of the recorded example of AWS comes out."""
    # Attributes and digest as in AWS's recording test_message_body_and_attributes_passed_correctly.
    attributes = {
        "Title": MessageAttribute(data_type="String", string_value="The Whistler"),
        "Author": MessageAttribute(data_type="String", string_value="John Grisham"),
        "WeeksOn": MessageAttribute(data_type="Number", string_value="6"),
    }
    assert md5_of_message_attributes(attributes) == "d25a6aea97eb8f585bfa92d314504a92"
    assert md5_of_message_attributes({}) is None


@mock_aws
def test_the_digest_of_binary_attributes_is_that_of_another_implementation() -> None:
    """Binary and custom types digest as moto digests them."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="digests")["QueueUrl"]
    answer = sqs.send_message(
        QueueUrl=url,
        MessageBody="größer",
        MessageAttributes={
            "blob": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff\x10"},
            "kind": {"DataType": "String.label", "StringValue": "späte"},
        },
    )
    ours = {
        "kind": MessageAttribute(data_type="String.label", string_value="späte"),
        "blob": MessageAttribute(data_type="Binary.png", binary_value=b"\x00\xff\x10"),
    }
    assert answer["MD5OfMessageAttributes"] == md5_of_message_attributes(ours)
    assert answer["MD5OfMessageBody"] == md5_of_body("größer")


_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@given(_ANY_TEXT)
@example("\ud800 alone")
@example('{"a": 1, "a": 2}')
@example("\x00\x1f\u2028")
def test_any_body_is_handed_over_exactly(body: str) -> None:
    """Whatever the body is, the handler gets it character for character, and the digest is right."""
    record = record_of(message(body))
    same = body.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
    assert record["body"] == same
    if body == same:
        assert record["md5OfBody"] == hashlib.md5(body.encode("utf-8", "surrogatepass")).hexdigest()


@given(st.dictionaries(_ANY_TEXT, _ANY_TEXT, max_size=4))
def test_any_attribute_is_handed_over_exactly(values: dict[str, str]) -> None:
    """Names and values of attributes survive whatever characters they have; the event is valid UTF-8."""
    capture = message(
        message_attributes={
            name: MessageAttribute(data_type="String", string_value=value) for name, value in values.items()
        }
    )
    _, unwrapped = unwrap(capture)
    unwrapped.event.text.encode("utf-8")
    named = json.loads(unwrapped.event.text)["Records"][0]["messageAttributes"]
    normal = {_joined(name): _joined(value) for name, value in values.items()}
    assert {name: value["stringValue"] for name, value in named.items()} == normal


def _joined(text: str) -> str:
    return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")


# Resealing


def _sqs_event(body: str, *, digest: str | None = None, attribute: str = "a") -> str:
    capture = message(body, message_attributes={"x": MessageAttribute(data_type="String", string_value=attribute)})
    _, unwrapped = unwrap(capture)
    return unwrapped.event.text if digest is None else unwrapped.event.text.replace(md5_of_body(body), digest)


def _resealed(before: str, after: str) -> dict[str, object]:
    envelope, _ = unwrap(message())
    return json.loads(envelope.reseal(before, after))["Records"][0]


def test_digests_are_renewed_where_the_content_was_changed() -> None:
    """After redaction the digests are those of the redacted body and attributes: the old ones could be guessed against."""
    before = _sqs_event("secret", attribute="secret")
    record = _resealed(before, before.replace("secret", "********"))
    assert record["md5OfBody"] == md5_of_body("********")
    assert record["md5OfMessageAttributes"] == md5_of_message_attributes(
        {"x": MessageAttribute(data_type="String", string_value="********")}
    )


@pytest.mark.parametrize(
    ("told", "renewed"),
    [(hashlib.sha256(b"secret").hexdigest(), hashlib.sha256(b"********").hexdigest()), ("order-7", "order-7")],
)
def test_an_id_that_sqs_made_of_the_content_is_renewed(told: str, renewed: str) -> None:
    """Content-based deduplication digests the body, and a digest can be guessed against; an id of the sender's stays."""
    before = _sqs_event("secret").replace('"attributes":{', f'"attributes":{{"MessageDeduplicationId":"{told}",')
    record = _resealed(before, before.replace("secret", "********"))
    assert record["attributes"] == {**record["attributes"], "MessageDeduplicationId": renewed}


def test_an_untouched_event_is_resealed_to_itself() -> None:
    """Nothing changes where redaction changed nothing."""
    before = _sqs_event("harmless")
    envelope, _ = unwrap(message())
    assert envelope.reseal(before, before) == before
    spaced = before.replace('"aws:sqs"', ' "aws:sqs"')
    assert envelope.reseal(before, spaced) == spaced


def test_a_digest_that_was_wrong_stays_wrong() -> None:
    """A wrong digest may be what made the event fail, so it is not put right."""
    before = _sqs_event("secret", digest="0" * 32)
    assert _resealed(before, before.replace("secret", "********"))["md5OfBody"] == "0" * 32


def test_only_the_changed_part_is_renewed() -> None:
    """A changed body leaves the digest of the attributes as it was."""
    before = _sqs_event("secret", attribute="kept")
    record = _resealed(before, before.replace("secret", "********"))
    assert record["md5OfMessageAttributes"] == json.loads(before)["Records"][0]["md5OfMessageAttributes"]


def test_resealing_survives_any_text() -> None:
    """Text that is no SQS event, not JSON, or very deep, comes back as it is."""
    envelope, _ = unwrap(message())
    deep = '{"Records":[' + "[" * 50_000 + "]" * 50_000 + "]}"
    for text in ("", "not json", "[]", "1", '{"Records": 1}', '{"Records":[{"md5OfBody": 1}]}', deep):
        assert envelope.reseal(text, text) == text


def test_resealing_ten_thousand_records_is_linear() -> None:
    """A whole batch of the largest size is resealed in one walk, each record by its own content."""
    one = json.loads(_sqs_event("secret"))["Records"][0]
    before = json.dumps({"Records": [one] * 3_000})
    after = before.replace("secret", "********")
    envelope, _ = unwrap(message())
    records = json.loads(envelope.reseal(before, after))["Records"]
    assert {record["md5OfBody"] for record in records} == {md5_of_body("********")}


# Events that are events already

_EVENTS = {
    "sqs": ({"Records": [{"eventSource": "aws:sqs", "eventSourceARN": SOURCE, "body": "x"}]}, "sqs"),
    "sns": ({"Records": [{"EventSource": "aws:sns", "Sns": {"TopicArn": "arn:aws:sns:eu-west-1:1:t"}}]}, "sns"),
    "s3": ({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"arn": "arn:aws:s3:::b"}}}]}, "s3"),
    "kinesis": ({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": ""}}]}, "kinesis"),
    "dynamodb": ({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {}}]}, "dynamodb"),
    "email": ({"Records": [{"eventSource": "aws:ses", "ses": {}}]}, "async"),
    "kafka": ({"eventSource": "aws:kafka", "records": {"t-0": []}}, "kafka"),
    "own kafka": ({"eventSource": "SelfManagedKafka", "records": {"t-0": []}}, "kafka"),
    "active mq": ({"eventSource": "aws:mq", "messages": []}, "mq"),
    "rabbit mq": ({"eventSource": "aws:rmq", "rmqMessagesByQueue": {}}, "mq"),
    "bus": ({"source": "shop", "detail-type": "OrderPlaced", "detail": {}}, "eventbridge"),
    "rule": (
        {
            "source": "aws.events",
            "detail-type": "Scheduled Event",
            "detail": {},
            "resources": ["arn:aws:events:eu-west-1:1:rule/nightly"],
        },
        "schedule",
    ),
    "logs": ({"awslogs": {"data": "H4sI"}}, "async"),
    "rest": ({"resource": "/", "httpMethod": "GET", "requestContext": {"stage": "prod"}}, "apigateway"),
    "websocket": ({"requestContext": {"connectionId": "c", "eventType": "CONNECT"}}, "apigateway"),
    "http 2.0": (
        {"version": "2.0", "requestContext": {"http": {"method": "GET"}, "domainName": "x.execute-api"}},
        "httpapi",
    ),
    "http 1.0": ({"version": "1.0", "httpMethod": "GET", "requestContext": {}}, "httpapi"),
    "url": (
        {"version": "2.0", "requestContext": {"http": {}, "domainName": "abc.lambda-url.eu-west-1.on.aws"}},
        "function_url",
    ),
    "alb": ({"httpMethod": "GET", "requestContext": {"elb": {"targetGroupArn": "arn:tg"}}}, "alb"),
}


@pytest.mark.parametrize("name", _EVENTS)
def test_an_event_is_known_by_its_shape_and_kept_byte_for_byte(name: str) -> None:
    """Events of every source are told apart, and their text is what the handler receives."""
    event, kind = _EVENTS[name]
    text = " " + json.dumps(event, indent=1) + "\n"
    _, unwrapped = unwrap(Capture(origin=Origin(source="files", identity="x"), body=text, carrier="file"))
    assert (unwrapped.event.kind, unwrapped.event_source.kind) == (kind, kind)
    assert unwrapped.event.text == text


@pytest.mark.parametrize(
    "body",
    [
        "{}", "[]", "null", "plain text", "", '{"Records": []}', '{"Records": [1]}', '{"Records": [{"eventSource": 5}]}',
        '{"Records": [{"eventSource": "aws:new"}]}', '{"requestContext": {"functionArn": "arn:x"}}',
        '{"source": "a", "detail": {}}', '{"eventSource": ["aws:kafka"]}', '{"awslogs": "x"}',
    ],
)  # fmt: skip
def test_everything_else_is_unknown(body: str) -> None:
    """What has no known shape is the event of a direct invocation: JSON as it is, other text as a JSON string."""
    envelope, unwrapped = unwrap(Capture(origin=Origin(source="files", identity="x"), body=body, carrier="file"))
    assert envelope.name == "unknown"
    assert (unwrapped.event.kind, unwrapped.event_source.kind) == ("unknown", "direct")
    try:
        expected = json.loads(body)
    except ValueError:
        expected = body
    assert json.loads(unwrapped.event.text) == expected


def test_the_shape_of_a_nested_bomb_is_unknown() -> None:
    """A body too deep for the parser is no reason to fail."""
    body = "[" * 100_000 + "]" * 100_000
    envelope, unwrapped = unwrap(Capture(origin=Origin(source="files", identity="x"), body=body, carrier="file"))
    assert (envelope.name, unwrapped.event.text) == ("unknown", body)


def test_a_message_whose_body_is_an_event_is_still_a_message() -> None:
    """What came from SQS is delivered as an SQS record; its body is for the handler to read."""
    body = json.dumps(_EVENTS["bus"][0])
    envelope, unwrapped = unwrap(message(body))
    assert envelope.name == "sqs-message"
    assert json.loads(unwrapped.event.text)["Records"][0]["body"] == body


def test_the_catch_all_is_asked_last() -> None:
    """Ranks order the envelopes, so that a new file finds its place by itself."""
    ranks = [envelope.rank for envelope in envelopes()]
    assert ranks == sorted(ranks)
    assert envelopes()[-1].name == "unknown"
