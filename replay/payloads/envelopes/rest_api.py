"""A request of an API Gateway REST API."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_RESOURCE_ID = re.compile("[a-z0-9]+")


class RestApi(EventShape):
    """
    A proxy integration's event; payload format 1.0 of an HTTP API is the same, but names its version.

    So does `sam local start-api`, for a REST API too: what tells them apart then is the id of a resource.

    Source: recordings of the category apigateway; API Gateway Developer Guide, "Lambda proxy integrations".
    """

    name: ClassVar[str] = "rest-api"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by a method and a context that is no load balancer's."""
        context = event.get("requestContext")
        if not isinstance(context, dict) or "httpMethod" not in event:
            return None
        if event.get("version") == "1.0" and not names_resource(context):
            return None
        foreign = {"elb", "http", "connectionId"} & context.keys() or "methodArn" in event
        return None if foreign else EventSource(kind="apigateway")


def names_resource(context: Mapping[str, Any]) -> bool:
    """Say whether a request's context names a resource of a REST API; an HTTP API has its route there, or null."""
    return _RESOURCE_ID.fullmatch(text_at(context, "resourceId") or "") is not None
