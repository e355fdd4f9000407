"""Who gets the messages of a topic: its subscriptions."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from replay.counted_nouns import counted
from replay.readers.aws_errors import aws_errors
from replay.targets.guard_rails.identity import unless_denied

_SHOWN = {"lambda", "sqs", "firehose", "application"}
"""Endpoints that are resources; the others are people's addresses and numbers, or URLs with secrets in them."""

Subscription = Mapping[str, Any]


def subscriptions_of(client: Any, topic_arn: str) -> list[Subscription] | None:
    """
    List the subscriptions of a topic, over all pages; None where that is not allowed.

    Raises:
        AwsError: It failed for another reason.
    """
    where = f"topic {topic_arn}"

    def read() -> list[Subscription]:
        with aws_errors(where=where, service="sns"):
            pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
            return [each for page in pages for each in page.get("Subscriptions", [])]

    found: list[Subscription] | None = unless_denied(read, service="sns", where=where)
    return found


def seen_by(subscriptions: Sequence[Subscription] | None) -> tuple[str, ...]:
    """Say who gets what is published, for the plan."""
    if subscriptions is None:
        return ("its subscribers (sns:ListSubscriptionsByTopic is not allowed)",)
    told = []
    others: Counter[str] = Counter()
    for each in subscriptions:
        protocol, endpoint = str(each.get("Protocol", "")), str(each.get("Endpoint", ""))
        if protocol in _SHOWN:
            name = endpoint.rpartition(":function:")[2] if protocol == "lambda" else endpoint.rpartition(":")[2]
            told.append(f"{'function' if protocol == 'lambda' else protocol} {name}")
        else:
            others[protocol] += 1
    return (*told, *(counted(count, f"subscriber by {protocol}") if count == 1 else f"{count} subscribers by {protocol}"
                     for protocol, count in others.items()))  # fmt: skip


def called_by(subscriptions: Sequence[Subscription] | None) -> list[str]:
    """Give the ARNs of the functions that are subscribed."""
    return [str(each.get("Endpoint", "")) for each in subscriptions or () if each.get("Protocol") == "lambda"]


def dead_letter_queues(client: Any, subscriptions: Sequence[Subscription] | None) -> list[str]:
    """Give the ARNs of the queues that messages go to which the functions among the subscribers could not be given."""
    queues = []
    for each in subscriptions or ():
        arn = str(each.get("SubscriptionArn", ""))
        if each.get("Protocol") != "lambda" or not arn.startswith("arn:"):
            continue
        read = partial(client.get_subscription_attributes, SubscriptionArn=arn)
        told = unless_denied(read, service="sns", where=f"subscription {arn}")
        attributes = told.get("Attributes", {}) if told else {}
        try:
            policy = json.loads(attributes.get("RedrivePolicy") or "{}")
        except ValueError:
            continue
        if isinstance(policy, dict) and policy.get("deadLetterTargetArn"):
            queues.append(str(policy["deadLetterTargetArn"]))
    return queues
