"""A custom resource of a CloudFormation stack."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_REQUESTS = ("Create", "Update", "Delete")


class CloudFormationResource(EventShape):
    """
    A request to create, update or delete; CloudFormation invokes asynchronously, the CDK's provider framework waits.

    Source: AWS CloudFormation User Guide, "Custom resource request types".
    """

    name: ClassVar[str] = "cloudformation-resource"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its request type and its stack."""
        told = text_at(event, "StackId") and text_at(event, "LogicalResourceId")
        if event.get("RequestType") not in _REQUESTS or not told:
            return None
        return EventSource(kind="async" if text_at(event, "ResponseURL") else "direct")
