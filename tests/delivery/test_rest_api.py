"""What the client of a REST API gets for every answer of a function behind a proxy integration."""

import json

import pytest

from replay.delivery.attempt import Reply
from replay.delivery.deliver import deliver
from replay.delivery.families import begin_delivery, drive
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource

SOURCE = EventSource(kind="apigateway")
MALFORMED = {
    "statusCode": 502,
    "headers": {"Content-Type": "application/json"},
    "body": '{"message": "Internal server error"}',
    "isBase64Encoded": False,
}


def answer(value) -> DeliveryReport:
    return deliver({"httpMethod": "GET"}, lambda event, context: value, SOURCE)


def reply(given: Reply, **settings) -> DeliveryReport:
    source = EventSource(kind="apigateway", **settings)
    return drive(begin_delivery(Event(text="{}"), source), lambda attempt: given)


@pytest.mark.parametrize("value", [{}, {"headers": {"X-A": "1"}}, {"statusCode": None, "body": None, "headers": None}])
def test_every_part_of_an_answer_may_be_missing(value) -> None:
    """An object without a status is a 200, without a body it is empty, without a type it is JSON."""
    report = answer(value)
    assert report.response["statusCode"] == 200
    assert report.response["body"] == ""
    assert report.response["headers"]["Content-Type"] == "application/json"
    assert report.dispositions == {"event": "processed"}
    assert report.problem == ""


@pytest.mark.parametrize(("given", "status"), [(201, 201), ("418", 418), (500, 500), (204.0, 204)])
def test_a_status_code_may_be_text(given, status) -> None:
    """A number as text is as good as a number, and an error status of the function's own is an answer like any other."""
    report = answer({"statusCode": given})
    assert report.response["statusCode"] == status
    assert report.dispositions == {"event": "processed"}


@pytest.mark.parametrize(
    "value",
    [
        None, "ok", 3, [], ["a"],
        {"statusCode": 200, "message": "x"}, {"statusCode": 200, "statusDescription": "200 OK"},
        {"statusCode": "ok"}, {"statusCode": True}, {"statusCode": 20}, {"statusCode": "0200"}, {"statusCode": 200.5},
        {"statusCode": []}, {"statusCode": "²00"},
        {"headers": []}, {"headers": {"a": {}}}, {"multiValueHeaders": {"a": "b"}}, {"multiValueHeaders": {"a": [[]]}},
        {"body": {"a": 1}}, {"body": ["a"]}, {"isBase64Encoded": "yes"}, {"body": "x", "statusCode": float("nan")},
    ],
)  # fmt: skip
def test_a_malformed_answer_is_a_502(value) -> None:
    """What API Gateway cannot read the client gets as an internal server error, and the report says what is wrong."""
    report = answer(value)
    assert report.response == MALFORMED
    assert report.dispositions == {"event": "discarded"}
    assert report.problem
    assert report.invocations[0].problem == report.problem
    assert report.invocations[0].failed_records == ("event",)


def test_bytes_that_are_no_json_are_malformed() -> None:
    """The runtime sends bytes as they are, and API Gateway cannot read them."""
    assert answer(b"<html>").response == MALFORMED


def test_header_values_are_written_as_text() -> None:
    """Booleans and numbers become text; null is no header."""
    headers = answer({"headers": {"b": True, "n": 7, "f": 1.5, "none": None}}).response["headers"]
    assert headers == {"b": "true", "n": "7", "f": "1.5", "Content-Type": "application/json"}


def test_headers_of_both_kinds_are_joined() -> None:
    """The multi-value ones come first, and the name is spelt as there."""
    response = answer({"multiValueHeaders": {"X-Tag": ["a", "b"], "e": []}, "headers": {"x-tag": "c"}}).response
    assert response["headers"]["X-Tag"] == "a, b, c"
    assert response["multiValueHeaders"]["X-Tag"] == ["a", "b", "c"]
    assert "x-tag" not in response["headers"]
    assert "e" not in response["headers"]


def test_a_content_type_of_the_functions_own_is_kept_however_it_is_spelt() -> None:
    """The default is added only where there is none."""
    assert answer({"headers": {"content-TYPE": "text/csv"}}).response["headers"] == {"content-TYPE": "text/csv"}


def test_base64_stays_base64_without_binary_media_types() -> None:
    """The client gets the base64 text, and a note says why."""
    report = answer({"isBase64Encoded": True, "body": "aGk="})
    assert report.response["body"] == "aGk="
    assert "binaryMediaTypes" in report.notes[0]


@pytest.mark.parametrize(
    "status", ["raised", "exited", "out_of_memory", "unserialisable", "response_too_large", "timed_out"]
)
def test_a_failed_function_is_a_502(status) -> None:
    """Whatever way the function fails in, the client learns nothing of it, and nobody tries again."""
    report = reply(Reply(status=status, duration_s=3.0))
    assert report.response == MALFORMED
    assert report.dispositions == {"event": "discarded"}
    assert report.problem == ""
    assert len(report.invocations) == 1
    assert report.elapsed_s == 3.0


def test_a_throttled_function_is_a_500() -> None:
    """A throttle is no fault of the function's answer."""
    report = reply(Reply(status="throttled"))
    assert report.response["statusCode"] == 500
    assert json.loads(report.response["body"]) == {"message": "Internal server error"}


@pytest.mark.parametrize("status", ["returned", "timed_out"])
def test_an_answer_after_29_seconds_is_a_504(status) -> None:
    """The client has its answer at the integration timeout, and what the function says later is lost."""
    report = reply(Reply(status=status, payload='{"statusCode": 200}', duration_s=29.5))
    assert report.response["statusCode"] == 504
    assert json.loads(report.response["body"]) == {"message": "Endpoint request timed out"}
    assert report.dispositions == {"event": "discarded"}
    assert report.elapsed_s == 29
