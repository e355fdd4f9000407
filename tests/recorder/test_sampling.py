"""Of each failure a few are kept: which, how many, and never more because of a second recording."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import ConfigurationError
from replay.fixtures.store import Store
from replay.outcomes.fingerprint import signature
from replay.payloads.captures import Capture
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure, Frame
from replay.recorder import DEFAULT_SAMPLE, UNKNOWN_FAILURE, sampling
from replay.reports.recording import summary_document, summary_lines
from tests.recorder.test_recorder import NOW, GivenSource, file, recorded, sqs

FRAMES = (Frame(module="app.py", function="handler", code='order["customer_id"]', line=3),)


def failed(number: int, *, error: str = "KeyError", size: int = 10, minutes: int | None = None) -> Capture:
    """Give a message whose failure is known."""
    failure = Failure(error_type=error, message="'customer_id'", frames=FRAMES)
    sent_at = NOW + timedelta(minutes=number if minutes is None else minutes)
    return sqs("x" * size, number, failure=failure, sent_at=sent_at)


def numbers(store: Store) -> set[int]:
    """Say which messages have fixtures."""
    fixtures = [store.load(reference) for reference in store.references_of("orders")]
    return {int(fixture.provenance.identity.removeprefix("message-")) for fixture in fixtures}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "fixtures")


def expected(events: list[tuple[int, int]], most: int) -> set[int]:
    """Choose as the documentation says it, from all events at once: (size, minute) by number."""
    by_time = sorted(range(len(events)), key=lambda number: (events[number][1], f"message-{number}"))
    by_size = sorted(by_time, key=lambda number: events[number][0])
    ends = by_time[: most >= 2] + (by_time[-1:] if most >= 3 else [])
    ends = list(dict.fromkeys(ends))
    rest = [number for number in by_size if number not in ends]
    return set(ends + rest[: most - len(ends)])


@given(
    events=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 8)), max_size=12),
    most=st.integers(1, 6),
)
def test_the_first_the_last_and_the_smallest_are_kept(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int]], most: int
) -> None:
    """Whatever the order in which they come, those are kept that would be chosen with all of them in view."""
    store = Store(tmp_path_factory.mktemp("sampled"))
    captures = [failed(number, size=size, minutes=minutes) for number, (size, minutes) in enumerate(events)]
    summary = recorded(store, GivenSource(*captures), sample=most)
    assert numbers(store) == expected(events, most)
    assert summary.seen == summary.written + summary.left_out == len(events)


def test_five_of_each_failure_are_kept_by_default(store: Store) -> None:
    """The summary counts all, and says how many of each were kept; a failure that is not known is kept every time."""
    captures = [failed(number) for number in range(20)]
    captures += [failed(number, error="ValueError") for number in range(20, 23)]
    captures += [sqs("{}", number) for number in range(30, 40)]
    summary = recorded(store, GivenSource(*captures))
    assert DEFAULT_SAMPLE == 5
    assert (summary.seen, summary.written, summary.left_out, summary.sample) == (33, 18, 15, 5)
    assert summary.by_failure == {"KeyError: 'customer_id'": 20, UNKNOWN_FAILURE: 10, "ValueError: 'customer_id'": 3}
    assert summary.kept_by_failure["KeyError: 'customer_id'"] == 5
    assert {0, 19} <= numbers(store)


def test_all_are_kept_on_demand(store: Store) -> None:
    """With `keep_all` every one is written, and nothing is left out."""
    summary = recorded(store, GivenSource(*(failed(number) for number in range(9))), keep_all=True)
    assert (summary.written, summary.left_out, summary.sample) == (9, 0, None)


def test_a_source_that_consumes_keeps_all(store: Store) -> None:
    """What will be deleted needs a fixture of its own."""
    source = GivenSource(*(failed(number) for number in range(9)), consumes=True)
    summary = recorded(store, source)
    assert (summary.written, summary.deleted, summary.left_out) == (9, 9, 0)


@pytest.mark.parametrize(
    ("consumes", "options", "place"),
    [
        (True, {"sample": 2}, "--sample 2 with --drain"),
        (False, {"sample": 2, "keep_all": True}, "--sample 2 --all"),
        (False, {"sample": 0}, "--sample 0"),
    ],
)
def test_a_sample_that_cannot_be_meant_is_refused(
    store: Store, consumes: bool, options: dict[str, Any], place: str
) -> None:
    """Before anything is taken from the source."""
    source = GivenSource(failed(1), consumes=consumes)
    with pytest.raises(ConfigurationError) as caught:
        recorded(store, source, **options)
    assert caught.value.where == place
    assert source.recording.taken == 0


def test_the_limit_counts_what_the_sample_is_taken_from(store: Store) -> None:
    """`--limit` ends the reading, `--sample` chooses among what was read."""
    source = GivenSource(*(failed(number) for number in range(20)))
    summary = recorded(store, source, limit=8, sample=3)
    assert (source.recording.taken, summary.written, summary.left_out) == (8, 3, 5)
    assert max(numbers(store)) == 7


def test_recording_again_does_not_make_the_corpus_grow(store: Store) -> None:
    """What has a fixture is known, and fixtures of earlier recordings take their places, whatever came since."""
    recorded(store, GivenSource(*(failed(number) for number in range(10))), sample=4)
    before = numbers(store)
    summary = recorded(store, GivenSource(*(failed(number, size=1) for number in range(30))), sample=4)
    assert numbers(store) == before
    assert (summary.written, summary.duplicates, summary.left_out) == (0, 4, 26)
    assert recorded(store, GivenSource(*(failed(number) for number in range(30))), sample=6).written == 2
    assert before < numbers(store)


def test_a_failure_that_was_found_out_by_replaying_takes_a_place(store: Store) -> None:
    """A fixture that knew no failure counts by the one that was pinned since."""
    recorded(store, GivenSource(sqs("{}", 100)))
    first = store.load(store.references_of("orders")[0])
    pinned = signature(Failure(error_type="KeyError", message="'customer_id'", frames=FRAMES))
    store.update(replace(first, expectation=Expectation(wants="reproduces", signature=pinned)))
    assert recorded(store, GivenSource(failed(1), failed(2)), sample=2).written == 1


@pytest.mark.parametrize("failure", [Failure(error_type="HTTP 502", message=""), None])
def test_what_cannot_be_told_apart_is_kept(store: Store, failure: Failure | None) -> None:
    """A status without a message may stand for any bug."""
    captures = [sqs("{}", number, failure=failure) for number in range(8)]
    assert recorded(store, GivenSource(*captures), sample=1).written == 8


def test_the_same_event_twice_is_one_candidate(store: Store) -> None:
    """Files may hold an event several times; it takes one place, and is counted as known."""
    failure = Failure(error_type="KeyError", message="'customer_id'", frames=FRAMES)
    same = replace(file('{"a": 1}'), failure=failure)
    other = replace(file('{"a": 22}'), failure=failure)
    summary = recorded(store, GivenSource(same, same, other, same), sample=2)
    assert (summary.written, summary.duplicates, summary.left_out) == (2, 2, 0)
    assert summary.by_failure == summary.kept_by_failure == {"KeyError: 'customer_id'": 4}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("gone")])
def test_what_is_held_is_written_when_the_recording_ends_early(store: Store, error: BaseException) -> None:
    """Ctrl-C and errors of the source lose no candidate."""
    source = GivenSource(*(failed(number) for number in range(9)), error=error)
    if isinstance(error, KeyboardInterrupt):
        assert recorded(store, source, sample=3).interrupted
    else:
        with pytest.raises(OSError, match="gone"):
            recorded(store, source, sample=3)
    assert len(numbers(store)) == 3


def test_nothing_is_written_before_it_is_chosen_for_good(store: Store) -> None:
    """No fixture is written and taken back: while the recording goes on, candidates are in memory, as many as asked."""
    held: list[int] = []
    source = GivenSource(*(failed(number, size=100 - number) for number in range(30)))
    recorded(store, source, sample=4, progress=lambda *_: held.append(len(store.references_of("orders"))))
    assert set(held) == {0}
    assert len(numbers(store)) == 4


def test_memory_stays_within_its_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where failures are all different, candidates are written when too many bytes are held, and the user is told."""
    monkeypatch.setattr(sampling, "MOST_HELD_BYTES", 50_000)
    captures = [failed(number, error=f"Error{chr(65 + number % 26)}{chr(65 + number // 26)}") for number in range(60)]
    held: list[int] = []
    summary = recorded(
        store, GivenSource(*captures), progress=lambda *_: held.append(len(store.references_of("orders")))
    )
    assert summary.written == 60
    assert held[0] == 0
    assert 0 < held[30] < 30
    assert "not all could be held" in summary.notes[-1]


def test_a_failure_of_several_messages_is_always_kept(store: Store) -> None:
    """It may be another message's, so a thousand of them may be a thousand bugs."""
    samples = sampling.FailureSamples(1, store=store, function="orders")
    recorded(store, GivenSource(failed(1)))
    fixture = replace(store.load(store.references_of("orders")[0]), expectation=Expectation(wants="fails"))
    store.delete(fixture.reference)
    for number in range(3):
        named = replace(fixture, provenance=replace(fixture.provenance, identity=str(number)))
        assert len(samples.add(named, _about(named), is_told=False).write) == 1


def _about(fixture: Any) -> Any:
    return sampling.Settlement(capture=sqs("{}"), kept=True, changed=False)


def test_the_user_is_told_what_was_kept(store: Store) -> None:
    """The lines and the document say it, per failure and in all."""
    captures = [failed(number, error="ABC"[number % 3] + "Error") for number in range(30)]
    summary = recorded(store, GivenSource(*captures), sample=2)
    lines = summary_lines(summary, store.root)
    assert lines[0].startswith("30 events seen: 6 recorded, 24 left out")
    assert "      10  AError: 'customer_id'  (2 kept)" in lines
    assert any(line.startswith("kept 6 of 30: 3 failures, at most 2 of each") for line in lines)
    document = summary_document(summary)
    assert document["kept_by_failure"] == dict.fromkeys(
        ("AError: 'customer_id'", "BError: 'customer_id'", "CError: 'customer_id'"), 2
    )
    assert (document["left_out"], document["sample"]) == (24, 2)
