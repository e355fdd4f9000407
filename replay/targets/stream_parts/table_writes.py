"""The write that makes a record of a table's stream, and what the table must hold before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from replay.errors import InvalidEvent
from replay.payloads.envelopes.documents import at, text_at
from replay.payloads.exact_json import Json
from replay.targets.stream_parts.batch_records import FUNCTION_ITSELF
from replay.targets.stream_parts.items import Item, item_of, same_item

Before = Literal["absent", "this item", "another item"]

_IMAGES: Mapping[str, frozenset[str]] = {
    "KEYS_ONLY": frozenset(),
    "NEW_IMAGE": frozenset({"NewImage"}),
    "OLD_IMAGE": frozenset({"OldImage"}),
    "NEW_AND_OLD_IMAGES": frozenset({"NewImage", "OldImage"}),
}
_OF_CHANGE: Mapping[str, frozenset[str]] = {
    "INSERT": frozenset({"NewImage"}),
    "MODIFY": frozenset({"NewImage", "OldImage"}),
    "REMOVE": frozenset({"OldImage"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWrite:
    """
    One write.

    Attributes:
        change: What the stream will say.
        keys: The item's key.
        after: The item that is put; None deletes it.
        before: What the table must hold for the stream to say so: no item of the key, `old`, or any item but `after`.
        old: The item as it was, where the record tells.
    """

    change: str
    keys: Item
    after: Item | None
    before: Before
    old: Item | None = None

    def fits(self, current: Item | None) -> bool:
        """Say whether the write makes the record where the table holds *current*."""
        if self.before == "absent":
            return current is None
        if self.before == "this item":
            return same_item(current, self.old)
        return current is not None and not same_item(current, self.after)

    @property
    def to_put_first(self) -> Item | None:
        """What makes it fit; None where nothing is to be put."""
        if self.before == "absent":
            return None
        return self.old if self.before == "this item" else self.keys

    def is_done(self, current: Item | None) -> bool:
        """Say whether the table holds what this write leaves."""
        return same_item(current, self.after)


def table_write(record: Json, *, view: str, key: str) -> TableWrite:
    """
    Say which write makes *record* once more.

    Args:
        view: What the stream of the table shows; empty where that is not known yet.

    Raises:
        InvalidEvent: No write makes it: it has lost its images, DynamoDB itself deleted the item, or the table's stream
            shows other images.

    Source: DynamoDB API `Record`, `StreamRecord`; Developer Guide, "DynamoDB Streams and Time to Live".
    """
    change = text_at(record, "eventName") or ""
    if change not in _OF_CHANGE:
        _refuse("it is no change of an item", key, expected="eventName INSERT, MODIFY or REMOVE")
    if at(record, "userIdentity") is not None:
        _refuse(
            "DynamoDB itself deleted the item, as it had expired: the stream says that of no other delete",
            key,
            expected="a record without userIdentity",
        )
    shown = _shown(record)
    if view and shown != view:
        _refuse(
            f"it has what a stream of {shown} shows, and the table's shows {view}", key, expected=f"a record of {view}"
        )
    for image in sorted(_OF_CHANGE[change] & _IMAGES.get(shown, frozenset())):
        if at(record, "dynamodb", image) is None:
            _refuse(f"it has no {image}, without which it cannot be made", key, expected=f"{image} in a {change}")
    return _write(record, change, shown, key)


def _write(record: Json, change: str, shown: str, key: str) -> TableWrite:
    keys = item_of(at(record, "dynamodb", "Keys"), where=key)
    images = {
        name: item_of(image, where=key)
        for name in ("NewImage", "OldImage")
        if (image := at(record, "dynamodb", name)) is not None
    }
    new, old = images.get("NewImage"), images.get("OldImage")
    if change == "INSERT":
        return TableWrite(change=change, keys=keys, after=new or keys, before="absent")
    if change == "REMOVE":
        return TableWrite(change=change, keys=keys, after=None, before="this item" if old else "another item", old=old)
    if new is None:
        _refuse(
            f"a stream of {shown} does not tell what the item was changed to",
            key,
            expected="a MODIFY with NewImage",
        )
    return TableWrite(change=change, keys=keys, after=new, before="this item" if old else "another item", old=old)


def _shown(record: Json) -> str:
    told = text_at(record, "dynamodb", "StreamViewType")
    if told:
        return told
    there = frozenset(name for name in ("NewImage", "OldImage") if at(record, "dynamodb", name) is not None)
    return next(view for view, images in _IMAGES.items() if images == there)


def _refuse(what: str, key: str, *, expected: str) -> NoReturn:
    raise InvalidEvent(what, where=key, expected=expected, hint=FUNCTION_ITSELF)
