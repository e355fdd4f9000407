"""Sending through a carrier: batches within bounds, what failed alone, what is in doubt, and the order of groups."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from hypothesis import given
from hypothesis import strategies as st

from replay.targets.carrier import Acknowledgement, Answer, Entry, Refusal
from replay.targets.sending import TRIES, Sender, answered_error, packed
from tests.targets.carried import Journal, no_pause

MOST_ENTRIES, MOST_BYTES = 3, 100


class Service:
    """Answers as it is told to, call by call; then it takes everything."""

    most_entries, most_bytes = MOST_ENTRIES, MOST_BYTES

    def __init__(self, *answers: Callable[[Sequence[Entry]], Mapping[str, Answer]]) -> None:
        self._answers = list(answers)
        self.calls: list[list[str]] = []

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        self.calls.append([entry.key for entry in entries])
        if self._answers:
            return self._answers.pop(0)(entries)
        return {entry.key: Acknowledgement(identity=f"id of {entry.key}") for entry in entries}


def sender(service: Service, journal: Journal | None = None) -> Sender:
    return Sender(service, journal or Journal(), sleep=no_pause)  # type: ignore[arg-type]  # the part that sending needs


def entry(key: str, *, size: int = 1, group: str = "") -> Entry:
    return Entry(key=key, request={}, size_bytes=size, group=group)


def error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendMessageBatch")  # type: ignore[typeddict-item]  # what is read of it


def raising(problem: Exception) -> Callable[[Sequence[Entry]], Mapping[str, Answer]]:
    def send(_: Sequence[Entry]) -> Mapping[str, Answer]:
        raise problem

    return send


@given(st.lists(st.integers(1, 2 * MOST_BYTES), max_size=30))
def test_batches_keep_within_bounds_and_order(sizes: list[int]) -> None:
    """Whatever the sizes, every entry is in one batch, in order; only one that is too large by itself exceeds the bytes."""
    named = [(str(number), size) for number, size in enumerate(sizes)]
    batches = list(packed(named, most_entries=MOST_ENTRIES, most_bytes=MOST_BYTES))
    assert [name for batch in batches for name in batch] == [name for name, _ in named]
    for batch in batches:
        assert len(batch) <= MOST_ENTRIES
        assert len(batch) == 1 or sum(dict(named)[name] for name in batch) <= MOST_BYTES


def test_what_fails_is_tried_again_alone() -> None:
    """Of a batch that failed in part only those entries are sent again, each by itself."""

    def partly(entries: Sequence[Entry]) -> Mapping[str, Answer]:
        return {each.key: Acknowledgement() if each.key == "b" else Refusal(code="InternalError") for each in entries}

    service = Service(partly)
    sent = sender(service).send([entry("a"), entry("b"), entry("c")])
    assert service.calls == [["a", "b", "c"], ["a"], ["c"]]
    assert all(each.acknowledgement and not each.doubtful for each in sent.values())


def test_a_throttled_call_is_made_again_as_it_was() -> None:
    """Throttling says that nothing was done: the batch stays one, and nothing is in doubt."""
    service = Service(raising(error("ThrottlingException", 400)))
    sent = sender(service).send([entry("a"), entry("b")])
    assert service.calls == [["a", "b"], ["a", "b"]]
    assert not any(each.doubtful for each in sent.values())


@pytest.mark.parametrize("problem", [EndpointConnectionError(endpoint_url="x"), error("InternalFailure", 500)])
def test_a_lost_answer_is_in_doubt(problem: Exception) -> None:
    """What no answer came for is sent again, and said to have perhaps arrived twice."""
    sent = sender(Service(raising(problem))).send([entry("a")])
    assert sent["a"].acknowledgement
    assert sent["a"].doubtful


def test_what_is_left_out_of_an_answer_is_in_doubt() -> None:
    """An answer that says nothing of an entry proves nothing of it."""
    sent = sender(Service(lambda entries: {})).send([entry("a")])
    assert sent["a"].doubtful


def test_gives_up_and_says_why() -> None:
    """After so many tries the code is told; a refusal for good is not tried again."""
    service = Service(*[lambda entries: {each.key: Refusal(code="No") for each in entries}] * TRIES)
    sent = sender(service).send([entry("a")])
    assert (sent["a"].acknowledgement, sent["a"].problem, len(service.calls)) == (None, "No", TRIES)
    service = Service(lambda entries: {each.key: Refusal(code="No", retryable=False) for each in entries})
    assert sender(service).send([entry("a")])["a"].problem == "No"
    assert len(service.calls) == 1
    for never_sent in (ParamValidationError(report="x"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")):
        assert answered_error(never_sent, ["a"]).final == {"a"}


def test_no_later_entry_of_a_group_overtakes() -> None:
    """One of each group is under way at a time; behind one that cannot be sent the others of its group stay."""

    def refuse_first(entries: Sequence[Entry]) -> Mapping[str, Answer]:
        return {
            each.key: Refusal(code="No", retryable=False) if each.key == "a1" else Acknowledgement() for each in entries
        }

    service = Service(refuse_first)
    entries = [entry("a1", group="a"), entry("a2", group="a"), entry("b1", group="b"), entry("b2", group="b")]
    sent = sender(service).send(entries)
    assert service.calls == [["a1", "b1"], ["b2"]]
    assert "earlier one of its group" in sent["a2"].problem
    assert list(sent) == ["a1", "a2", "b1", "b2"]


def test_the_ledger_knows_before_and_after() -> None:
    """Every entry stands there before its call, and with what was answered after it."""
    journal = Journal()
    sender(Service(lambda entries: {"a": Refusal(code="No")}), journal).send([entry("a")])
    assert journal.told == [
        ("sent", "a"),
        {"acknowledged": {}, "refused": {"a": {"code": "No"}}},
        ("sent", "a"),
        {"acknowledged": {"a": {"identity": "id of a"}}, "refused": {}},
    ]
