"""The event pattern language, case by case."""

import json
from typing import Any

import pytest

from replay.errors import InvalidEventPattern
from replay.payloads.event_patterns import compile_pattern


def matches(pattern: Any, event: Any) -> bool:
    return compile_pattern(pattern).matches(event)


def refusal(pattern: Any) -> InvalidEventPattern:
    with pytest.raises(InvalidEventPattern) as refused:
        compile_pattern(pattern)
    return refused.value


@pytest.mark.parametrize(
    ("accepts", "value", "expected"),
    [
        (["x"], "x", True),
        (["x"], "X", False),
        ([1], 1.0, True),
        ([3.0e2], 300, True),
        ([1], True, False),
        ([True], 1, False),
        ([True], True, True),
        ([None], None, True),
        ([None], "", False),
        ([""], "", True),
        ([123456789012], 123456789012, True),
        (["1"], 1, False),
        (["10.0.0.1"], "10.0.0.1", True),
        (["10.0.0.1"], "010.0.0.1", True),
        (["::1"], "0:0:0:0:0:0:0:1", True),
        ([{"exactly": "x"}], "x", True),
        ([{"prefix": ""}], "anything", True),
        ([{"prefix": ""}], 5, False),
        ([{"suffix": ""}], None, False),
        ([{"prefix": {"equals-ignore-case": "SeR"}}], "service", True),
        ([{"suffix": {"equals-ignore-case": "ßE"}}], "STRASSE", True),
        ([{"equals-ignore-case": "straße"}], "STRASSE", True),
        ([{"equals-ignore-case": "strasse"}], "straße", False),
        ([{"equals-ignore-case": "k"}], "\u212a", False),
        ([{"wildcard": "*"}], "", True),
        ([{"wildcard": "*"}], 1, False),
        ([{"wildcard": "a*b*c"}], "a-bb-c", True),
        ([{"wildcard": "a*a"}], "a", False),
        ([{"wildcard": r"a\*\\*"}], r"a*\b", True),
        ([{"wildcard": r"a\**"}], "ab", False),
        ([{"anything-but": "x"}], "y", True),
        ([{"anything-but": "x"}], "x", False),
        ([{"anything-but": [1, 2]}], 2.0, False),
        ([{"anything-but": [1, 2]}], "1", True),
        ([{"anything-but": 7}], 1e12, True),
        ([{"anything-but": {"prefix": ["a", "b"]}}], "bc", False),
        ([{"anything-but": {"suffix": "z"}}], False, True),
        ([{"anything-but": {"equals-ignore-case": ["Ab"]}}], "aB", False),
        ([{"anything-but": {"wildcard": ["*/lib/*", "x"]}}], "a/lib/b", False),
        ([{"numeric": ["=", 3.018e2]}], 301.8, True),
        ([{"numeric": [">", 0, "<", 5]}], 5, False),
        ([{"numeric": [">=", -5e9]}], -5_000_000_000, True),
        ([{"numeric": [">", 0]}], 5_000_000_001, False),
        ([{"numeric": [">", 0]}], True, False),
        ([{"numeric": [">", 0]}], "42", False),
        ([{"cidr": "10.1.2.3/8"}], "10.255.255.255", True),
        ([{"cidr": "10.0.0.0/8"}], "11.0.0.0", False),
        ([{"cidr": "0.0.0.0/0"}], "::1", False),
        ([{"cidr": "2001:db8::/32"}], "2001:db8:ffff::", True),
        ([{"cidr": "10.0.0.0/8"}], "::ffff:a00:1", True),
        ([{"cidr": "10.0.0.0/8"}], "10.0.0.256", False),
        ([{"exists": True}], None, True),
        ([{"exists": False}], None, False),
        ([{"exists": True}, {"prefix": "never"}], "x", True),
        ([{"exists": True}], [], False),
        ([{"exists": False}], [], True),
        ([{"exists": False}], {"deeper": 1}, True),
        ([{"exists": True}], {"deeper": 1}, False),
        ([{"anything-but": "x"}], [], False),
        ([{"anything-but": "x"}], ["x", "y"], True),
        (["x"], [["y"], ["x"]], True),
    ],
)
def test_a_value_is_judged_as_eventbridge_does(accepts: Any, value: Any, expected: bool) -> None:
    """Each operator accepts and rejects what the user guide and event-ruler say it does."""
    assert matches({"a": accepts}, {"a": value}) is expected


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"a": {"b": [1]}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": {"b": [1]}}, {"a": 1}, False),
        ({"a": {"b": [1]}}, {"a.b": 1}, True),
        ({"a.b": [1]}, {"a": {"b": 1}}, True),
        ({"a.b": {"c": [1]}}, {"a": {"b.c": 1}}, True),
        ({"a": {"b": [{"exists": False}]}}, {"a": "no object"}, True),
        ({"a": {"b": [{"exists": False}]}}, {}, True),
        ({"A": [1]}, {"a": 1}, False),
        ({"a": [1], "b": [{"anything-but": 1}]}, {"a": 1}, False),
    ],
)
def test_fields_are_found_by_their_dotted_path(pattern: Any, event: Any, expected: bool) -> None:
    """Nested objects and dots in names are the same path, for patterns and for events."""
    assert matches(pattern, event) is expected


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"r": {"x": [1], "y": [2]}}, {"r": [{"x": 1, "y": 3}, {"x": 0, "y": 2}]}, False),
        ({"r": {"x": [1], "y": [2]}}, {"r": [{"x": 0}, [{"x": 1, "y": 2}]]}, True),
        ({"r": {"x": [1], "y": [{"exists": False}]}}, {"r": [{"x": 1}, {"x": 0, "y": 2}]}, True),
        ({"r": {"x": [{"exists": False}], "y": [2]}}, {"r": [{"y": 2}, {"x": 0, "y": 3}]}, False),
        ({"r": {"y": [{"exists": False}], "x": [1]}}, {"r": [{"x": 1}, {"x": 0, "y": 2}]}, True),
        ('{"r": [1], "r": {"x": [2]}}', {"r": [1, {"x": 2}]}, True),
        ({"r": {"x": [1]}, "s": {"x": [2]}}, {"r": [{"x": 0}, {"x": 1}], "s": [{"x": 2}]}, True),
        ({"r": {"x": [1], "s": {"y": [2]}}}, {"r": [{"x": 1, "s": [{"y": 3}]}, {"x": 0, "s": [{"y": 2}]}]}, False),
        ({"r": {"x": [1], "s": {"y": [2]}}}, {"r": [{"x": 1, "s": [{"y": 3}, {"y": 2}]}, {"x": 0}]}, True),
    ],
)
def test_fields_must_agree_on_the_array_element(pattern: Any, event: Any, expected: bool) -> None:
    """Fields of one array find their values in one element; absence is judged by the fields before it, sorted by name."""
    assert matches(pattern, event) is expected


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, True),
        ({"$or": [{"a": [1]}, {"b": [2]}]}, {"a": 2, "b": 1}, False),
        ({"s": ["x"], "d": {"$or": [{"a": [1], "b": [1]}, {"c": [1]}]}}, {"s": "x", "d": {"a": 1}}, False),
        ({"s": ["x"], "d": {"$or": [{"a": [1], "b": [1]}, {"c": [1]}]}}, {"s": "x", "d": {"c": 1}}, True),
        ({"$or": [{"$or": [{"a": [1]}, {"b": [1]}], "c": [1]}, {"d": [1]}]}, {"b": 1, "c": 1}, True),
        ({"a": [1], "$or": [{"a": [2]}, {"b": [3]}]}, {"a": 2}, True),
        ({"a": [1], "$or": [{"a": [2]}, {"b": [3]}]}, {"a": 1}, False),
        ({"$or": [{"a": [2]}, {"b": [3]}], "a": [1]}, {"a": 1}, True),
        ({"$or": {"a": [1]}}, {"$or": {"a": 1}}, True),
        ({"$or": ["x"]}, {"$or": "x"}, True),
        ({"$or": [{"prefix": "x"}, {"suffix": "y"}]}, {"$or": "a-y"}, True),
    ],
)
def test_or_is_multiplied_out_in_the_order_it_is_written(pattern: Any, event: Any, expected: bool) -> None:
    """`$or` joins branches, the last word on a field counts, and a `$or` that is none is a field name."""
    assert matches(pattern, event) is expected


def test_of_a_key_written_twice_the_last_one_counts() -> None:
    """Pattern text keeps duplicate keys: leaves are overridden, objects are joined."""
    assert not matches('{"a": [1], "a": [2]}', {"a": 1})
    assert matches('{"a": [1], "a": [2]}', {"a": 2})
    assert not matches('{"a": {"b": [1]}, "a": {"c": [2]}}', {"a": {"c": 2}})
    assert matches('{"a": {"b": [1]}, "a": {"c": [2]}}', {"a": {"b": 1, "c": 2}})


@pytest.mark.parametrize(
    ("pattern", "reason", "where"),
    [
        ("", "Filter is not an object", "line 1, column 1"),
        ("[1]", "Filter is not an object", "/"),
        ("null", "Filter is not an object", "/"),
        ('{"a": [1]', "Unexpected end-of-input", "line 1, column 10"),
        ('{"a": [NaN]}', "Non-standard token 'NaN'", "/"),
        ('{"a": [+1]}', "Unexpected character ('+' (code 43))", "line 1, column 8"),
        ({1: ["x"]}, "A field name must be a string", "/1"),
        ({}, "Empty objects are not allowed", "/"),
        ({"a": {}}, "Empty objects are not allowed", "/a"),
        ({"a": {"b/c": "x"}}, '"b/c" must be an object or an array', "/a/b~1c"),
        ({"a": [["x"]]}, "Match value must be String, number, true, false, or null", "/a/0"),
        ({"a": [1, {}]}, "Match expression name not found", "/a/1"),
        ({"a": [{"Prefix": "x"}]}, "Unrecognized match type Prefix", "/a/0"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key allowed in match expression", "/a/0"),
        ('{"a": [{"prefix": "x", "prefix": "y"}]}', "Only one key allowed in match expression", "/a/0"),
        ({"a": [{"anything-but": 1, "x": 2}]}, "Too many elements in numeric expression", "/a/0"),
        ({"a": [{"prefix": {}}]}, "Prefix expression name not found", "/a/0/prefix"),
        ({"a": [{"suffix": {"wildcard": "x"}}]}, "Unsupported suffix pattern: wildcard", "/a/0/suffix"),
        ({"a": [{"exists": "true"}]}, "exists match pattern must be either true or false.", "/a/0/exists"),
        ({"a": [{"exactly": 1}]}, "exact match pattern must be a string", "/a/0/exactly"),
        ({"a": [{"anything-but": {}}]}, "Anything-But expression name not found", "/a/0/anything-but"),
        ({"a": [{"anything-but": {"cidr": "x"}}]}, "Unsupported anything-but pattern: cidr", "/a/0/anything-but"),
        ({"a": [{"anything-but": []}]}, "Inside anything but list, either all values", "/a/0/anything-but"),
        ({"a": [{"anything-but": [1, "x"]}]}, "Inside anything but list, either all values", "/a/0/anything-but"),
        ({"a": [{"anything-but": [True]}]}, "Inside anything but list, start|null|boolean", "/a/0/anything-but"),
        ({"a": [{"anything-but": True}]}, "Value of anything-but must be an array", "/a/0/anything-but"),
        ({"a": [{"wildcard": "é**"}]}, "Consecutive wildcard characters at pos 3", "/a/0/wildcard"),
        ({"a": [{"wildcard": "ab\\"}]}, "Invalid escape character at pos 3", "/a/0/wildcard"),
        ({"a": [{"wildcard": r"\a"}]}, "Invalid escape character at pos 1", "/a/0/wildcard"),
        ({"a": [{"cidr": "10.0.0.1"}]}, "Malformed CIDR, one '/' required", "/a/0/cidr"),
        ({"a": [{"cidr": "10.0.0.1/"}]}, "Malformed CIDR, one '/' required", "/a/0/cidr"),
        ({"a": [{"cidr": "10.0.0.0/-1"}]}, "Malformed CIDR, mask bits must not be negative", "/a/0/cidr"),
        ({"a": [{"cidr": "10.0.0.1/32"}]}, "IPv4 mask bits must be < 32", "/a/0/cidr"),
        ({"a": [{"cidr": "::1/128"}]}, "IPv6 mask bits must be < 128", "/a/0/cidr"),
        ({"a": [{"cidr": "10.0.0.999/8"}]}, "Invalid IP address: 10.0.0.999", "/a/0/cidr"),
        ({"a": [{"cidr": 5}]}, "prefix match pattern must be a string", "/a/0/cidr"),
        ({"a": [{"numeric": [">", 6e9]}]}, "Value must be between -5.0E9 and 5.0E9, inclusive", "/a/0/numeric"),
        ({"a": [{"anything-but": [1, -6e9]}]}, "Value must be between -5.0E9 and 5.0E9", "/a/0/anything-but"),
        ({"a": [{"numeric": [">", 1, "<", 1]}]}, "Bottom must be less than top", "/a/0/numeric"),
        ({"a": [{"numeric": [None]}]}, "Invalid member in numeric match: null", "/a/0/numeric"),
        ({"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}, "Rule is too complex", "/"),
        ({"$or": [{"prefix": [1]}, {"b": [1]}]}, "prefix is Ruler reserved fieldName", "/$or/0/prefix"),
        ({"$or": [{"a": [1]}]}, "There must have at least 2 Objects in $or relationship.", "/$or"),
        ({"$or": [{"a": [1]}, {"b": [{"x": 1}]}]}, "Unrecognized match type x", "/$or/1/b/0"),
    ],
)
def test_what_eventbridge_refuses_is_refused_with_its_words_and_its_place(
    pattern: Any, reason: str, where: str
) -> None:
    """Each rule of the grammar has EventBridge's text, the place in the pattern, and what to do now."""
    error = refusal(pattern)
    assert error.what.startswith(f"Event pattern is not valid. Reason: {reason}")
    assert error.where == where
    assert error.hint


@pytest.mark.parametrize(
    "pattern",
    [
        {"a": [{"wildcard": "/Users/*/dir/dir/dir/dir/dir/doc.txt"}]},
        {"a": [{"wildcard": f"*:stack/{name}/*"} for name in ("api", "auth", "db")]},
        {"a": [{"anything-but": {"wildcard": ["*one*", "*two*", "*three*", "*four*"]}}]},
        {"a": [{"prefix": ""}, {"suffix": ""}, {"equals-ignore-case": ""}, {"wildcard": ""}]},
        {"a": [1e300, 10**400, -1.5, {"numeric": ["<", 5e9]}]},
        {"a": [{"cidr": "10.0.0.0/+8"}, {"cidr": "::/0"}]},
        {f"k{i}": ["v"] for i in range(300)},
    ],
)
def test_what_eventbridge_accepts_is_accepted(pattern: Any) -> None:
    """Patterns at the edge of the grammar compile, from text as well."""
    compile_pattern(pattern)
    compile_pattern(json.dumps(pattern))


def test_wildcards_of_one_field_count_together() -> None:
    """Wildcards that are each simple are refused where one value could keep too many of them open."""
    four = [{"wildcard": f"*:stack/{name}/*"} for name in ("api", "auth", "db", "web")]
    assert "too complex" in refusal({"a": four}).what
    compile_pattern({"a": four[:2], "b": four[2:]})


def test_or_has_a_limit_of_combinations() -> None:
    """`$or` arrays multiply to at most 1,000 rules."""
    two = {f"{letter}": {"$or": [{"x": [1]}, {"y": [1]}]} for letter in "abcdefghi"}
    compile_pattern(two)
    assert "1000" in refusal({**two, "j": {"$or": [{"x": [1]}, {"y": [1]}]}}).what


def test_depth_and_size_harm_neither_compiling_nor_matching() -> None:
    """No depth of pattern or event ends in anything but an answer, and no event makes matching explode."""
    deep_object: Any = 1
    deep_array: Any = {"b": 1}
    pattern: Any = [1]
    for _ in range(100_000):
        deep_object, deep_array, pattern = {"a": deep_object}, [deep_array], {"a": pattern}
    assert not matches({"a": [{"exists": True}]}, deep_object)
    assert matches({"a": {"b": [1], "c": [{"exists": False}]}}, {"a": deep_array})
    assert "too deep" in refusal(pattern).what
    assert "too deep" in refusal('{"a":' * 100_000).what
    odd_and_even = {"r": [{"x": 1} if index % 2 else {"y": 1} for index in range(4_000)]}
    assert not matches({"r": {"x": [1], "y": [1]}}, odd_and_even)
    many = {key: [{"x": 1, "y": index} for index in range(300)] for key in "abcdef"}
    assert not matches({key: {"x": [1], "y": [299 if key != "f" else -1]} for key in "abcdef"}, many)
    assert not matches({"a": [{"wildcard": "*a*a*a*b"}]}, {"a": "a" * 100_000})


def test_a_pattern_may_be_as_deep_as_eventbridge_takes_it() -> None:
    """The 4,096 characters that EventBridge takes may all be depth."""
    text = '{"a":' * 800 + "[1]" + "}" * 800
    event: Any = 1
    for _ in range(800):
        event = {"a": event}
    assert matches(text, event)


def test_only_an_object_is_an_event() -> None:
    """What is no JSON object matches nothing, not even absence."""
    assert not any(matches({"a": [{"exists": False}]}, event) for event in (None, [], "x", 1, [{}]))
