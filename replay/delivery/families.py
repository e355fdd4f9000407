"""Which state machine delivers which kind of event source, and the loop that drives any of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from replay.delivery.asynchronous import deliver_asynchronously
from replay.delivery.attempt import Attempt, Reply
from replay.delivery.direct import deliver_direct
from replay.delivery.function_url import deliver_function_url
from replay.delivery.http_api import deliver_http_api
from replay.delivery.kafka import deliver_kafka
from replay.delivery.load_balancer import deliver_load_balancer
from replay.delivery.mq import deliver_mq
from replay.delivery.report import Delivery, DeliveryReport
from replay.delivery.rest_api import deliver_rest_api
from replay.delivery.sqs import deliver_sqs
from replay.delivery.step_functions import deliver_step_functions
from replay.delivery.stream import deliver_stream
from replay.errors import ConfigurationError
from replay.payloads.captures import Event
from replay.payloads.event_source_limits import check_settings
from replay.payloads.event_sources import EventSource, EventSourceKind

_NO_CONCURRENCY = "the function's reserved concurrency is 0: every attempt was throttled, and none reached it"

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:function"
"""The unqualified ARN of a function of which none is known."""

_FAMILIES: Mapping[EventSourceKind, Callable[[Event, EventSource], Delivery]] = {
    "direct": deliver_direct,
    "sqs": deliver_sqs,
    "mq": deliver_mq,
    "apigateway": deliver_rest_api,
    "httpapi": deliver_http_api,
    "function_url": deliver_function_url,
    "alb": deliver_load_balancer,
    "stepfunctions": deliver_step_functions,
}
_DOCUMENTING_FAMILIES: Mapping[EventSourceKind, Callable[[Event, EventSource, str], Delivery]] = {
    "kinesis": deliver_stream,
    "dynamodb": deliver_stream,
    "kafka": deliver_kafka,
    "sns": deliver_asynchronously,
    "s3": deliver_asynchronously,
    "eventbridge": deliver_asynchronously,
    "schedule": deliver_asynchronously,
    "async": deliver_asynchronously,
}
"""Those whose failure documents name the function."""


def begin_delivery(event: Event, event_source: EventSource, function_arn: str = FUNCTION_ARN) -> Delivery:
    """
    Begin to deliver *event* as *event_source* does; *function_arn* (unqualified) is what failure documents name.

    Raises:
        ConfigurationError: There is no such kind of event source, or a setting is beyond what AWS accepts.
    """
    check_settings(event_source)
    family = _FAMILIES.get(event_source.kind)
    documenting = _DOCUMENTING_FAMILIES.get(event_source.kind)
    if documenting is not None:
        delivery = documenting(event, event_source, function_arn)
    elif family is not None:
        delivery = family(event, event_source)
    else:
        raise ConfigurationError(
            f"there is no event source of kind {event_source.kind!r}",
            where="kind",
            expected=", ".join(sorted({*_FAMILIES, *_DOCUMENTING_FAMILIES})),
        )
    never = event_source.reserved_concurrency == 0 and documenting is not deliver_asynchronously
    return _never_invoked(delivery) if never else delivery


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
