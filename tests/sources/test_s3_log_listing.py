"""A time window reads only the folders of its time, in every layout, and never leaves out what could be of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.payloads.log_formats.key_periods import key_period
from replay.sources.s3_log_parts.bucket_listing import bucket_lister
from replay.sources.s3_log_parts.log_objects import Listed, Window

LAYOUTS = [
    "%Y/%m/%d/%H/",
    "firehose/%Y/%m/%d/%H/",
    "AWSLogs/123456789012/CloudTrail/eu-west-1/%Y/%m/%d/",
    "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/%Y/%m/%d/",
    "logs/dt=%Y-%m-%d/",
    "logs/dt=%Y-%m-%d/hour=%H/",
    "logs/dt=%Y%m%d/",
    "logs/dt=%Y-%m-%d-%H/",
    "logs/date=%Y-%m-%d/",
    "logs/year=%Y/month=%m/day=%d/hour=%H/",
    "logs/year=%Y/month=%m/day=%d/",
    "logs/year=%Y/month=%m/",
    "logs/yyyy=%Y/mm=%m/dd=%d/hh=%H/",
    "logs/service=orders/year=%Y/month=%m/day=%d/",
]
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 30)).map(lambda found: found.replace(tzinfo=UTC))  # noqa: DTZ001 - the strategy wants it so


@given(
    MOMENTS,
    st.sampled_from(LAYOUTS),
    st.timedeltas(timedelta(), timedelta(days=40)),
    st.timedeltas(timedelta(), timedelta(days=40)),
)
def test_what_holds_a_moment_is_never_left_out(
    moment: datetime, layout: str, before: timedelta, after: timedelta
) -> None:
    """The folder of a moment, and every folder above it, is taken by every window that holds the moment."""
    key = moment.strftime(layout) + "object.gz"
    window = Window(since=moment - before, until=moment + after, slack=timedelta())
    parts = key.split("/")
    assert all(window.takes_key("/".join(parts[:depth]) + "/") for depth in range(1, len(parts)))
    assert window.takes_key(key)


@given(MOMENTS, st.sampled_from(LAYOUTS))
def test_what_lies_far_away_is_left_out(moment: datetime, layout: str) -> None:
    """A folder of another month than any in the window is not read."""
    key = moment.strftime(layout)
    far = timedelta(days=63)
    assert not Window(since=moment + far).takes_key(key)
    assert not Window(until=moment - far).takes_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "orders/",
        "v1/2026/",
        "2026/99/",
        "a/1234/56/78/",
        "build/20261121/",
        "logs/dt=yesterday/",
        "x/year=26/",
        "a/2026-11-21/",
    ],
)
def test_a_folder_that_tells_no_time(key: str) -> None:
    """What only looks like a time is read, whatever is asked for."""
    period = key_period(key)
    assert period is None or period.start.year == 2026


def test_a_log_stream_says_only_when_it_began() -> None:
    """Streams are named after the day of their beginning and live on."""
    window = Window(since=datetime(2026, 11, 25, tzinfo=UTC))
    assert window.takes_key("export/2026/11/21/[$LATEST]0123/000000.gz")
    assert not window.takes_key("export/2026/11/21/07/000000.gz")


class _Counting:
    """A client that counts what it is asked."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.asked: list[str] = []
        client.meta.events.register("provide-client-params.s3.ListObjectsV2", self._note)

    def _note(self, params: Any, **_: Any) -> None:
        self.asked.append(params["Prefix"])


@pytest.fixture
def bucket() -> Any:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="app-logs")
        yield client


def listed(client: Any, prefix: str, window: Window) -> tuple[list[str], Listed]:
    counts = Listed()
    return [each.key for each in bucket_lister(client, "app-logs", prefix)(window, counts)], counts


def test_only_the_folders_of_the_time_are_listed(bucket: Any) -> None:
    """Of a month of hours, only the days and hours of the window are asked for."""
    first = datetime(2026, 11, 1, tzinfo=UTC)
    for hour in range(0, 24 * 20, 3):
        bucket.put_object(Bucket="app-logs", Key=f"{first + timedelta(hours=hour):p/%Y/%m/%d/%H}/a", Body=b"x")
    counting = _Counting(bucket)
    window = Window(
        since=datetime(2026, 11, 5, 6, tzinfo=UTC), until=datetime(2026, 11, 5, 9, 30, tzinfo=UTC), slack=timedelta()
    )
    found, _ = listed(bucket, "p/", window)
    assert found == ["p/2026/11/05/06/a", "p/2026/11/05/09/a"]
    assert len(counting.asked) == 6
    everything, _ = listed(bucket, "p/", Window())
    assert len(everything) == 160


def test_many_folders_without_a_time_are_listed_flat(bucket: Any) -> None:
    """Hundreds of streams are not asked for one by one, and each of their objects comes once."""
    for number in range(300):
        bucket.put_object(Bucket="app-logs", Key=f"task/stream-{number:04}/000000.gz", Body=b"x")
    bucket.put_object(Bucket="app-logs", Key="task/aws-logs-write-test", Body=b"x")
    counting = _Counting(bucket)
    found, _ = listed(bucket, "task/", Window(since=datetime(2020, 1, 1, tzinfo=UTC)))
    assert len(found) == len(set(found)) == 301
    assert len(counting.asked) < 5


def test_what_was_written_before_the_time_began_is_left_out(bucket: Any) -> None:
    """An object cannot hold lines that are younger than itself; what is left out is counted."""
    bucket.put_object(Bucket="app-logs", Key="a", Body=b"x")
    found, counts = listed(bucket, "", Window(since=datetime.now(UTC) + timedelta(hours=3)))
    assert (found, counts.left_out) == ([], 1)


def test_empty_objects_are_no_logs(bucket: Any) -> None:
    """Folders that a console made are objects without content."""
    bucket.put_object(Bucket="app-logs", Key="folder/", Body=b"")
    bucket.put_object(Bucket="app-logs", Key="folder/a", Body=b"x")
    assert listed(bucket, "", Window())[0] == ["folder/a"]


@pytest.mark.parametrize(("minutes", "taken"), [(59, ["a"]), (61, [])])
def test_clocks_may_be_off_what_is_asked_for(bucket: Any, minutes: int, taken: list[str]) -> None:
    """An object that was written within the slack before the time is read; one before that is not."""
    bucket.put_object(Bucket="app-logs", Key="a", Body=b"x")
    written = bucket.head_object(Bucket="app-logs", Key="a")["LastModified"]
    assert listed(bucket, "", Window(since=written + timedelta(minutes=minutes)))[0] == taken
