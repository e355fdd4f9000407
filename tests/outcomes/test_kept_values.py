"""What a function keeps from one invocation to the next, seen from three deliveries."""

from hypothesis import given
from hypothesis import strategies as st

from replay.outcomes.kept_values import frozen_note, frozen_values, grown_note, grown_values, is_kept
from tests.outcomes.aws_effects import call, outcome


def put(**item):
    return outcome(call("dynamodb:PutItem", Item=item), answer={"count": len(item)})


def test_a_value_that_only_a_cold_start_changes_is_frozen() -> None:
    """The time of the import is the same in a warm function, and another one after a cold start."""
    cold, warm, again = put(at="08:15", id="1"), put(at="08:15", id="1"), put(at="08:16", id="1")
    assert frozen_values(cold, warm, again) == ["dynamodb:PutItem Item.at"]
    assert grown_values(cold, warm, again) == []


def test_a_value_that_every_invocation_makes_is_not_frozen() -> None:
    """A handler that asks for the time itself has another one each time."""
    assert frozen_values(put(at="08:15"), put(at="08:16"), put(at="08:17")) == []
    assert grown_values(put(at="08:15"), put(at="08:16"), put(at="08:17")) == []


def test_what_only_a_warm_function_has_was_kept() -> None:
    """A list in a module grows: the second invocation answers with more than any cold start does."""
    cold, warm = outcome(answer={"seen": [1]}), outcome(answer={"seen": [1, 1]})
    assert grown_values(cold, warm, cold) == ["the answer seen[1]"]
    assert frozen_values(cold, warm, cold) == []


def test_calls_that_a_warm_function_leaves_out_were_kept() -> None:
    """A cache saves the second call."""
    cold, warm = outcome(call("ssm:GetParameter", Name="n")), outcome()
    assert grown_values(cold, warm, cold) == [
        "ssm:GetParameter",
        "ssm:GetParameter (keys)",
        "ssm:GetParameter Name",
    ]


def test_a_value_is_looked_at_again() -> None:
    """A frozen value is still there a moment later; a second that had passed meanwhile is not."""
    assert is_kept("dynamodb:PutItem Item.at", put(at="1"), put(at="1"))
    assert not is_kept("dynamodb:PutItem Item.at", put(at="1"), put(at="2"))


def test_notes_name_places_and_no_values() -> None:
    """The answer is not redacted, so that only its places are shown, and not too many."""
    assert frozen_note(["the answer at"]).startswith("frozen at import: the answer at: ")
    assert grown_note(["a", "b", "c", "d"]).startswith("kept between invocations: a, b, c and 1 more: ")


def test_a_deep_answer_is_no_problem() -> None:
    """A handler may echo an event that nests deeper than Python can recurse."""
    deep = "[" * 5000 + "]" * 5000
    cold, warm = outcome(text=deep), outcome(text=deep)
    assert grown_values(cold, warm, cold) == []


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
)


@given(json, json, json)
def test_equal_deliveries_keep_nothing(first, second, third) -> None:
    """Where nothing differs nothing is told; a place is never both frozen and kept."""
    one, two, three = outcome(answer=first), outcome(answer=second), outcome(answer=third)
    assert frozen_values(one, one, one) == grown_values(one, one, one) == []
    assert not set(frozen_values(one, two, three)) & set(grown_values(one, two, three))
