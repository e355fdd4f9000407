"""Cases of SNS filter policies."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from replay.errors import InvalidEventPattern
from replay.payloads.filter_policies import FilterPolicy, compile_filter_policy
from tests.truth.cases import Case
from tests.truth.checks.documents import COMMENTARY
from tests.truth.checks.mappings import check_refusal
from tests.truth.checks.shapes import objects_in, parsed
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "policies that SNS quotes in a refusal are refused in the same words, and its other refusals are among ours; every "
    "message that a subscription got passes the policy recorded before it; stimuli are filtered and their expectations "
    "checked"
)
_QUOTED = re.compile(r'\[Source: \(String\)"(.*)"; line: \d+, column: \d+\]', re.DOTALL)
_HIDDEN = "[Source: REDACTED"
_OF_SUBSCRIBE = "Attributes Reason: "
"""What Subscribe puts before the reason of a refusal, and SetSubscriptionAttributes does not."""
_BAD_SCOPE = re.compile(r"Invalid value \[(.*?)\]")
_SUBSCRIPTION = re.compile(r"SubscriptionArn=(\S+)")
_POLICY_KEYS = ("FilterPolicy", "filter_policy", "policy")
_SCOPE_KEYS = ("FilterPolicyScope", "filter_policy_scope", "scope")
_MESSAGE_KEYS = ("messages", "publish", "message")
_COMMENTS = frozenset({"why", "note", "RawMessageDelivery", "subscription"})
_TOO_BIG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"k": [*range(151)]}, "MessageAttributes"),
    ({"k": [*range(151)]}, "MessageBody"),
    ({key: [1] for key in "abcdef"}, "MessageAttributes"),
    ({"object": {"key": ["a"]}}, "MessageAttributes"),
)
"""A policy for each limit that is not told by a quoted policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription as GetSubscriptionAttributes showed it."""

    arn: str
    policy: FilterPolicy
    raw: bool


def judge_filter_policy(case: Case, findings: Findings) -> None:
    """Judge a case of a filter policy."""
    if case.has_stimulus:
        _run_stimulus(case.stimulus, case.expect if case.has_expect else {}, findings)
    recording = case.recording()
    _check_refusals(recording, findings)
    _check_delivered(recording, findings)
    if not findings.facts and not findings.differences:
        raise NotImitated("the recording holds messages, but no policy that filtered them")


def _run_stimulus(stimulus: Any, expect: Any, findings: Findings) -> None:
    if not isinstance(stimulus, dict) or not isinstance(expect, dict):
        raise Unreadable(f"cannot read stimulus: {stimulus!r}, {expect!r}")
    stimulus = {**(stimulus.get("subscription") or {}), **stimulus}
    unknown = stimulus.keys() - {*_POLICY_KEYS, *_SCOPE_KEYS, *_MESSAGE_KEYS, *_COMMENTS}
    policy, found = _first(stimulus, _POLICY_KEYS)
    if unknown or not found:
        raise Unreadable(f"cannot read stimulus: {sorted(unknown) or stimulus!r}")
    scope = str(_first(stimulus, _SCOPE_KEYS)[0] or "MessageAttributes")
    sent = _first(stimulus, _MESSAGE_KEYS)[0] or []
    messages = sent if isinstance(sent, list) else [sent]
    try:
        compiled = compile_filter_policy(policy, scope)
        refused = ""
    except InvalidEventPattern as error:
        compiled, refused = None, error.what
    passed = [each for each in messages if compiled and _accepts(compiled, each)]
    rejected = [each for each in messages if compiled and not _accepts(compiled, each)]
    for key, expected in expect.items():
        if key == "error":
            check_refusal(refused.partition("\n")[0], expected, findings)
        elif key in {"delivered", "accepted"}:
            findings.same(key, len(passed) if isinstance(expected, int) else passed, expected)
        elif key in {"filtered_out", "filtered", "rejected"}:
            findings.same(key, len(rejected) if isinstance(expected, int) else rejected, expected)
        elif key not in COMMENTARY:
            raise Unreadable(f"cannot read expect: {key!r}")
    if not expect:
        raise Unreadable("cannot read expect: there is none")


def _first(held: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, bool]:
    return next(((held[key], True) for key in keys if key in held), (None, False))


def _accepts(policy: FilterPolicy, message: Any) -> bool:
    """A message is `{"Message", "MessageAttributes"}`, or else its body."""
    attributes: Mapping[str, Any] = {}
    if isinstance(message, dict) and {"Message", "MessageAttributes"} & message.keys():
        attributes, message = message.get("MessageAttributes") or {}, message.get("Message", "")
    text = message if isinstance(message, str) else json.dumps(message)
    return policy.accepts(message=text, message_attributes=attributes)


def _check_refusals(recording: Mapping[str, Any], findings: Findings) -> None:
    for each in objects_in(recording):
        message = each.get("Message")
        if each.get("Code") not in {"InvalidParameter", "InvalidParameterException"} or not isinstance(message, str):
            continue
        quoted, reason = _QUOTED.findall(message), _reason(message.partition("\n")[0])
        if quoted:
            findings.same(f"the refusal of {quoted[0]}", _reason(_refusal(quoted[0])), reason)
        elif _HIDDEN in message:
            findings.unjudged.append(f"{reason}: the policy that was refused is not told")
        else:
            findings.holds(f"we have the words {message!r}", reason in map(_reason, _other_refusals(message)))


def _reason(message: str) -> str:
    """Leave out which of SNS's operations refused."""
    return message.replace(_OF_SUBSCRIBE, "", 1)


def _other_refusals(message: str) -> set[str]:
    found = _BAD_SCOPE.search(message)
    return {_refusal(policy, scope) for policy, scope in _TOO_BIG} | (
        {_refusal({"a": ["b"]}, found[1])} if found else set()
    )


def _refusal(policy: Any, scope: str = "MessageAttributes") -> str:
    try:
        compile_filter_policy(policy, scope)
    except InvalidEventPattern as refused:
        return refused.what
    return "it is accepted"


def _check_delivered(recording: Mapping[str, Any], findings: Findings) -> None:
    """
    Hold each message against the policy that its subscription had last.

    That a policy was taken away is not recorded: a message that it would keep back tells nothing once something was
    kept back after the policy had been set.
    """
    subscriptions: dict[str, Subscription] = {}
    kept_back: set[str] = set()
    for name, held in recording.items():
        got_any = False
        for each in objects_in(held):
            if "SubscriptionArn" in each and "TopicArn" in each and "Protocol" in each:
                subscription = _subscription(each)
                subscriptions[subscription.arn] = subscription
                kept_back.discard(subscription.arn)
            elif "Body" in each and "MessageId" in each:
                got_any = True
                for subscription, message in _got_by(each, subscriptions):
                    _check_message(name, subscription, message, kept_back, findings)
        if not got_any and isinstance(held, dict) and held.keys() == {"ResponseMetadata"}:
            kept_back |= subscriptions.keys()


def _check_message(
    name: str, subscription: Subscription, message: Mapping[str, Any], kept_back: set[str], findings: Findings
) -> None:
    accepted = _accepts(subscription.policy, message)
    if not accepted and subscription.arn in kept_back:
        findings.unjudged.append(f"{name}: after something was kept back, the policy may have been taken away")
    else:
        findings.holds(f"{name} passes the policy", accepted)


def _subscription(attributes: Mapping[str, Any]) -> Subscription:
    policy = attributes.get("FilterPolicy") or {}
    try:
        compiled = compile_filter_policy(policy, attributes.get("FilterPolicyScope", "MessageAttributes"))
    except InvalidEventPattern as refused:
        raise Unreadable(f"cannot read the recorded policy {policy!r}: {refused.what}") from None
    raw = str(attributes.get("RawMessageDelivery")).lower() == "true"
    return Subscription(arn=attributes["SubscriptionArn"], policy=compiled, raw=raw)


def _got_by(
    message: Mapping[str, Any], subscriptions: Mapping[str, Subscription]
) -> Iterator[tuple[Subscription, Mapping[str, Any]]]:
    """Find whose message it is: the notification names its subscription; a raw one is of the only raw subscription."""
    body = parsed(message["Body"]) if isinstance(message["Body"], str) else message["Body"]
    found = _SUBSCRIPTION.search(str(body.get("UnsubscribeURL", ""))) if isinstance(body, dict) else None
    filtered = {arn: each for arn, each in subscriptions.items() if each.policy.pattern is not None}
    if found and found[1] in filtered and isinstance(body, dict):
        yield filtered[found[1]], {"Message": body["Message"], "MessageAttributes": body.get("MessageAttributes", {})}
    elif not found and len(filtered) == 1:
        (only,) = filtered.values()
        if only.raw:
            yield only, {"Message": message["Body"], "MessageAttributes": message.get("MessageAttributes", {})}
