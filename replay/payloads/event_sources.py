"""How an event reaches its function: one frozen value with AWS's own option names in snake case."""

from dataclasses import dataclass
from typing import Literal

EventSourceKind = Literal[
    "direct", "sqs", "sns", "s3", "eventbridge", "schedule", "async", "kinesis", "dynamodb", "kafka", "mq",
    "apigateway", "httpapi", "function_url", "alb", "stepfunctions",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """
    The settings of one event source of a function; None means "AWS's default for this kind".

    Units: `_s` are seconds. `filter_criteria` are patterns as JSON text, one per filter. `on_failure`, `on_success` and
    `dead_letter_queue` are ARNs. `max_receive_count` and `visibility_timeout_s` are those of the source queue;
    without a redrive policy `max_receive_count` is None, and a failing message stays in the queue (after a few
    deliveries, where AWS goes on until it expires). `caller_timeout_s` is
    how long a synchronous caller waits: TimeoutSeconds of a Step Functions task, the integration timeout of an API.

    Source: Lambda API `CreateEventSourceMapping` and `PutFunctionEventInvokeConfig`, SQS `SetQueueAttributes`.
    """

    kind: EventSourceKind = "direct"
    arn: str | None = None
    fifo: bool = False
    batch_size: int | None = None
    maximum_batching_window_s: int | None = None
    report_batch_item_failures: bool = False
    filter_criteria: tuple[str, ...] = ()
    max_receive_count: int | None = None
    visibility_timeout_s: int | None = None
    dead_letter_queue: str | None = None
    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    maximum_record_age_s: int | None = None
    bisect_batch_on_function_error: bool = False
    parallelization_factor: int | None = None
    tumbling_window_s: int | None = None
    maximum_concurrency: int | None = None
    reserved_concurrency: int | None = None
    caller_timeout_s: int | None = None
    on_failure: str | None = None
    on_success: str | None = None
    payload_format_version: str | None = None
