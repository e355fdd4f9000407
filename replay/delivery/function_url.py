"""A function URL: what its client gets."""

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.http_answers import HttpAnswer, UnusableAnswer, response
from replay.delivery.payload_format_2 import read_format_2
from replay.delivery.report import Delivery
from replay.delivery.synchronous import Served, serve
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json

_UNKNOWN_BODY = "what the body of a function URL's 429 says is not known"


def deliver_function_url(event: Event, event_source: EventSource) -> Delivery:
    """
    Invoke the function once; `response` is what the client of the function URL gets (invoke mode BUFFERED).

    | the function | the client gets |
    |---|---|
    | returns anything | see `payload_format_2`; Content-Type is application/json where it gives none (1) |
    | raises, exits, runs into its timeout | 502 with the body `Internal Server Error` (1); of a timeout not recorded |
    | returns what cannot be used | the same; not recorded |
    | is throttled | 429 (2); its body is not known |

    Source: (1) recordings test_lambda_url_invocation, test_lambda_url_invocation_exception; (2) Lambda developer guide,
    "Control access to Lambda function URLs", on throttling.
    """
    return serve(event, event_source, _served)


def _served(_: Attempt, reply: Reply) -> Served:
    if reply.status == "throttled":
        refused = response(HttpAnswer(status_code=429))
        return Served(response=refused, problem="the function was throttled", notes=(_UNKNOWN_BODY,))
    if not reply.succeeded:
        return Served(response=_error())
    try:
        return Served(response=response(read_format_2(reply.payload)))
    except UnusableAnswer as error:
        return Served(response=_error(), problem=str(error))


def _error() -> Json:
    return response(HttpAnswer(status_code=502, content="Internal Server Error"))
