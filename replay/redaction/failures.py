"""What was observed of a failure, without what is private in it."""

from collections.abc import Callable
from dataclasses import replace

from replay.payloads.failures import Failure, Signature

_LONGEST_TRACED = 500


def redacted_failure(failure: Failure, plain: Callable[[str], str], told: Callable[[str], str]) -> Failure:
    """Redact every text of *failure*: those that tell of values with *told*, names of code and ids with *plain*."""
    signature = failure.signature
    return replace(
        failure,
        error_type=plain(failure.error_type),
        message=told(failure.message),
        signature=signature
        and Signature(
            error_type=plain(signature.error_type),
            message=told(signature.message),
            frames=tuple(map(plain, signature.frames)),
        ),
        stack=told(failure.stack),
        frames=tuple(
            replace(each, module=plain(each.module), function=plain(each.function), code=plain(each.code))
            for each in failure.frames
        ),
        condition=failure.condition and plain(failure.condition),
        request_id=failure.request_id and plain(failure.request_id),
        trace_id=failure.trace_id and plain(failure.trace_id),
        log_lines=tuple(map(told, failure.log_lines)),
        # Cut behind the redaction: half of a secret is none that a detector knows.
        trace=tuple(
            replace(each, name=plain(each.name)[:_LONGEST_TRACED], cause=told(each.cause)[:_LONGEST_TRACED])
            for each in failure.trace
        ),
    )
