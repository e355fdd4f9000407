"""The failure of a capture, as its source told it and its log tells it, put together."""

import re
from collections.abc import Sequence
from dataclasses import replace

from replay.payloads.failures import UNTOLD_TYPES, Failure
from replay.readers.failure_evidence import logged_failure, with_evidence
from replay.readers.invocations import LoggedInvocation

_RECORD = re.compile(r"""["']messageId\\?["']\s*:\s*\\?["']([0-9a-f]{8}-[0-9a-f-]{27})\b""", re.IGNORECASE)


def most_telling(found: Sequence[LoggedInvocation]) -> LoggedInvocation | None:
    """Choose the invocation that tells most: a failed one, of one message alone, with its stack, the last."""
    return max(found, key=_telling, default=None)


def _telling(logged: LoggedInvocation) -> tuple[bool, bool, bool, int]:
    failure = logged.invocation.failure
    return failure is not None, not is_of_several(logged), bool(failure and failure.frames), logged.at_ms


def is_of_several(logged: LoggedInvocation) -> bool:
    """Say whether the log shows that the invocation had several messages: any of them may have made it fail."""
    ids = {found.lower() for entry in logged.invocation.entries for found in _RECORD.findall(entry.text)}
    return len(ids) > 1


def observed_failure(known: Failure | None, logged: LoggedInvocation) -> Failure | None:
    """
    Put what the source knew of a failure together with its invocation in the log.

    What the log tells goes before what the source only hints at (`Unhandled`, no stack); AWS's own words (condition,
    attempts) and ids stay. Without an error on either side there is no failure.
    """
    told = logged_failure(logged)
    if known is None:
        return told
    if told is None or known.frames or not _is_same(known, told):
        return with_evidence(known, logged)
    failure = replace(
        known,
        error_type=told.error_type if known.error_type in UNTOLD_TYPES else known.error_type,
        message=known.message or told.message,
        frames=told.frames,
        stack=told.stack,
        observed="logs" if told.frames else known.observed,
    )
    return with_evidence(failure, logged)


def _is_same(known: Failure, told: Failure) -> bool:
    """Say whether the log tells the error that the source names; a dead letter has no type, and a cut message."""
    same_type = known.error_type in UNTOLD_TYPES or known.error_type == told.error_type
    return same_type and (
        not known.message or known.message.startswith(told.message) or told.message.startswith(known.message)
    )
