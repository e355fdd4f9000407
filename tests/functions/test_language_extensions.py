"""`Fn::ForEach`, written out."""

from typing import Any

from replay.functions.language_extensions import unroll


def unrolled(value: Any) -> Any:
    return unroll(value, lambda collection: collection)


def test_a_loop_makes_a_key_a_round() -> None:
    """Keys, text and references take each item; `&{}` keeps its letters and digits."""
    loop = {
        "Fn::ForEach::Q": ["Name", ["a-1", "b"], {"Queue&{Name}": {"N": "${Name}-q", "R": {"Ref": "Name"}}}],
        "x": 1,
    }
    assert unrolled({"Resources": loop}) == {
        "Resources": {"Queuea1": {"N": "a-1-q", "R": "a-1"}, "Queueb": {"N": "b-q", "R": "b"}, "x": 1}
    }


def test_loops_nest() -> None:
    """An inner loop sees the outer variable."""
    inner = {"Fn::ForEach::In": ["B", ["1", "2"], {"${A}${B}": "${B}${A}"}]}
    assert unrolled({"Fn::ForEach::Out": ["A", ["x", "y"], inner]}) == {"x1": "1x", "x2": "2x", "y1": "1y", "y2": "2y"}


def test_the_collection_is_resolved() -> None:
    """A parameter can hold the items; what is no list makes no rounds."""
    loop = {"Fn::ForEach::L": ["A", {"Ref": "Items"}, {"${A}": 1}]}
    assert unroll(loop, lambda _: ["p"]) == {"p": 1}
    assert unroll(loop, lambda _: "placeholder") == {}


def test_a_malformed_loop_is_left_out() -> None:
    """What is no loop, though it says so, disappears; everything else stays."""
    assert unrolled({"Fn::ForEach::L": ["A", ["x"]], "Fn::ForEach::M": 5, "y": [{"z": None}]}) == {"y": [{"z": None}]}
