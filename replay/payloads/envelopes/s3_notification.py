"""What S3 tells of its objects."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape, first_record, source_of_record
from replay.payloads.event_sources import EventSource


class S3Notification(EventShape):
    """
    A notification of a bucket; the key in it is URL-encoded.

    Source: recordings test_object_created_put, test_key_encoding.
    """

    name: ClassVar[str] = "s3-notification"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the records' source; some samples lengthen it."""
        source, record = source_of_record(event) or "", first_record(event)
        if source != "aws:s3" and not (source.startswith("aws:s3:") and isinstance(record.get("s3"), dict)):
            return None
        return EventSource(kind="s3", arn=text_at(record, "s3", "bucket", "arn"))
