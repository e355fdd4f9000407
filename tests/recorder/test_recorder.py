"""A recording makes fixtures of captures, tells what it could not do, and keeps its word about what is on disk."""

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.enrichment.enrichment import Enriched, Enrichment, LogPlace
from replay.errors import AwsError, ConfigurationError, FixtureError, InvalidEventPattern, RedactionError, SourceError
from replay.fixtures.store import Store
from replay.outcomes.fingerprint import signature
from replay.payloads.captures import Capture, MessageAttribute, Origin
from replay.payloads.envelopes.sqs_digests import md5_of_body
from replay.payloads.event_patterns import compile_pattern
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure, Frame, Signature
from replay.recorder import UNKNOWN_FAILURE, RecordingSummary, capture_recorder, record
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.sources.advance import Advance
from replay.sources.base import Consumed, Recording, Settlement, Source, content_identity
from replay.sources.sqs_messages import message_capture

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ARN = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
SECRET = "hunter2-hunter2"


@dataclass
class _Replacement:
    at: str
    detector: str
    count: int


@dataclass
class _Redacted:
    text: str
    redactions: tuple[_Replacement, ...]
    replaced: Mapping[str, str] = field(default_factory=dict)


class FakeRedactor:
    """Knows one secret; and one text that nobody can make safe."""

    def event(self, text: str) -> _Redacted:
        if "unsafe" in text:
            raise RedactionError("nobody can make this safe")
        found = (_Replacement("/x", "secret", text.count(SECRET)),) if SECRET in text else ()
        return _Redacted(self.plain(text), found)

    def plain(self, text: str) -> str:
        return text.replace(SECRET, "*" * len(SECRET))

    def failure(self, failure: Failure, replaced: Mapping[str, str]) -> Failure:
        return replace(failure, message=self.plain(failure.message))


class Given(Recording):
    """Gives what it was given, and notes what it was told."""

    def __init__(self, captures: Sequence[Capture], *, consumes: bool, error: BaseException | None) -> None:
        self._captures = captures
        self._error = error
        self.consumes = consumes
        self.settled: list[Settlement] = []
        self.limit: int | None = None
        self.closed = 0
        self.taken = 0
        self.notes = []

    def at_most(self, limit: int) -> None:
        self.limit = limit

    def total(self) -> int | None:
        return len(self._captures)

    def captures(self) -> Iterator[Capture]:
        for capture in self._captures:
            self.taken += 1
            yield capture
        if self._error is not None:
            raise self._error

    def settle(self, settlements: Sequence[Settlement]) -> None:
        self.settled += settlements

    def consumed(self) -> Consumed:
        return Consumed(deleted=sum(settlement.kept for settlement in self.settled)) if self.consumes else Consumed()

    def close(self) -> None:
        self.closed += 1
        self.notes = ["a note of the source"]


class GivenSource(Source):
    """A source of captures made by the test."""

    name: ClassVar[str] = "given"
    summary: ClassVar[str] = "captures of a test"
    options: ClassVar[type[Any]] = dict

    def __init__(self, *captures: Capture, consumes: bool = False, error: BaseException | None = None) -> None:
        self.recording = Given(captures, consumes=consumes, error=error)

    def open(self) -> Recording:
        return self.recording


def sqs(body: str, number: int = 1, **changes: Any) -> Capture:
    values: dict[str, Any] = {
        "origin": Origin(source="sqs", arn=ARN, identity=f"message-{number}", place="https://sqs/orders-dlq"),
        "body": body,
        "carrier": "sqs",
        "attributes": {"SentTimestamp": "1795262400000", "ApproximateReceiveCount": "3"},
        "sent_at": NOW - timedelta(hours=1),
    }
    return Capture(**{**values, **changes})


def file(body: str) -> Capture:
    return Capture(
        origin=Origin(source="files", identity=content_identity(body), place="dir/some events.jsonl:7"),
        body=body,
        carrier="file",
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "fixtures")


def recorded(store: Store, source: GivenSource, **options: Any) -> RecordingSummary:
    redactor: Any = FakeRedactor()
    return record(source, store=store, function="orders", redact=redactor, now=lambda: NOW, **options)


def only(store: Store) -> Any:
    (reference,) = store.references()
    return store.load(reference)


# What a fixture says


def test_a_message_becomes_a_fixture(store: Store) -> None:
    """Event, kind, provenance and settings are those of the message; it expects to fail, as nothing more is known."""
    summary = recorded(store, GivenSource(sqs('{"n": 1.10}')))
    fixture = only(store)
    assert json.loads(fixture.event_text)["Records"][0]["body"] == '{"n": 1.10}'
    assert fixture.kind == "sqs"
    assert fixture.reference.function == "orders"
    assert fixture.reference.name.startswith("orders-dlq--")
    assert (fixture.provenance.source, fixture.provenance.arn, fixture.provenance.identity) == ("sqs", ARN, "message-1")
    assert fixture.provenance.place == "https://sqs/orders-dlq"
    assert fixture.provenance.sent_at == "2026-11-21T11:00:00.000Z"
    assert fixture.provenance.recorded_at == "2026-11-21T12:00:00.000Z"
    assert fixture.provenance.details == {"receive_count": 3}
    assert fixture.event_source.arn == ARN
    assert fixture.expectation.wants == "fails"
    assert fixture.failure is None
    assert summary.by_failure == {UNKNOWN_FAILURE: 1}
    assert summary.written_references == (fixture.reference,)


def test_a_known_failure_names_the_fixture(store: Store) -> None:
    """Where the source knew the error, the fixture says it, redacted, and is called after it."""
    failure = Failure(error_type="KeyError", message=f"'{SECRET}'")
    summary = recorded(store, GivenSource(sqs("{}", failure=failure)))
    fixture = only(store)
    assert fixture.failure.message == f"'{'*' * len(SECRET)}'"
    assert fixture.reference.name.startswith("keyerror--")
    assert fixture.expectation.wants == "fails", "without a stack one bug cannot be told from another"
    ((label, count),) = summary.by_failure.items()
    assert (label.partition(":")[0], count) == ("KeyError", 1)
    assert SECRET not in label


def test_a_failure_with_its_stack_is_expected_to_reproduce(store: Store) -> None:
    """The signature is that of the failure as it was observed, and messages with one bug are one line of the summary."""
    frames = (Frame(module="app.py", function="handler", code='order["customer_id"]', line=3),)
    failures = [
        Failure(error_type="KeyError", message="'customer_id'", frames=frames, request_id=str(number))
        for number in range(3)
    ]
    captures = [sqs("{}", number, failure=failure) for number, failure in enumerate(failures)]
    summary = recorded(store, GivenSource(*captures))
    expectations = {store.load(reference).expectation for reference in store.references()}
    assert expectations == {Expectation(wants="reproduces", signature=signature(failures[0]))}
    assert summary.by_failure == {"KeyError: 'customer_id'": 3}


def test_a_file_names_the_fixture_by_its_stem(store: Store) -> None:
    """Without an ARN or error the file's name must do, made safe."""
    recorded(store, GivenSource(file('{"n": 1}')))
    assert only(store).reference.name.startswith("some-events--")


def test_recording_the_same_again_makes_no_second_fixture(store: Store) -> None:
    """What has a fixture is known by its identity, whatever its body or error looks like now."""
    assert recorded(store, GivenSource(sqs("a"), sqs("b", 2))).written == 2
    again = recorded(
        store, GivenSource(sqs("a"), sqs("b", 2, failure=Failure(error_type="E", message="")), sqs("c", 3))
    )
    assert (again.seen, again.written, again.duplicates) == (3, 1, 2)
    assert len(store.references()) == 3


@given(
    body=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40) | st.just('{"a": 1, "a": "\\ud800"}'),
    text=st.dictionaries(
        st.from_regex(r"[A-Za-z_][\w.-]{0,20}", fullmatch=True), st.text(min_size=1, max_size=20), max_size=3
    ),
    binary=st.dictionaries(
        st.from_regex(r"[A-Z][A-Za-z]{0,9}", fullmatch=True), st.binary(min_size=1, max_size=20), max_size=3
    ),
)
def test_any_message_survives_from_the_receive_to_the_file(
    tmp_path_factory: pytest.TempPathFactory, body: str, text: dict[str, str], binary: dict[str, bytes]
) -> None:
    """Body and attributes of any message that SQS takes stand in event.json exactly as they were received."""
    sent = {
        **{name: {"DataType": "String.kind", "StringValue": value} for name, value in text.items()},
        **{name: {"DataType": "Binary", "BinaryValue": value} for name, value in binary.items()},
    }
    message = {"MessageId": "id", "Body": body, "MessageAttributes": sent, "Attributes": {"SentTimestamp": "1"}}
    store = Store(tmp_path_factory.mktemp("any"))
    recorded(store, GivenSource(message_capture(message, Origin(source="sqs", arn=ARN, identity="id"))))
    (reference,) = store.references()
    path = store.root / reference.function / reference.name / "event.json"
    (delivered,) = json.loads(path.read_bytes())["Records"]
    assert delivered["body"] == body
    assert delivered["md5OfBody"] == md5_of_body(body)
    named = delivered["messageAttributes"]
    assert {name: value["stringValue"] for name, value in named.items() if "stringValue" in value} == {
        name: value for name, value in text.items() if name not in binary
    }
    assert {name: value["dataType"] for name, value in named.items()} == {
        name: value["DataType"] for name, value in sent.items()
    }


# Redaction


def test_nothing_unredacted_reaches_the_disk(store: Store) -> None:
    """Body, attributes, failure, place and details are redacted; not even a digest of the body is left to guess against."""
    capture = sqs(
        f'{{"password": "{SECRET}"}}',
        origin=Origin(source="sqs", arn=ARN, identity="message-1", place=f"https://sqs/{SECRET}"),
        message_attributes={"token": MessageAttribute(data_type="String", string_value=SECRET)},
        attributes={"DeadLetterQueueSourceArn": f"arn:{SECRET}"},
        failure=Failure(error_type="E", message=SECRET),
    )
    summary = recorded(store, GivenSource(capture))
    assert (summary.written, summary.changed) == (1, 1)
    on_disk = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert SECRET.encode() not in on_disk
    assert md5_of_body(capture.body).encode() not in on_disk
    assert only(store).redactions[0].detector == "secret"
    assert md5_of_body(capture.body.replace(SECRET, "*" * len(SECRET))).encode() in on_disk


def test_an_identity_that_digests_the_content_digests_the_redacted_content(store: Store) -> None:
    """A file's event is known by what is left of it, so that nobody can test guesses of what was there."""
    capture = file(json.dumps({"password": SECRET}))
    recorded(store, GivenSource(capture))
    fixture = only(store)
    assert fixture.provenance.identity == content_identity(fixture.event_text)
    assert recorded(store, GivenSource(capture)).duplicates == 1


def test_what_cannot_be_made_safe_is_not_written(store: Store) -> None:
    """It is a problem told without the payload; it stays in its source, and the others are recorded."""
    source = GivenSource(sqs("unsafe", 1), sqs("fine", 2))
    summary = recorded(store, source)
    assert (summary.seen, summary.written, summary.failed) == (2, 1, 1)
    assert summary.problems == ("https://sqs/orders-dlq message-1: not recorded: nobody can make this safe",)
    assert [settlement.kept for settlement in source.recording.settled] == [False, True]
    assert "unsafe" not in str(summary.problems)


@pytest.mark.parametrize(
    "beside",
    [
        {"failure": Failure(error_type="KeyError", message=f"no {SECRET}")},
        {"failure": Failure(error_type="KeyError", message="no")},
    ],
)
def test_what_redaction_changed_beside_the_event_counts_too(store: Store, beside: dict[str, Any]) -> None:
    """A message whose error was redacted is not whole in its fixture: whoever drains a queue must not delete it."""
    source = GivenSource(sqs("{}", **beside), consumes=True)
    summary = recorded(store, source)
    is_private = SECRET in beside["failure"].message
    assert [(each.kept, each.changed) for each in source.recording.settled] == [(True, is_private)]
    assert summary.changed == is_private


@pytest.mark.parametrize("named", [{}, {"tenant": MessageAttribute(data_type="String", string_value="blue")}])
def test_what_a_fixture_does_not_hold_is_told_to_the_source(
    store: Store, named: Mapping[str, MessageAttribute]
) -> None:
    """A dead letter that somebody gave an attribute of his own says more than its fixture; the source is told so."""
    code = {"RequestID": "r-1", "ErrorCode": "200", "ErrorMessage": "no"}
    told = {name: MessageAttribute(data_type="String", string_value=value) for name, value in code.items()}
    source = GivenSource(replace(sqs("{}"), message_attributes=told | named), consumes=True)
    recorded(store, source)
    assert [(each.kept, each.changed, each.whole) for each in source.recording.settled] == [(True, False, not named)]


def test_problems_and_notes_hold_nothing_private(store: Store) -> None:
    """What is told of a message stands in the logs of whoever records: it is redacted as the fixture is."""
    source = GivenSource(sqs("unsafe"))
    source.recording.close = lambda: setattr(source.recording, "notes", [f"a note of {SECRET}"])
    source.recording.problems = [f"a problem of {SECRET}"]
    summary = recorded(store, source)
    assert summary.notes == (f"a note of {'*' * len(SECRET)}",)
    assert SECRET not in str(summary.problems)


def test_what_an_error_carries_holds_nothing_private(store: Store) -> None:
    """A recording that broke off tells its notes with the error, and they are redacted there, too."""
    source = GivenSource(sqs("{}"), error=SourceError("the queue is gone"))
    source.recording.close = lambda: setattr(source.recording, "notes", [f"a note of {SECRET}"])
    with pytest.raises(SourceError) as caught:
        recorded(store, source)
    assert caught.value.__notes__ == [f"a note of {'*' * len(SECRET)}"]


def test_the_source_hears_what_redaction_changed(store: Store) -> None:
    """A consuming source must know which fixtures are no longer the message."""
    source = GivenSource(sqs("plain"), sqs(SECRET, 2))
    recorded(store, source)
    assert [(each.kept, each.changed) for each in source.recording.settled] == [(True, False), (True, True)]


# What is asked for


@pytest.mark.parametrize("where", ['{"body": {"n": [2]}}', {"body": {"n": [2]}}, compile_pattern({"body": {"n": [2]}})])
def test_where_selects_by_the_event(store: Store, where: Any) -> None:
    """A pattern, given as text, as JSON or compiled, sees the parsed body; what it leaves out is not settled."""
    source = GivenSource(*(sqs(f'{{"n": {number}}}', number) for number in range(4)))
    summary = recorded(store, source, where=where)
    assert (summary.written, summary.skipped) == (1, 3)
    assert len(source.recording.settled) == 1


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"since": "3h"}, {"1", "2", "3"}),
        ({"since": NOW - timedelta(hours=2)}, {"1", "2"}),
        ({"until": "2h"}, {"2", "3", "4"}),
        ({"since": "2026-11-21T09:00Z", "until": "2026-11-21T10:00Z"}, {"2", "3"}),
    ],
)
def test_since_and_until_select_by_the_time_of_sending(
    store: Store, options: dict[str, Any], numbers: set[str]
) -> None:
    """Both ends are included."""
    captures = [sqs(str(number), number, sent_at=NOW - timedelta(hours=number)) for number in range(1, 5)]
    recorded(store, GivenSource(*captures), **options)
    events = [json.loads(store.load(reference).event_text) for reference in store.references()]
    assert {event["Records"][0]["body"] for event in events} == numbers


def test_what_has_no_time_is_skipped_and_counted(store: Store) -> None:
    """When a time is asked for, an event that says none is left out, and the user is told."""
    summary = recorded(store, GivenSource(file('{"n": 1}'), sqs("x")), since="1d")
    assert (summary.written, summary.skipped) == (1, 1)
    assert summary.notes[-1] == "1 events say no time, and were skipped by --since or --until"


def test_a_limit_ends_the_recording(store: Store) -> None:
    """No more is taken from the source than needed, and the source hears the limit before it begins."""
    source = GivenSource(*(sqs(str(number), number) for number in range(10)))
    assert recorded(store, source, limit=3).written == 3
    assert source.recording.taken == 3
    assert source.recording.limit == 3
    assert source.recording.closed == 1


def test_a_limit_counts_what_is_asked_for(store: Store) -> None:
    """With a filter the source cannot know how much it must give, so it is not told."""
    source = GivenSource(*(sqs(f'{{"even": {number % 2 == 0}}}'.lower(), number) for number in range(10)))
    summary = recorded(store, source, limit=3, where={"body": {"even": [True]}})
    assert (summary.written, source.recording.taken, source.recording.limit) == (3, 5, None)


@pytest.mark.parametrize(
    "options",
    [
        {"where": '{"body": 1}'},
        {"where": "not json"},
        {"since": "soon"},
        {"since": NOW + timedelta(minutes=1)},
        {"until": "soon"},
        {"since": "1h", "until": "2h"},
    ],
)
def test_a_wrong_filter_is_told_before_the_source_is_opened(store: Store, options: dict[str, Any]) -> None:
    """A mistake in a filter touches nothing."""
    source = GivenSource(sqs("x"))
    with pytest.raises((InvalidEventPattern, ConfigurationError)):
        recorded(store, source, **options)
    assert source.recording.taken == 0


# What goes wrong


def _failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_disk_ends_the_recording_and_gives_everything_back(
    store: Store, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A folder that cannot be written to is one clear error; nothing is half-written, nothing settled, the source closed."""
    assert recorded(store, GivenSource(sqs("first"))).written == 1
    before = sorted(path for path in store.root.rglob("*") if path.is_file())
    source = GivenSource(sqs("second", 2), consumes=True)
    monkeypatch.setattr(os, "write", _failing(OSError(code, os.strerror(code))))
    with pytest.raises(FixtureError) as caught:
        recorded(store, source)
    monkeypatch.undo()
    assert sorted(path for path in store.root.rglob("*") if path.is_file()) == before
    assert source.recording.settled == []
    assert source.recording.closed == 1
    assert "a note of the source" in caught.value.__notes__


def test_an_error_of_the_source_keeps_what_was_recorded(store: Store) -> None:
    """What was recorded before the source broke off is whole, and the error comes with the source's notes."""
    source = GivenSource(sqs("x"), error=AwsError("AWS denied sqs:ReceiveMessage"))
    with pytest.raises(AwsError) as caught:
        recorded(store, source)
    assert len(store.references()) == 1
    assert source.recording.closed == 1
    assert caught.value.__notes__ == ["a note of the source"]


def test_ctrl_c_is_an_orderly_end(store: Store) -> None:
    """Interrupted, the recording closes its source and says what it has."""
    source = GivenSource(sqs("x"), error=KeyboardInterrupt())
    summary = recorded(store, source)
    assert (summary.written, summary.interrupted, source.recording.closed) == (1, True, 1)
    assert summary.notes == ("a note of the source",)


def test_an_event_larger_than_lambda_takes_is_not_recorded(store: Store) -> None:
    """Nobody could have delivered it, so it is a problem and no fixture."""
    source = GivenSource(file('{"x": "' + "y" * 6_300_000 + '"}'), file("{}"))
    summary = recorded(store, source)
    assert (summary.written, summary.failed) == (1, 1)
    assert "6,291,456" in summary.problems[0]
    assert source.recording.settled[0].kept is False


def test_a_consuming_source_waits_for_the_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is consumed must be durable first, whether or not the caller thought of it; otherwise nobody waits."""
    synced: list[int] = []
    original = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), original(descriptor))[1])
    recorded(store, GivenSource(sqs("x")))  # makes the folder and what stands in it once
    synced.clear()
    assert recorded(store, GivenSource(sqs("x", 3))).written == 1
    assert synced == []
    summary = recorded(store, GivenSource(sqs("y", 2), consumes=True))
    assert summary.deleted == 1
    assert len(synced) >= 4  # two files, their folder, and the folder that names it


def test_progress_is_told_after_each_capture(store: Store) -> None:
    """A progress bar hears of each capture and about how many there are."""
    heard: list[tuple[int, int | None]] = []
    recorded(store, GivenSource(sqs("a"), sqs("b", 2)), progress=lambda to: heard.append((to.seen, to.total)))
    assert heard == [(1, 2), (2, 2)]


class _SlowlyGiven(Given):
    """Searches for a minute behind each of its captures, and tells how far it is; `waited` moves the clock."""

    def __init__(self, captures: Sequence[Capture], waited: Callable[[], object], seen: Callable[[], int]) -> None:
        super().__init__(captures, consumes=False, error=None)
        self._waited, self._seen = waited, seen
        self.on_disk: list[int] = []

    def captures(self) -> Iterator[Capture]:
        for capture in super().captures():
            yield capture
            self._waited()
            self.advanced(Advance(doing="searching"))
            self.on_disk.append(self._seen())


def test_what_was_found_is_written_while_the_source_searches_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of a pack does not wait until another event is found, so that a kill meanwhile costs none."""
    now = [0.0]
    monkeypatch.setattr("replay.fixtures.writers.time.monotonic", lambda: now[0])
    source = GivenSource()
    source.recording = slow = _SlowlyGiven(
        [sqs("a"), sqs("b", 2)], lambda: now.append(now.pop() + 60), lambda: len(store.references_of("orders"))
    )
    recorded(store, source, keep_all=True, packed=True)
    assert slow.on_disk == [1, 2]


def test_what_waits_to_be_looked_up_is_written_while_the_source_searches_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a slow source has given waits a second for others, and not until the next one is found."""
    now = [0.0]
    monkeypatch.setattr("replay.recorder.held_captures.time.monotonic", lambda: now[0])
    source = GivenSource()
    source.recording = slow = _SlowlyGiven(
        [sqs("a"), sqs("b", 2)], lambda: now.append(now.pop() + 60), lambda: len(store.references_of("orders"))
    )
    slow.client_of = _failing(AwsError("nobody answers"))
    recorded(store, source, keep_all=True, logs=lambda: LogPlace(name="orders", timeout_s=3))
    assert slow.on_disk == [1, 2]


def test_failures_are_looked_up_together_to_the_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long queue is not looked up one by one behind its first batch, which would take hours; a limit is met."""
    sizes: list[int] = []
    enrich = Enrichment.enrich

    def counted(self: Enrichment, captures: Sequence[Any]) -> list[Enriched]:
        sizes.append(len(captures))
        return enrich(self, captures)

    monkeypatch.setattr(Enrichment, "enrich", counted)
    monkeypatch.setattr(capture_recorder, "BATCH", 4)
    for limit, expected in ((None, [4, 4, 4, 2]), (6, [4, 2])):
        source = GivenSource(*(sqs("{}", number) for number in range(14)))
        source.recording.client_of = _failing(AwsError("nobody answers"))
        recorded(store, source, keep_all=True, limit=limit, logs=lambda: LogPlace(name="orders", timeout_s=3))
        assert (sizes, sum(sizes)) == (expected, limit or 14)
        sizes.clear()


def test_the_summary_stays_small(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and problems of a huge recording are cut off; the counts are exact."""
    monkeypatch.setattr("replay.recorder.tally._MOST_KEPT", 3)
    captures = [sqs("unsafe" if number % 2 else "x", number) for number in range(12)]
    summary = recorded(store, GivenSource(*captures))
    assert (summary.written, summary.failed) == (6, 6)
    assert (len(summary.written_references), len(summary.problems)) == (3, 3)


def test_a_real_redactor_fits(store: Store) -> None:
    """The redaction station is taken as it is: an AWS key in a body does not reach the disk."""
    key = "AKIA" + "Q7R2ZK4M9XN1B5VD"
    summary = record(GivenSource(sqs(f'{{"key": "{key}"}}')), store=store, function="orders", redact=Redactor())
    assert (summary.written, summary.changed) == (1, 1)
    assert key not in only(store).event_text


@pytest.mark.parametrize(("name", "findings"), [("receiptHandle", 0), ("password", 1)])
def test_a_receipt_handle_is_replaced_and_is_no_finding(store: Store, name: str, findings: int) -> None:
    """Each event of SQS has one, which is made up where the message itself is recorded: it is not worth telling."""
    event = {"Records": [{"eventSource": "aws:sqs", "body": "x", name: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a"}]}
    text = json.dumps(event)
    redactor = Redactor(RedactionSettings(key=b"test"))
    summary = record(GivenSource(file(text)), store=store, function="orders", redact=redactor, now=lambda: NOW)
    assert (summary.written, summary.changed) == (1, findings)
    assert only(store).event_text != text


def test_redaction_leaves_an_innocent_message_alone(store: Store) -> None:
    """The event that we build ourselves holds nothing to redact, so an innocent message may be drained as unchanged."""
    capture = sqs(
        '{"order": 17, "items": [{"sku": "A-1", "price": 0.10}]}',
        origin=Origin(source="sqs", arn=ARN, identity="5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11", place="https://sqs/q"),
        attributes={
            "SenderId": "AROAEXAMPLEEXAMPLEEXA:orders",
            "SentTimestamp": "1795262400000",
            "ApproximateFirstReceiveTimestamp": "1795262400001",
            "SequenceNumber": "18849496460467696128",
            "MessageGroupId": "customer-17",
            "MessageDeduplicationId": "5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11",
            "AWSTraceHeader": "Root=1-5e1b4151-5ac6c58f3d1f1b0a5f6f7f8a;Parent=53995c3f42cd8ad8;Sampled=1",
        },
    )
    source = GivenSource(capture)
    record(source, store=store, function="orders", redact=Redactor())
    assert [each.changed for each in source.recording.settled] == [False]
    assert only(store).redactions == ()
    assert only(store).event_source.arn == ARN


def test_a_drain_keeps_a_message_whose_fixture_was_edited(tmp_path):
    """A known fixture that no longer holds the message's event is no reason to delete the message."""
    source = _OneMessage()
    store = Store(tmp_path / "fixtures")
    redact = Redactor(RedactionSettings(key=b"key"))
    assert record(source, store=store, function="orders", redact=redact).written == 1
    (reference,) = store.references()
    (tmp_path / "fixtures" / "orders" / reference.name / "event.json").write_text("{}", encoding="utf-8")

    summary = record(source, store=store, function="orders", redact=redact, durable=True)

    assert [settlement.kept for settlement in source.settled] == [True, False]
    assert "another event" in summary.problems[0]


def test_a_message_that_we_stumble_over_does_not_hide_the_others(tmp_path, monkeypatch):
    """A mistake of ours on one message is told with its id, the message stays, and the next one is recorded."""
    source, stumbled = _OneMessage(count=2), []
    real = capture_recorder.unwrap

    def unwrap_or_stumble(capture, function_sources):
        if not stumbled:
            stumbled.append(capture)
            raise ValueError("private text of the payload")
        return real(capture, function_sources)

    monkeypatch.setattr(capture_recorder, "unwrap", unwrap_or_stumble)
    summary = record(source, store=Store(tmp_path / "fixtures"), function="orders", redact=Redactor())

    assert (summary.written, summary.failed) == (1, 1)
    assert "message-0" in summary.problems[0]
    assert "private" not in summary.problems[0]


class _OneMessage:
    """A source of a few messages that notes how they were settled."""

    def __init__(self, count=1):
        self.count, self.settled = count, []

    def open(self):
        return _OneMessageRecording(self)


class _OneMessageRecording(Recording):
    def __init__(self, source):
        self.notes, self._source = [], source

    def captures(self):
        for number in range(self._source.count):
            origin = Origin(source="sqs", arn="arn:aws:sqs:us-east-1:1:q", identity=f"message-{number}", place="q")
            yield Capture(origin=origin, body='{"a": 1}', carrier="sqs")

    def settle(self, settlements):
        self._source.settled += settlements

    def close(self):
        pass


def test_a_known_fixture_is_counted_by_its_pinned_failure(store: Store) -> None:
    """What was replayed since the first recording is no longer unknown, though the queue still tells nothing of it."""
    assert recorded(store, GivenSource(sqs("a"), sqs("b", 2))).by_failure == {UNKNOWN_FAILURE: 2}
    first = store.load(store.references()[0])
    pinned = Signature(error_type="KeyError", message="'customer_id'", frames=())
    store.update(replace(first, expectation=Expectation(wants="reproduces", signature=pinned)))
    again = recorded(store, GivenSource(sqs("a"), sqs("b", 2)))
    assert again.by_failure == {"KeyError: 'customer_id'": 1, UNKNOWN_FAILURE: 1}


def test_a_failure_record_without_its_records_is_told_and_stays(store: Store) -> None:
    """What stands for an event that is elsewhere makes no fixture; the summary names the records to look for."""
    body = {
        "requestContext": {
            "requestId": "r-1",
            "functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:orders",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-11-21T11:00:00.000Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000001",
            "startSequenceNumber": "49601",
            "endSequenceNumber": "49609",
            "approximateArrivalOfFirstRecord": "2026-11-21T10:59:00.000Z",
            "approximateArrivalOfLastRecord": "2026-11-21T10:59:05.000Z",
            "batchSize": 3,
            "streamArn": "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks",
        },
    }
    source = GivenSource(sqs(json.dumps(body)), consumes=True)
    summary = recorded(store, source)
    assert (summary.written, summary.failed, summary.deleted) == (0, 1, 0)
    assert "stream/clicks shardId-000000000001 from 49601 to 49609" in summary.problems[0]
    assert [settlement.kept for settlement in source.recording.settled] == [False]


def test_the_functions_event_sources_decide_how_a_notification_is_read(store: Store) -> None:
    """A topic's dead letter in a queue is the function's SNS event where the function is subscribed to the topic."""
    topic = "arn:aws:sns:eu-west-1:111122223333:orders"
    notification = {"Type": "Notification", "MessageId": "n-1", "TopicArn": topic, "Message": "{}",
                    "Timestamp": "2026-11-21T11:00:00.000Z"}  # fmt: skip
    recorded(store, GivenSource(sqs(json.dumps(notification))), function_sources=(EventSource(kind="sns", arn=topic),))
    assert only(store).kind == "sns"


def test_a_limit_does_not_count_what_cannot_be_recorded(store: Store) -> None:
    """The source hears of each failure that one more may be taken, so that N events are recorded where there are N."""
    source = GivenSource(*(sqs("unsafe" if number in {1, 2} else "a", number) for number in range(9)))
    summary = recorded(store, source, limit=3)
    assert (summary.written, summary.failed, source.recording.taken) == (3, 2, 5)
    assert source.recording.limit == 5
