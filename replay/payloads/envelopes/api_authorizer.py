"""A question of API Gateway, AppSync or Transfer Family: may this caller go on?"""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class ApiAuthorizer(EventShape):
    """
    The event of a Lambda authorizer, by token or by request, in format 1.0 or 2.0; the answer is waited for.

    Source: API Gateway Developer Guide, "Input to a Lambda authorizer"; AppSync Developer Guide, "AWS_LAMBDA
    authorization".
    """

    name: ClassVar[str] = "api-authorizer"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by what is asked for: a method, a route, or a query."""
        by_token = event.get("type") == "TOKEN" and text_at(event, "authorizationToken") is not None
        by_request = event.get("type") == "REQUEST"
        if (by_token or by_request) and (text_at(event, "methodArn") or text_at(event, "routeArn")):
            return EventSource(kind="direct")
        of_query = (
            text_at(event, "authorizationToken") is not None and text_at(event, "requestContext", "apiId") is not None
        )
        return EventSource(kind="direct") if of_query and "httpMethod" not in event else None
