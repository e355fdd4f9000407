"""Who gets the events of a plan is asked event by event, and a refusal of one is a refusal of all."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from replay.errors import InvalidEvent, TargetRefused
from replay.payloads.captures import Event
from replay.replayer.also_seen import AlsoSeen
from replay.targets.carrier import Carrier
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.plan import Plan


class Bus(Carrier):
    """Names the rule of each event."""

    name = "bus"
    named_by = "bus"

    def also_seen_by(self, event: Event) -> Sequence[str]:
        if event.text == "refused":
            raise TargetRefused("another rule")
        if event.text == "invalid":
            raise InvalidEvent("no event of a bus")
        return [f"rule {event.text}"]

    described = travels = destination = entries = send = watches = None  # type: ignore[assignment]  # nobody asks


PLAN = Plan(events=3, destinations=(Destination(target="bus", arn="arn:a", seen_by=("audit",)),))


def fixtures(*texts: str) -> Any:
    return [SimpleNamespace(event_text=text, kind="x", reference=SimpleNamespace(function="f")) for text in texts]


def test_everybody_is_named_once() -> None:
    """Behind those that the destination itself names; an event that cannot travel there names nobody."""
    also_seen = AlsoSeen({"f": Bus()})
    given = list(also_seen.noting(fixtures("a", "b", "a", "invalid")))
    assert len(given) == 4
    plan = also_seen.completed(PLAN)
    assert plan == replace(PLAN, destinations=(replace(PLAN.destinations[0], seen_by=("audit", "rule a", "rule b")),))


def test_a_refusal_comes_through_however_many_were_named() -> None:
    """The guard holds for the last of many events as for the first."""
    also_seen = AlsoSeen({"f": Bus()})
    with pytest.raises(TargetRefused):
        list(also_seen.noting(fixtures(*map(str, range(300)), "refused")))
    assert len(also_seen.completed(PLAN).destinations[0].seen_by) <= 101
