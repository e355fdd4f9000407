"""Who gets the events of a plan besides their function: asked event by event, while the plan is made."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from replay.errors import InvalidEvent
from replay.fixtures.fixture import Fixture
from replay.payloads.captures import Event
from replay.targets.base import Invoker
from replay.targets.carrier import Carrier
from replay.targets.guard_rails.plan import Plan

_MOST_NAMED = 100


class AlsoSeen:
    """
    Collects whom the targets name.

    Args:
        targets: By the name of their function, in the order of the plan's destinations; their destinations were read.
    """

    def __init__(self, targets: Mapping[str, Invoker]) -> None:
        self._targets = targets
        self._seen: dict[str, dict[str, None]] = {name: {} for name in targets}

    def noting(self, fixtures: Iterable[Fixture]) -> Iterator[Fixture]:
        """
        Give *fixtures*, and note of each who gets it; one that cannot travel is told of when it is sent.

        Raises:
            TargetRefused: Others would get it, and nobody has said that they may.
        """
        for fixture in fixtures:
            name = fixture.reference.function
            target, seen = self._targets.get(name), self._seen.get(name, {})
            if isinstance(target, Carrier):
                with suppress(InvalidEvent):
                    named = target.also_seen_by(Event(text=fixture.event_text, kind=fixture.kind))
                    seen.update(dict.fromkeys(named if len(seen) < _MOST_NAMED else ()))
            yield fixture

    def completed(self, plan: Plan) -> Plan:
        """Give *plan* with everybody who was named."""
        found: Sequence[tuple[str, ...]] = [tuple(seen) for seen in self._seen.values()]
        pairs = zip(plan.destinations, found, strict=True)
        return replace(plan, destinations=tuple(replace(each, seen_by=(*each.seen_by, *seen)) for each, seen in pairs))
