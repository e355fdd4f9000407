"""Faults as users write them: `CALL=ERROR` on the command line, a mapping in a test, a table in a file."""

import re
from collections.abc import Iterable, Mapping

from replay.errors import ConfigurationError
from replay.payloads.aws_calls import Fault

Faults = Mapping[str, "str | Fault"] | Iterable[Fault]
"""What a test may give: call -> error, or faults."""

TIMEOUT = "timeout"

_CALL = re.compile(r"[\w*?\[\]!-]+:[\w*?\[\]!-]+")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
_EXAMPLE = "dynamodb:PutItem=ThrottlingException"


def fault_of_text(text: str, *, where: str) -> Fault:
    """
    Read `CALL=ERROR`, `CALL=timeout` or, for a call that is slower, `CALL=2.5s`.

    Raises:
        ConfigurationError: It is none of these.
    """
    call, equals, error = text.partition("=")
    if not equals or not error.strip():
        raise ConfigurationError(
            f"{text!r} is no fault", where=where, expected="CALL=ERROR", hint=f"such as {_EXAMPLE}, or sqs:*=timeout"
        )
    return _fault(call.strip(), error.strip(), where=where)


def fault_text(fault: Fault) -> str:
    """Write *fault* as `fault_of_text` reads it; `message`, `skip` and `times` have no such text."""
    return f"{fault.call}={fault.error or f'{fault.latency_s:g}s'}"


def read_faults(faults: Faults | None, *, where: str) -> tuple[Fault, ...]:
    """
    Read what a test gives.

    Raises:
        ConfigurationError: It cannot be used.
    """
    if faults is None:
        return ()
    if isinstance(faults, Mapping):
        return tuple(
            _fault(call, error, where=where) if isinstance(error, str) else checked_fault(error, where=where)
            for call, error in faults.items()
        )
    return tuple(checked_fault(fault, where=where) for fault in faults)


def checked_fault(fault: Fault, *, where: str) -> Fault:
    """
    Give *fault* back where it says something that can happen.

    Raises:
        ConfigurationError: It does not.
    """
    given: object = fault  # a test may give anything
    if not isinstance(given, Fault):
        problem, expected = f"{type(given).__name__} is no fault", "an error code as text, or a Fault"
    elif not _CALL.fullmatch(fault.call):
        problem, expected = f"{fault.call!r} names no call", '"service:Operation", such as "dynamodb:PutItem" or "s3:*"'
    elif not fault.error and not fault.latency_s:
        problem, expected = f"the fault of {fault.call} does nothing", "an `error`, or `latency_s`"
    elif fault.latency_s < 0 or fault.skip < 0 or (fault.times is not None and fault.times < 1):
        problem = f"the fault of {fault.call} can never be met"
        expected = "latency_s and skip from 0, times from 1"
    else:
        return fault
    raise ConfigurationError(problem, where=where, expected=expected)


def _fault(call: str, error: str, *, where: str) -> Fault:
    seconds = _SECONDS.fullmatch(error)
    fault = Fault(call=call, latency_s=float(seconds[1])) if seconds else Fault(call=call, error=error)
    return checked_fault(fault, where=where)
