"""What the client of an HTTP API gets, in both payload formats."""

import pytest

from replay.delivery.attempt import Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource

ERROR = {
    "statusCode": 500,
    "headers": {"content-type": "application/json"},
    "body": '{"message":"Internal Server Error"}',
    "isBase64Encoded": False,
}


def answer(value, version: str | None = "2.0", event: str = "{}") -> DeliveryReport:
    source = EventSource(kind="httpapi", payload_format_version=version)
    return deliver(event, lambda event, context: value, source)


def reply(given: Reply, version: str = "2.0") -> DeliveryReport:
    source = EventSource(kind="httpapi", payload_format_version=version)
    return drive(begin_delivery(Event(text="{}"), source), lambda attempt: given)


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("hi there", "hi there"),
        ({"a": [1, "b c"]}, '{"a":[1,"b c"]}'),
        ([1, 2], "[1,2]"),
        (None, "null"),
        (True, "true"),
    ],
)
def test_format_2_infers_a_response_from_any_value(value, body) -> None:
    """Without a status code the whole answer is the body of a 200."""
    report = answer(value)
    assert report.response["statusCode"] == 200
    assert report.response["body"] == body
    assert report.response["headers"] == {"Content-Type": "application/json"}


def test_format_2_takes_the_parts_of_a_response() -> None:
    """Cookies become headers, base64 is decoded, and keys that nobody knows do no harm."""
    value = {
        "statusCode": "201", "headers": {"x": "1"}, "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": True,
        "more": 1,
    }  # fmt: skip
    response = answer(value).response
    assert response["statusCode"] == 201
    assert response["body"] == "hi"
    assert response["multiValueHeaders"]["set-cookie"] == ["a=1", "b=2"]
    assert response["headers"]["content-type"].startswith("text/plain")


def test_bytes_that_are_no_text_stay_base64() -> None:
    """A body of any bytes can be told, and says that it is base64."""
    response = answer({"statusCode": 200, "body": "/w==", "isBase64Encoded": True}).response
    assert (response["body"], response["isBase64Encoded"]) == ("/w==", True)


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": "x"}, {"statusCode": 200, "body": {}}, {"statusCode": 200, "headers": "x"},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True}, {"statusCode": 200, "cookies": "a=1"}, float("nan"),
        {"statusCode": 200, "body": "é", "isBase64Encoded": True},
    ],
)  # fmt: skip
def test_a_response_of_the_wrong_form_is_a_500(value) -> None:
    """A status code promises a response, and a wrong one is an internal server error."""
    report = answer(value)
    assert report.response == ERROR
    assert report.problem
    assert report.dispositions == {"event": "discarded"}


@pytest.mark.parametrize("value", [None, "hi", [], {}, {"message": "hi"}, {"statusCode": "x"}])
def test_format_1_infers_nothing(value) -> None:
    """In format 1.0 an answer without a status code is an internal server error."""
    assert answer(value, "1.0").response == ERROR


def test_format_1_takes_multi_value_headers() -> None:
    """Format 1.0 has the parts of a REST API's answer, but decodes base64."""
    value = {"statusCode": 200, "multiValueHeaders": {"x": ["1", "2"]}, "body": "aGk=", "isBase64Encoded": True}
    response = answer(value, "1.0").response
    assert response["headers"]["x"] == "1, 2"
    assert response["body"] == "hi"


@pytest.mark.parametrize(("event", "status"), [('{"version": "1.0"}', 500), ('{"version": "2.0"}', 200), ("[]", 200)])
def test_the_event_tells_its_format(event, status) -> None:
    """Where the settings say nothing the version in the event counts, and 2.0 where it says nothing either."""
    assert answer("hi", None, event).response["statusCode"] == status


@pytest.mark.parametrize("status", ["raised", "timed_out", "throttled", "exited"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_failed_function_is_a_500(status, version) -> None:
    """In either format the client learns nothing of a failure."""
    assert reply(Reply(status=status), version).response == ERROR


def test_an_answer_after_30_seconds_is_lost() -> None:
    """The client is told that the service is not available."""
    report = reply(Reply(status="returned", payload='"hi"', duration_s=31))
    assert report.response["statusCode"] == 503
    assert report.elapsed_s == 30
