"""What the client of a function URL gets."""

import pytest

from replay.delivery.attempt import Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource

SOURCE = EventSource(kind="function_url")


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("good day", "good day"),
        (17, "17"),
        (2.5, "2.5"),
        (False, "false"),
        (None, "null"),
        (["a b", 1, True], '["a b",1,true]'),
        ({"total": 3, "list": []}, '{"total":3,"list":[]}'),
        ("", ""),
    ],
)
def test_any_value_is_a_200(value, body) -> None:
    """Text goes out without its quotes, everything else as compact JSON."""
    report = deliver({}, lambda event, context: value, SOURCE)
    assert report.response == {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": body,
        "isBase64Encoded": False,
    }
    assert report.dispositions == {"event": "processed"}


def test_a_status_code_makes_it_a_response() -> None:
    """With a status code the answer is taken apart; its type is JSON unless it says otherwise."""
    report = deliver({}, lambda event, context: {"statusCode": 404, "body": "none such"}, SOURCE)
    assert (report.response["statusCode"], report.response["body"]) == (404, "none such")
    assert report.response["headers"] == {"Content-Type": "application/json"}


def test_numbers_go_out_as_they_were_written() -> None:
    """Only white space between tokens is taken out: no number is rounded, no key is lost."""
    text = '{ "a" : 1.10, "a": 12345678901234567890.5, "s": "x \\" : y" }'
    report = drive(begin_delivery(Event(text="{}"), SOURCE), lambda attempt: Reply(status="returned", payload=text))
    assert report.response["body"] == '{"a":1.10,"a":12345678901234567890.5,"s":"x \\" : y"}'


def test_an_exception_is_a_502() -> None:
    """The client gets two words, and the event is gone."""

    def handler(event, context):
        raise ValueError("secret")

    report = deliver({}, handler, SOURCE)
    assert (report.response["statusCode"], report.response["body"]) == (502, "Internal Server Error")
    assert report.dispositions == {"event": "discarded"}
    assert "secret" not in str(report.response)


def test_an_unusable_answer_is_a_502() -> None:
    """What is no JSON, or promises a response and is none, is an internal server error with a reason in the report."""
    for value in (b"\xff", {"statusCode": 200, "body": []}):
        report = deliver({}, lambda event, context, value=value: value, SOURCE)
        assert report.response["statusCode"] == 502
        assert report.problem


def test_deep_json_is_no_crash() -> None:
    """An answer nested deeper than can be looked at is one that cannot be used."""
    deep = Reply(status="returned", payload="[" * 100_000 + "]" * 100_000)
    report = drive(begin_delivery(Event(text="{}"), SOURCE), lambda attempt: deep)
    assert report.response["statusCode"] == 502


def test_a_throttle_is_a_429() -> None:
    """The client is told to come back; what the body says is not known, and the report notes it."""
    report = drive(begin_delivery(Event(text="{}"), SOURCE), lambda attempt: Reply(status="throttled"))
    assert report.response["statusCode"] == 429
    assert report.notes
