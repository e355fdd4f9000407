"""An Application Load Balancer with a function as its target: what its client gets."""

from functools import partial
from typing import Literal

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.http_answers import (
    HttpAnswer,
    UnusableAnswer,
    decoded_answer,
    headers_of,
    read_json,
    response,
)
from replay.delivery.report import Delivery
from replay.delivery.synchronous import Served, serve
from replay.errors import InvalidJson
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import parse

RESPONSE_LIMIT_BYTES = 1024 * 1024
_BINARY = ("Content-Type", "application/octet-stream")
_HTML = ("Content-Type", "text/html")
_BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)
_ErrorReason = Literal["LambdaInvalidResponse", "LambdaUnhandled", "LambdaThrottling", "LambdaResponseTooLarge"]


def deliver_load_balancer(event: Event, event_source: EventSource) -> Delivery:
    """
    Invoke the function once; `response` is what the client of the load balancer gets.

    | the function | the client gets | `error_reason` in the access log |
    |---|---|---|
    | returns an object with a statusCode | that, with its headers and body; base64 is decoded | |
    | returns anything else, or headers or a body of the wrong form | 502 | LambdaInvalidResponse |
    | raises, exits, runs into its timeout | 502 | LambdaUnhandled |
    | returns more than 1 MB of JSON | 502 | LambdaResponseTooLarge |
    | is throttled | 502 | LambdaThrottling |

    The report's `problem` begins with the reason. Headers are read from multiValueHeaders when the event has these (the
    target group says so), otherwise from headers. Nothing of this has been recorded: neither the text of the 502, nor
    the default of Content-Type, nor how strictly a status code or header that is no text, or a missing
    isBase64Encoded, is taken.

    Source: Elastic Load Balancing user guide for Application Load Balancers, "Lambda functions as targets", "Access
    logs" (error reason codes) and "Troubleshoot your Application Load Balancers" (HTTP 502).
    """
    return serve(event, event_source, partial(_served, _has_multi_value_headers(event)))


def _has_multi_value_headers(event: Event) -> bool:
    try:
        value = parse(event.text)
    except InvalidJson:
        return False
    return isinstance(value, dict) and "multiValueHeaders" in value


def _served(multi_value: bool, _: Attempt, reply: Reply) -> Served:
    if reply.status == "throttled":
        return _bad_gateway("LambdaThrottling", "the function was throttled")
    if reply.status == "response_too_large" or _size(reply.payload) > RESPONSE_LIMIT_BYTES:
        return _bad_gateway("LambdaResponseTooLarge", f"the answer has more than {RESPONSE_LIMIT_BYTES} bytes")
    if not reply.succeeded:
        return _bad_gateway("LambdaUnhandled", "the function failed")
    try:
        return Served(response=response(_answer(reply.payload, multi_value=multi_value), _BINARY))
    except UnusableAnswer as error:
        return _bad_gateway("LambdaInvalidResponse", str(error))


def _answer(payload: str | None, *, multi_value: bool) -> HttpAnswer:
    answer = read_json(payload)
    if not isinstance(answer, dict) or answer.get("statusCode") is None:
        raise UnusableAnswer("the answer is not an object with a statusCode")
    key = "multiValueHeaders" if multi_value else "headers"
    return decoded_answer(answer, headers_of({key: answer.get(key)}))


def _size(payload: str | None) -> int:
    return len((payload or "").encode("utf-8", "surrogatepass"))


def _bad_gateway(reason: _ErrorReason, why: str) -> Served:
    page = response(HttpAnswer(status_code=502, content=_BAD_GATEWAY), _HTML)
    return Served(response=page, problem=f"{reason}: {why}")
