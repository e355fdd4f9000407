"""API Gateway, REST API with a Lambda proxy integration: what its client gets."""

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.http_answers import (
    HttpAnswer,
    UnusableAnswer,
    body_of,
    flag_of,
    headers_of,
    read_json,
    response,
    status_code_of,
)
from replay.delivery.report import Delivery
from replay.delivery.synchronous import Served, serve
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json

INTEGRATION_TIMEOUT_S = 29
_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_AS_IT_IS = "the answer has isBase64Encoded: taken as by an API without binaryMediaTypes, which does not decode"


def deliver_rest_api(event: Event, event_source: EventSource) -> Delivery:
    """
    Invoke the function once; `response` is what the client of the REST API gets.

    | the function | the client gets |
    |---|---|
    | returns an object with no key but statusCode, headers, multiValueHeaders, body, isBase64Encoded | that; each of them may be missing or null, the status is then 200 and the body empty (1) |
    | returns an object with another key, no object, a statusCode that is no number, a value of multiValueHeaders that is no list | 502 (1) |
    | returns a body that is an object or list, headers that are no object, NaN | 502; not recorded |
    | raises, exits, or runs into its own timeout | 502 (1); of the timeout not recorded |
    | takes more than 29 s, or `caller_timeout_s` | 504 (2); not recorded |
    | is throttled | 500 (2); not recorded |

    A header's value may be a number or boolean (1). The default of Content-Type is application/json. A body with
    isBase64Encoded stays base64 text, as of an API without binaryMediaTypes (1).

    Source: (1) recordings test_aws_proxy_response_payload_format_validation, test_lambda_aws_proxy_response_format;
    (2) API Gateway developer guide, "Gateway response types" and quotas.
    """  # noqa: E501 - rows of a table
    return serve(event, event_source, _served, waits_s=INTEGRATION_TIMEOUT_S, too_late=_too_late)


def _served(_: Attempt, reply: Reply) -> Served:
    if reply.status == "throttled":
        return Served(response=_error(500, "Internal server error"), problem="the function was throttled")
    if not reply.succeeded:
        return Served(response=_error(502, "Internal server error"))
    try:
        answer, encoded = _answer(reply.payload)
    except UnusableAnswer as error:
        return Served(response=_error(502, "Internal server error"), problem=str(error))
    return Served(response=response(answer), notes=(_AS_IT_IS,) if encoded else ())


def _answer(payload: str | None) -> tuple[HttpAnswer, bool]:
    answer = read_json(payload)
    if not isinstance(answer, dict):
        raise UnusableAnswer("the answer is not an object with statusCode, headers and body")
    if answer.keys() - _KEYS:
        raise UnusableAnswer(f"the answer has a key that is none of {', '.join(sorted(_KEYS))}")
    status = answer.get("statusCode")
    read = HttpAnswer(
        status_code=200 if status is None else status_code_of(status),
        headers=headers_of(answer),
        content=body_of(answer.get("body")),
    )
    return read, flag_of(answer.get("isBase64Encoded"))


def _too_late(waited_s: float) -> Served:
    problem = f"the function took longer than the integration timeout of {waited_s:g} s"
    return Served(response=_error(504, "Endpoint request timed out"), problem=problem)


def _error(status_code: int, message: str) -> Json:
    return response(HttpAnswer(status_code=status_code, content=f'{{"message": "{message}"}}'))
