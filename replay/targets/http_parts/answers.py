"""What an HTTP answer says of the function behind it: its own answer, its failure, or that it was never asked."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from replay.delivery.attempt import Reply
from replay.errors import TargetError
from replay.payloads.exact_json import Json, write
from replay.payloads.failures import Failure
from replay.targets.http_parts.captured_request import CapturedRequest, HttpKind
from replay.targets.http_parts.exchange import HttpResponse

Means = Literal["failed", "timed_out", "throttled", "not_asked"]

_LOWEST_FAILURE = 500
_LOWEST_REFUSAL = 400
_NAMES: Mapping[HttpKind, str] = {
    "apigateway": "the REST API", "httpapi": "the HTTP API", "function_url": "the function URL",
    "alb": "the load balancer",
}  # fmt: skip
_SAID_BY_AWS: Mapping[tuple[HttpKind, int, str], Means] = {
    ("apigateway", 502, "Internal server error"): "failed",
    ("apigateway", 504, "Endpoint request timed out"): "timed_out",
    ("apigateway", 500, "Internal server error"): "not_asked",
    ("apigateway", 429, "Too Many Requests"): "throttled",
    ("apigateway", 429, "Limit Exceeded"): "throttled",
    ("httpapi", 500, "Internal Server Error"): "failed",
    ("httpapi", 503, "Service Unavailable"): "timed_out",
    ("httpapi", 429, "Too Many Requests"): "throttled",
    ("httpapi", 404, "Not Found"): "not_asked",
    ("httpapi", 403, "Forbidden"): "not_asked",
    ("httpapi", 401, "Unauthorized"): "not_asked",
    ("function_url", 502, "Internal Server Error"): "failed",
    ("function_url", 504, "Gateway Timeout"): "timed_out",
    ("function_url", 403, "Forbidden"): "not_asked",
    ("alb", 502, "502 Bad Gateway"): "failed",
    ("alb", 504, "504 Gateway Time-out"): "timed_out",
    ("alb", 503, "503 Service Temporarily Unavailable"): "not_asked",
}
"""What AWS answers by itself. Source: see `rest_api`, `http_api`, `function_url` and `load_balancer` in `delivery`; API
Gateway developer guide, "Gateway response types"; of a function URL's 504 and 403 nothing is recorded."""

_WORDS: Mapping[Means, str] = {
    "failed": "the function failed, or its answer could not be used",
    "timed_out": "it waited no longer for the function",
    "throttled": "it is throttling",
    "not_asked": "the function was not asked",
}
_OF_EVERY_ANSWER = frozenset(
    {
        "connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "via", "apigw-requestid",
        "x-amz-apigw-id", "x-amz-cf-id", "x-amz-cf-pop", "x-amzn-requestid", "x-amzn-trace-id", "x-cache",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    What an answer tells: the `reply`, and whether it was `throttled`, so that nothing has run.

    `lacks_error` says that AWS has told of a failed invocation, whose error its log may tell.
    """

    reply: Reply
    throttled: bool = False
    lacks_error: bool = False


def told_by_answer(answer: HttpResponse, request: CapturedRequest, *, where: str) -> Told:
    """
    Read an answer.

    | the answer | the reply |
    |---|---|
    | is AWS's own for a function that failed | `raised`, without an error: HTTP does not tell which |
    | is AWS's own for a function that took too long | `timed_out` |
    | is AWS's own, throttled | `throttled`: nothing has run |
    | is AWS's own, otherwise (no such route, not allowed) | none: the function was not asked |
    | has any other status code from 500 | `raised`: the function says itself that it failed |
    | has any other status code, also of a redirect | `returned`, with the answer as the function gave it |

    Raises:
        TargetError: The function was not asked.
    """
    means = _means(answer, request.kind)
    if means == "not_asked":
        raise _not_asked(answer, request.kind, where)
    if means is None and answer.status_code < _LOWEST_FAILURE:
        return Told(reply=Reply(status="returned", payload=_payload(answer, request), duration_s=answer.took_s))
    message = _message(answer, means, request.kind)
    failure = Failure(error_type="", message=message, observed="source")
    if means == "throttled":
        throttle = Failure(error_type="TooManyRequestsException", message=message)
        return Told(reply=Reply(status="throttled", failure=throttle, duration_s=answer.took_s), throttled=True)
    status: Literal["timed_out", "raised"] = "timed_out" if means == "timed_out" else "raised"
    return Told(reply=Reply(status=status, failure=failure, duration_s=answer.took_s), lacks_error=means is not None)


def _means(answer: HttpResponse, kind: HttpKind) -> Means | None:
    """Say what AWS means by an answer of its own; None for what the function has answered."""
    said = _said(answer.body)
    for (of, status_code, words), means in _SAID_BY_AWS.items():
        if of == kind and status_code == answer.status_code and (said == words or (kind == "alb" and words in said)):
            return means
    error_type = answer.header("x-amzn-errortype")
    if not error_type or kind == "alb":
        return None
    if error_type.startswith(("TooManyRequests", "LimitExceeded", "Throttl")):
        return "throttled"
    return "not_asked" if answer.status_code >= _LOWEST_REFUSAL else None


def _said(body: bytes) -> str:
    """Give the message of an answer of AWS's own, which is JSON, plain text or a page."""
    text = body[:1_000].decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    if not isinstance(document, dict) or document.keys() - {"message", "Message"}:
        return text.strip()  # a function's own: AWS says nothing beside the message
    return str(document.get("message", document.get("Message", "")))


def _message(answer: HttpResponse, means: Means | None, kind: HttpKind) -> str:
    if means is None:
        return f"the function answered with status code {answer.status_code}; which error it was, HTTP does not tell"
    return f"{_NAMES[kind]} answered {answer.status_code}: {_WORDS[means]}; which error it was, HTTP does not tell"


def _not_asked(answer: HttpResponse, kind: HttpKind, where: str) -> TargetError:
    error_type = answer.header("x-amzn-errortype").partition(":")[0][:60]
    said = f" ({error_type})" if error_type.isalnum() else ""
    hints = {
        401: 'who may call it? auth = "iam", or a header of yours: headers_from_environment',
        403: 'who may call it? auth = "iam", or a header of yours: headers_from_environment; or is the stage missing '
        "in the url?",
        404: "is the stage missing in the url, or is there no such route?",
        500: "may the API invoke the function, and is the function throttled? ask for the log of the API",
    }
    return TargetError(
        f"{_NAMES[kind]} answered {answer.status_code}{said} by itself: the function was not asked",
        where=where,
        expected="an answer of the function",
        hint=hints.get(answer.status_code, "see what the API says of it: its access log"),
    )


def _payload(answer: HttpResponse, request: CapturedRequest) -> str:
    """Write the answer as the function would have returned it, in the form that what is before it reads."""
    body, encoded = _body(answer.body)
    document: dict[str, Json] = {"statusCode": answer.status_code, **_headers(answer, request), "body": body}
    document["isBase64Encoded"] = encoded
    return write(document)


def _body(content: bytes) -> tuple[str, bool]:
    try:
        return content.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), True


def _headers(answer: HttpResponse, request: CapturedRequest) -> dict[str, Json]:
    values: dict[str, list[Json]] = {}
    cookies: list[Json] = []
    for name, value in answer.headers:
        if name.lower() in _OF_EVERY_ANSWER:
            continue
        if request.format_2 and name.lower() == "set-cookie":
            cookies.append(value)
        else:
            values.setdefault(name, []).append(value)
    joined: dict[str, Json] = {name: ", ".join(map(str, each)) for name, each in values.items()}
    if request.format_2:
        return {"headers": joined, **({"cookies": cookies} if cookies else {})}
    several: dict[str, Json] = {name: list(each) for name, each in values.items()}
    if request.kind == "alb":
        return {"multiValueHeaders": several} if request.multi_value else {"headers": joined}
    return {"multiValueHeaders": several}
