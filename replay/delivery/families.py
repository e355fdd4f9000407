"""Which state machine delivers which kind of event source, and the loop that drives any of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import Delivery, DeliveryReport
from replay.errors import ConfigurationError
from replay.payloads.captures import Event
from replay.payloads.event_source_limits import check_settings
from replay.payloads.event_sources import EventSource, EventSourceKind

_ASYNCHRONOUS: tuple[EventSourceKind, ...] = ("sns", "s3", "eventbridge", "schedule", "async")
_NO_CONCURRENCY = "the function's reserved concurrency is 0: every attempt was throttled, and none reached it"

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:function"
"""The unqualified ARN of a function of which none is known."""

_FAMILIES: Mapping[EventSourceKind, str] = {
    "direct": "direct.deliver_direct",
    "sqs": "sqs.deliver_sqs",
    "mq": "mq.deliver_mq",
    "apigateway": "rest_api.deliver_rest_api",
    "httpapi": "http_api.deliver_http_api",
    "function_url": "function_url.deliver_function_url",
    "alb": "load_balancer.deliver_load_balancer",
    "stepfunctions": "step_functions.deliver_step_functions",
}
_DOCUMENTING_FAMILIES: Mapping[EventSourceKind, str] = {
    "kinesis": "stream.deliver_stream",
    "dynamodb": "stream.deliver_stream",
    "kafka": "kafka.deliver_kafka",
    **dict.fromkeys(_ASYNCHRONOUS, "asynchronous.deliver_asynchronously"),
}
"""Those whose failure documents name the function."""


def begin_delivery(event: Event, event_source: EventSource, function_arn: str = FUNCTION_ARN) -> Delivery:
    """
    Begin to deliver *event* as *event_source* does; *function_arn* (unqualified) is what failure documents name.

    Raises:
        ConfigurationError: There is no such kind of event source, or a setting is beyond what AWS accepts.
    """
    check_settings(event_source)
    if event_source.kind in _DOCUMENTING_FAMILIES:
        delivery = _family(_DOCUMENTING_FAMILIES[event_source.kind])(event, event_source, function_arn)
    elif event_source.kind in _FAMILIES:
        delivery = _family(_FAMILIES[event_source.kind])(event, event_source)
    else:
        raise ConfigurationError(
            f"there is no event source of kind {event_source.kind!r}",
            where="kind",
            expected=", ".join(sorted({*_FAMILIES, *_DOCUMENTING_FAMILIES})),
        )
    never = event_source.reserved_concurrency == 0 and event_source.kind not in _ASYNCHRONOUS
    return _never_invoked(delivery) if never else delivery


@cache
def _family(name: str) -> Callable[..., Delivery]:
    """Import one of them: a run meets few kinds of event sources, and need not wait for all."""
    module, _, function = name.partition(".")
    family: Callable[..., Delivery] = getattr(import_module(f"replay.delivery.{module}"), function)
    return family


def _never_invoked(delivery: Delivery) -> Delivery:
    """
    Deliver to a function with a reserved concurrency of 0: Lambda throttles every attempt, and none reaches it.

    An asynchronous invocation ends otherwise (see `deliver_asynchronously`). Source: Lambda developer guide,
    "Configuring reserved concurrency"; recording test_lambda_concurrency_block.
    """
    yield from ()  # a delivery without attempts
    report = drive(delivery, lambda _: Reply(status="throttled"))
    return replace(report, invocations=(), notes=(*report.notes, _NO_CONCURRENCY))


def drive(delivery: Delivery, invoke: Callable[[Attempt], Reply]) -> DeliveryReport:
    """Answer each attempt of *delivery* by *invoke*, to the end."""
    reply: Reply | None = None
    while True:
        try:
            # A generator that has not begun is sent None.
            attempt = delivery.send(reply)  # type: ignore[arg-type]  # the same
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # what a Delivery returns
        reply = invoke(attempt)
