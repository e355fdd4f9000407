"""The test events of Lambda's console, as EventBridge's schema registry keeps those that are shared."""

from collections.abc import Iterator, Mapping

from replay.payloads.envelopes.members import member, members
from replay.payloads.exact_json import Json, string_value

_MARKS = ("openapi", "components")


def shared_test_events(text: str, value: Json) -> Iterator[str]:
    """
    Give the text of each test event, exactly as it was saved; none where *text* is no schema of test events.

    Args:
        text: The OpenAPI document itself, or what `aws schemas describe-schema` printed, which has it as a string.
        value: The same, parsed.

    Source: Lambda Developer Guide, "Creating shareable test events" (registry `lambda-testevent-schemas`, schema
    `_NAME-schema`); that they are `components.examples.NAME.value` of it: AWS SAM CLI, `sam remote test-event`.
    """
    if not isinstance(value, Mapping):
        return
    described = member(text, "Content") if isinstance(value.get("Content"), str) and "SchemaName" in value else None
    document = text if described is None else string_value(described)
    if all(name in members(document) for name in _MARKS):
        examples = members(member(document, "components", "examples") or "")
        yield from (event for name in examples if (event := member(examples[name], "value")) is not None)
