"""An answer in payload format 2.0, which HTTP APIs and function URLs share."""

from replay.delivery.http_answers import (
    HttpAnswer,
    UnusableAnswer,
    compact,
    decoded_answer,
    headers_of,
    read_json,
)
from replay.payloads.exact_json import Json


def read_format_2(payload: str | None) -> HttpAnswer:
    """
    Read an answer in payload format 2.0.

    An object with a `statusCode` says what to respond: headers, body, isBase64Encoded and cookies (each becomes a
    set-cookie header). Any other JSON value is the body of a 200: text as it is, all else as compact JSON.

    Source: recordings test_lambda_url_invocation; API Gateway developer guide, "Lambda integrations for HTTP APIs",
    "Lambda function response for format 2.0". That a status code may be text, and that a body must be, is not recorded.

    Raises:
        UnusableAnswer: It is not JSON, or its statusCode, headers, cookies or body have the wrong form.
    """
    answer = read_json(payload)
    if not isinstance(answer, dict) or answer.get("statusCode") is None:
        content = answer if isinstance(answer, str) else compact(payload or "null")
        return HttpAnswer(headers={"Content-Type": ["application/json"]}, content=content)
    headers = headers_of(answer, several=False)
    cookies = _cookies(answer.get("cookies"))
    if cookies:
        headers.setdefault("set-cookie", []).extend(cookies)
    return decoded_answer(answer, headers)


def _cookies(value: Json) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(cookie, str) for cookie in value):
        raise UnusableAnswer("cookies is not a list of text")
    return list(value)
