"""Finding what was sent by the texts that nothing else holds."""

import json
from collections.abc import Iterable, Mapping, Sequence

from replay.targets.carrier import Sought


def keys_in(texts: Iterable[str], sought: Sequence[Sought]) -> tuple[str, ...]:
    """Give the keys of those of *sought* of which any of *texts* holds a sign, in their order."""
    held = list(texts)
    return tuple(each.key for each in sought if any(sign in text for sign in each.signs if sign for text in held))


def texts_of_message(message: Mapping[str, object]) -> list[str]:
    """Give what of a received SQS message may hold a sign: its id, body and attributes."""
    attributes = json.dumps([message.get("Attributes"), message.get("MessageAttributes")], default=str)
    return [str(message.get("MessageId", "")), str(message.get("Body", "")), attributes]
