"""A notification as SNS sends it to queues and over HTTP: rebuilt as the event that a subscribed function receives."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from replay.payloads.captures import Capture, Event, MessageAttribute
from replay.payloads.envelopes.base import Envelope, Unwrapped, inner_capture, known_or
from replay.payloads.envelopes.documents import object_in, text_at
from replay.payloads.envelopes.event_shape import is_fifo
from replay.payloads.envelopes.members import members
from replay.payloads.envelopes.sns_signatures import withdraw_signatures
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import string_token

_SPELLED = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}
_IN_ORDER = (
    "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature",
    "SigningCertUrl", "UnsubscribeUrl", "MessageAttributes",
)  # fmt: skip
_ALWAYS = {"Subject": "null", "MessageAttributes": "{}"}
_REQUIRED = ("MessageId", "TopicArn", "Message", "Timestamp")


class SnsNotification(Envelope):
    """
    A notification, as a queue without raw delivery, an HTTP endpoint or a subscription's dead-letter queue gets it.

    For a function SNS writes it otherwise: `…Url` for `…URL`, with `Subject` and `MessageAttributes` always there. Each
    value stays the token that it was. Raw delivery leaves no envelope: such a message is an SQS message and no more.

    Source: recordings test_publish_sqs_from_sns, test_python_lambda_subscribe_sns_topic (the function's form),
    test_redrive_policy_lambda_subscription (the dead letter has the queue's form, also for a function).
    """

    name: ClassVar[str] = "sns-notification"
    rank: ClassVar[int] = 85
    carries: ClassVar[bool] = True

    def detect(self, capture: Capture) -> bool:
        """Say whether the body is a notification; confirmations of subscriptions are none."""
        body = object_in(capture.body)
        return body.get("Type") == "Notification" and all(text_at(body, name) is not None for name in _REQUIRED)

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give an event of one record, as a subscribed function receives it."""
        body = object_in(capture.body)
        topic = text_at(body, "TopicArn")
        told = text_at(body, "UnsubscribeURL") or text_at(body, "UnsubscribeUrl")
        subscription = _subscription_arn(told or "")
        source = known_or(capture, EventSource(kind="sns", arn=topic, fifo=is_fifo(topic)))
        return Unwrapped(
            event=Event(text=_lambda_form(capture.body, subscription), kind="sns"),
            event_source=source,
            failure=capture.failure,
            details={"subscription_arn": subscription} if subscription else {},
        )

    def inside(self, capture: Capture) -> Capture | None:
        """Give the message with its attributes, as from the topic."""
        body = object_in(capture.body)
        message = notified(capture, body)
        topic = text_at(body, "TopicArn")
        return replace(message, origin=replace(message.origin, arn=topic or message.origin.arn))

    def reseal(self, before: str, after: str) -> str:
        """Withdraw the signature of a changed notification."""
        return withdraw_signatures(before, after)


def notified(capture: Capture, notification: Mapping[str, Any]) -> Capture:
    """Give the message of a notification, in either spelling, with its attributes."""
    attributes = notification.get("MessageAttributes")
    named = attributes if isinstance(attributes, dict) else {}
    return inner_capture(
        capture,
        text_at(notification, "Message") or "",
        {name: _attribute(value) for name, value in named.items() if isinstance(value, dict)},
    )


def _attribute(value: Mapping[str, Any]) -> MessageAttribute:
    data_type, held = str(value.get("Type", "String")), value.get("Value")
    if data_type.startswith("Binary"):
        try:
            return MessageAttribute(data_type=data_type, binary_value=base64.b64decode(str(held), validate=True))
        except (binascii.Error, ValueError):
            return MessageAttribute(data_type=data_type, string_value=str(held))
    return MessageAttribute(data_type=data_type, string_value=None if held is None else str(held))


def _lambda_form(text: str, subscription: str) -> str:
    held = {_SPELLED.get(name, name): value for name, value in members(text).items()}
    named = {name: held.get(name, _ALWAYS.get(name)) for name in _IN_ORDER}
    others = {name: value for name, value in held.items() if name not in named}
    sns = {name: value for name, value in (named | others).items() if value is not None}
    record = {
        "EventSource": string_token("aws:sns"),
        "EventVersion": string_token("1.0"),
        "EventSubscriptionArn": string_token(subscription),
        "Sns": _object(sns),
    }
    return '{"Records":[' + _object(record) + "]}"


def _object(held: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{string_token(name)}:{text}" for name, text in held.items()) + "}"


def _subscription_arn(url: str) -> str:
    try:
        found = parse_qs(urlsplit(url).query).get("SubscriptionArn", [])
    except ValueError:
        return ""
    return found[0] if found else ""
