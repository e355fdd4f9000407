"""
The Python runtime's own JSON rules, on the way in and on the way out.

They decide failures: a set, a datetime or an integer key that is fine in a plain call is `Runtime.MarshalError` on
Lambda, and a Decimal that `json.dumps` refuses goes through.

Source: aws-lambda-python-runtime-interface-client 4.2.2, `lambda_runtime_marshaller.py`.
"""

import decimal
import math
from typing import Any

import simplejson

from replay.targets.in_process.runtime_faults import RuntimeFault

MAXIMUM_RESPONSE_BYTES = 6_291_556
"""Source: recording test_lambda_too_large_response."""

_ESCAPING_RUNTIMES = frozenset({"python3.8", "python3.9", "python3.10", "python3.11"})


class UnsendableAnswer(Exception):
    """The answer is JSON with a lone surrogate that is not escaped. The runtime dies of it: it has no UTF-8 for it."""


class _Encoder(simplejson.JSONEncoder):
    def __init__(self, *, escape: bool) -> None:
        super().__init__(use_decimal=False, ensure_ascii=escape, allow_nan=True)

    def default(self, value: Any) -> Any:
        if isinstance(value, decimal.Decimal):
            return math.nan if value.is_nan() else simplejson.RawJSON(str(value))
        return super().default(value)


class RuntimeJson:
    """How one runtime version reads events and writes answers: from python3.12 on it escapes no Unicode."""

    def __init__(self, runtime: str) -> None:
        self._encode = _Encoder(escape=runtime in _ESCAPING_RUNTIMES).encode

    @staticmethod
    def read_event(payload: str) -> Any:
        """
        Read the event as the runtime does, from UTF-8 bytes.

        Raises:
            RuntimeFault: `Runtime.UnmarshalError`.
        """
        try:
            return simplejson.loads(payload.encode("utf-8", "surrogatepass"))
        except Exception as error:  # noqa: BLE001 - the runtime catches everything here, RecursionError too
            raise RuntimeFault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None

    def write_answer(self, answer: Any) -> str:
        """
        Write what the handler returned; bytes go out as they are.

        Raises:
            RuntimeFault: `Runtime.MarshalError`, or `Function.ResponseSizeTooLarge`.
            UnsendableAnswer: The answer has no UTF-8.
        """
        if isinstance(answer, bytes):
            text, size = answer.decode("utf-8", "replace"), len(answer)
        else:
            text = self._marshal(answer)
            size = len(text) if text.isascii() else _utf8_size(text)
        if size > MAXIMUM_RESPONSE_BYTES:
            raise RuntimeFault(
                "Function.ResponseSizeTooLarge",
                f"Response payload size exceeded maximum allowed payload size ({MAXIMUM_RESPONSE_BYTES} bytes).",
                status="response_too_large",
            )
        return text

    def _marshal(self, answer: Any) -> str:
        try:
            return self._encode(answer)
        except Exception as error:  # noqa: BLE001 - the runtime catches everything here
            message = f"Unable to marshal response: {error}"
        if hasattr(answer, "cr_await"):
            answer.close()  # an `async def` handler: nobody will ever await it
        raise RuntimeFault("Runtime.MarshalError", message, status="unserialisable")


def _utf8_size(text: str) -> int:
    try:
        return len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise UnsendableAnswer(f"UnicodeEncodeError: {error}") from None
