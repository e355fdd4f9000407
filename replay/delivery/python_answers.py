"""
What Lambda's Python runtime makes of a handler's answer, or of the end of its process.

These rules decide failures: a set, a datetime or an integer key that is fine in a plain call is `Runtime.MarshalError`
on Lambda, and a Decimal that `json.dumps` refuses goes through.

Source: aws-lambda-python-runtime-interface-client 4.2.2, `lambda_runtime_marshaller.py`.
"""

import decimal
import math
from functools import cache
from typing import Any

from replay.delivery.attempt import ReplyStatus

MAXIMUM_RESPONSE_BYTES = 6_291_556
"""Source: recording test_lambda_too_large_response."""


class AnswerRefused(Exception):
    """The runtime or the platform does not take an answer; the text is AWS's own message."""

    def __init__(self, error_type: str, message: str, status: ReplyStatus) -> None:
        self.error_type = error_type
        self.status: ReplyStatus = status
        super().__init__(message)


class UnsendableAnswer(Exception):
    """The answer is JSON with a lone surrogate that is not escaped. The runtime dies of it: it has no UTF-8 for it."""


def written_answer(answer: Any, *, escape: bool = False) -> str:
    """
    Write what the handler returned as JSON; bytes go out as they are. *escape* is what runtimes before python3.12 do.

    Raises:
        AnswerRefused: `Runtime.MarshalError`, or `Function.ResponseSizeTooLarge`.
        UnsendableAnswer: The answer has no UTF-8.
    """
    if answer is None:
        return "null"
    if isinstance(answer, bytes):
        text, size = answer.decode("utf-8", "replace"), len(answer)
    else:
        text = _marshalled(answer, escape)
        size = len(text) if text.isascii() else _utf8_size(text)
    if size > MAXIMUM_RESPONSE_BYTES:
        message = f"Response payload size exceeded maximum allowed payload size ({MAXIMUM_RESPONSE_BYTES} bytes)."
        raise AnswerRefused("Function.ResponseSizeTooLarge", message, "response_too_large")
    return text


def exit_message(code: object) -> str:
    """
    Say in Lambda's words that the function ended its process by *code*, as `sys.exit` takes it.

    Source: recordings test_lambda_handler_exit (no status), test_lambda_wrapper_not_found (a status).
    """
    status = 0 if code is None else _status(code) if isinstance(code, int) else 1
    return f"Runtime exited with error: exit status {status}" if status else "Runtime exited without providing a reason"


def _status(code: int) -> int:
    """Python takes a number too large for a C `long` as -1, and the system keeps one byte."""
    return code % 256 if -(2**63) <= code < 2**63 else 255


def _marshalled(answer: Any, escape: bool) -> str:
    try:
        return str(_encoder(escape).encode(answer))
    except Exception as error:  # noqa: BLE001 - the runtime catches everything here
        message = f"Unable to marshal response: {error}"
    if hasattr(answer, "cr_await"):
        answer.close()  # an `async def` handler: nobody will ever await it
    raise AnswerRefused("Runtime.MarshalError", message, "unserialisable")


@cache
def _encoder(escape: bool) -> Any:
    import simplejson

    class Encoder(simplejson.JSONEncoder):
        def default(self, value: Any) -> Any:
            if isinstance(value, decimal.Decimal):
                return math.nan if value.is_nan() else simplejson.RawJSON(str(value))
            return super().default(value)

    return Encoder(use_decimal=False, ensure_ascii=escape, allow_nan=True)


def _utf8_size(text: str) -> int:
    try:
        return len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise UnsendableAnswer(f"UnicodeEncodeError: {error}") from None
