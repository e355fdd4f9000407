"""The excerpt shows the lines that the failure is about."""

import json
from collections.abc import Callable
from time import perf_counter

import pytest

from replay.fixtures.fixture import Fixture, Redaction
from replay.payloads.failures import Failure
from replay.reports.payload_excerpt import payload_excerpt, payload_section

BODY = {f"field_{number}": number for number in range(40)} | {"costumer_id": "c-1", "note": "'customer_id' is here too"}


def excerpt(body: object, error_type: str, message: str, lines: int = 5) -> str:
    event = {"Records": [{"messageId": "1", "body": body if isinstance(body, str) else json.dumps(body)}]}
    failure = Failure(error_type=error_type, message=message)
    return "\n".join(payload_excerpt(json.dumps(event), failure, lines=lines))


def test_the_key_that_is_named_is_shown() -> None:
    """A key of that name is found before a value that only mentions it."""
    shown = excerpt(BODY | {"early": "field_30"}, "ValueError", "bad value for 'field_30'")
    assert '"field_30": 30' in shown
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_a_misspelt_key_is_shown_where_the_right_one_is_missing() -> None:
    """`KeyError: 'customer_id'` leads to `costumer_id`, and not to a text that has the word in it."""
    assert '"costumer_id": "c-1"' in excerpt(BODY, "KeyError", "'customer_id'")


@pytest.mark.parametrize("misspelt", ["customerId", "CUSTOMER_ID", "customer-id", "costumer_id", "customer"])
def test_usual_misspellings_are_near(misspelt: str) -> None:
    """Another case, another separator, a swapped or a missing letter."""
    body = {f"field_{number}": number for number in range(40)} | {misspelt: 1}
    assert f'"{misspelt}": 1' in excerpt(body, "KeyError", "'customer_id'")


def test_without_a_name_the_beginning_is_shown() -> None:
    """A failure that names nothing shows the first lines."""
    assert excerpt(BODY, "ZeroDivisionError", "division by zero").splitlines()[:2] == ["{", '  "field_0": 0,']


@pytest.mark.parametrize("body", ["", "not json", "[" * 100_000, "{" * 10, '"' + "x" * 100_000 + '"'])
def test_a_body_that_is_no_document_is_shown_as_it_is(body: str) -> None:
    """Empty, plain, very deep and very long bodies are shown in short lines."""
    rows = excerpt(body, "JSONDecodeError", "Expecting value").splitlines()
    assert 1 <= len(rows) <= 6
    assert all(len(row) <= 140 for row in rows)


def test_an_event_that_is_nested_too_deep_is_shown_as_text() -> None:
    """A hundred thousand levels end neither in an error nor in a long line."""
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    (row,) = payload_excerpt(deep, Failure(error_type="KeyError", message="'a'"))
    assert len(row) <= 140


def test_many_keys_do_not_take_long() -> None:
    """A payload of hundred thousand keys is searched in a moment, also for a key that is not there."""
    body = json.dumps({f"k{number}": number for number in range(100_000)})
    began = perf_counter()
    excerpt(body, "KeyError", "'nowhere', 'nor_here', 'customer_id', 'and_so_on', 'and_on'")
    assert perf_counter() - began < 5


@pytest.mark.parametrize("number", ["1e400", "0.1000000000000000055", "123456789012345678901234567890", "1.10"])
def test_numbers_are_exact(number: str) -> None:
    """The number that broke the handler is shown with every digit that it has, wherever the event holds it."""
    failure = Failure(error_type="Inexact", message="'amount'")
    inner = f'{{"amount": {number}}}'
    for event in (
        inner,
        json.dumps({"Records": [{"body": inner}]}),
        f'{{"Records": [{{"eventID": "1", "dynamodb": {inner}, "awsRegion": "eu-west-1"}}]}}',
    ):
        assert payload_excerpt(event, failure) == ["{", f'  "amount": {number}', "}"]


def test_a_value_that_is_no_object_is_cut_out_too() -> None:
    """One scalar, or an empty object, in the place of what a stream record holds."""
    for written in ("{}", "17", "[]"):
        assert payload_excerpt(f'{{"Records": [{{"dynamodb": {written}, "x": 1}}]}}', None) == [written]


def test_a_key_that_is_written_with_escapes_is_found() -> None:
    """`KeyError: 'größe'` finds its neighbour where the sender has escaped all that is not ASCII."""
    body = json.dumps({f"field_{number}": number for number in range(40)} | {"gröse": 1})
    assert '"gr\\u00f6se": 1' in excerpt(body, "KeyError", "'größe'")


def test_redaction_is_said_where_it_was_done(fixture_of: Callable[..., Fixture]) -> None:
    """The heading says "redacted" only of a payload in which something was."""
    assert payload_section(fixture_of(), None)[0] == "payload"
    assert (
        payload_section(fixture_of(redactions=(Redaction(at="/a", detector="email"),)), None)[0] == "payload (redacted)"
    )
