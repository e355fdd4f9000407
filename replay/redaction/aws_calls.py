"""What a function asks of AWS, without what is private in it."""

import json
from collections.abc import Mapping
from dataclasses import replace

from replay.errors import InvalidJson, RedactionError
from replay.payloads.aws_calls import AwsCall
from replay.payloads.exact_json import Json
from replay.redaction.redactor import Redactor

_UNSAFE: Mapping[str, Json] = {"replay": "left out: it could not be made safe to show"}


def redacted_call(call: AwsCall, redactor: Redactor) -> AwsCall:
    """Redact parameters, result and error of *call*; what cannot be made safe is left out, and says so."""
    error = call.error
    return replace(
        call,
        parameters=_redacted(call.parameters, redactor),
        result=call.result and _redacted(call.result, redactor),
        error=error and replace(error, message=_plain(error.message, redactor)),
    )


def _redacted(values: Mapping[str, Json], redactor: Redactor) -> Mapping[str, Json]:
    if not values:
        return values
    try:
        text = json.dumps(values)
        redacted = redactor.event(text).text
        return values if redacted == text else json.loads(redacted)
    except (InvalidJson, RedactionError, ValueError, TypeError, RecursionError):
        return _UNSAFE


def _plain(text: str, redactor: Redactor) -> str:
    try:
        return redactor.plain(text)
    except RedactionError:
        return ""
