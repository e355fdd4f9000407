"""Cases of recorded and sample shapes: each is detected as what it is, and unwrapped without loss."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from replay.delivery.deliver import deliver
from replay.payloads.captures import Capture, MessageAttribute, Origin
from replay.payloads.envelopes.base import Unwrapped
from replay.payloads.envelopes.cloudwatch_logs import unpacked
from replay.payloads.envelopes.registry import unwrap
from replay.sources.sqs_messages import message_capture
from tests.truth.cases import Case
from tests.truth.checks.shapes import parsed
from tests.truth.labels import IN_NO_LISTS, KINDS, SENT_ON, Label, label_of_sample, recorded_message, recorded_shape
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "every message, notification, event and record is detected as tests/truth/labels.py says, what is inside is given "
    "back character for character, what it tells of a failure is told, and the event is delivered; what an API answers "
    "holds no event and is left out"
)
CATEGORIES = ("sample-events", "sns", "sqs", "s3-events", "eventbridge", "cloudwatch-logs")

_ARN = "arn:aws:sqs:eu-west-1:111111111111:queue"
_TEMPLATE = re.compile(r"\{\{\{?(\w+)\}?\}\}")
_BARE_TEMPLATE = re.compile(r"(?<=[:\[,])(\s*)\{\{\{?\w+\}?\}\}(?=\s*[,}\]])")
_WITHOUT_PLACE = re.compile(r"\s*(?:at |--- ).*|.*\((?:Unknown Source|Native Method)\)\s*")
_PLACE = re.compile(r":(?:line )?\d")
_RECORDS_OF_FAILURES = frozenset({"lambda-destination", "stream-failure"})
_HTTP = ("apigateway", "httpapi", "function_url", "alb")


def judge_shapes(case: Case, findings: Findings) -> None:
    """Judge a case: a sample by its name, a recording by what it holds."""
    if case.category == "sample-events":
        _judge_sample(case, findings)
    elif case.file.endswith((".json", ".jsonl")):
        _judge_documents(case, findings)
    else:
        raise NotImitated("it is neither an event nor a message")
    if case.has_expect and not findings.differences:
        told = case.expect if isinstance(case.expect, dict) else {"expect": case.expect}
        findings.unjudged += [f"{key}: {value}" for key, value in told.items() if isinstance(value, str)]


def with_shapes(judge: Callable[[Case, Findings], None]) -> Callable[[Case, Findings], None]:
    """Judge a case by *judge*, and the shapes that its recording holds besides."""

    def both(case: Case, findings: Findings) -> None:
        shapes = list(_shapes_in(case.recording())) if case.file else []
        for kind, value in shapes:
            _JUDGES[kind](value, findings)
        try:
            judge(case, findings)
        except NotImitated as reason:
            if not shapes:
                raise
            findings.unjudged.append(str(reason))

    return both


# Samples


def _judge_sample(case: Case, findings: Findings) -> None:
    text = _filled(case.path().read_text(encoding="utf-8-sig"))
    label = label_of_sample(case.file)
    if label is None:
        findings.unjudged.append("its name says nothing of its shape")
    if label is not None and label.shapes == ("messages",):
        messages = _objects(text).get("Messages")
        for message in messages or ():
            _judge_message(message, findings)
        if messages is not None:
            return
        label = SENT_ON
    if label is not None and label.shapes == ("kafka-event",) and not _has_lists(_objects(text).get("records")):
        label = IN_NO_LISTS
    if label is not None and label.shapes[0] in _RECORDS_OF_FAILURES:
        _judge_failure(label.shapes[0], _capture(text), {"Body": _objects(text)}, findings)
        return
    _judge_text(text, label, findings)


def _has_lists(records: Any) -> bool:
    return not isinstance(records, dict) or any(isinstance(held, list) for held in records.values())


def _filled(text: str) -> str:
    """Fill a mustache template: with a word inside a string, with a number elsewhere."""
    return _TEMPLATE.sub(r"example-\1", _BARE_TEMPLATE.sub(r"\g<1>1", text))


def _objects(text: str) -> dict[str, Any]:
    try:
        held = json.loads(text)
    except ValueError as error:
        raise Unreadable(f"cannot read the sample: {error}") from None
    return held if isinstance(held, dict) else {}


def _judge_text(text: str, label: Label | None, findings: Findings) -> None:
    """Judge a text that is an event, or nothing that we know."""
    capture = Capture(origin=Origin(source="files", identity="case"), body=text, carrier="file")
    envelope, unwrapped = unwrap(capture)
    if label is not None:
        findings.holds(f"detected as {label.shapes[0]}", envelope.name in label.shapes, f"ours is {envelope.name}")
        findings.holds(f"handed over by {label.kinds[0]}", unwrapped.event.kind in label.kinds, unwrapped.event.kind)
    data = parsed(unwrapped.event.text).get("awslogs", {}).get("data") if envelope.name == "cloudwatch-logs" else None
    if data is not None and "awslogs" not in text:
        findings.holds("the log events are packed without loss", unpacked(data) == text, "they differ")
    else:
        findings.holds("the event is the text, character for character", unwrapped.event.text == text, "it differs")
    _judge_delivery(unwrapped, findings)


def _judge_delivery(unwrapped: Unwrapped, findings: Findings) -> None:
    """See that the family of the event source hands the event over."""
    source = unwrapped.event_source
    windowed = '"window"' in unwrapped.event.text
    answer: Any = {"statusCode": 200} if source.kind in _HTTP else {"state": {}} if windowed else None
    report = deliver(unwrapped.event, lambda *_: answer, source)
    held = [parsed(each.attempt.payload) for each in report.invocations]
    if source.reserved_concurrency == 0:  # as the record of its failure says
        findings.holds("there is no concurrency to invoke the function with", not held, "it is invoked")
    else:
        findings.holds(f"delivered as {source.kind}", bool(held), "the function is never invoked")
    if held and not isinstance(held[0], dict):
        findings.same("the event as the function got it", held[0], parsed(unwrapped.event.text))


# Recordings


def _judge_documents(case: Case, findings: Findings) -> None:
    """Judge all shapes of a file: of a recording, or of documents one behind the other as Firehose writes them."""
    text = case.path().read_text(encoding="utf-8-sig")
    documents = list(_documents(text))
    shapes = [each for document in documents for each in _shapes_in(document)]
    if not shapes:
        raise NotImitated("it holds what an API answered, and no message or event")
    for kind, value in shapes:
        _JUDGES[kind](value, findings)


def _documents(text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        try:
            document, at = decoder.raw_decode(text, at)
        except ValueError as error:
            raise Unreadable(f"cannot read the file: {error}") from None
        yield document


def _shapes_in(recording: Any) -> Iterator[tuple[str, Any]]:
    """Find the outermost shapes of a recording, in order."""
    pending = [recording]
    while pending:
        value = pending.pop()
        if isinstance(value, str) and value[:1] in {"{", "["}:
            value = parsed(value)
        if isinstance(value, dict):
            if "Body" in value and "MessageId" in value:
                yield "message", value
            elif recorded_shape(value):
                yield "event", value
            else:
                pending += reversed(list(value.values()))
        elif isinstance(value, list):
            pending += reversed(value)


def _written(value: Any) -> str:
    """Write what the recorder has parsed; a string is the text itself."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _judge_event(value: Mapping[str, Any], findings: Findings) -> None:
    """Judge a recorded event, or what a function's test took out of its records."""
    shape = str(recorded_shape(value))
    if shape in _RECORDS_OF_FAILURES:
        _judge_failure(shape, _capture(_written(value)), {"Body": value}, findings)
    elif shape == "sns-notification":
        _judge_notification(value, findings)
    else:
        if shape == "sns-event":
            _judge_notification(value, findings)
        event: Any = value
        if shape == "sns-event":
            event = {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": value}]}
        elif shape == "s3-notification":
            event = {"Records": [value]}
        _judge_text(_written(event), Label(shapes=(shape,), kinds=KINDS[shape]), findings)


def _judge_message(message: Mapping[str, Any], findings: Findings) -> None:
    body = message["Body"]
    held = parsed(body) if isinstance(body, str) else body
    if isinstance(held, dict) and recorded_shape(held) == "sns-notification":
        inner = held["Message"]
        held = {**held, "Message": parsed(inner) if isinstance(inner, str) else inner}
        if isinstance(body, dict):
            body = {**body, "Message": _written(inner)}  # a string on the wire, which the recorder has parsed
    capture = message_capture({**message, "Body": _written(body)}, _origin(str(message["MessageId"])))
    expected = recorded_message({**message, "Body": held})
    if expected == "sqs-message":
        _judge_record(capture, message, findings)
    else:
        _judge_failure(expected, capture, {**message, "Body": held}, findings)
    if isinstance(held, dict) and recorded_shape(held) == "sns-notification":
        _judge_notification(held, findings)


def _judge_record(capture: Capture, message: Mapping[str, Any], findings: Findings) -> None:
    """The function gets the message as a record: body, ids and attributes as they were, but for what a queue counts."""
    envelope, unwrapped = unwrap(capture)
    findings.same("detected as", envelope.name, "sqs-message")
    (record,) = json.loads(unwrapped.event.text)["Records"]
    findings.same("the body", record["body"], capture.body)
    findings.same("messageId", record["messageId"], message["MessageId"])
    counted = {"ApproximateReceiveCount": "1"}
    kept = {name: value for name, value in capture.attributes.items() if name != "DeadLetterQueueSourceArn"}
    findings.same("attributes", record["attributes"], kept | counted)
    named = {name: _typed(value) for name, value in capture.message_attributes.items()}
    findings.same(
        "messageAttributes", {name: _kept(value) for name, value in record["messageAttributes"].items()}, named
    )
    inner = recorded_shape(parsed(capture.body)) if isinstance(parsed(capture.body), dict) else None
    if inner is not None:
        findings.same("what the body holds", list(unwrapped.envelopes[1:2]), [inner])
    _judge_delivery(unwrapped, findings)


def _typed(value: MessageAttribute) -> tuple[str, bool]:
    return value.data_type, value.binary_value is not None


def _kept(value: Mapping[str, Any]) -> tuple[str, bool]:
    return value["dataType"], "binaryValue" in value


def _judge_notification(notification: Mapping[str, Any], findings: Findings) -> None:
    """A function that is subscribed gets the notification in its own spelling, each value as it was."""
    message = notification["Message"]
    held = {**notification, "Message": parsed(message) if isinstance(message, str) else message}
    capture = _capture(_written({**notification, "Message": _written(message)}))
    expected = recorded_message(held)
    if expected != "sns-notification":
        _judge_failure(expected, capture, {"Body": held}, findings)
        return
    envelope, unwrapped = unwrap(capture)
    findings.same("detected as", envelope.name, "sns-notification")
    (record,) = json.loads(unwrapped.event.text)["Records"]
    spelled = {name.replace("URL", "Url"): value for name, value in json.loads(capture.body).items()}
    findings.same("the notification", record["Sns"], {"Subject": None, "MessageAttributes": {}} | spelled)
    findings.same("the topic", unwrapped.event_source.arn, notification["TopicArn"])
    findings.holds("the subscription", record["EventSubscriptionArn"] in str(spelled.get("UnsubscribeUrl")))
    told = "SubscriptionArn=" in str(spelled.get("UnsubscribeUrl"))
    findings.holds("the subscription is told", bool(record["EventSubscriptionArn"]) or not told)
    inner = held["Message"]
    records = inner.get("Records") if isinstance(inner, dict) else None
    first = records[0] if isinstance(records, list) and records else inner
    if isinstance(first, dict) and recorded_shape(first):
        findings.same("what the message holds", list(unwrapped.envelopes[1:2]), [recorded_shape(first)])
    _judge_delivery(unwrapped, findings)


def _judge_failure(shape: str, capture: Capture, message: Mapping[str, Any], findings: Findings) -> None:
    """The event and the failure come out of a record as they went in, through a notification too."""
    envelope, unwrapped = unwrap(capture)
    findings.same("detected as", envelope.name, shape)
    named, held = message.get("MessageAttributes") or {}, message["Body"]
    if isinstance(held, dict) and recorded_shape(held) == "sns-notification":
        named, held = held.get("MessageAttributes") or named, held["Message"]
    if shape.endswith("dead-letter"):
        told = {name: value.get("StringValue", value.get("Value")) for name, value in named.items()}
        _judge_dead_letter(unwrapped, held, told, findings)
    elif shape == "lambda-destination":
        record = held.get("detail", held)
        if "requestPayload" in record:
            findings.same("the event", parsed(unwrapped.event.text), record["requestPayload"])
            _judge_delivery(unwrapped, findings)
        else:
            findings.holds("the event is said to be missing", unwrapped.event.missing is not None)
        _judge_reported(unwrapped, record, findings)
    else:
        missing = unwrapped.event.missing is not None
        findings.holds("the event is there, or is said to be missing", missing != bool(held.get("payload")))
        _judge_reported(unwrapped, held, findings)


def _judge_dead_letter(unwrapped: Unwrapped, held: Any, told: Mapping[str, Any], findings: Findings) -> None:
    failure = unwrapped.failure
    if str(told.get("TARGET_ARN")).endswith(":aws-sdk:lambda:invoke") and isinstance(held, dict) and "Payload" in held:
        held = parsed(held["Payload"]) if isinstance(held["Payload"], str) else held["Payload"]
    findings.same("the event", parsed(unwrapped.event.text), held)
    findings.same("the message", failure and failure.message, told.get("ErrorMessage", told.get("ERROR_MESSAGE", "")))
    findings.same("the request", failure and failure.request_id, told.get("RequestID"))
    _judge_delivery(unwrapped, findings)


def _judge_reported(unwrapped: Unwrapped, record: Mapping[str, Any], findings: Findings) -> None:
    context = record.get("requestContext") or record["context"]  # the second is a pipe's
    failure = unwrapped.failure
    if context["condition"] == "Success":
        findings.same("the failure", failure, None)
        return
    ours = [failure and (failure.condition, failure.attempts, failure.request_id)]
    theirs = (context["condition"], context.get("approximateInvokeCount"), context.get("requestId"))
    findings.same("the failure", ours, [theirs])
    report = record.get("responsePayload") or {}
    if not isinstance(report, dict):
        return
    findings.same("the message", failure and failure.message, report.get("errorMessage", ""))
    if isinstance(report.get("stackTrace"), list):
        placed = [line for line in report["stackTrace"] if not _names_no_place(line)]
        findings.same("the frames", len(failure.frames) if failure else 0, len(placed))


def _names_no_place(line: Any) -> bool:
    """Say whether a line of Java's or .NET's is right to be no frame: nobody knows its file, or it only divides."""
    told = line if isinstance(line, str) else ""
    return _WITHOUT_PLACE.fullmatch(told) is not None and _PLACE.search(told) is None


_JUDGES: Mapping[str, Callable[[Any, Findings], None]] = {"message": _judge_message, "event": _judge_event}


def _origin(identity: str) -> Origin:
    return Origin(source="sqs", arn=_ARN, identity=identity)


def _capture(text: str) -> Capture:
    return Capture(origin=_origin("case"), body=text, carrier="file")
