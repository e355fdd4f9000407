"""Where each dead letter goes back to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from replay.payloads.captures import Capture
from replay.redriver.function_outlet import failed_function, function_letter, unqualified
from replay.redriver.outlet import Outlet

ANY = ""
"""The key of what the user has named: everything goes there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """
    The ways back.

    Attributes:
        queues: By the ARN of the queue that a message failed in; under `ANY` for all.
        functions: By the ARN of the function whose asynchronous invocation failed; under `ANY` for all.
    """

    queues: Mapping[str, Outlet] = field(default_factory=dict)
    functions: Mapping[str, Outlet] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Outlet]:
        yield from self.queues.values()
        yield from self.functions.values()

    def way_back(self, capture: Capture) -> Outlet | str:
        """Give where *capture* goes back to; or why that is not known."""
        if ANY in self.queues:
            return self.queues[ANY]
        if function_letter(capture) is not None:
            return self._function(capture)
        if not self.queues:
            return "no dead letter of a function: nothing says which event it was invoked with"
        arn = capture.attributes.get("DeadLetterQueueSourceArn", "")
        only = next(iter(self.queues.values())) if len(self.queues) == 1 else None
        return (self.queues.get(arn) if arn else only) or "the queue that it failed in is not known: name it with --to"

    def _function(self, capture: Capture) -> Outlet | str:
        named = failed_function(capture)
        if ANY in self.functions:
            return self.functions[ANY]
        for arn, outlet in self.functions.items():
            if named == unqualified(arn):
                return outlet
        if len(self.functions) == 1 and not named:
            return next(iter(self.functions.values()))
        name = named.rpartition(":")[2]
        failed = f"it failed in the function {name}" if named else "the function that it failed in is not known"
        return f"{failed}: name it with --to lambda:FUNCTION"
