"""A labelling job of SageMaker Ground Truth."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class GroundTruth(EventShape):
    """
    A data object before it is labelled, or the annotations after it; the answer is waited for.

    Source: Amazon SageMaker Developer Guide, "Processing data in a custom labeling workflow with AWS Lambda".
    """

    name: ClassVar[str] = "ground-truth"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its job."""
        held = isinstance(event.get("dataObject"), dict) or isinstance(event.get("payload"), dict)
        job = text_at(event, "labelingJobArn")
        return EventSource(kind="direct", arn=job) if job and held else None
