"""Text that already is what a function receives: taken byte for byte, and told by its shape."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.errors import InvalidJson
from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.envelopes.sqs_digests import renew_digests
from replay.payloads.event_sources import EventSource, EventSourceKind
from replay.payloads.exact_json import Json, parse

_BY_RECORD_SOURCE: dict[str, EventSourceKind] = {
    "aws:sqs": "sqs",
    "aws:sns": "sns",
    "aws:s3": "s3",
    "aws:kinesis": "kinesis",
    "aws:dynamodb": "dynamodb",
    "aws:ses": "async",
    "aws:codecommit": "async",
}
_BY_EVENT_SOURCE: dict[str, EventSourceKind] = {
    "aws:kafka": "kafka",
    "SelfManagedKafka": "kafka",
    "aws:mq": "mq",
    "aws:rmq": "mq",
}
_EVENTBRIDGE_KEYS = {"source", "detail-type", "detail"}


class LambdaEvent(Envelope):
    """
    An event as Lambda hands it over, found in a file, a log or an archive.

    Source: Lambda Developer Guide, the "Example event" of each event source; EventBridge User Guide, "Event structure".
    """

    name: ClassVar[str] = "lambda-event"
    rank: ClassVar[int] = 90

    def detect(self, capture: Capture) -> bool:
        """Say whether the body is an event of a known kind."""
        return event_source_of(capture.body) is not None

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the body as it is."""
        source = event_source_of(capture.body) or EventSource(kind="direct")
        return Unwrapped(
            event=Event(text=capture.body, kind=source.kind),
            event_source=capture.event_source or source,
            failure=capture.failure,
        )

    def reseal(self, before: str, after: str) -> str:
        """Renew the digests of changed SQS records."""
        return renew_digests(before, after)


def event_source_of(text: str) -> EventSource | None:
    """Tell from an event's shape which event source hands it over, or None when the shape is not known."""
    try:
        event = parse(text)
    except InvalidJson:
        return None
    return event_source_of_value(event)


def event_source_of_value(event: Json) -> EventSource | None:
    """Tell from a parsed event which event source hands it over; see `event_source_of`."""
    if not isinstance(event, dict):
        return None
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        return _of_record(records[0])
    if isinstance(event.get("eventSource"), str) and event["eventSource"] in _BY_EVENT_SOURCE:
        return EventSource(kind=_BY_EVENT_SOURCE[event["eventSource"]], arn=_text(event.get("eventSourceArn")))
    if event.keys() >= _EVENTBRIDGE_KEYS:
        scheduled = event["source"] == "aws.events" and event["detail-type"] == "Scheduled Event"
        return EventSource(kind="schedule" if scheduled else "eventbridge", arn=_rule(event))
    if isinstance(event.get("awslogs"), dict) and "data" in event["awslogs"]:
        return EventSource(kind="async")
    context = event.get("requestContext")
    return _of_request(event, context) if isinstance(context, dict) else None


def _of_record(record: Mapping[str, Any]) -> EventSource | None:
    source = record.get("eventSource", record.get("EventSource"))
    kind = _BY_RECORD_SOURCE.get(source) if isinstance(source, str) else None
    if kind is None:
        return None
    arn = _text(record.get("eventSourceARN"))
    if kind == "sns":
        arn = _text(_at(record, "Sns", "TopicArn"))
    elif kind == "s3":
        arn = _text(_at(record, "s3", "bucket", "arn"))
    return EventSource(kind=kind, arn=arn, fifo=bool(arn and arn.endswith(".fifo")))


def _of_request(event: Mapping[str, Any], context: Mapping[str, Any]) -> EventSource | None:
    """Tell the synchronous callers apart; Lambda's on-failure records have a requestContext too, but no method."""
    version = event.get("version")
    if isinstance(context.get("elb"), dict):
        return EventSource(kind="alb", arn=_text(context["elb"].get("targetGroupArn")))
    if isinstance(context.get("http"), dict):
        url = ".lambda-url." in str(context.get("domainName", ""))
        return EventSource(kind="function_url" if url else "httpapi", payload_format_version="2.0")
    if version == "1.0" and "httpMethod" in event:
        return EventSource(kind="httpapi", payload_format_version="1.0")
    if "httpMethod" in event or "connectionId" in context:
        return EventSource(kind="apigateway")
    return None


def _rule(event: Mapping[str, Any]) -> str | None:
    """Find the rule of a scheduled event, which names it under resources; other events name what they are about."""
    resources = event.get("resources")
    if not isinstance(resources, list) or len(resources) != 1:
        return None
    arn = _text(resources[0])
    return arn if arn and ":events:" in arn and ":rule/" in arn else None


def _at(value: object, *names: str) -> object:
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
