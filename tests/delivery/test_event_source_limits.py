"""Settings that AWS refuses are refused before anything is delivered."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.deliver import deliver
from replay.errors import ConfigurationError
from replay.payloads.event_source_limits import LIMITS, check_settings
from replay.payloads.event_sources import EventSource


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "sqs", "batch_size": -1}, "batch_size = a number from 1 to 10,000"),
        ({"kind": "sqs", "batch_size": 0}, "batch_size = a number from 1 to 10,000"),
        ({"kind": "sqs", "batch_size": "5"}, "batch_size = a number"),
        ({"kind": "sqs", "batch_size": True}, "batch_size = a number"),
        ({"kind": "sqs", "batch_size": 25}, "Maximum batch window in seconds must be greater than 0"),
        ({"kind": "sqs", "batch_size": 25, "maximum_batching_window_s": 0}, "maximum_batching_window_s = at least 1"),
        ({"kind": "sqs", "batch_size": 11, "maximum_batching_window_s": 1, "fifo": True}, "from 1 to 10"),
        ({"kind": "sqs", "batch_size": 11, "maximum_batching_window_s": 1, "arn": "arn:aws:sqs:r:1:q.fifo"}, "q.fifo"),
        ({"kind": "sqs", "max_receive_count": 0}, "max_receive_count = a number from 1 to 1,000"),
        ({"kind": "sqs", "visibility_timeout_s": -1}, "visibility_timeout_s = a number"),
        ({"kind": "kinesis", "batch_size": 10_001}, "batch_size = a number from 1 to 10,000"),
        ({"kind": "kinesis", "maximum_record_age_s": 59}, "maximum_record_age_s = -1 (no limit), or at least 60"),
        ({"kind": "dynamodb", "maximum_retry_attempts": -2}, "maximum_retry_attempts = a number from -1 to 10,000"),
        ({"kind": "kafka", "batch_size": 0}, "batch_size = a number"),
        ({"kind": "async", "maximum_retry_attempts": 5}, "maximum_retry_attempts = a number from 0 to 2"),
        ({"kind": "sns", "maximum_retry_attempts": -1}, "maximum_retry_attempts = a number from 0 to 2"),
        ({"kind": "s3", "maximum_event_age_s": 59}, "maximum_event_age_s = a number from 60 to 21,600"),
    ],
)
def test_what_aws_refuses_is_refused(settings: dict[str, Any], words: str) -> None:
    """The error names the event source, the setting and what AWS accepts, and the function is not called."""
    calls: list[Any] = []
    with pytest.raises(ConfigurationError) as refused:
        deliver([{"messageId": "a", "body": "1"}], lambda *given: calls.append(given), EventSource(**settings))
    assert words in str(refused.value)
    assert f"event source {settings['kind']}" in refused.value.where
    assert refused.value.hint
    assert calls == []


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "sqs", "batch_size": 10},
        {"kind": "sqs", "batch_size": 10, "fifo": True},
        {"kind": "sqs", "batch_size": 10_000, "maximum_batching_window_s": 1},
        {"kind": "kinesis", "batch_size": 10_000, "maximum_record_age_s": -1, "maximum_retry_attempts": -1},
        {"kind": "kinesis", "maximum_record_age_s": 60},
        {"kind": "async", "maximum_retry_attempts": 2, "maximum_event_age_s": 60},
    ],
)
def test_the_edges_of_what_aws_accepts_are_accepted(settings: dict[str, Any]) -> None:
    """The last value within each limit is one that can be used."""
    check_settings(EventSource(**settings))


@given(st.sampled_from(sorted(LIMITS)), st.integers(-70_000, 100_000) | st.integers())
def test_every_setting_is_held_to_its_range(name: str, value: int) -> None:
    """Whatever the number, a setting beyond its range is refused by its name, and one within it is accepted."""
    low, high = LIMITS[name]
    source = EventSource(kind="kinesis", **{name: value})  # type: ignore[arg-type]  # a number
    if low <= value <= high and not (name == "maximum_record_age_s" and 0 <= value < 60):
        check_settings(source)
    else:
        with pytest.raises(ConfigurationError, match=f"{name} = {value} "):
            check_settings(source)
