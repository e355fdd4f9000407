"""Which parts of an event are its sender's: only they can be left out, or AWS would never hand such an event over."""

from collections.abc import Mapping
from dataclasses import dataclass

Pattern = tuple[str, ...]
"""Steps from the root; `*` is any element of an array, or any key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeParts:
    """
    What may go of one kind of event.

    Args:
        whole: Where all below is free.
        children: Containers that may lose children, each as a whole.
        in_base64: Whether strings in the free parts may be base64.
    """

    whole: tuple[Pattern, ...] = ()
    children: tuple[Pattern, ...] = ()
    in_base64: bool = False

    def is_free(self, path: Pattern) -> bool:
        """Say whether the value at *path* may be changed."""
        return any(_begins(path, pattern) for pattern in self.whole)

    def may_lose_children(self, path: Pattern) -> bool:
        """Say whether the container at *path* may lose elements or members."""
        return self.is_free(path) or any(
            len(path) == len(pattern) and _begins(path, pattern) for pattern in self.children
        )


def _begins(path: Pattern, pattern: Pattern) -> bool:
    return len(path) >= len(pattern) and all(wanted in {"*", step} for wanted, step in zip(pattern, path, strict=False))


_IMAGES = ("NewImage", "OldImage")
_EVERYTHING = FreeParts(whole=((),))
_HTTP = FreeParts(
    whole=(("body",),),
    children=tuple(
        (name,)
        for name in (
            "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters",
            "pathParameters", "stageVariables", "cookies",
        )
    ),
    in_base64=True,
)  # fmt: skip
_KINDS: Mapping[str, FreeParts] = {
    "sqs": FreeParts(
        whole=(("Records", "*", "body"), ("Records", "*", "messageAttributes", "*", "stringValue")),
        children=(("Records",), ("Records", "*", "messageAttributes")),
    ),
    "sns": FreeParts(
        whole=(
            ("Records", "*", "Sns", "Message"),
            ("Records", "*", "Sns", "Subject"),
            ("Records", "*", "Sns", "MessageAttributes", "*", "Value"),
        ),
        children=(("Records",), ("Records", "*", "Sns", "MessageAttributes")),
    ),
    "s3": FreeParts(whole=(("Records", "*", "s3", "object", "key"),), children=(("Records",),)),
    "kinesis": FreeParts(whole=(("Records", "*", "kinesis", "data"),), children=(("Records",),), in_base64=True),
    "dynamodb": FreeParts(
        whole=tuple(("Records", "*", "dynamodb", image, "*", kind) for image in _IMAGES for kind in ("S", "N", "B")),
        children=(("Records",), *(("Records", "*", "dynamodb", image) for image in _IMAGES)),
    ),
    "eventbridge": FreeParts(whole=(("detail",),), children=(("resources",),)),
    "schedule": FreeParts(whole=(("detail",),), children=(("resources",),)),
    "apigateway": _HTTP,
    "httpapi": _HTTP,
    "function_url": _HTTP,
    "alb": _HTTP,
    "kafka": FreeParts(),
    "mq": FreeParts(),
}


def free_parts(kind: str) -> FreeParts:
    """
    Say what may go of an event of this kind; of one that AWS gives no form, everything.

    Source: Lambda Developer Guide, the "Example event" of each event source: what stands around these parts is always
    there.
    """
    return _KINDS.get(kind, _EVERYTHING)
