"""What a state machine hands to a task."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import at, text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_CAUGHT = {"Error", "Cause"}
_PLACES = ((), ("Payload",), ("_datadog",), ("Payload", "_datadog"))


class StepFunctionsTask(EventShape):
    """
    An event with the context object of its execution in it, or the output of a caught error.

    Any other input is the user's own, and has nothing to know it by.

    Source: Step Functions Developer Guide, "Context object" and "Handling errors".
    """

    name: ClassVar[str] = "step-functions-task"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the execution and the state machine, at the top, in a payload, or where a tracer puts them."""
        if "Error" in event and event.keys() == _CAUGHT and all(text_at(event, name) is not None for name in _CAUGHT):
            return EventSource(kind="stepfunctions")
        for place in _PLACES:
            execution, machine = at(event, *place, "Execution", "Id"), at(event, *place, "StateMachine", "Id")
            if isinstance(execution, str) and isinstance(machine, str):
                return EventSource(kind="stepfunctions", arn=machine)
        return None
