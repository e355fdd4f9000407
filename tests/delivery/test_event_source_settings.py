"""Which settings a fixture is delivered with."""

from replay.delivery.event_source_settings import current_settings
from replay.payloads.event_sources import EventSource

RECORDED = EventSource(
    kind="sqs",
    arn="arn:aws:sqs:eu-central-1:999999999999:orders",
    batch_size=5,
    max_receive_count=3,
    report_batch_item_failures=True,
)


def test_what_the_template_says_wins() -> None:
    """A setting of the template replaces the recorded one; what it leaves open stays; switches are never open."""
    today = EventSource(kind="sqs", arn=RECORDED.arn, batch_size=1, visibility_timeout_s=60)
    settings = current_settings(RECORDED, [today])
    assert (settings.batch_size, settings.max_receive_count, settings.visibility_timeout_s) == (1, 3, 60)
    assert settings.report_batch_item_failures is False


def test_the_place_of_the_recording_is_kept() -> None:
    """ARN and kind stay those of production, whatever account and region the template was resolved for."""
    today = EventSource(kind="sqs", arn="arn:aws:sqs:us-east-1:123456789012:orders", max_receive_count=5)
    settings = current_settings(RECORDED, [today])
    assert (settings.arn, settings.max_receive_count) == (RECORDED.arn, 5)


def test_the_event_source_with_the_same_arn_or_name_is_taken() -> None:
    """Of several queues it is the one of the same ARN, or else the one of the same name."""
    other = EventSource(kind="sqs", arn="arn:aws:sqs:us-east-1:123456789012:refunds", batch_size=7)
    same_name = EventSource(kind="sqs", arn="arn:aws:sqs:us-east-1:123456789012:orders", batch_size=8)
    same_arn = EventSource(kind="sqs", arn=RECORDED.arn, batch_size=9)
    assert current_settings(RECORDED, [other, same_name, same_arn]).batch_size == 9
    assert current_settings(RECORDED, [other, same_name]).batch_size == 8


def test_the_only_event_source_of_its_kind_is_taken() -> None:
    """A queue that the template names by itself is still the one meant, if there is no other."""
    only = EventSource(kind="sqs", arn="arn:aws:sqs:us-east-1:123456789012:stack-Queue-1A2B", batch_size=7)
    stream = EventSource(kind="kinesis", batch_size=100)
    assert current_settings(RECORDED, [stream, only]).batch_size == 7


def test_without_a_counterpart_the_recorded_settings_hold() -> None:
    """No event source, one of another kind, or two strangers: nothing is changed."""
    strangers = [EventSource(kind="sqs", arn=f"arn:aws:sqs:us-east-1:123456789012:{name}") for name in ("a", "b")]
    assert current_settings(RECORDED, []) is RECORDED
    assert current_settings(RECORDED, [EventSource(kind="sns")]) is RECORDED
    assert current_settings(RECORDED, strangers) is RECORDED
