"""A trigger of a Cognito user pool, or of Cognito Sync."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class CognitoTrigger(EventShape):
    """
    What a user pool or an identity pool asks a function; the answer is waited for.

    Source: Amazon Cognito Developer Guide, "Customizing user pool workflows with Lambda triggers".
    """

    name: ClassVar[str] = "cognito-trigger"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its trigger and its pool."""
        of_users = text_at(event, "triggerSource") and text_at(event, "userPoolId") and "request" in event
        of_identities = text_at(event, "identityPoolId") and isinstance(event.get("datasetRecords"), dict)
        return EventSource(kind="direct") if of_users or of_identities else None
