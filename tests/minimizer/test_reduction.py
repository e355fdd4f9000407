"""What may go from an event goes, and nothing that its failure needs."""

import base64
import json
import re
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import InvalidJson
from replay.minimizer.free_parts import FreeParts, free_parts
from replay.minimizer.payload_tree import places, tree_of, written
from replay.minimizer.reduction import Probes, reduce

EVERYTHING = free_parts("direct")


def reduced(
    event: Any, fails: Callable[[Any], bool], *, free: FreeParts = EVERYTHING, most: int = 10_000
) -> tuple[str, int, bool]:
    """Reduce an event, given as a value or as its text; gives what is left, the probes, and whether it is smallest."""
    root = tree_of(event if isinstance(event, str) else json.dumps(event), free)
    probes = Probes(lambda text: fails(json.loads(text)), most=most, within_s=60)
    is_smallest = reduce(root, probes)
    return written(root), probes.made, is_smallest


def test_one_bad_leaf_in_a_megabyte_needs_few_probes() -> None:
    """Halving finds it: under 300 probes, and nothing else is left."""
    orders: list[Any] = [
        {"id": f"o-{n}", "lines": [{"sku": f"s-{n}-{m}", "quantity": m} for m in range(20)]} for n in range(1400)
    ]
    orders[977]["lines"][13]["quantity"] = None
    event = {"batch": "b-1", "orders": orders}
    assert len(json.dumps(event)) > 1_000_000

    def fails(value: Any) -> bool:
        lines = (line for order in value.get("orders", ()) for line in order.get("lines", ()))
        return any("quantity" in line and line["quantity"] is None for line in lines)

    left, probes, is_smallest = reduced(event, fails)
    assert left == '{"orders":[{"lines":[{"quantity":null}]}]}'
    assert probes < 300
    assert is_smallest


def test_one_bad_leaf_in_a_megabyte_of_a_message_needs_few_probes() -> None:
    """The same of a poison message, whose megabyte is JSON in the body of an SQS record, and twice in strings there."""
    orders: list[Any] = [{"id": f"o-{n}", "lines": json.dumps([{"sku": f"s-{n}", "n": n}] * 20)} for n in range(1600)]
    orders[-7]["lines"] = json.dumps([{"sku": "s", "n": 1}, {"sku": "s", "n": "1.5e"}])
    record = {"messageId": "m-1", "body": json.dumps({"orders": orders}), "attributes": {}, "messageAttributes": {}}
    assert len(record["body"]) > 1_000_000

    def fails(value: Any) -> bool:
        try:
            orders = json.loads(value["Records"][0]["body"])["orders"]
            lines = [line for order in orders for line in json.loads(order["lines"])]
        except (LookupError, TypeError, ValueError):
            return False
        return any("n" in line and isinstance(line["n"], str) and "e" in line["n"] for line in lines)

    left, probes, is_smallest = reduced({"Records": [record]}, fails, free=free_parts("sqs"))
    assert json.loads(json.loads(left)["Records"][0]["body"]) == {"orders": [{"lines": '[{"n":"e"}]'}]}
    assert probes < 300
    assert is_smallest


@given(st.integers(1, 60), st.integers(0, 59), st.integers(0, 5))
def test_looking_ahead_changes_nothing(count: int, needed: int, letters: int) -> None:
    """With answers that were begun before, or that never come, the same is left after the same number of probes."""
    event = {f"k{n}": "x" * letters + str(n) for n in range(count)}
    needed = min(needed, count - 1)

    def fails(text: str) -> bool:
        return str(needed) in json.loads(text).get(f"k{needed}", "")

    def ahead(text: str) -> Future[bool | None]:
        answer: Future[bool | None] = Future()
        answer.set_result(fails(text) if len(text) % 3 else None)
        return answer

    results = []
    for looks_ahead in (None, ahead):
        root = tree_of(json.dumps(event), EVERYTHING)
        probes = Probes(fails, most=40, within_s=60, ahead=looks_ahead)
        results.append((reduce(root, probes), written(root), probes.made))
    assert results[0] == results[1]


def test_what_is_not_safe_is_not_kept() -> None:
    """A value is not shortened to one that is refused, and no replay is spent on it."""
    root = tree_of('{"to":"xxxx@xx.invalid"}', EVERYTHING)
    asked: list[str] = []

    def fails(text: str) -> bool:
        asked.append(text)
        return "@" in text

    probes = Probes(fails, most=500, within_s=60, is_safe=lambda text: ".invalid" in text)
    assert reduce(root, probes)
    assert written(root) == '{"to":"@.invalid"}'
    assert all(".invalid" in text for text in asked[1:] if "to" in text)


def test_json_in_strings_and_base64_is_taken_apart() -> None:
    """A body inside a body, and the data of a Kinesis record, shrink as the event itself does."""
    inner = json.dumps({"keep": 1, "drop": "x" * 50})
    event = {"body": json.dumps({"message": inner, "other": [1, 2]})}

    def fails(value: Any) -> bool:
        return "keep" in json.loads(json.loads(value["body"])["message"])

    def fails_safely(value: Any) -> bool:
        try:
            return fails(value)
        except (ValueError, KeyError, TypeError):
            return False

    assert reduced(event, fails_safely)[0] == json.dumps(
        {"body": '{"message":"{\\"keep\\":0}"}'}, separators=(",", ":")
    )

    data = base64.b64encode(inner.encode()).decode()
    record = {"Records": [{"eventID": "shardId-0:1", "kinesis": {"data": data}}] * 3}
    left, _, _ = reduced(
        record, lambda value: "keep" in _data(value["Records"][0]) if value["Records"] else False,
        free=free_parts("kinesis"),
    )  # fmt: skip
    only = json.loads(left)["Records"]
    assert [_data(each) for each in only] == [{"keep": 0}]
    assert only[0]["eventID"] == "shardId-0:1"


def _data(record: Any) -> Any:
    try:
        return json.loads(base64.b64decode(record["kinesis"]["data"]))
    except ValueError:
        return ()


def test_what_aws_sends_around_a_payload_stays() -> None:
    """Of an SQS record the body and the message attributes may shrink; its id and its other members stay."""
    record = {
        "messageId": "m-1",
        "body": json.dumps({"a": 1, "b": 2}),
        "attributes": {"SentTimestamp": "1"},
        "messageAttributes": {"trace": {"stringValue": "t", "dataType": "String"}},
        "eventSource": "aws:sqs",
    }
    left, _, _ = reduced(
        {"Records": [record, {**record, "messageId": "m-2"}]},
        lambda value: any(each["body"] == "" or "a" in json.loads(each["body"]) for each in value["Records"]),
        free=free_parts("sqs"),
    )
    (only,) = json.loads(left)["Records"]
    assert only == {**record, "messageId": "m-2", "body": "", "messageAttributes": {}}


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ('{"n": 12345678901234567890.12345}', r"\d\.\d"),
        ('{"n": 1E400}', r"E\d"),
        ('{"n": [NaN, 1]}', "NaN"),
        ('{"k": 1, "k": 2}', '"k".*"k"'),
        ('{"s": "\\ud83c"}', r"\\ud83c"),
    ],
)
def test_digits_and_doubles_survive(text: str, pattern: str) -> None:
    """Long numbers, NaN, equal keys and lone surrogates are kept as they are written where the failure needs them."""
    root = tree_of(text, EVERYTHING)
    probes = Probes(lambda left: re.search(pattern, left) is not None, most=500, within_s=60)
    assert reduce(root, probes)
    assert re.search(pattern, written(root))
    assert len(written(root)) <= len(text)


def test_a_spent_budget_keeps_what_was_reached() -> None:
    """What is left still fails, and it is said that it may not be the smallest."""
    event = {f"key-{n}": n for n in range(100)}
    left, probes, is_smallest = reduced(event, lambda value: {"key-7", "key-70"} <= set(value), most=10)
    assert probes == 10
    assert not is_smallest
    assert {"key-7", "key-70"} <= set(json.loads(left)) < set(event)


def test_places_are_told_as_they_are_now() -> None:
    """A redaction that is noted at a place of the old event is found at its place in the new one."""
    event = {"list": [1, {"a/b": '{"x": "y"}', "drop": 1}]}
    root = tree_of(json.dumps(event), EVERYTHING)
    probes = Probes(lambda text: "y" in text and "x" in text and "a/b" in text, most=100, within_s=60)
    reduce(root, probes)
    assert places(root)["/list/1/a~1b#/x"] == "/list/0/a~1b#/x"
    assert "/list/0" not in places(root)


def test_what_is_nested_too_deep_is_refused() -> None:
    """One clear error, no RecursionError; deep JSON in a string stays a string."""
    with pytest.raises(InvalidJson, match="too deep"):
        tree_of("[" * 100_000 + "]" * 100_000, EVERYTHING)
    with pytest.raises(InvalidJson, match="too deep"):
        tree_of("[" * 300 + "]" * 300, EVERYTHING)
    deep = "[" * 5000 + "]" * 5000
    assert json.loads(written(tree_of(json.dumps({"body": deep}), EVERYTHING))) == {"body": deep}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_a_tree_writes_the_value_that_it_was_made_of(value: Any) -> None:
    """Nothing is lost before anything is left out."""
    assert json.loads(written(tree_of(json.dumps(value), EVERYTHING))) == value


@given(st.lists(st.integers(0, 60), max_size=60), st.sets(st.integers(0, 60), min_size=1, max_size=4))
def test_nothing_more_can_be_left_out(numbers: list[int], needed: set[int]) -> None:
    """What is left fails, and fails no longer without any one of its elements."""
    event = [*numbers, *needed]
    left, _, is_smallest = reduced(event, lambda value: isinstance(value, list) and needed <= set(value))
    assert is_smallest
    assert sorted(json.loads(left)) == sorted(needed)
