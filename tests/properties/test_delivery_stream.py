"""What holds for every stream, batch and handler."""

import json
import math
from collections import Counter
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from tests.delivery.sqs_events import reported
from tests.delivery.stream_events import ARRIVED_S, QUEUE, dynamodb_record, kinesis_record, numbers_of

FAILURES = st.sampled_from(["raised", "timed_out", "out_of_memory", "exited", "unserialisable", "response_too_large"])
LIMIT = st.none() | st.just(-1)
SETTINGS = {
    "batch_size": st.none() | st.integers(1, 8),
    "maximum_batching_window_s": st.none() | st.integers(0, 300),
    "maximum_retry_attempts": LIMIT | st.integers(0, 4),
    "maximum_record_age_s": LIMIT | st.integers(60, 600),
    "report_batch_item_failures": st.booleans(),
    "bisect_batch_on_function_error": st.booleans(),
    "parallelization_factor": st.none() | st.integers(1, 10),
    "on_failure": st.none() | st.just(QUEUE),
}


@st.composite
def streams(draw: st.DrawFn) -> list[dict]:
    """Records of a few shards with a few keys, in order of arrival, some of them older than any age."""
    if draw(st.booleans()):
        return [dynamodb_record(number) for number in range(1, draw(st.integers(1, 25)) + 1)]
    arrived_s, found = ARRIVED_S, []
    for number in range(1, draw(st.integers(1, 25)) + 1):
        arrived_s += draw(st.sampled_from([0, 0, 0.5, 1, 40, 400]))
        shard, key = draw(st.integers(0, 2)), draw(st.sampled_from("abc"))
        found.append(kinesis_record(number, shard=shard, key=key, arrived_s=arrived_s))
    return found


def settings_for(data: st.DataObject, event: list[dict], **fixed) -> EventSource:
    kind = "kinesis" if "kinesis" in event[0] else "dynamodb"
    drawn = {name: data.draw(strategy, label=name) for name, strategy in SETTINGS.items() if name not in fixed}
    return EventSource(kind=kind, **drawn, **fixed)


def answers_of(data: st.DataObject):
    """A target that does whatever Hypothesis likes: returns, reports some records or nonsense, fails, is throttled."""

    def invoke(attempt: Attempt) -> Reply:
        choice = data.draw(st.sampled_from(["done", "report", "nonsense", "fail", "fail", "throttle"]))
        duration_s = data.draw(st.sampled_from([0.0, 0.1, 90.0]))
        if choice == "fail":
            return Reply(status=data.draw(FAILURES), duration_s=duration_s)
        if choice == "throttle":
            return Reply(status="throttled")
        answer = None
        if choice == "report":
            answer = reported(data.draw(st.lists(st.sampled_from(numbers_of(json.loads(attempt.payload))))))
        elif choice == "nonsense":
            answer = data.draw(st.sampled_from([{"batchItemFailures": [{"x": 1}]}, "ok", {"batchItemFailures": 3}]))
        return Reply(status="returned", payload=json.dumps(answer), duration_s=duration_s)

    return invoke


def deliver_by(event: list[dict], settings: EventSource, invoke) -> DeliveryReport:
    return drive(begin_delivery(Event(text=json.dumps({"Records": event}), kind=settings.kind), settings), invoke)


@given(st.data(), streams())
def test_each_record_ends_once_and_documents_tell_which_were_given_up(data, event) -> None:
    """Every record has one disposition, in record order, and each one given up is in one document if there is a destination."""
    settings = settings_for(data, event)
    report = deliver_by(event, settings, answers_of(data))
    assert list(report.dispositions) == numbers_of({"Records": event})
    ends = Counter(report.dispositions.values())
    given_up = "sent_to_destination" if settings.on_failure else "discarded"
    assert set(ends) <= {"processed", "still_queued", given_up}
    infos = [document.get("KinesisBatchInfo") or document["DDBStreamBatchInfo"] for document in report.failure_records]
    assert sum(info["batchSize"] for info in infos) == ends["sent_to_destination"]
    for info in infos:
        assert report.dispositions[info["startSequenceNumber"]] == "sent_to_destination"
        assert report.dispositions[info["endSequenceNumber"]] == "sent_to_destination"
    if ends["still_queued"]:
        assert settings.maximum_record_age_s in {None, -1}
        assert report.notes


@given(st.data(), streams())
def test_deliveries_never_exceed_what_the_settings_allow(data, event) -> None:
    """A batch reaches the function at most once more than it may be retried, and is never too large."""
    settings = settings_for(data, event)
    report = deliver_by(event, settings, answers_of(data))
    retries = settings.maximum_retry_attempts
    reached = Counter(each.attempt.record_ids for each in report.invocations if each.reply.status != "throttled")
    throttled = Counter(each.attempt.record_ids for each in report.invocations if each.reply.status == "throttled")
    for batch, count in reached.items():
        assert len(batch) <= (settings.batch_size or 100)
        if retries not in {None, -1}:
            assert count <= retries + 1
        elif settings.maximum_record_age_s in {None, -1}:
            assert count + throttled[batch] <= UNLIMITED_RETRIES + 1
    if settings.maximum_record_age_s not in {None, -1}:
        arrived = {record["kinesis"]["sequenceNumber"]: record for record in event if "kinesis" in record}
        youngest = max((each["kinesis"]["approximateArrivalTimestamp"] for each in arrived.values()), default=0)
        for each in report.invocations:
            first = arrived.get(each.attempt.record_ids[0])
            if first:
                age_s = youngest + each.attempt.at_s - first["kinesis"]["approximateArrivalTimestamp"]
                assert age_s < settings.maximum_record_age_s + 1e-6


@given(st.data(), streams())
def test_every_payload_holds_exactly_records_that_are_still_undone(data, event) -> None:
    """A payload has the named records of one shard, in order, unchanged, none of them done before."""
    settings = settings_for(data, event)
    report = deliver_by(event, settings, answers_of(data))
    original = {numbers_of({"Records": [record]})[0]: record for record in event}
    undone = set(original)
    for each in report.invocations:
        assert each.event == {"Records": [original[name] for name in each.attempt.record_ids]}
        assert len({record["eventID"].rpartition(":")[0] for record in each.event["Records"]}) == 1
        assert set(each.attempt.record_ids) <= undone
        undone -= set(each.attempt.record_ids) - set(each.failed_records)
    assert undone == {name for name, end in report.dispositions.items() if end != "processed"}


@given(st.data(), streams())
def test_order_is_never_broken(data, event) -> None:
    """Once a record is delivered without one ahead of it in its shard (or key), that one never comes again."""
    settings = settings_for(data, event)
    report = deliver_by(event, settings, answers_of(data))
    spread = (settings.parallelization_factor or 1) > 1
    lane_of = {}
    for record in event:
        inner = record.get("kinesis") or record["dynamodb"]
        key = json.dumps(inner.get("Keys") or inner["partitionKey"]) if spread else ""
        lane_of[numbers_of({"Records": [record]})[0]] = record["eventID"].rpartition(":")[0], key
    passed: set[str] = set()
    for each in report.invocations:
        batch = each.attempt.record_ids
        assert list(batch) == sorted(batch, key=int)
        assert not passed.intersection(batch)
        for name in batch:
            ahead = {other for other in lane_of if lane_of[other] == lane_of[name] and int(other) < int(name)}
            passed |= ahead - set(batch)


@given(st.data(), streams())
def test_virtual_time_never_goes_back(data, event) -> None:
    """Attempts go forward in time, a batch waits before it is tried again, and the end is after all of them."""
    settings = settings_for(data, event)
    report = deliver_by(event, settings, answers_of(data))
    times = [each.attempt.at_s for each in report.invocations]
    assert times == sorted(times)
    assert report.elapsed_s >= max(
        (each.attempt.at_s + each.reply.duration_s for each in report.invocations), default=0
    )
    last: dict[tuple[str, ...], float] = {}
    for each in report.invocations:
        batch = each.attempt.record_ids
        assert each.attempt.at_s > last.get(batch, -1)
        last[batch] = each.attempt.at_s


@given(st.data(), streams())
def test_a_delivery_is_the_same_in_every_run(data, event) -> None:
    """The same replies lead to the same attempts and documents, whatever time they took."""
    settings = settings_for(data, event)
    first = deliver_by(event, settings, answers_of(data))
    replies = iter([each.reply for each in first.invocations])
    assert deliver_by(event, settings, lambda attempt: next(replies)) == first


@given(st.data(), st.integers(1, 64), st.integers(0, 3))
def test_bisecting_finds_every_poison_record_and_only_those(data, count, retries) -> None:
    """What raises alone is given up alone, all else is processed, in at most the invocations that halving needs."""
    event = [kinesis_record(number) for number in range(1, count + 1)]
    poison = data.draw(st.sets(st.integers(1, count).map(str), max_size=6))
    settings = settings_for(
        data,
        event,
        batch_size=100,
        maximum_retry_attempts=retries,
        maximum_record_age_s=None,
        bisect_batch_on_function_error=True,
    )

    def invoke(attempt: Attempt) -> Reply:
        bad = poison.intersection(attempt.record_ids)
        return Reply(status="raised") if bad else Reply(status="returned", payload="null")

    report = deliver_by(event, settings, invoke)
    assert {name for name, end in report.dispositions.items() if end != "processed"} == poison
    assert len(report.failure_records) == (len(poison) if settings.on_failure else 0)
    alone = Counter(each.attempt.record_ids[0] for each in report.invocations if len(each.attempt.record_ids) == 1)
    assert all(alone[name] == retries + 1 for name in poison)  # a split is no retry
    halvings = math.ceil(math.log2(count))
    assert len(report.invocations) <= 1 + 2 * len(poison) * halvings + len(poison) * retries


@given(st.data(), st.integers(1, 40), st.integers(1, 8), st.integers(0, 3))
def test_reported_poison_records_lose_only_what_comes_with_them(data, count, batch_size, retries) -> None:
    """What comes before the first poison record of a batch is processed, and delivered once."""
    event = [kinesis_record(number) for number in range(1, count + 1)]
    poison = data.draw(st.sets(st.integers(1, count).map(str)))
    settings = EventSource(
        kind="kinesis", batch_size=batch_size, maximum_retry_attempts=retries, report_batch_item_failures=True
    )

    def invoke(attempt: Attempt) -> Reply:
        return Reply(status="returned", payload=json.dumps(reported(poison.intersection(attempt.record_ids))))

    report = deliver_by(event, settings, invoke)
    deliveries = Counter(name for each in report.invocations for name in each.attempt.record_ids)
    for _, batch in groupby(range(1, count + 1), key=lambda number: (number - 1) // batch_size):
        names = [str(number) for number in batch]
        first = next((place for place, name in enumerate(names) if name in poison), len(names))
        assert all(report.dispositions[name] == "processed" and deliveries[name] == 1 for name in names[:first])
        assert all(report.dispositions[name] == "discarded" for name in names[first:])
        again = retries + (1 if first == 0 else 2)
        assert all(deliveries[name] == again for name in names[first:])
