"""A request through an S3 Object Lambda access point."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_CONTEXTS = ("getObjectContext", "headObjectContext", "listObjectsContext", "listObjectsV2Context")


class S3ObjectLambda(EventShape):
    """
    A GET, HEAD or LIST that waits for the function's answer.

    Source: Amazon S3 User Guide, "Event context format and usage".
    """

    name: ClassVar[str] = "s3-object-lambda"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its request id and the context of one of the requests."""
        if text_at(event, "xAmzRequestId") is None or not isinstance(event.get("userRequest"), dict):
            return None
        return EventSource(kind="direct") if any(isinstance(event.get(name), dict) for name in _CONTEXTS) else None
