"""What differs, and that nothing is called equal which was not seen."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.comparison.answers import AnswerReader, Ignored
from replay.comparison.differences import MOST_PLACES, compare
from replay.comparison.seen import Call, Error, Seen, ledger_document, seen_in_ledger
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings

NAMES = ("one", "other")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def reader(*ignored: str) -> AnswerReader:
    return AnswerReader(ignored=Ignored(ignored), redactor=Redactor(RedactionSettings(enabled=False)), key=b"k")


def seen(answer: Any = None, *ignored: str, **known: Any) -> Seen:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return Seen(**{"verdict": "fixed", "status": "succeeded", "answered": "yes", "answer": reader(*ignored).of_text(text), "effects": (), **known})  # fmt: skip


def places(one: Any, other: Any, *ignored: str) -> list[tuple[str, str, str]]:
    found = compare(seen(one, *ignored), seen(other, *ignored), names=NAMES)
    assert (found.kind == "differs") == bool(found.differences)
    return [(each.where, each.baseline, each.other) for each in found.differences]


@given(value=VALUES)
def test_the_same_is_the_same(value: Any) -> None:
    """Whatever it is: what is the same differs nowhere, also with other white space and order of keys."""
    text = json.dumps(value)
    again = json.dumps(value, indent=1, sort_keys=True)
    assert compare(seen(text), seen(again), names=NAMES).kind == "same"


@given(one=VALUES, other=VALUES)
def test_what_differs_is_named(one: Any, other: Any) -> None:
    """Two values differ if and only if JSON says so, and then at least one place is named."""
    same = json.dumps(_number(one), sort_keys=True) == json.dumps(_number(other), sort_keys=True)
    assert bool(places(json.dumps(one), json.dumps(other))) != same


def _number(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _number(each) for key, each in value.items()}
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return {"opened": _number(json.loads(value))}
        except ValueError:
            return value
    return [_number(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("$.a", "1", "2")]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("$.a", "1", "true")]),
        ({"a": 1}, {}, [("$.a", "1", "none")]),
        ({"a b": [1, 2]}, {"a b": [1]}, [('$["a b"]', "2 items", "1 items")]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("$.a[1].b", "2", "3")]),
        ({"body": '{"x": 1}'}, {"body": '{"x":1}'}, []),
        ({"body": '{"x": 1}'}, {"body": '{"x":2}'}, [("$.body.x", "1", "2")]),
        ({"body": '{"x": 1}'}, {"body": {"x": 1}}, [("$.body", '{"x": 1} (in a string)', '{"x": 1}')]),
        ({"body": "[1]"}, {"body": [1]}, [("$.body", "[1] (in a string)", "[1]")]),
        ("null", {}, [("$", "null", "{}")]),
    ],
)
def test_places(one: Any, other: Any, expected: list[tuple[str, str, str]]) -> None:
    """The innermost place that differs is named, also inside JSON strings; `12` and `12.0` are one number."""
    assert places(one, other) == expected


@pytest.mark.parametrize("path", ["$.at", "$..at", "$.body.at", "$.items[*].at", "$['at', 'items', 'body']"])
def test_what_is_ignored_does_not_count(path: str) -> None:
    """A JSONPath takes out what may differ, and nothing else."""
    one = {"at": 1, "body": '{"at": 1}', "items": [{"at": 1}], "id": 1}
    changed = {
        "$.at": one | {"at": 2},
        "$..at": one | {"at": 2, "body": '{"at": 3}', "items": [{"at": 4}]},
        "$.body.at": one | {"body": '{"at": 2}'},
        "$.items[*].at": one | {"items": [{"at": 2}]},
        "$['at', 'items', 'body']": {"id": 1},
    }[path]
    assert places(one, changed)
    assert places(one, changed, path) == []
    assert places(one, changed | {"id": 2}, path) == [("$.id", "1", "2")]


def test_what_redaction_hides_still_differs() -> None:
    """Two answers that are shown alike are not taken for equal."""
    hiding = AnswerReader(ignored=Ignored(), redactor=Redactor(RedactionSettings(drop=("secret",))), key=b"k")
    answers = [Seen(verdict="fixed", status="succeeded", answered="yes", answer=hiding.of_text(json.dumps({"secret": each})), effects=()) for each in ("a", "b")]  # fmt: skip
    found = compare(*answers, names=NAMES)
    assert found.kind == "differs"
    assert "redaction hides" in found.differences[0].other
    assert '"a"' not in repr(answers)


def test_many_places_are_counted() -> None:
    """Of very many places the first are named."""
    found = places(list(range(100)), list(range(1, 101)))
    assert len(found) == MOST_PLACES + 1
    assert found[-1] == ("…", "", "and 80 more places")


def test_deep_nesting_harms_nobody() -> None:
    """An answer that is nested too deep is compared as it is written."""
    deep, other = "[" * 100_000 + "]" * 100_000, "[" * 99_999 + "]" * 99_999
    assert compare(seen(deep), seen(deep), names=NAMES).kind == "same"
    assert compare(seen(deep), seen(other), names=NAMES).kind == "differs"


@pytest.mark.parametrize("verdict", ["unobserved", "error"])
def test_what_was_not_seen_is_never_equal(verdict: Any) -> None:
    """An event whose end was not seen is not compared, even with one whose end was not seen either."""
    unseen = Seen(verdict=verdict, problem="nothing was seen")
    for pair in ((unseen, seen(1)), (seen(1), unseen), (unseen, unseen)):
        found = compare(*pair, names=NAMES)
        assert found.kind == "not_compared"
        assert "nothing was seen" in found.left_out["all"]


def test_what_one_does_not_tell_is_left_out() -> None:
    """An answer or effects that only one tells are not compared, and it is said."""
    found = compare(seen(1, effects=None), replace(seen(2), answered="not told", answer=None), names=NAMES)
    assert found.kind == "same"
    assert found.left_out == {"response": "other does not tell it", "effects": "one does not tell them"}


def call(name: str, error: str = "", **parameters: Any) -> Call:
    return Call(name=name, parameters=reader().of_value(parameters), error=error)


def test_effects() -> None:
    """Calls are compared by name, parameters and error, whatever their order."""
    a, b = call("s3:PutObject", Key="a"), call("sqs:SendMessage", Body="x")
    same = compare(seen(1, effects=(a, b)), seen(1, effects=(b, a)), names=NAMES)
    assert same.kind == "same"
    found = compare(
        seen(1, effects=(a, b, b)),
        seen(1, effects=(call("s3:PutObject", Key="b"), b, call("s3:GetObject"))),
        names=NAMES,
    ).differences
    assert [(each.where, each.baseline, each.other) for each in found] == [
        ("s3:PutObject $.Key", '"a"', '"b"'),
        ("sqs:SendMessage", "called", "none"),
        ("s3:GetObject", "none", "called"),
    ]
    failed = compare(seen(1, effects=(a,)), seen(1, effects=(call("s3:PutObject", "NoSuchBucket", Key="a"),)), names=NAMES)  # fmt: skip
    assert [(each.baseline, each.other) for each in failed.differences] == [("succeeded", "NoSuchBucket")]


def test_errors_from_other_code_differ() -> None:
    """The same words from another line are another error, where both tell their lines."""
    here, there, blind = (
        Error(words="KeyError: 'a'", known="k", with_frames=frames) for frames in ("here", "there", "")
    )
    assert compare(seen(1, error=here), seen(1, error=here), names=NAMES).kind == "same"
    assert compare(seen(1, error=here), seen(1, error=blind), names=NAMES).kind == "same"
    assert "other code" in compare(seen(1, error=here), seen(1, error=there), names=NAMES).differences[0].other


def test_dispositions_count() -> None:
    """The same status with another end of a record differs."""
    one, other = (seen(1, dispositions=each) for each in (("processed", "discarded"), ("discarded", "processed")))
    (found,) = compare(one, other, names=NAMES).differences
    assert (found.aspect, found.baseline) == ("status", "succeeded [processed, discarded]")


def test_a_ledger_keeps_no_answer() -> None:
    """What a ledger keeps of an answer is a digest; it is enough to see that the same comes back, or another."""
    here = seen({"card": "4111"}, error=Error(words="ValueError: 4111", known="abc"))
    kept = ledger_document(here)
    assert "4111" not in json.dumps(kept)
    back = seen_in_ledger({"verdict": "fixed", "status": "succeeded", **kept})
    assert compare(back, seen({"card": "4111"}, error=here.error), names=NAMES).kind == "same"
    assert compare(back, seen({"card": "4112"}, error=here.error), names=NAMES).kind == "differs"
    without = seen_in_ledger({"verdict": "fixed", "status": "succeeded", **ledger_document(here, digests=False)})
    assert "response" in compare(without, here, names=NAMES).left_out
