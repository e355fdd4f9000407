"""The signature of a notification: withdrawn where redaction changed what it signs."""

from collections.abc import Mapping
from typing import Any

from replay.errors import InvalidJson
from replay.payloads.envelopes.documents import at, object_in, shallow_steps
from replay.payloads.exact_json import Edit, Step, splice, string_token, string_value, tokens

WITHDRAWN = "REDACTED"
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_LEVELS = 4
"""`Records/0/Sns/Signature`: no signature lies deeper."""


def withdraw_signatures(before: str, after: str) -> str:
    """
    Replace the `Signature` of each notification whose signed parts differ between *before* and *after*.

    Everyone can check a signature against a guess, for the certificate is public. Looked at are a bare notification,
    the records of an SNS event, and notifications in the bodies of an SQS event.

    Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages": what is signed.
    """
    return _withdrawn(before, after, bodies=True)


def _withdrawn(before: str, after: str, *, bodies: bool) -> str:
    """Look into the *bodies* of messages too, but not into bodies inside of these: nobody knows how deep they go."""
    if before == after or "Signature" not in after:
        return after
    edits = []
    old, new = object_in(before), object_in(after)
    try:
        for token in tokens(after):
            place = shallow_steps(token.path, _LEVELS) if token.kind == "string" else None
            if not place:
                continue
            if place[-1] == "Signature" and _changed(_holder(old, place), _holder(new, place)):
                edits.append(Edit(token.start, token.end, string_token(WITHDRAWN)))
            elif bodies and place[0] == "Records" and place[2:] == ("body",):
                inside = string_value(after[token.start : token.end])
                resealed = _withdrawn(str(_holder(old, place).get("body")), inside, bodies=False)
                if resealed != inside:
                    edits.append(Edit(token.start, token.end, string_token(resealed)))
    except InvalidJson:
        return after
    return splice(after, edits)


def _holder(event: Mapping[str, Any], place: tuple[Step, ...]) -> Mapping[str, Any]:
    """Give the object that the last step of *place* names a member of, empty where it is not there."""
    value: Any = event
    for step in place[:-1]:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = at(value, step)
    return value if isinstance(value, dict) else {}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return "Message" in new and any(old.get(name) != new.get(name) for name in _SIGNED)
