"""
The answer of a function behind HTTP, and the response that its client gets.

A response is `{"statusCode", "headers", "multiValueHeaders"?, "body", "isBase64Encoded"}`: `headers` joins the values
of a name by `", "`, `multiValueHeaders` is there when a name has several; `body` is text, and base64 of it when the
bytes are no UTF-8. Headers that every response has (Date, Content-Length, trace ids) are left out.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from replay.errors import InvalidJson
from replay.payloads.exact_json import Json, parse, tokens

Headers = Mapping[str, Sequence[str]]

_LOWEST_STATUS, _HIGHEST_STATUS = 100, 999
_BETWEEN_TOKENS = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\r\n]++', re.DOTALL)


class UnusableAnswer(Exception):
    """A caller cannot make a response of this answer; the text says why, without showing any of its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What a function told its caller to respond; `content` is text, or bytes where it was sent as base64."""

    status_code: int = 200
    headers: Headers = field(default_factory=dict)
    content: str | bytes = ""


def response(answer: HttpAnswer, content_type: tuple[str, str] = ("Content-Type", "application/json")) -> Json:
    """Write the response to *answer*; the header *content_type* is added where there is none."""
    headers = {name: list(values) for name, values in answer.headers.items()}
    if not any(name.lower() == "content-type" for name in headers):
        headers[content_type[0]] = [content_type[1]]
    written: dict[str, Json] = {
        "statusCode": answer.status_code,
        "headers": {name: ", ".join(values) for name, values in headers.items()},
    }
    if any(len(values) > 1 for values in headers.values()):
        written["multiValueHeaders"] = headers
    body, encoded = _body(answer.content)
    return {**written, "body": body, "isBase64Encoded": encoded}


def _body(content: str | bytes) -> tuple[str, bool]:
    if isinstance(content, str):
        return content, False
    try:
        return content.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), True


def read_json(payload: str | None) -> Json:
    """
    Read an answer as a strict JSON parser does: Python's runtime lets NaN and Infinity pass, and HTTP callers do not.

    That AWS refuses NaN here is not recorded.

    Raises:
        UnusableAnswer: It is not JSON, or cannot be read.
    """
    text = payload or "null"
    try:
        value = parse(text)
    except InvalidJson as error:
        raise UnusableAnswer(f"the answer is {error.what}") from None
    if "NaN" in text or "Infinity" in text:
        for token in tokens(text):
            if token.kind == "literal" and text[token.start : token.end].lstrip("-") in {"NaN", "Infinity"}:
                raise UnusableAnswer("the answer is not JSON: it has NaN or Infinity")
    return value


def compact(payload: str) -> str:
    """Take the white space out between the tokens of a JSON text; each token stays as it is written."""
    return _BETWEEN_TOKENS.sub(lambda found: found[1] or "", payload)


def status_code_of(value: Json) -> int:
    """
    Read a status code: a number, or a number as text (test_aws_proxy_response_payload_format_validation).

    Raises:
        UnusableAnswer: It is anything else, or not of three digits.
    """
    number = value
    if isinstance(number, str) and number.isascii() and number.isdigit():
        number = int(number) if len(number) == 3 else None  # noqa: PLR2004 - the digits of a status code
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not _LOWEST_STATUS <= number <= _HIGHEST_STATUS:
        raise UnusableAnswer("statusCode is not an HTTP status code")
    return number


def flag_of(value: Json) -> bool:
    """
    Read `isBase64Encoded`.

    Raises:
        UnusableAnswer: It is neither a boolean nor null.
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    raise UnusableAnswer("isBase64Encoded is not a boolean")


def body_of(value: Json) -> str:
    """
    Read a body: text or null; numbers and booleans as headers are read.

    Raises:
        UnusableAnswer: It is an object or a list, which the function should have written as JSON text.
    """
    return "" if value is None else _scalar("body", value)


def content_of(body: str, *, encoded: bool) -> str | bytes:
    """
    Decode a body as callers do that honour `isBase64Encoded`.

    Raises:
        UnusableAnswer: It is not base64.
    """
    if not encoded:
        return body
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise UnusableAnswer("isBase64Encoded is true, and the body is not base64") from None


def decoded_answer(answer: Mapping[str, Json], headers: Headers) -> HttpAnswer:
    """
    Read an answer that must have a status code, and whose body is decoded where it says that it is base64.

    Raises:
        UnusableAnswer: One of its parts is not of this form.
    """
    return HttpAnswer(
        status_code=status_code_of(answer["statusCode"]),
        headers=headers,
        content=content_of(body_of(answer.get("body")), encoded=flag_of(answer.get("isBase64Encoded"))),
    )


def headers_of(answer: Mapping[str, Json], *, several: bool = True) -> dict[str, list[str]]:
    """
    Read the headers of *answer*: those of `multiValueHeaders` (unless not *several*), then those of `headers`.

    A name in both has all the values, spelt as in `multiValueHeaders`; a value may be a number or boolean; null is no
    value.

    Source: recording test_aws_proxy_response_payload_format_validation (multi-headers-overwrite, with-headers, and of
    the spelling a LocalStack test that AWS passes). Of null nothing is recorded.

    Raises:
        UnusableAnswer: One of them is not of this form.
    """
    found: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for key in ("multiValueHeaders", "headers") if several else ("headers",):
        given = answer.get(key)
        if given is None:
            continue
        if not isinstance(given, dict):
            raise UnusableAnswer(f"{key} is not an object")
        for name, value in given.items():
            if value is None:
                continue
            if key == "multiValueHeaders" and not isinstance(value, list):
                raise UnusableAnswer("a value of multiValueHeaders is not a list")
            values = value if key == "multiValueHeaders" else [value]
            spelt = spelling.setdefault(name.lower(), name)
            found.setdefault(spelt, []).extend(_scalar(f"a value of {key}", each) for each in values)
    return {name: values for name, values in found.items() if values}


def _scalar(what: str, value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    raise UnusableAnswer(f"{what} is not text")
