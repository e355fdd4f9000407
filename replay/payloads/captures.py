"""One failed delivery as a source gave it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAttribute:
    """An SQS or SNS message attribute; `data_type` is `String`, `Number` or `Binary`, perhaps with a custom label."""

    data_type: str
    string_value: str | None = None
    binary_value: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """
    Where a capture comes from.

    `source` is the source's name (`sqs`, `files`); `arn` names the resource, or is empty; `identity` tells this
    capture from all others of the same arn, for ever (a message id, a file's digest and item number). `place` is for
    eyes: a queue URL, a file and line.
    """

    source: str
    arn: str = ""
    identity: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """
    One failed delivery as the source gave it: exact body, attributes, where, when, and what is known of the failure.

    `attributes` are the system attributes as AWS names them (`SentTimestamp`: epoch milliseconds as text).
    `handle` is the source's own (a receipt handle) and never leaves the process.
    """

    origin: Origin
    body: str
    carrier: str = "text"
    attributes: Mapping[str, str] = field(default_factory=dict)
    message_attributes: Mapping[str, MessageAttribute] = field(default_factory=dict)
    sent_at: datetime | None = None
    event_source: EventSource | None = None
    failure: Failure | None = None
    handle: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    The JSON that the handler receives, as exact text.

    `kind` is the event source's kind, or `unknown`.
    """

    text: str
    kind: str = "unknown"
