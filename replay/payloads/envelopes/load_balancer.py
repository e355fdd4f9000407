"""A request of an Application Load Balancer."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import at, text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class LoadBalancer(EventShape):
    """
    An event with headers of one or of several values, as the target group is set.

    Source: User Guide for Application Load Balancers, "Use Lambda functions as targets".
    """

    name: ClassVar[str] = "load-balancer"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the target group in its context."""
        balancer = at(event, "requestContext", "elb")
        if not isinstance(balancer, dict):
            return None
        return EventSource(kind="alb", arn=text_at(balancer, "targetGroupArn"))
