"""A request of a function URL."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class FunctionUrl(EventShape):
    """
    An event in payload format 2.0, told from an HTTP API's by its domain.

    Source: recordings of the category lambda-url; Lambda Developer Guide, "Invoking Lambda function URLs".
    """

    name: ClassVar[str] = "function-url"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its context and its domain."""
        context = event.get("requestContext")
        if not isinstance(context, dict) or not isinstance(context.get("http"), dict) or not is_function_url(context):
            return None
        return EventSource(kind="function_url", payload_format_version="2.0")


def is_function_url(context: Mapping[str, Any]) -> bool:
    """Say whether a request's context is a function URL's."""
    return ".lambda-url." in str(context.get("domainName", ""))
