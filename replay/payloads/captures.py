"""One failed delivery as a source gave it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

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
class S3Object:
    """An object that holds a payload too large for its message; `size_bytes` is what the sender said of it."""

    bucket: str
    key: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRange:
    """
    Records of one shard, or of one partition of a topic, both ends included.

    `partition` is the shard's id or `<topic>-<partition>`, `first` and `last` are sequence numbers or offsets as text;
    the times are as AWS wrote them, or empty.
    """

    partition: str
    first: str
    last: str
    first_at: str = ""
    last_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecords:
    """The records that made up an event: enough to read them again while the stream still has them."""

    kind: Literal["kinesis", "dynamodb", "kafka"]
    arn: str
    ranges: tuple[StreamRange, ...]
    batch_size: int | None = None
    bootstrap_servers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """
    Why the event itself is not there, in a user's words.

    `stream` names the records to read again, where that can be done.
    """

    reason: str
    stream: StreamRecords | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    The JSON that the handler receives, as exact text.

    `kind` is the event source's kind, or `unknown`. Where the event is `missing`, `text` is what stands for it (a
    failure record, a payload that was cut), exactly, and is not to be delivered.
    """

    text: str
    kind: str = "unknown"
    missing: Missing | None = None
