"""What the field warns of, as far as one delivery shows it: notes, never a verdict."""

from replay.delivery.batch_response import names_failures
from replay.errors import InvalidJson
from replay.functions.function import Function
from replay.functions.visibility_timeouts import short_visibility
from replay.outcomes.loops import loops
from replay.outcomes.outcome import Outcome
from replay.payloads.event_sources import EventSource, EventSourceKind

_REPORTED_TO: frozenset[EventSourceKind] = frozenset({"sqs", "kinesis", "dynamodb", "kafka"})
_UNHEEDED = (
    "reports records as failed, and nothing says that its event source has ReportBatchItemFailures: AWS then takes "
    "that answer for a success, and so does this replay; if it has, say so in the template, or in its event_source: "
    "report_batch_item_failures = true"
)


def hazards(outcome: Outcome, function: Function, source: EventSource) -> list[str]:
    """Say what in *outcome*, and in the event source that delivered it, will hurt in production; mostly nothing."""
    notes = [short_visibility(function, source), _unheeded_report(outcome, function, source)]
    if outcome.effects:
        try:
            events = [invocation.event for invocation in outcome.report.invocations]
        except InvalidJson:
            events = []
        notes += loops(outcome.effects, events, function)
    return [note for note in notes if note]


def _unheeded_report(outcome: Outcome, function: Function, source: EventSource) -> str:
    """
    Say that records which *function* has reported as failed count as done.

    Source: Lambda developer guide, "Handling errors for an SQS event source in Lambda", implementing partial responses.
    """
    if source.kind not in _REPORTED_TO or source.report_batch_item_failures:
        return ""
    replies = (invocation.reply for invocation in outcome.report.invocations)
    reports = any(reply.succeeded and names_failures(reply.payload) for reply in replies)
    return f"{function.display_name} {_UNHEEDED}" if reports else ""
