"""A field or an operation that AppSync wants to have resolved."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json

_CONTEXT = {"arguments", "identity", "source", "request", "prev", "info", "stash"}
_ENOUGH = 3


class AppSyncResolver(EventShape):
    """
    A resolver's context, a list of them (batching), a mapping template's request, or an AppSync Events handler's event.

    Source: AppSync Developer Guide, "Resolver mapping template context reference" and "Direct Lambda resolvers".
    """

    name: ClassVar[str] = "appsync-resolver"

    def source_of(self, value: Json) -> EventSource | None:
        """Know also a list of contexts, which batching hands over."""
        if isinstance(value, list):
            every = bool(value) and all(isinstance(each, dict) and _is_context(each) for each in value)
            return EventSource(kind="direct") if every else None
        return super().source_of(value)

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its field, by enough of the context's members, by its operation, or by its channel."""
        asked = event.get("operation") in ("Invoke", "BatchInvoke") and "payload" in event and "version" in event
        published = text_at(event, "info", "channel", "path") is not None
        return EventSource(kind="direct") if asked or published or _is_context(event) else None


def _is_context(value: Mapping[str, Any]) -> bool:
    if text_at(value, "info", "fieldName") is not None and text_at(value, "info", "parentTypeName") is not None:
        return True
    of_field = isinstance(value.get("info"), dict) or text_at(value, "fieldName") is not None
    return "arguments" in value and of_field and len(_CONTEXT & value.keys()) >= _ENOUGH
