"""The settings a fixture is delivered with: as recorded, and as the function's template says today."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from replay.payloads.event_sources import EventSource

_NAMES = tuple(field.name for field in fields(EventSource) if field.name not in {"kind", "arn"})


def current_settings(recorded: EventSource, today: Sequence[EventSource]) -> EventSource:
    """
    Overlay *recorded* with the one of the function's event sources *today* that it belongs to.

    That is the one of the same kind and ARN, or else of the same resource name (account and region differ between
    production and a template), or else the only one of its kind. What it says wins; what it leaves open (None, no
    filter) stays as recorded. A switch such as `report_batch_item_failures` is never open: off in the template is off.
    """
    if not today:
        return recorded
    current = _counterpart(recorded, [each for each in today if each.kind == recorded.kind])
    if current is None:
        return recorded
    said: dict[str, Any] = {name: getattr(current, name) for name in _NAMES}
    changed = {
        name: value for name, value in said.items() if value not in (None, ()) and value != getattr(recorded, name)
    }
    return replace(recorded, **changed) if changed else recorded


def _counterpart(recorded: EventSource, candidates: Sequence[EventSource]) -> EventSource | None:
    for same in (_same_arn, _same_resource):
        found = [each for each in candidates if same(recorded, each)]
        if found:
            return found[0]
    return candidates[0] if len(candidates) == 1 else None


def _same_arn(one: EventSource, other: EventSource) -> bool:
    return one.arn == other.arn


def _same_resource(one: EventSource, other: EventSource) -> bool:
    return bool(one.arn and other.arn) and _resource(one) == _resource(other)


def _resource(source: EventSource) -> str:
    return (source.arn or "").rpartition(":")[2]
