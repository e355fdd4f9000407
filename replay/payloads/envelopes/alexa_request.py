"""A request of an Alexa skill."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import at, text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_SKILL = "amzn1.ask.skill."


class AlexaRequest(EventShape):
    """
    A custom skill's request or a smart-home directive; the answer is waited for.

    Source: Alexa Skills Kit, "Request and response JSON reference" and "Smart Home Skill API message reference".
    """

    name: ClassVar[str] = "alexa-request"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the system in its context, by the skill of its session, or by the header of a directive."""
        skill = isinstance(at(event, "request"), dict) and isinstance(at(event, "context", "System"), dict)
        in_session = (text_at(event, "session", "application", "applicationId") or "").startswith(_SKILL)
        skill = skill or (in_session and text_at(event, "request", "type") is not None)
        header = at(event, "directive", "header") or event.get("header")
        home = text_at(header, "namespace") is not None and text_at(header, "payloadVersion") is not None
        return EventSource(kind="direct") if skill or home else None
