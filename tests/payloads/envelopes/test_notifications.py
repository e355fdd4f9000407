"""Notifications: as a queue has them, as a function gets them, and whose they are."""

import base64
import json

import pytest

from replay.payloads.envelopes.registry import unwrap
from replay.payloads.envelopes.sns_signatures import WITHDRAWN
from replay.payloads.envelopes.sqs_digests import md5_of_body
from replay.payloads.event_sources import EventSource
from tests.payloads.envelopes.aws_shapes import (
    SOURCE_QUEUE,
    SUBSCRIPTION,
    TOPIC,
    notification,
    received,
    saved,
)

OF_TOPIC = [EventSource(kind="sns", arn=TOPIC)]


def test_a_subscribed_function_gets_the_notification_in_its_own_form() -> None:
    """Order, spelling and always-there members are those of SNS to Lambda; each value is the token that it was."""
    attributes = {"colour": {"Type": "String", "Value": "red"}}
    body = notification("a\u00e9\\", Subject="hi", MessageAttributes=attributes).replace("\u00e9", "\\u00e9")
    envelope, unwrapped = unwrap(received(body), OF_TOPIC)
    assert envelope.name == "sns-notification"
    assert '"Message":"a\\u00e9\\\\"' in unwrapped.event.text
    (record,) = json.loads(unwrapped.event.text)["Records"]
    assert list(record) == ["EventSource", "EventVersion", "EventSubscriptionArn", "Sns"]
    assert record["EventSubscriptionArn"] == SUBSCRIPTION
    assert list(record["Sns"]) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature",
        "SigningCertUrl", "UnsubscribeUrl", "MessageAttributes",
    ]  # fmt: skip
    assert record["Sns"]["MessageAttributes"] == attributes
    assert unwrapped.event_source == EventSource(kind="sns", arn=TOPIC)
    assert unwrapped.details["subscription_arn"] == SUBSCRIPTION


def test_a_notification_in_the_functions_own_form_names_its_subscription_too() -> None:
    """What a function has logged of its event, without the record around it, comes back as the same record."""
    in_queue = notification("x")
    _, unwrapped = unwrap(saved(in_queue.replace("UnsubscribeURL", "UnsubscribeUrl")))
    assert json.loads(unwrapped.event.text) == json.loads(unwrap(saved(in_queue))[1].event.text)
    assert unwrapped.details["subscription_arn"] == SUBSCRIPTION


@pytest.mark.parametrize("url", ["https://[", "https://sns/?Action=Unsubscribe", "\ud800", "", 7, None])
def test_a_notification_that_names_no_subscription_is_one(url: object) -> None:
    """Whatever stands in the place of the address, which anybody may have written, it is no crash and stays as it is."""
    _, unwrapped = unwrap(received(notification("x", UnsubscribeURL=url)), OF_TOPIC)
    (record,) = json.loads(unwrapped.event.text)["Records"]
    assert (record["EventSubscriptionArn"], record["Sns"]["UnsubscribeUrl"]) == ("", url)
    assert "subscription_arn" not in unwrapped.details


def test_what_a_queue_leaves_out_a_function_gets_as_null_and_empty() -> None:
    """Without a subject and attributes the function's form has null and an empty object."""
    _, unwrapped = unwrap(saved(notification("x", SequenceNumber="10000000000000000000")))
    sns = json.loads(unwrapped.event.text)["Records"][0]["Sns"]
    assert (sns["Subject"], sns["MessageAttributes"]) == (None, {})
    assert list(sns)[-1] == "SequenceNumber"


def test_a_notification_in_a_queue_is_the_consumers_unless_the_function_is_subscribed() -> None:
    """Nothing in the message tells the two apart; only the function's own event sources do."""
    body = notification("x")
    of_queue = [EventSource(kind="sqs", arn=SOURCE_QUEUE)]
    for sources, kind in (([], "sqs"), (of_queue, "sqs"), (OF_TOPIC, "sns"), ([*OF_TOPIC, *of_queue], "sqs")):
        envelope, unwrapped = unwrap(received(body), sources)
        assert unwrapped.event.kind == kind
        assert unwrapped.envelopes == ("sqs-message", "sns-notification")
        if kind == "sqs":
            assert json.loads(unwrapped.event.text)["Records"][0]["body"] == body
        assert envelope.name == {"sqs": "sqs-message", "sns": "sns-notification"}[kind]


def test_a_redriven_notification_is_the_consumers() -> None:
    """A redrive policy moved it from a queue, so a consumer of that queue failed, whatever the function's sources."""
    envelope, unwrapped = unwrap(received(notification("x"), DeadLetterQueueSourceArn=SOURCE_QUEUE), OF_TOPIC)
    assert envelope.name == "sqs-message"
    assert unwrapped.event_source.arn == SOURCE_QUEUE


@pytest.mark.parametrize("changed", [{"Type": "SubscriptionConfirmation"}, {"Message": None}, {"TopicArn": 1}])
def test_what_only_looks_like_a_notification_is_none(changed: dict[str, object]) -> None:
    """Confirmations and half notifications are kept as what they are."""
    assert unwrap(saved(notification("x", **changed)))[0].name == "unknown"


def test_a_broken_binary_attribute_is_no_reason_to_fail() -> None:
    """An attribute that is not base64 stays text, and an URL that cannot be read names no subscription."""
    told = {
        "RequestID": {"Type": "Binary", "Value": "!"},
        "b": {"Type": "Binary", "Value": base64.b64encode(b"x").decode()},
    }
    body = notification("x", MessageAttributes=told, UnsubscribeURL="https://[broken")
    assert unwrap(received(body))[1].envelopes == ("sqs-message", "sns-notification")


@pytest.mark.parametrize("in_queue", [True, False])
def test_the_signature_of_a_redacted_message_is_withdrawn(in_queue: bool) -> None:
    """A signature can be checked against guesses of what was redacted, so it goes; digests around it are renewed."""
    envelope, unwrapped = unwrap(received(notification("secret")), [] if in_queue else OF_TOPIC)
    before = unwrapped.event.text
    after = envelope.reseal(before, before.replace("secret", "******"))
    (record,) = json.loads(after)["Records"]
    sns = json.loads(record["body"]) if in_queue else record["Sns"]
    assert (sns["Message"], sns["Signature"]) == ("******", WITHDRAWN)
    if in_queue:
        assert record["md5OfBody"] == md5_of_body(record["body"])


@pytest.mark.parametrize("in_queue", [True, False])
def test_the_signature_of_an_untouched_message_stays(in_queue: bool) -> None:
    """What is not signed may change without harm to the signature."""
    envelope, unwrapped = unwrap(received(notification("open")), [] if in_queue else OF_TOPIC)
    before = unwrapped.event.text
    assert envelope.reseal(before, before) == before
    assert "c2lnbmVk" in envelope.reseal(before, before.replace("Unsubscribe&", "Nothing&"))
