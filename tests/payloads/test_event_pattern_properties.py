"""What holds of the event pattern language for whatever pattern and event."""

import ipaddress
import json
import re
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from replay.errors import InvalidEventPattern
from replay.payloads.event_patterns import compile_pattern

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["", "a", "prefix", "10.0.0.1", "::1", "*", "\\"])
)
_OPERATORS = (
    "prefix",
    "suffix",
    "equals-ignore-case",
    "wildcard",
    "cidr",
    "numeric",
    "exists",
    "anything-but",
    "exactly",
)
_names = st.text(max_size=3) | st.sampled_from(("a", "b", "a.b", "$or", "=", ">", *_OPERATORS))
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=12,
)
_objects = st.dictionaries(_names, _json, max_size=4)
_words = st.text(alphabet="abAB*é/", max_size=6)
_comparisons = st.lists(st.sampled_from(("=", "<", "<=", ">", ">=")) | st.integers(-9, 9), max_size=4)
_expressions = st.dictionaries(
    st.sampled_from(_OPERATORS),
    _words
    | st.booleans()
    | _comparisons
    | st.lists(_words, max_size=2)
    | st.sampled_from(["10.0.0.0/8", "::/3"])
    | st.dictionaries(st.sampled_from(_OPERATORS), _words | st.lists(_words), min_size=1, max_size=1),
    min_size=1,
    max_size=1,
)
_values = st.lists(_scalars | _expressions, min_size=1, max_size=3)
_patterns = st.recursive(
    st.dictionaries(_names, _values, min_size=1, max_size=3),
    lambda inner: st.dictionaries(_names, inner | st.lists(inner, min_size=2, max_size=3), min_size=1, max_size=2),
    max_leaves=5,
)


def matches(pattern: Any, event: Any) -> bool:
    return compile_pattern(pattern).matches(event)


@given(_objects | _patterns, _objects)
def test_any_json_compiles_or_is_refused_and_any_event_is_answered(pattern: Any, event: Any) -> None:
    """Compiling raises InvalidEventPattern or nothing, and matching raises nothing; text and mapping agree."""
    assert _answer(json.dumps(pattern), event) == _answer(pattern, event)


def _answer(pattern: Any, event: Any) -> bool | str:
    try:
        return compile_pattern(pattern).matches(event)
    except InvalidEventPattern as error:
        return str(error)


@given(st.text() | st.text(alphabet='{}[]":,0a\\ '))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    """Text that is no pattern is refused as such, whatever it is."""
    answer = _answer(text, {})
    assert isinstance(answer, bool) or answer.startswith("Event pattern is not valid. Reason: ")


def _own_pattern(event: Any) -> Any:
    """Make the pattern of an event's own leaves; of an array, of its last element that has any."""
    if isinstance(event, dict):
        fields = {name: made for name, value in event.items() if name != "$or" and (made := _own_pattern(value))}
        return fields or None
    if isinstance(event, list):
        return next((made for element in reversed(event) if (made := _own_pattern(element))), None)
    return [event]


@given(_objects)
def test_an_event_matches_the_pattern_of_its_own_leaves(event: Any) -> None:
    """Whatever an event holds, the pattern that asks for just that accepts it."""
    pattern = _own_pattern(event)
    assume(pattern)
    assert matches(pattern, event)


@given(st.lists(_words, min_size=1, max_size=3), _scalars | _words)
def test_anything_but_is_the_complement_for_a_value_that_is_there(texts: list[str], value: Any) -> None:
    """Every form of `anything-but` accepts a present value exactly where the form itself does not."""
    wildcards = [text.replace("**", "*").replace("**", "*") for text in texts]
    forms: list[tuple[Any, list[Any]]] = [
        (texts, list(texts)),
        ({"prefix": [f"a{text}" for text in texts]}, [{"prefix": f"a{text}"} for text in texts]),
        ({"suffix": [f"{text}b" for text in texts]}, [{"suffix": f"{text}b"} for text in texts]),
        ({"equals-ignore-case": texts}, [{"equals-ignore-case": text} for text in texts]),
        ({"wildcard": wildcards[:1]}, [{"wildcard": text} for text in wildcards[:1]]),
    ]
    for negated, accepts in forms:
        try:
            plain = compile_pattern({"k": accepts})
        except InvalidEventPattern:
            continue  # some wildcards are too complex
        assert compile_pattern({"k": [{"anything-but": negated}]}).matches({"k": value}) is not plain.matches(
            {"k": value}
        )


@given(st.lists(_scalars, min_size=1, max_size=3), st.lists(_scalars, min_size=1, max_size=3), _objects)
def test_or_is_a_disjunction(left: list[Any], right: list[Any], event: Any) -> None:
    """`$or` of two branches matches exactly where one of them does."""
    one, two = {"a": left}, {"b": right}
    assert matches({"$or": [one, two]}, event) is (matches(one, event) or matches(two, event))


_leaf_patterns = st.lists(_scalars | st.just({"exists": True}) | st.just({"anything-but": "a"}), min_size=1, max_size=2)
_element_patterns = st.dictionaries(
    st.sampled_from("xy"),
    _leaf_patterns | st.dictionaries(st.sampled_from("xy"), _leaf_patterns, min_size=1),
    min_size=1,
)
_small = st.sampled_from(["a", "b", 1])
_elements = st.dictionaries(
    st.sampled_from("xy"),
    _small
    | st.lists(st.dictionaries(st.sampled_from("xy"), _small, max_size=2), max_size=3)
    | st.dictionaries(st.sampled_from("xy"), _small, max_size=2),
    max_size=2,
)


@given(_element_patterns, st.lists(_elements, max_size=4))
def test_an_array_of_objects_matches_where_one_of_them_does(pattern: Any, elements: list[Any]) -> None:
    """Fields below an array hold together in one element or not at all (absence aside)."""
    one_by_one = any(matches({"r": pattern}, {"r": element}) for element in elements)
    assert matches({"r": pattern}, {"r": elements}) is one_by_one
    assert matches({"r": pattern}, {"r": [[], [elements]]}) is one_by_one


@given(st.lists(st.text(alphabet="ab", max_size=2), min_size=1, max_size=4), st.text(alphabet="ab", max_size=10))
def test_a_wildcard_is_the_regular_expression_with_dot_star(literals: list[str], text: str) -> None:
    """Wildcards agree with the obvious, slow definition."""
    wildcard = re.sub(r"\*+", "*", "*".join(literals))
    expected = re.fullmatch(wildcard.replace("*", ".*"), text) is not None
    assert _answer({"k": [{"wildcard": wildcard}]}, {"k": text}) is expected


@given(st.integers(-5, 5), st.integers(-5, 5), st.floats(-10, 10) | st.integers(-10, 10))
def test_numeric_ranges_compare_as_numbers_do(bottom: int, width: int, value: float) -> None:
    """A range holds where its two comparisons do; one without width is refused."""
    top = bottom + width
    pattern = {"k": [{"numeric": [">", bottom, "<=", top]}]}
    if top <= bottom:
        assert "Bottom must be less than top" in str(_answer(pattern, {}))
    else:
        assert matches(pattern, {"k": value}) is (bottom < value <= top)


@given(st.ip_addresses(), st.integers(0, 127), st.ip_addresses())
def test_cidr_blocks_hold_what_their_network_holds(base: Any, bits: int, address: Any) -> None:
    """A block holds exactly the addresses of its network, whatever address of it names the block."""
    assume(base.version == 4 or not base.ipv4_mapped)  # such an address is taken for the IPv4 one
    bits %= base.max_prefixlen
    network = ipaddress.ip_network(f"{base}/{bits}", strict=False)
    pattern = compile_pattern({"k": [{"cidr": f"{base}/{bits}"}]})
    for candidate in (base, network[0], network[-1], address):
        assume(candidate.version == 4 or not candidate.ipv4_mapped)
        assert pattern.matches({"k": str(candidate)}) is (candidate in network)
