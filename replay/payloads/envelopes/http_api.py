"""A request of an API Gateway HTTP API."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.envelopes.function_url import is_function_url
from replay.payloads.envelopes.rest_api import names_resource
from replay.payloads.event_sources import EventSource


class HttpApi(EventShape):
    """
    An event in payload format 2.0 or 1.0.

    Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
    """

    name: ClassVar[str] = "http-api"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its context, and that its domain is no function URL's and its resource no REST API's."""
        context = event.get("requestContext")
        if not isinstance(context, dict) or event.get("type") == "REQUEST":
            return None
        if isinstance(context.get("http"), dict) and not is_function_url(context):
            return EventSource(kind="httpapi", payload_format_version="2.0")
        names_version = event.get("version") == "1.0" and "httpMethod" in event and "elb" not in context
        if names_version and not names_resource(context):
            return EventSource(kind="httpapi", payload_format_version="1.0")
        return None
