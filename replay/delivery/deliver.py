"""Deliver an event to a Python callable in this process, as AWS would deliver it to a Lambda function."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from replay.delivery.attempt import Attempt, Reply, ReplyStatus
from replay.delivery.families import begin_delivery, drive
from replay.delivery.raised import frames_of
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json, parse, write
from replay.payloads.failures import Failure

_DIRECT = EventSource()


class CallableContext:
    """What a callable gets as its `context`: what Lambda's context object has that needs no deployed function."""

    function_version = "$LATEST"
    memory_limit_in_mb = "128"
    identity = None
    client_context = None

    def __init__(self, function_name: str, aws_request_id: str) -> None:
        self.function_name = function_name
        self.invoked_function_arn = _function_arn(function_name)
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "replay"
        self.aws_request_id = aws_request_id

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Say that there is time: nothing limits a callable here."""
        return 3000


def deliver(
    event_or_records: Event | str | dict[str, Any] | list[Any],
    function: Callable[[Any, Any], Any],
    event_source: EventSource = _DIRECT,
) -> DeliveryReport:
    """
    Deliver an event to *function* in this process, and say what AWS would have made of it.

    Args:
        event_or_records: The event, as an `Event`, as JSON text (delivered exactly) or as a dict; or a list: for the
            kind `direct` the list is the event, for any other its items are the records, as they stand in `Records`.
        function: Called as `function(event, context)` with an event of its own each time. What it returns must be what
            Lambda can turn into JSON; what it raises is a failed invocation. It takes no virtual time.
        event_source: How AWS delivers it.

    Raises:
        InvalidJson: A text is not JSON.
        InvalidEvent: An event that this event source could never deliver.
    """
    event = _event(event_or_records, event_source)
    name = getattr(function, "__name__", type(function).__name__)

    def invoke(attempt: Attempt) -> Reply:
        payload = parse(attempt.payload)
        try:
            answer = function(payload, CallableContext(name, attempt.request_id))
        except SystemExit:
            # What sys.exit was given is lost on the way: recording test_lambda_handler_exit.
            message = f"RequestId: {attempt.request_id} Error: Runtime exited without providing a reason"
            return _failed("exited", "Runtime.ExitError", message)
        except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer
            frames = frames_of(error, function)
            failure = Failure(
                error_type=type(error).__name__,
                message=str(error),
                frames=frames,
                observed="local",
                request_id=attempt.request_id,
            )
            return Reply(status="raised", failure=failure)
        return _answered(answer)

    return drive(begin_delivery(event, event_source, _function_arn(name)), invoke)


def _function_arn(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"


def _event(given: Event | str | dict[str, Any] | Sequence[Any], event_source: EventSource) -> Event:
    if isinstance(given, Event):
        return given
    if isinstance(given, str):
        return Event(text=given, kind=event_source.kind)
    if isinstance(given, dict) or event_source.kind == "direct":
        return Event(text=write(given), kind=event_source.kind)  # type: ignore[arg-type]  # JSON, as its caller says
    return Event(text=write({"Records": list(given)}), kind=event_source.kind)


def _answered(answer: Json | object) -> Reply:
    """
    Turn an answer into JSON as Lambda's Python runtime does: Decimals and NaN pass, bytes go as they are.

    Source: awslambdaric, `lambda_runtime_marshaller.py`.
    """
    if answer is None:
        return Reply(status="returned", payload="null")
    if isinstance(answer, bytes):
        return Reply(status="returned", payload=answer.decode("utf-8", "replace"))
    import simplejson

    try:
        return Reply(status="returned", payload=simplejson.dumps(answer, ensure_ascii=False, allow_nan=True))
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(answer, Coroutine):
            answer.close()  # an `async def` handler: nobody will ever await it
        return _failed("unserialisable", "Runtime.MarshalError", f"Unable to marshal response: {error}")


def _failed(status: ReplyStatus, error_type: str, message: str) -> Reply:
    return Reply(status=status, failure=Failure(error_type=error_type, message=message, observed="local"))
