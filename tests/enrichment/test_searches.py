"""What is looked for, when, and how much of it at once."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from replay.enrichment.searches import Search, search_for, together
from replay.payloads.captures import Capture, Origin
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_sources import EventSource

SENT = datetime(2026, 11, 21, 8, tzinfo=UTC)
NOW = SENT + timedelta(days=3)
ID = "0a1b2c3d-1111-4222-8333-444455556666"


def search(*, first_received: datetime | None = None, **settings: int) -> Search:
    attributes = (
        {}
        if first_received is None
        else {"ApproximateFirstReceiveTimestamp": str(int(first_received.timestamp() * 1000))}
    )
    arn = "arn:aws:sqs:us-east-1:1:orders"
    capture = Capture(
        origin=Origin(source="sqs", arn="arn:aws:sqs:us-east-1:1:dlq", identity=ID),
        body="{}",
        carrier="sqs",
        attributes=attributes,
        sent_at=SENT,
        event_source=EventSource(kind="sqs", arn=arn, **settings) if settings else None,  # type: ignore[arg-type]
    )
    found = search_for(7, capture, unwrap(capture)[1], now=NOW)
    assert found is not None
    return found


def test_a_message_is_looked_for_while_its_queue_may_deliver_it() -> None:
    """Receive count and visibility timeout tell how long that is, and how late it was first received."""
    end = search(max_receive_count=3, visibility_timeout_s=60).end
    assert end - SENT == timedelta(minutes=3 + 15 + 2)
    late = search(max_receive_count=3, visibility_timeout_s=60, first_received=SENT + timedelta(hours=2)).end
    assert late - end == timedelta(hours=2)
    assert search().end - SENT == timedelta(hours=12, minutes=2)


def test_an_event_of_a_bus_is_looked_for_by_its_id() -> None:
    """An archive gives events with their ids and times, and a function that logs one logs its id."""
    event = {"version": "0", "id": ID, "detail-type": "Order", "source": "shop", "account": "111122223333",
             "time": "2026-11-21T08:00:00Z", "region": "eu-west-1", "resources": [], "detail": {}}  # fmt: skip
    archived = Capture(origin=Origin(source="eventbridge-archive", identity=ID), body=json.dumps(event), sent_at=SENT)
    found = search_for(0, archived, unwrap(archived)[1], now=NOW)
    assert found is not None
    assert (found.terms, found.exact) == ((ID,), False)
    assert search_for(0, replace(archived, sent_at=None), unwrap(archived)[1], now=NOW) is None


def test_nobody_looks_into_the_future() -> None:
    """The end is never later than now."""
    capture = Capture(origin=Origin(source="sqs", identity=ID), body="{}", carrier="sqs", sent_at=SENT)
    found = search_for(0, capture, unwrap(capture)[1], now=SENT + timedelta(minutes=1))
    assert found is not None
    assert found.end == SENT + timedelta(minutes=3)


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 1_000)), max_size=60),
    st.integers(min_value=1, max_value=24),
)
def test_searches_are_put_together_by_time(times: list[tuple[int, int]], most: int) -> None:
    """Each is in one group; groups are small, and short."""
    searches = [
        Search(
            key=key,
            terms=(str(key),),
            start=SENT + timedelta(minutes=start),
            end=SENT + timedelta(minutes=start + length),
            exact=True,
        )
        for key, (start, length) in enumerate(times)
    ]
    groups = list(together(searches, most))
    assert sorted(each.key for group in groups for each in group) == list(range(len(searches)))
    for group in groups:
        assert len(group) <= most
        longest = max(each.end - each.start for each in group)
        assert max(each.end for each in group) - min(each.start for each in group) <= timedelta(hours=6) + 2 * longest
