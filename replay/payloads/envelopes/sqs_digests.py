"""The digests that an SQS record carries of its own parts: made as SQS makes them, and renewed after a change."""

import base64
import binascii
import hashlib
from collections.abc import Mapping

from replay.errors import InvalidJson
from replay.payloads.captures import MessageAttribute
from replay.payloads.exact_json import Edit, Path, Step, Token, splice, steps, string_token, string_value, tokens

_STRING, _BINARY = b"\x01", b"\x02"
_DEEPEST = 5
"""`Records/0/messageAttributes/NAME/stringValue`: nothing that a digest covers lies deeper."""

_Place = tuple[Step, ...]


def md5_of_body(body: str) -> str:
    """Digest a message body. Source: SQS API `Message`, MD5OfBody."""
    return hashlib.md5(body.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def deduplication_id_of_body(body: str) -> str:
    """Make the id that SQS makes of a body. Source: SQS API `SetQueueAttributes`, ContentBasedDeduplication."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def md5_of_message_attributes(attributes: Mapping[str, MessageAttribute]) -> str | None:
    """
    Digest message attributes, or give None when there are none.

    Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes": names in order; of each
    its name, data type, one byte for the transport type, and value; every part behind its length in four bytes.
    """
    if not attributes:
        return None
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        digest.update(_measured(_utf8(name)) + _measured(_utf8(attribute.data_type)))
        if attribute.binary_value is not None:
            digest.update(_BINARY + _measured(attribute.binary_value))
        else:
            digest.update(_STRING + _measured(_utf8(attribute.string_value or "")))
    return digest.hexdigest()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _measured(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def renew_digests(before: str, after: str) -> str:
    """
    Renew `md5OfBody`, `md5OfMessageAttributes`, and a `MessageDeduplicationId` that SQS made of the body, of the SQS
    records of an event whose parts were changed: anybody could test guesses of what was redacted by them.

    Only a digest that was right in *before* is renewed: a wrong one may be the very thing that made an event fail. Both
    texts are read by position, so neither depth nor duplicate keys harm.
    """
    if before == after:
        return after
    try:
        old, new = _Records(before), _Records(after)
    except InvalidJson:
        return after
    edits = []
    for place, token in new.tokens.items():
        right_before, right_now = old.digest(place), new.digest(place)
        was = old.tokens.get(place)
        if right_before is None or right_now is None or was is None or right_before == right_now:
            continue
        if old.value(was) == right_before:
            edits.append(Edit(token.start, token.end, string_token(right_now)))
    return splice(after, edits)


class _Records:
    """The strings of an event's records, by place; of duplicate keys the last counts, as for the handler."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: dict[_Place, Token] = {}
        self._attributes: dict[_Place, dict[str, dict[Step, str]]] = {}
        for token in tokens(text):
            if token.kind == "string" and _shallow(token.path):
                place = steps(token.path)
                if place[0] == "Records":
                    self.tokens[place] = token
                    if len(place) == _DEEPEST:
                        named = self._attributes.setdefault(place[:3], {})
                        named.setdefault(str(place[3]), {})[place[4]] = self.value(token)

    def value(self, token: Token) -> str:
        return string_value(self.text[token.start : token.end])

    def digest(self, place: _Place) -> str | None:
        """Make the right digest for the digest field at *place*, or None when that is no digest field."""
        if place[2:] == ("attributes", "MessageDeduplicationId"):
            body = self.tokens.get((*place[:2], "body"))
            return None if body is None else deduplication_id_of_body(self.value(body))
        if len(place) != 3:  # noqa: PLR2004 - Records/N/name
            return None
        if place[2] == "md5OfBody":
            body = self.tokens.get((*place[:2], "body"))
            return None if body is None else md5_of_body(self.value(body))
        if place[2] == "md5OfMessageAttributes":
            parts = self._attributes.get((*place[:2], "messageAttributes"), {})
            return md5_of_message_attributes(
                {name: _attribute(part) for name, part in parts.items() if "dataType" in part}
            )
        return None


def _shallow(path: Path) -> bool:
    depth = 0
    while path is not None:
        path = path[0]
        depth += 1
        if depth > _DEEPEST:
            return False
    return depth > 0


def _attribute(part: Mapping[Step, str]) -> MessageAttribute:
    binary = None
    if "binaryValue" in part:
        try:
            binary = base64.b64decode(part["binaryValue"], validate=True)
        except (binascii.Error, ValueError):
            binary = b""
    return MessageAttribute(data_type=part["dataType"], string_value=part.get("stringValue"), binary_value=binary)
