"""What holds for every queue, batch and handler."""

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from tests.delivery.sqs_events import ids_of, reported, sqs_event

IDS = st.lists(st.integers(0, 10**6).map(lambda n: f"m{n}"), min_size=1, max_size=30, unique=True)
STATUSES = st.sampled_from(["raised", "timed_out", "out_of_memory", "exited", "unserialisable", "throttled"])
SETTINGS = st.builds(
    EventSource,
    kind=st.just("sqs"),
    batch_size=st.none() | st.integers(1, 12),
    report_batch_item_failures=st.booleans(),
    max_receive_count=st.none() | st.integers(1, 5),
    visibility_timeout_s=st.none() | st.integers(0, 60),
    maximum_batching_window_s=st.none() | st.integers(0, 90),
).filter(lambda settings: settings.maximum_batching_window_s or (settings.batch_size or 0) <= 10)
ENDS = {"processed", "dead_lettered", "still_queued"}


def answers_of(data: st.DataObject):
    """A target that does whatever Hypothesis likes: returns, reports some records or nonsense, or fails in any way."""

    def invoke(attempt: Attempt) -> Reply:
        choice = data.draw(st.sampled_from(["done", "report", "nonsense", "fail"]))
        duration_s = data.draw(st.floats(0, 100))
        if choice == "fail":
            return Reply(status=data.draw(STATUSES), duration_s=duration_s)
        answer = None
        if choice == "report":
            answer = reported(data.draw(st.lists(st.sampled_from(ids_of(json.loads(attempt.payload))))))
        elif choice == "nonsense":
            answer = data.draw(st.sampled_from([{"batchItemFailures": [{"x": 1}]}, "ok", {"batchItemFailures": 3}]))
        return Reply(status="returned", payload=json.dumps(answer), duration_s=duration_s)

    return invoke


def deliver_anyhow(data: st.DataObject, ids: list[str], settings: EventSource, **attributes: str) -> DeliveryReport:
    text = json.dumps(sqs_event(ids, **attributes))
    return drive(begin_delivery(Event(text=text, kind="sqs"), settings), answers_of(data))


@given(st.data(), IDS, SETTINGS)
def test_each_record_ends_once_and_is_never_delivered_too_often(data, ids, settings) -> None:
    """Every record has one disposition, in record order, and at most maxReceiveCount deliveries; a lost one had all."""
    report = deliver_anyhow(data, ids, settings)
    assert list(report.dispositions) == ids
    assert set(report.dispositions.values()) <= ENDS
    deliveries = Counter(name for each in report.invocations for name in each.attempt.record_ids)
    limit = settings.max_receive_count or 1 + UNLIMITED_RETRIES
    for name, end in report.dispositions.items():
        assert 1 <= deliveries[name] <= limit
        if end == "dead_lettered":
            assert settings.max_receive_count is not None
            assert deliveries[name] == limit
        if end == "still_queued":
            assert settings.max_receive_count is None
            assert deliveries[name] == limit
    dead = [name for name, end in report.dispositions.items() if end == "dead_lettered"]
    assert sorted(held["MessageId"] for held in report.failure_records) == sorted(dead)
    assert all(held["Attributes"]["ApproximateReceiveCount"] == str(limit + 1) for held in report.failure_records)


@given(st.data(), IDS, SETTINGS)
def test_every_payload_holds_exactly_records_that_are_still_undone(data, ids, settings) -> None:
    """A payload is JSON with the named records in order, none done before, with the count of this delivery, unchanged."""
    report = deliver_anyhow(data, ids, settings)
    original = {record["messageId"]: record for record in sqs_event(ids)["Records"]}
    undone, deliveries = set(ids), Counter[str]()
    for each in report.invocations:
        names = ids_of(each.event)
        assert tuple(names) == each.attempt.record_ids
        assert set(names) <= undone
        assert len(names) <= (settings.batch_size or 10)
        deliveries.update(names)
        for record in each.event["Records"]:
            count = str(deliveries[record["messageId"]])
            expected = original[record["messageId"]]
            assert record == expected | {"attributes": expected["attributes"] | {"ApproximateReceiveCount": count}}
        undone -= set(names) - set(each.failed_records)
    assert undone == {name for name, end in report.dispositions.items() if end != "processed"}


@given(st.data(), IDS, SETTINGS)
def test_virtual_time_never_goes_back(data, ids, settings) -> None:
    """Attempts go forward in time, a record waits for its visibility timeout, and the end is after all of them."""
    report = deliver_anyhow(data, ids, settings)
    times = [each.attempt.at_s for each in report.invocations]
    assert times == sorted(times)
    assert report.elapsed_s >= max(each.attempt.at_s + each.reply.duration_s for each in report.invocations)
    window = settings.maximum_batching_window_s or 0
    timeout = 30 if settings.visibility_timeout_s is None else settings.visibility_timeout_s
    last: dict[str, float] = {}
    for each in report.invocations:
        for name in each.attempt.record_ids:
            if name in last:
                assert each.attempt.at_s >= last[name] + timeout - window
            last[name] = each.attempt.at_s


@given(IDS, st.data(), st.integers(1, 4), st.integers(1, 12))
def test_poison_records_and_only_those_are_dead_lettered(ids, data, limit, batch_size) -> None:
    """A handler that reports its poison records loses these and no other; the first delivery is the event itself."""
    poison = data.draw(st.sets(st.sampled_from(ids)))
    settings = EventSource(
        kind="sqs",
        report_batch_item_failures=True,
        max_receive_count=limit,
        batch_size=batch_size,
        maximum_batching_window_s=1,
    )

    def invoke(attempt: Attempt) -> Reply:
        return Reply(status="returned", payload=json.dumps(reported(poison.intersection(attempt.record_ids))))

    text = json.dumps(sqs_event(ids))
    report = drive(begin_delivery(Event(text=text, kind="sqs"), settings), invoke)
    assert {name for name, end in report.dispositions.items() if end == "dead_lettered"} == poison
    assert {name for name, end in report.dispositions.items() if end == "processed"} == set(ids) - poison
    if batch_size >= len(ids):
        assert report.invocations[0].attempt.payload == text


@given(st.data(), st.lists(st.sampled_from("abc"), min_size=1, max_size=25), SETTINGS)
def test_fifo_order_is_never_broken(data, groups, settings) -> None:
    """No message is delivered while one before it in its group is not done."""
    ids = [f"{group}-{index}" for index, group in enumerate(groups)]
    event = sqs_event(ids)
    for record, group in zip(event["Records"], groups, strict=True):
        record["attributes"]["MessageGroupId"] = group
        record["eventSourceARN"] += ".fifo"
    report = drive(begin_delivery(Event(text=json.dumps(event), kind="sqs"), settings), answers_of(data))
    deliveries = Counter[str]()
    done: set[str] = set()
    limit = settings.max_receive_count or 1 + UNLIMITED_RETRIES
    for each in report.invocations:
        batch = each.attempt.record_ids
        assert list(batch) == sorted(batch, key=ids.index)
        for name in batch:
            before = [other for other in ids[: ids.index(name)] if other[0] == name[0]]
            for other in before:
                assert other in done or other in batch or (settings.max_receive_count and deliveries[other] == limit)
        deliveries.update(batch)
        done |= set(batch) - set(each.failed_records)


@given(st.data(), IDS, SETTINGS)
def test_a_delivery_is_the_same_in_every_run(data, ids, settings) -> None:
    """The same replies lead to the same attempts, whatever time they took."""
    first = deliver_anyhow(data, ids, settings)
    replies = iter([each.reply for each in first.invocations])
    event = Event(text=json.dumps(sqs_event(ids)), kind="sqs")
    second = drive(begin_delivery(event, settings), lambda attempt: next(replies))
    assert second == first
