"""The changes of objects that an event of S3 tells of, in either of its two shapes."""

from dataclasses import dataclass
from urllib.parse import unquote_plus

from replay.errors import InvalidEvent, InvalidJson
from replay.payloads.captures import Event
from replay.payloads.envelopes.documents import text_at
from replay.payloads.exact_json import Json, parse

FUNCTION_ITSELF = "invoke the function itself: --target lambda:FUNCTION"
_CREATED = "ObjectCreated:"
_BY_EVENTBRIDGE = {"PutObject": "Put", "POST Object": "Post", "CopyObject": "Copy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """
    One object that was put, deleted or otherwise changed.

    Attributes:
        kind: As notifications name it, without `s3:`: `ObjectCreated:Put`.
        key: As the object has it; in a notification it is URL-encoded.
    """

    kind: str
    bucket: str
    key: str

    @property
    def is_put(self) -> bool:
        """Whether putting the object makes this event."""
        return self.kind == f"{_CREATED}Put"


def object_changes(event: Event, *, key: str) -> list[ObjectChange]:
    """
    Give the changes that *event* tells of: that of a notification, or of S3's event on a bus.

    Raises:
        InvalidEvent: It is neither.

    Source: S3 User Guide, "Event message structure" (the key is URL-encoded); EventBridge events "Object Created" (it
    is not); recordings test_key_encoding, test_object_created_put.
    """
    try:
        found = parse(event.text)
    except InvalidJson:
        found = None
    records = found.get("Records") if isinstance(found, dict) else None
    changes = [_of_record(each) for each in records] if isinstance(records, list) else [_of_bus(found)]
    known = [each for each in changes if each is not None]
    if known and len(known) == len(changes):
        return known
    raise InvalidEvent(
        "it is no event of S3",
        where=key,
        expected="a notification with Records, or an event of aws.s3 such as Object Created",
        hint=FUNCTION_ITSELF,
    )


def is_on_a_bus(event: Event) -> bool:
    """Say whether it is S3's event on a bus, not a notification."""
    try:
        return _of_bus(parse(event.text)) is not None
    except InvalidJson:
        return False


def _of_record(record: Json) -> ObjectChange | None:
    kind, bucket = text_at(record, "eventName"), text_at(record, "s3", "bucket", "name")
    key = text_at(record, "s3", "object", "key")
    if not kind or not bucket or not key or not (text_at(record, "eventSource") or "").startswith("aws:s3"):
        return None
    return ObjectChange(kind=kind.removeprefix("s3:"), bucket=bucket, key=unquote_plus(key))


def _of_bus(event: Json) -> ObjectChange | None:
    bucket, key = text_at(event, "detail", "bucket", "name"), text_at(event, "detail", "object", "key")
    if text_at(event, "source") != "aws.s3" or not bucket or not key:
        return None
    detail_type, reason = text_at(event, "detail-type") or "", text_at(event, "detail", "reason") or "PutObject"
    if detail_type != "Object Created":
        return ObjectChange(kind=detail_type, bucket=bucket, key=key)
    return ObjectChange(kind=_CREATED + _BY_EVENTBRIDGE.get(reason, reason), bucket=bucket, key=key)
