"""Who gets the messages of a topic: its subscriptions."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from replay.counted_nouns import counted
from replay.readers.aws_errors import aws_errors
from replay.targets.carrier import Whose
from replay.targets.guard_rails.identity import unless_denied
from replay.targets.observing.letter_owners import plain_name

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


def dead_letter_queues(client: Any, subscriptions: Sequence[Subscription] | None, function: str) -> dict[str, Whose]:
    """
    Give the ARNs of the queues that messages go to with which *function* could not be called.

    Nothing in such a message says for which subscriber it was meant: where others have the queue too, it may be theirs.

    Source: recording test_redrive_policy_lambda_subscription.
    """
    known = [each for each in subscriptions or () if str(each.get("SubscriptionArn", "")).startswith("arn:")]
    own = [each for each in known if _calls(each, function)]
    queues = [queue for each in own if (queue := _redrive_queue(client, each))]
    others = {_redrive_queue(client, each) for each in known if queues and each not in own}
    return {queue: "unknown" if others & {queue, None} else "presumed" for queue in queues}


def _calls(subscription: Subscription, function: str) -> bool:
    name = plain_name(str(subscription.get("Endpoint", "")))
    return subscription.get("Protocol") == "lambda" and name == plain_name(function)


def _redrive_queue(client: Any, subscription: Subscription) -> str | None:
    """Give the ARN of a subscription's dead-letter queue, empty where it has none; None where that may not be read."""
    arn = str(subscription["SubscriptionArn"])
    read = partial(client.get_subscription_attributes, SubscriptionArn=arn)
    told = unless_denied(read, service="sns", where=f"subscription {arn}")
    if told is None:
        return None
    try:
        policy = json.loads(told.get("Attributes", {}).get("RedrivePolicy") or "{}")
    except ValueError:
        return None
    return str(policy.get("deadLetterTargetArn") or "") if isinstance(policy, dict) else ""
