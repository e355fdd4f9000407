"""A contact flow or an outbound campaign of Amazon Connect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class ConnectFlow(EventShape):
    """
    A contact and its parameters, or the customers that a campaign has reached; the answer is waited for.

    Source: Amazon Connect Administrator Guide, "Invoke AWS Lambda functions"; of campaigns "Invoke Lambda functions".
    """

    name: ClassVar[str] = "connect-flow"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its name and its contact, or by its campaign and its customers."""
        named = str(event.get("Name", "")).startswith("ContactFlow")
        of_contact = named and isinstance(at(event, "Details", "ContactData"), dict)
        of_campaign = isinstance(at(event, "InvocationMetadata", "CampaignContext"), dict) and isinstance(
            at(event, "Items", "CustomerProfiles"), list
        )
        return EventSource(kind="direct") if of_contact or of_campaign else None
