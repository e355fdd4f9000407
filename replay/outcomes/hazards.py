"""What the field warns of, as far as one delivery shows it: notes, never a verdict."""

from replay.errors import InvalidJson
from replay.functions.function import Function
from replay.functions.visibility_timeouts import short_visibility
from replay.outcomes.loops import loops
from replay.outcomes.outcome import Outcome
from replay.payloads.event_sources import EventSource


def hazards(outcome: Outcome, function: Function, source: EventSource) -> list[str]:
    """Say what in *outcome*, and in the event source that delivered it, will hurt in production; mostly nothing."""
    notes = [short_visibility(function, source)]
    if outcome.effects:
        try:
            events = [invocation.event for invocation in outcome.report.invocations]
        except InvalidJson:
            events = []
        notes += loops(outcome.effects, events, function)
    return [note for note in notes if note]
