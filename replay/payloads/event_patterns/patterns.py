"""The front of the pattern language: text or mapping in, `EventPattern` out, errors as EventBridge words them."""

from collections.abc import Mapping
from typing import Any

from replay.errors import InvalidEventPattern
from replay.payloads.event_patterns.dialects import EVENTBRIDGE
from replay.payloads.event_patterns.matching import EventPattern
from replay.payloads.event_patterns.pattern_text import read_pattern
from replay.payloads.event_patterns.refusals import PatternRefused
from replay.payloads.event_patterns.rules import compile_rules

GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"


def compile_pattern(pattern: str | Mapping[str, Any]) -> EventPattern:
    """
    Compile an event pattern, JSON text or a mapping.

    Text says more than a mapping: of a key written twice the last one counts field by field, as for AWS.

    Raises:
        InvalidEventPattern: EventBridge would refuse it (`InvalidEventPatternException`); `what` is worded as AWS does.
    """
    try:
        raw = read_pattern(pattern) if isinstance(pattern, str) else pattern
        return EventPattern(rules=compile_rules(raw, EVENTBRIDGE))
    except PatternRefused as refused:
        raise InvalidEventPattern(
            f"Event pattern is not valid. Reason: {refused.reason}",
            where=refused.where,
            expected="a JSON object of fields, each with an array of the values it may have",
            hint=f"mend the pattern; the operators are listed at {GUIDE}",
        ) from None
