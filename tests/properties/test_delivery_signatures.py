"""One bug is one signature over all the poison messages that meet it, and two bugs are two."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from replay.delivery.raised import frames_of
from replay.outcomes.fingerprint import signature
from replay.outcomes.message_patterns import MESSAGE_LIMIT, message_pattern
from replay.payloads.failures import Failure, Signature
from tests.outcomes.buggy_handlers import BUGS


def failure_of(handler, body) -> Failure:
    try:
        handler(body)
    except Exception as error:  # noqa: BLE001 - whatever the bug raises
        return Failure(error_type=type(error).__name__, message=str(error), frames=frames_of(error, handler))
    pytest.fail(f"{handler.__name__} did not fail with {body!r}")


_SEEN: dict[str, Signature] = {}


@pytest.mark.parametrize("handler", BUGS, ids=lambda handler: handler.__name__)
def test_one_bug_is_one_signature(handler) -> None:
    """A hundred different poison messages of one bug have one signature."""
    seen: set[Signature] = set()

    @settings(max_examples=100)
    @given(BUGS[handler])
    def all_messages(body) -> None:
        found = signature(failure_of(handler, body))
        seen.add(found)
        assert len(seen) == 1, seen

    all_messages()


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_different_bugs_differ(data) -> None:
    """No two bugs share a signature, whatever their messages hold."""
    digests = {
        signature(failure_of(handler, data.draw(bodies))).digest: handler.__name__ for handler, bodies in BUGS.items()
    }
    assert len(digests) == len(BUGS)


@given(st.sampled_from(["ValueError", "KeyError", "TypeError", "OrderError", ""]), st.text(max_size=400))
@example("OrderError", "{" * 3000)
@example("OrderError", "'a" * 1500)
@example("OrderError", "a-" * 1500)
@example("OrderError", "('x" * 1000)
def test_every_message_has_a_short_pattern(error_type: str, message: str) -> None:
    """Whatever a hostile payload puts into a message, its pattern is one short line."""
    pattern = message_pattern(error_type, message)
    assert len(pattern) <= MESSAGE_LIMIT
    assert "\n" not in pattern


EMAILS = st.emails(domains=st.just("example.com")).filter(lambda email: not set(email) & set("'`{}="))


@given(st.uuids(), EMAILS, st.integers(), st.floats(), st.datetimes())
def test_values_in_plain_words_are_normalised(uuid, email, number, amount, moment) -> None:
    """Ids, addresses, numbers and times are found without quotes around them."""
    message = f"order {uuid} of {email} at {moment.isoformat()}: {number} pieces for {amount} failed"
    assert message_pattern("OrderError", message) == "order <uuid> of <email> at <time>: <n> pieces for <n> failed"
