"""What the client of an Application Load Balancer gets from a function behind it."""

import pytest

from replay.delivery.attempt import Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource

SOURCE = EventSource(kind="alb")


def answer(value, event: str = '{"headers": {}}') -> DeliveryReport:
    return deliver(event, lambda event, context: value, SOURCE)


def reply(given: Reply) -> DeliveryReport:
    return drive(begin_delivery(Event(text="{}"), SOURCE), lambda attempt: given)


def test_a_response_is_passed_on() -> None:
    """Status, headers and body are the client's; base64 is decoded."""
    value = {
        "statusCode": 200, "statusDescription": "200 OK", "isBase64Encoded": True,
        "headers": {"Content-Type": "text/plain"}, "body": "aGk=",
    }  # fmt: skip
    report = answer(value)
    assert report.response == {
        "statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "hi", "isBase64Encoded": False,
    }  # fmt: skip
    assert report.dispositions == {"event": "processed"}


def test_the_event_says_which_headers_count() -> None:
    """A target group with multi-value headers reads those and no others, and one without them the single ones."""
    value = {"statusCode": 200, "headers": {"x": "1"}, "multiValueHeaders": {"x": ["2", "3"]}}
    assert answer(value).response["headers"]["x"] == "1"
    assert answer(value, '{"multiValueHeaders": {}}').response["headers"]["x"] == "2, 3"


@pytest.mark.parametrize(
    "value", [None, "ok", {}, {"body": "x"}, {"statusCode": 200, "body": {}}, {"statusCode": "ok"}]
)
def test_an_invalid_response_is_a_502(value) -> None:
    """An answer without a usable status code is LambdaInvalidResponse."""
    report = answer(value)
    assert report.response["statusCode"] == 502
    assert "502 Bad Gateway" in report.response["body"]
    assert report.problem.startswith("LambdaInvalidResponse: ")
    assert report.dispositions == {"event": "discarded"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Reply(status="raised"), "LambdaUnhandled"),
        (Reply(status="timed_out"), "LambdaUnhandled"),
        (Reply(status="throttled"), "LambdaThrottling"),
        (Reply(status="response_too_large"), "LambdaResponseTooLarge"),
        (
            Reply(status="returned", payload='{"statusCode": 200, "body": "%s"}' % ("x" * 2**20)),
            "LambdaResponseTooLarge",
        ),
    ],
)
def test_the_problem_begins_with_the_error_reason(given, reason) -> None:
    """Every failure is a 502 to the client, and has its own reason in the access log."""
    report = reply(given)
    assert report.response["statusCode"] == 502
    assert report.problem.split(":")[0] == reason
