"""An evaluation that AWS Config asks of a custom rule."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class ConfigRule(EventShape):
    """
    A change or a period; Config invokes asynchronously.

    Source: AWS Config Developer Guide, "Example events for AWS Config rules".
    """

    name: ClassVar[str] = "config-rule"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the invoking event, which is JSON text, and its rule."""
        if text_at(event, "invokingEvent") is None or text_at(event, "configRuleName") is None:
            return None
        return EventSource(kind="async", arn=text_at(event, "configRuleArn"))
