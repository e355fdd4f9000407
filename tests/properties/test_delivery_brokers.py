"""What holds for every Kafka and MQ batch and handler."""

import json
import math
from collections import Counter
from dataclasses import replace

from hypothesis import event as hypothesis_event
from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource

BUCKET = "arn:aws:s3:::failed"
PRODUCED_MS = 1_767_225_600_000
LIMIT = st.none() | st.just(-1)
SETTINGS = st.builds(
    EventSource,
    kind=st.just("kafka"),
    batch_size=st.none() | st.integers(1, 8),
    maximum_retry_attempts=LIMIT | st.integers(0, 4),
    maximum_record_age_s=LIMIT | st.integers(60, 600),
    report_batch_item_failures=st.booleans(),
    bisect_batch_on_function_error=st.booleans(),
    on_failure=st.none() | st.just(BUCKET),
)
FAILURES = st.sampled_from(["raised", "timed_out", "out_of_memory", "exited", "unserialisable", "response_too_large"])


@st.composite
def topics(draw: st.DrawFn) -> dict[str, list[dict]]:
    """Records of a few partitions, offsets in order, some of them older than any age."""
    found = {}
    for partition in range(draw(st.integers(1, 3))):
        offsets = sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=8)))
        ages = draw(st.lists(st.sampled_from([0, 0, 30, 400]), min_size=len(offsets), max_size=len(offsets)))
        found[f"orders-{partition}"] = [
            {"topic": "orders", "partition": partition, "offset": offset, "timestamp": PRODUCED_MS - 1000 * age_s}
            for offset, age_s in zip(offsets, ages, strict=True)
        ]
    return found


def answers_of(data: st.DataObject):
    """A target that does whatever Hypothesis likes: returns, reports some records or nonsense, fails, is throttled."""

    def invoke(attempt: Attempt) -> Reply:
        choice = data.draw(st.sampled_from(["done", "report", "report", "report", "nonsense", "fail", "throttle"]))
        if choice == "fail":
            return Reply(status=data.draw(FAILURES), duration_s=data.draw(st.sampled_from([0.0, 90.0])))
        if choice == "throttle":
            return Reply(status="throttled")
        answer = None
        if choice == "report":
            answer = reported(data.draw(st.lists(st.sampled_from(attempt.record_ids))))
        elif choice == "nonsense":
            answer = data.draw(st.sampled_from([{"batchItemFailures": [{"x": 1}]}, "ok", {"batchItemFailures": 3}]))
        return Reply(status="returned", payload=json.dumps(answer))

    return invoke


def reported(record_ids) -> dict:
    named = [record_id.split("/") for record_id in record_ids]
    return {
        "batchItemFailures": [
            {"itemIdentifier": {"partition": partition, "offset": int(offset)}} for partition, offset in named
        ]
    }


def deliver_by(records: dict, settings: EventSource, invoke) -> DeliveryReport:
    return drive(begin_delivery(Event(text=json.dumps({"records": records}), kind="kafka"), settings), invoke)


def ids_of(records: dict) -> list[str]:
    return [f"{partition}/{record['offset']}" for partition, held in records.items() for record in held]


@given(st.data(), topics(), SETTINGS)
def test_each_record_ends_once_and_no_batch_is_delivered_too_often(data, records, settings) -> None:
    """Every record has one disposition, in record order; what is given up is in one document if there is a destination."""
    report = deliver_by(records, settings, answers_of(data))
    assert list(report.dispositions) == ids_of(records)
    ends = Counter(report.dispositions.values())
    for end in ends:
        hypothesis_event(end)
    assert set(ends) <= {
        "processed", "still_queued", "sent_to_destination" if settings.on_failure else "discarded"
    }  # fmt: skip
    sizes = [document["KafkaBatchInfo"]["batchSize"] for document in report.failure_records]
    assert sum(sizes) == ends["sent_to_destination"]
    retries = settings.maximum_retry_attempts
    reached = Counter(each.attempt.record_ids for each in report.invocations if each.reply.status != "throttled")
    for batch, count in reached.items():
        assert len(batch) <= (settings.batch_size or 100)
        if retries not in {None, -1}:
            assert count <= retries + 1
        elif settings.on_failure:
            assert count <= 11
        elif settings.maximum_record_age_s in {None, -1}:
            assert count <= UNLIMITED_RETRIES + 1


@given(st.data(), topics(), SETTINGS)
def test_the_order_of_a_partition_is_never_broken_and_time_never_goes_back(data, records, settings) -> None:
    """A payload has records that are undone, unchanged; once one is left out for a later one it never comes again."""
    settings = replace(settings, report_batch_item_failures=True, maximum_record_age_s=None)
    report = deliver_by(records, settings, answers_of(data))
    original = dict(zip(ids_of(records), [each for held in records.values() for each in held], strict=True))
    order = list(original)
    undone, passed, now_s = set(order), set(), 0.0
    for each in report.invocations:
        batch = each.attempt.record_ids
        assert ids_of(each.event["records"]) == list(batch)
        assert [held for part in each.event["records"].values() for held in part] == [original[name] for name in batch]
        assert set(batch) <= undone
        assert not passed.intersection(batch)
        for name in batch:
            ahead = [other for other in order[: order.index(name)] if other.split("/")[0] == name.split("/")[0]]
            passed |= set(ahead) - set(batch)
        undone -= set(batch) - set(each.failed_records)
        assert each.attempt.at_s >= now_s
        now_s = each.attempt.at_s
    assert undone == {name for name, end in report.dispositions.items() if end != "processed"}
    assert report.elapsed_s >= now_s


@given(st.data(), topics(), st.integers(0, 3))
def test_bisecting_finds_every_poison_record_and_only_those(data, records, retries) -> None:
    """What raises alone is given up alone, all else is processed, in at most the invocations that halving needs."""
    ids = ids_of(records)
    poison = data.draw(st.sets(st.sampled_from(ids)))
    settings = EventSource(kind="kafka", maximum_retry_attempts=retries, bisect_batch_on_function_error=True)

    def invoke(attempt: Attempt) -> Reply:
        bad = poison.intersection(attempt.record_ids)
        return Reply(status="raised") if bad else Reply(status="returned", payload="null")

    report = deliver_by(records, settings, invoke)
    assert {name for name, end in report.dispositions.items() if end != "processed"} == poison
    halvings = math.ceil(math.log2(len(ids)))
    assert len(report.invocations) <= 1 + 2 * len(poison) * halvings + len(poison) * retries


@given(st.data(), topics(), st.integers(0, 3))
def test_reported_poison_records_lose_only_what_follows_them_in_their_partition(data, records, retries) -> None:
    """What comes before a partition's first poison record, and all of the partitions without one, is delivered once."""
    poison = data.draw(st.sets(st.sampled_from(ids_of(records)), max_size=4))
    settings = EventSource(kind="kafka", maximum_retry_attempts=retries, report_batch_item_failures=True)

    def invoke(attempt: Attempt) -> Reply:
        return Reply(status="returned", payload=json.dumps(reported(poison.intersection(attempt.record_ids))))

    report = deliver_by(records, settings, invoke)
    deliveries = Counter(name for each in report.invocations for name in each.attempt.record_ids)
    lost: set[str] = set()
    for partition, held in records.items():
        names = [f"{partition}/{record['offset']}" for record in held]
        first = next((place for place, name in enumerate(names) if name in poison), len(names))
        lost |= set(names[first:])
    assert {name for name, end in report.dispositions.items() if end != "processed"} == lost
    assert all(count == 1 for name, count in deliveries.items() if name not in lost)
    at_once = lost == set(report.dispositions)  # no checkpoint moves, so the counter never starts afresh
    assert {deliveries[name] for name in lost} <= {retries + (1 if at_once else 2)}


@given(st.lists(st.sampled_from(["returned", "raised", "timed_out", "throttled"]), min_size=3, max_size=3))
def test_a_transaction_ends_with_the_first_answer(statuses) -> None:
    """An MQ batch is whole in every attempt, done at the first return, and left after a few."""
    text = json.dumps({"messages": [{"messageID": "a"}, {"messageID": "b"}]})
    replies = iter(statuses)
    report = drive(
        begin_delivery(Event(text=text), EventSource(kind="mq")),
        lambda attempt: Reply(status=(status := next(replies)), payload="null" if status == "returned" else None),
    )
    done = "returned" in statuses
    assert len(report.invocations) == (statuses.index("returned") + 1 if done else UNLIMITED_RETRIES + 1)
    assert report.dispositions == dict.fromkeys("ab", "processed" if done else "still_queued")
    assert {each.attempt.payload for each in report.invocations} == {text}
    times = [each.attempt.at_s for each in report.invocations]
    assert times == sorted(set(times))
