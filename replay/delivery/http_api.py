"""API Gateway, HTTP API with a Lambda proxy integration: what its client gets."""

from functools import partial

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.http_answers import (
    HttpAnswer,
    UnusableAnswer,
    decoded_answer,
    headers_of,
    read_json,
    response,
)
from replay.delivery.payload_format_2 import read_format_2
from replay.delivery.report import Delivery
from replay.delivery.synchronous import Served, serve
from replay.errors import InvalidJson
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse

INTEGRATION_TIMEOUT_S = 30
_PLAIN = ("content-type", "text/plain; charset=utf-8")
_JSON = ("content-type", "application/json")


def deliver_http_api(event: Event, event_source: EventSource) -> Delivery:
    """
    Invoke the function once; `response` is what the client of the HTTP API gets.

    The payload format is `payload_format_version`, or else the event's own `version`, or else 2.0.

    | the function | the client gets |
    |---|---|
    | returns anything, format 2.0 | see `payload_format_2` |
    | returns an object with a statusCode, format 1.0 | that, with headers, multiValueHeaders and body |
    | returns anything else, format 1.0 | 500 `{"message":"Internal Server Error"}` (1) |
    | raises, exits, runs into its own timeout, is throttled | the same (2) |
    | takes more than 30 s, or `caller_timeout_s` | 503 `{"message":"Service Unavailable"}`; not documented |

    Base64 bodies are decoded. That Content-Type is text/plain where the function gives none is not documented. Nothing
    of all this has been recorded.

    Source: (1) AWS knowledge center, "How do I map the status codes in HTTP APIs"; (2) API Gateway developer guide,
    "Lambda integrations for HTTP APIs", and the quotas.
    """
    version = event_source.payload_format_version or _version_of(event)
    return serve(event, event_source, partial(_served, version), waits_s=INTEGRATION_TIMEOUT_S, too_late=_too_late)


def _version_of(event: Event) -> str:
    try:
        value = parse(event.text)
    except InvalidJson:
        return "2.0"
    return "1.0" if isinstance(value, dict) and value.get("version") == "1.0" else "2.0"


def _served(version: str, _: Attempt, reply: Reply) -> Served:
    if not reply.succeeded:
        problem = "the function was throttled" if reply.status == "throttled" else ""
        return Served(response=_error(500, "Internal Server Error"), problem=problem)
    try:
        answer = _format_1(reply.payload) if version == "1.0" else read_format_2(reply.payload)
    except UnusableAnswer as error:
        return Served(response=_error(500, "Internal Server Error"), problem=str(error))
    return Served(response=response(answer, _PLAIN))


def _format_1(payload: str | None) -> HttpAnswer:
    answer = read_json(payload)
    if not isinstance(answer, dict) or answer.get("statusCode") is None:
        raise UnusableAnswer("the answer is not an object with a statusCode, as payload format 1.0 needs it")
    return decoded_answer(answer, headers_of(answer))


def _too_late(waited_s: float) -> Served:
    problem = f"the function took longer than the integration timeout of {waited_s:g} s"
    return Served(response=_error(503, "Service Unavailable"), problem=problem)


def _error(status_code: int, message: str) -> Json:
    return response(HttpAnswer(status_code=status_code, content=f'{{"message":"{message}"}}'), _JSON)
