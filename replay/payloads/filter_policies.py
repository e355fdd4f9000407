"""SNS subscription filter policies: which messages a subscription accepts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from replay.errors import InvalidEventPattern, InvalidJson
from replay.payloads.event_patterns import SNS, EventPattern, PatternRefused, compile_rules
from replay.payloads.event_patterns.pattern_text import is_number, members, read_pattern
from replay.payloads.event_patterns.refusals import TooManyCombinations
from replay.payloads.event_patterns.rules import Rule
from replay.payloads.exact_json import Json, parse

FilterPolicyScope = Literal["MessageAttributes", "MessageBody"]
MessageAttributes = Mapping[str, Mapping[str, Json]]
"""Attributes by name, as Publish takes them, as a notification or a Lambda event shows them, or as SQS does."""

_GUIDE = "https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html"
_MOST_KEYS = 5
_MOST_COMBINATIONS = 150
_TOO_COMPLEX = "Filter policy is too complex"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPolicy:
    """A compiled filter policy; without a pattern it accepts everything."""

    scope: FilterPolicyScope
    pattern: EventPattern | None

    def accepts(self, *, message: str, message_attributes: MessageAttributes) -> bool:
        """
        Say whether the subscription gets this message.

        In scope MessageBody a message that is no JSON object is not delivered.
        Source: recordings test_filter_policy and test_filter_policy_on_message_body.
        """
        if self.pattern is None:
            return True
        if self.scope == "MessageAttributes":
            return self.pattern.matches(_attribute_values(message_attributes))
        try:
            return self.pattern.matches(parse(message))
        except InvalidJson:
            return False


def compile_filter_policy(policy: str | Mapping[str, Any], scope: str = "MessageAttributes") -> FilterPolicy:
    """
    Compile a filter policy, JSON text or a mapping; an empty one accepts everything.

    Raises:
        InvalidEventPattern: SNS would refuse it (`InvalidParameter`); `what` is worded as Subscribe answers. Source:
            recordings test_validate_policy*, test_policy_complexity, test_sub_filter_policy_nested_property,
            test_set_subscription_filter_policy_scope.
    """
    if scope not in get_args(FilterPolicyScope):
        raise _invalid(
            f"FilterPolicyScope: Invalid value [{scope}]. Please use either MessageBody or MessageAttributes",
            "FilterPolicyScope",
        )
    checked_scope: FilterPolicyScope = "MessageBody" if scope == "MessageBody" else "MessageAttributes"
    if not policy or (isinstance(policy, str) and not policy.strip()):
        return FilterPolicy(scope=checked_scope, pattern=None)
    try:
        raw = read_pattern(policy) if isinstance(policy, str) else policy
        if members(raw) == ():
            return FilterPolicy(scope=checked_scope, pattern=None)
        rules = compile_rules(raw, SNS)
    except TooManyCombinations as refused:
        raise _invalid(f"Attributes Reason: FilterPolicy: {_TOO_COMPLEX}", refused.where) from None
    except PatternRefused as refused:
        raise _invalid(f"Attributes Reason: FilterPolicy: {refused.reason}", refused.where) from None
    _check_limits(rules, checked_scope)
    return FilterPolicy(scope=checked_scope, pattern=EventPattern(rules=rules))


def _check_limits(rules: tuple[Rule, ...], scope: FilterPolicyScope) -> None:
    for field in (field for rule in rules for field in rule):
        if scope == "MessageAttributes" and len(field.keys) > 1:
            raise _invalid(
                "Filter policy scope MessageAttributes does not support nested filter policy",
                "/" + "/".join(field.keys),
            )
    if len({field.keys[0] for rule in rules for field in rule}) > _MOST_KEYS:
        raise _invalid(f"Attributes Reason: FilterPolicy: Filter policy can not have more than {_MOST_KEYS} keys", "/")
    # Each array counts as many times as it is levels deep; what `$or` separates is added up.
    combinations = sum(math.prod(field.alternatives.count * len(field.keys) for field in rule) for rule in rules)
    if combinations > _MOST_COMBINATIONS:
        raise _invalid(f"Attributes Reason: FilterPolicy: {_TOO_COMPLEX}", "/")


def _invalid(reason: str, where: str) -> InvalidEventPattern:
    return InvalidEventPattern(
        f"Invalid parameter: {reason}",
        where=where,
        expected=f"at most {_MOST_KEYS} keys, {_MOST_COMBINATIONS} combinations, each key with an array of values",
        hint=f"mend the filter policy; its rules are at {_GUIDE}",
    )


def _attribute_values(attributes: MessageAttributes) -> dict[str, Json]:
    """Read what a policy compares with: strings, numbers, and the elements of String.Array; no other attributes."""
    values: dict[str, Json] = {}
    for name, attribute in attributes.items():
        kind = next((attribute[key] for key in ("Type", "DataType", "dataType") if key in attribute), "")
        text = next((attribute[key] for key in ("Value", "StringValue", "stringValue") if key in attribute), None)
        if not isinstance(kind, str) or not isinstance(text, str):
            continue
        if kind == "String.Array":
            elements = _parse(text)
            if isinstance(elements, list):
                values[name] = elements
        elif kind.partition(".")[0] == "Number":
            number = _parse(text)
            values[name] = number if is_number(number) else text
        elif kind.partition(".")[0] == "String":
            values[name] = text
    return values


def _parse(text: str) -> Json:
    try:
        return parse(text)
    except InvalidJson:
        return None
