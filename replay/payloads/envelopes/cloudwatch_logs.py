"""What a subscription filter of CloudWatch Logs hands over: log events, packed."""

import base64
import binascii
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Unwrapped, inner_capture, known_or
from replay.payloads.envelopes.documents import document, object_in, text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, string_token

_GZIP, _GZIP_OR_ZLIB = 31, 47  # zlib's names for the formats are its window sizes
_MOST_BYTES = 16 * 1024 * 1024
_MESSAGES = ("DATA_MESSAGE", "CONTROL_MESSAGE")


class CloudWatchLogs(EventShape):
    """
    Log events as a function gets them (`awslogs.data`), or unpacked, as a stream or a delivery stream holds them.

    What was unpacked is packed again for the function. Data that cannot be unpacked stays as it is, and the details say
    so; it may be the very thing that made the function fail.

    Source: recording test_put_subscription_filter_lambda; CloudWatch Logs User Guide, "Subscription filters".
    """

    name: ClassVar[str] = "cloudwatch-logs"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its packed data, or by the members of what is packed in it."""
        packed = text_at(event, "awslogs", "data") is not None
        return EventSource(kind="async") if packed or _is_message(event) else None

    def unwrap(self, capture: Capture) -> Unwrapped:
        """Give the event as it is, or packed."""
        event = object_in(capture.body)
        text = _packed(capture.body) if _is_message(event) else capture.body
        return Unwrapped(
            event=Event(text=text, kind="async"),
            event_source=known_or(capture, EventSource(kind="async")),
            failure=capture.failure,
            details=self.told(document(capture.body)),
        )

    def inside(self, capture: Capture) -> Capture | None:
        """Give the unpacked message."""
        data = text_at(object_in(capture.body), "awslogs", "data")
        text = None if data is None else unpacked(data)
        return None if text is None else inner_capture(capture, text)

    def told(self, event: Json) -> dict[str, Json]:
        """Tell which log the events are of."""
        data = text_at(event, "awslogs", "data")
        message = event
        if data is not None:
            text = unpacked(data)
            if text is None:
                return {"awslogs_data": "cannot be unpacked"}
            message = document(text)
        told: dict[str, Json] = {
            "message_type": text_at(message, "messageType"),
            "log_group": text_at(message, "logGroup"),
            "log_stream": text_at(message, "logStream"),
        }
        return {name: value for name, value in told.items() if value is not None}


@lru_cache(maxsize=2)
def unpacked(data: str) -> str | None:
    """Decode and inflate `awslogs.data`; None where it is not base64, not packed, not UTF-8, cut, or far too large."""
    try:
        inflater = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
        content = inflater.decompress(base64.b64decode(data, validate=True), _MOST_BYTES + 1)
        whole = inflater.eof and len(content) <= _MOST_BYTES
        return content.decode("utf-8") if whole else None
    except (binascii.Error, ValueError, zlib.error):
        return None


def _is_message(event: Mapping[str, Any]) -> bool:
    return event.get("messageType") in _MESSAGES and isinstance(event.get("logEvents"), list)


def _packed(text: str) -> str:
    deflater = zlib.compressobj(wbits=_GZIP)
    content = deflater.compress(text.encode("utf-8", "surrogatepass")) + deflater.flush()
    return '{"awslogs":{"data":' + string_token(base64.b64encode(content).decode("ascii")) + "}}"
