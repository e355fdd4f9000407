"""An action of a Bedrock agent."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class BedrockAgent(EventShape):
    """
    A function or an API operation that an agent wants done; the answer is waited for.

    Source: Amazon Bedrock User Guide, "Configure Lambda functions to send information that an agent elicits".
    """

    name: ClassVar[str] = "bedrock-agent"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its agent and its action group."""
        told = (
            isinstance(event.get("agent"), dict) and text_at(event, "actionGroup") and text_at(event, "messageVersion")
        )
        return EventSource(kind="direct") if told else None
