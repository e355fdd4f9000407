"""The AWS calls of a replay, for people and for programs."""

from collections.abc import Sequence

from replay.payloads.aws_calls import AwsCall, Fault
from replay.payloads.exact_json import Json
from replay.reports.visible_text import one_line

_SHOWN = 10
_WHAT = (
    "TableName", "QueueUrl", "TopicArn", "Bucket", "FunctionName", "StreamName", "stateMachineArn", "EventBusName",
    "SecretId", "Name", "LogGroupName",
)  # fmt: skip
"""The parameters that say what a call is about; the first that it has is shown."""


def effect_lines(effects: Sequence[AwsCall]) -> list[str]:
    """Show the last ten calls, a line each: what was called, on what, and the error where there was one."""
    if not effects:
        return []
    left_out = len(effects) - _SHOWN
    more = [f"  … {left_out:,} before"] if left_out > 0 else []
    return ["AWS calls", *more, *(f"  {_line(call)}" for call in effects[-_SHOWN:])]


def fault_words(fault: Fault) -> str:
    """Put a fault into words."""
    meets = [fault.error or "", f"{fault.latency_s:g} s of latency" if fault.latency_s else ""]
    return f"{fault.call} meets {' and '.join(filter(None, meets))}"


def effect_document(call: AwsCall) -> dict[str, Json]:
    """
    Give a call as a document.

    `error` is null where there was none, `injected` says that it was a fault's, `attempts` counts its retries too.
    """
    error = call.error
    return {
        "call": call.name,
        "parameters": dict(call.parameters),
        "result": None if call.result is None else dict(call.result),
        "error": {"code": error.code, "message": error.message} if error else None,
        "injected": call.injected,
        "attempts": call.attempts,
    }


def _line(call: AwsCall) -> str:
    what = next((str(call.parameters[name]) for name in _WHAT if name in call.parameters), "")
    key = call.parameters.get("Key") if call.service == "s3" else None
    about = f"{what.rpartition('/')[2] if 'QueueUrl' in call.parameters else what}{f'/{key}' if key else ''}"
    error = f"{call.error.code}{' (fault)' if call.injected else ''}" if call.error else ""
    retried = f"after {call.attempts} attempts" if call.attempts > 1 else ""
    return one_line(" ".join(filter(None, (call.name, about, error, retried))), limit=110)
