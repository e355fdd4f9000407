"""AWS calls and outcomes for the tests of what they show."""

import json
from typing import Any

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import DeliveryReport, Invocation
from replay.outcomes.classify import classify
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import AwsCall, AwsError


def call(name: str, /, *, error: str | None = None, **parameters: Any) -> AwsCall:
    """Give a call such as `call("sqs:SendMessage", QueueUrl=…)`."""
    service, _, operation = name.partition(":")
    failed = AwsError(code=error) if error else None
    return AwsCall(service=service, operation=operation, parameters=parameters, error=failed)


def outcome(*effects: AwsCall, answer: Any = None, text: str | None = None) -> Outcome:
    """Give the outcome of one invocation that made these calls, and answered this (or this exact text)."""
    reply = Reply(status="returned", payload=json.dumps(answer) if text is None else text, effects=effects)
    invocation = Invocation(attempt=Attempt(payload="{}"), reply=reply)
    return classify(DeliveryReport(invocations=(invocation,), dispositions={"event": "processed"}))
