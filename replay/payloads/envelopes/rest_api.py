"""A request of an API Gateway REST API."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class RestApi(EventShape):
    """
    A proxy integration's event; payload format 1.0 of an HTTP API is the same, but names its version.

    Source: recordings of the category apigateway; API Gateway Developer Guide, "Lambda proxy integrations".
    """

    name: ClassVar[str] = "rest-api"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by a method and a context that is no load balancer's."""
        context = event.get("requestContext")
        if not isinstance(context, dict) or "httpMethod" not in event or event.get("version") == "1.0":
            return None
        foreign = {"elb", "http", "connectionId"} & context.keys() or "methodArn" in event
        return None if foreign else EventSource(kind="apigateway")
