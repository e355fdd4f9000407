"""Watching a stream's function: what returned and does not come again is done, what failed too often is given up."""

import json
from collections.abc import Sequence
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from replay.delivery.attempt import Reply
from replay.payloads.failures import Failure
from replay.targets.carrier import Settled, Sighting, Sought
from replay.targets.observing.counted_log import CountedLog
from replay.targets.observing.stream_watches import StreamFailures, _reports_given_up, mapping_of

SOUGHT = [Sought(key="a", signs=("10",), sent_at_ms=0), Sought(key="b", signs=("12",), sent_at_ms=0)]
DONE = Reply(status="returned")
FAILED = Reply(status="raised", failure=Failure(error_type="KeyError", message=""))


class Log:
    """A log that tells what it is given to tell."""

    place = "the log"

    def __init__(self) -> None:
        self.next: list[Sighting] = []
        self.count = 0

    def tell(self, *keys: str, reply: Reply, settled: Settled | None = None) -> None:
        self.count += 1
        self.next.append(Sighting(keys=keys, identity=str(self.count), reply=reply, settled=settled, at_ms=self.count))

    def begin(self) -> None:
        """Begin."""

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        found, self.next = self.next, []
        return found

    def close(self) -> Sequence[str]:
        return ()

    def reason(self) -> str:
        return ""


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def stream_log(attempts: int | None = None, untold_from: int | None = None) -> tuple[CountedLog, Log, Clock]:
    log, clock = Log(), Clock()
    watch = CountedLog(
        log,
        attempts=attempts,
        given_up="sent_to_destination",
        again_within_s=4,
        untold_from=untold_from,
        clock=clock,
    )
    return watch, log, clock


def settled(sightings: Sequence[Sighting]) -> list[tuple[tuple[str, ...], Settled | None]]:
    return [(each.keys, each.settled) for each in sightings]


def test_a_last_try_that_may_have_reported_proves_nothing() -> None:
    """What is reported as failed by the last try does not come again either: without a destination nobody can tell."""
    watch, log, clock = stream_log(untold_from=2)
    log.tell("a", reply=DONE)
    log.tell("b", reply=DONE)
    log.tell("b", reply=DONE)
    watch.look(SOUGHT)
    clock.now_s = 5
    assert settled(watch.look(SOUGHT)) == [(("a",), "gone")]
    assert "has no destination" in watch.reason()


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({}, None),
        ({"MaximumRetryAttempts": 0}, 1),
        ({"MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": -1}, 4),
        ({"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": 60}, 2),
        ({"MaximumRetryAttempts": 0, "MaximumRecordAgeInSeconds": 60}, 1),
        ({"MaximumRetryAttempts": None, "MaximumRecordAgeInSeconds": None}, None),
    ],
)
def test_from_which_try_on_a_report_is_given_up(mapping: dict[str, Any], expected: int | None) -> None:
    """Behind the last retry, and behind the first where records have an age; only where records are reported at all."""
    assert _reports_given_up(mapping) is None
    assert _reports_given_up({**mapping, "FunctionResponseTypes": ["ReportBatchItemFailures"]}) == expected


def test_what_returned_and_does_not_come_again_is_gone() -> None:
    """An answer may report records as failed, which no log tells: only what does not come again is done."""
    watch, log, clock = stream_log()
    log.tell("a", reply=DONE)
    assert settled(watch.look(SOUGHT)) == [(("a",), None)]
    clock.now_s = 3
    log.tell("a", reply=DONE)
    assert settled(watch.look(SOUGHT)) == [(("a",), None)], "it came again: what returned first had reported it"
    clock.now_s = 6
    assert settled(watch.look(SOUGHT)) == []
    clock.now_s = 7
    first, second = watch.look(SOUGHT), watch.look(SOUGHT)
    assert settled(first) == settled(second) == [(("a",), "gone")]
    assert first[0].identity != second[0].identity


def test_an_invocation_without_a_sign_stands_for_all_that_is_sought() -> None:
    """Where the log names no record, the quiet after it is told with when it began: of whom, its reader knows."""
    watch, log, clock = stream_log()
    log.tell(reply=DONE)
    watch.look(SOUGHT)
    clock.now_s = 4
    (gone,) = watch.look(SOUGHT)
    assert (gone.keys, gone.settled, gone.at_ms, gone.reply) == ((), "gone", 1, None)


def test_the_quiet_of_one_is_not_that_of_the_next() -> None:
    """An invocation without a sign that returned for one event says nothing of the event that is looked for then."""
    watch, log, clock = stream_log()
    log.tell(reply=DONE)
    watch.look(SOUGHT[:1])
    clock.now_s = 4
    assert settled(watch.look(SOUGHT[1:])) == []


def test_each_event_has_tries_of_its_own() -> None:
    """Without signs, every event that fails once is given up by its own failure, not only the first."""
    watch, log, _ = stream_log(attempts=1)
    for sought in SOUGHT:
        log.tell(reply=FAILED)
        assert settled(watch.look([sought])) == [((), "sent_to_destination")]


def test_what_fails_as_often_as_the_mapping_tries_is_given_up() -> None:
    """Retries plus one: the last failure settles it; where the number is not known, none does."""
    for attempts, ends in ((2, [None, "sent_to_destination"]), (None, [None, None])):
        watch, log, clock = stream_log(attempts)
        told = []
        for _ in range(2):
            log.tell("a", reply=FAILED)
            told += [end for _, end in settled(watch.look(SOUGHT))]
        assert told == ends
        clock.now_s = 60
        assert settled(watch.look(SOUGHT)) == [], "what fails is not done because it is quiet"


def test_what_the_log_itself_settles_stays_so() -> None:
    """A function that reports no records is done when it returns."""
    watch, log, clock = stream_log()
    log.tell("a", reply=DONE, settled="processed")
    assert settled(watch.look(SOUGHT)) == [(("a",), "processed")]
    clock.now_s = 60
    assert watch.look(SOUGHT) == []


@pytest.mark.parametrize("info", ["KinesisBatchInfo", "DDBStreamBatchInfo"])
@pytest.mark.parametrize(
    ("first", "last", "keys"), [("9", "11", ("a",)), ("10", "12", ("a", "b")), ("13", "99", ()), ("100", "200", ())]
)
def test_a_failed_batch_names_its_first_and_last(info: str, first: str, last: str, keys: tuple[str, ...]) -> None:
    """Whatever lies between them, as numbers, was given up with them."""
    body = json.dumps({info: {"startSequenceNumber": first, "endSequenceNumber": last}})
    assert failures().keys_of({"Body": body}, SOUGHT) == keys


@pytest.mark.parametrize(
    "body", ["", "no", "[]", "{}", '{"KinesisBatchInfo": 1}', "[" * 100_000, '{"KinesisBatchInfo": {}}']
)
def test_other_messages_are_of_nobody(body: str) -> None:
    """What is no failure record tells nothing, and harms nothing."""
    assert failures().keys_of({"Body": body}, SOUGHT) == ()


def failures() -> StreamFailures:
    return StreamFailures(client(), "failures", settled="sent_to_destination", lease_s=30)


def client() -> Any:
    return boto3.client("sqs", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def test_a_failure_record_is_seen_where_the_mapping_sends_it() -> None:
    """It is received, told as the end of its records, and given back; proved on the request."""
    sqs = client()
    body = json.dumps(
        {
            "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 2},
            "version": "1.0",
            "KinesisBatchInfo": {
                "shardId": "shardId-000000000000", "startSequenceNumber": "10", "endSequenceNumber": "10",
                "batchSize": 1, "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/clicks",
            },
        }
    )  # fmt: skip
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/failures"
    message = {"MessageId": "m-1", "ReceiptHandle": "h", "Body": body, "Attributes": {}}
    with Stubber(sqs) as stub:
        stub.add_response("get_queue_url", {"QueueUrl": url})
        attributes = {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:failures"}
        stub.add_response("get_queue_attributes", {"Attributes": attributes})
        stub.add_response("receive_message", {"Messages": [message]})
        stub.add_response("receive_message", {})
        stub.add_response("change_message_visibility_batch", {"Successful": [{"Id": "0"}], "Failed": []})
        watch = StreamFailures(sqs, "failures", settled="sent_to_destination", lease_s=30)
        watch.begin()
        (seen,) = watch.look(SOUGHT)
        watch.close()
        stub.assert_no_pending_responses()
    assert (seen.keys, seen.settled) == (("a",), "sent_to_destination")


def test_the_mapping_of_a_function_is_found() -> None:
    """By name, with or without an alias; what is off hands nothing over."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:"
    mappings = [{"FunctionArn": f"{arn}other"}, {"FunctionArn": f"{arn}orders:live", "UUID": "u"}]
    assert mapping_of(mappings, "orders")["UUID"] == "u"
    assert mapping_of([{**mappings[1], "State": "Disabled"}], "orders") == {}
    assert mapping_of(None, "orders") == {}
