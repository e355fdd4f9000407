"""Whether a queue hides a message for as long as its function may need."""

from replay.functions.function import Function
from replay.payloads.event_sources import EventSource

ADVISED_TIMES = 6


def short_visibility(function: Function, source: EventSource) -> str:
    """
    Say that the queue *source* hides its messages too shortly for *function*; nothing where it does not, or none knows.

    Source: Lambda Developer Guide, "Using Lambda with Amazon SQS": at least six times, and never less than once.
    """
    visible_s, timeout_s = source.visibility_timeout_s, function.timeout_s
    if source.kind != "sqs" or visible_s is None or visible_s >= ADVISED_TIMES * timeout_s:
        return ""
    refused = "; Lambda refuses that" if is_refused(function, source) else ""
    return f"{function.display_name} has {timeout_s:g} s, and its queue hides a message for {visible_s} s only{refused}"


def is_refused(function: Function, source: EventSource) -> bool:
    """Say whether Lambda refuses the queue *source* for *function*: it hides messages for less than one run."""
    return source.visibility_timeout_s is not None and source.visibility_timeout_s < function.timeout_s
