"""Records that Amazon Data Firehose wants to have transformed."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class FirehoseTransformation(EventShape):
    """
    A batch of a delivery stream, from Kinesis, MSK or direct puts; the answer is waited for.

    Source: Amazon Data Firehose Developer Guide, "Transform source data".
    """

    name: ClassVar[str] = "firehose-transformation"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its invocation id and the ids of its records; Kinesis Data Analytics names an application too."""
        if text_at(event, "invocationId") is None or "applicationArn" in event or not _has_data(event.get("records")):
            return None
        return EventSource(kind="direct", arn=text_at(event, "deliveryStreamArn"))


def _has_data(records: object) -> bool:
    first = records[0] if isinstance(records, list) and records else None
    return text_at(first, "recordId") is not None and bool({"data", "kafkaRecordValue"} & set(first or ()))
