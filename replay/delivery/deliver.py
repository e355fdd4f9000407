"""Deliver an event to a Python callable in this process, as AWS would deliver it to a Lambda function."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from replay.delivery.attempt import Attempt, Reply, ReplyStatus
from replay.delivery.families import begin_delivery, drive
from replay.delivery.python_answers import AnswerRefused, UnsendableAnswer, exit_message, written_answer
from replay.delivery.raised import frames_of
from replay.delivery.report import DeliveryReport
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import parse, write
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
        ConfigurationError: Settings that AWS would refuse, such as a batch size of 25 without a batching window.
    """
    event = _event(event_or_records, event_source)
    delivery = begin_delivery(event, event_source, _function_arn(_name_of(function)))
    return drive(delivery, partial(reply_of, function))


def reply_of(function: Callable[[Any, Any], Any], attempt: Attempt) -> Reply:
    """Make one invocation of a callable; whatever it raises, but Ctrl-C, is its answer."""
    event = parse(attempt.payload)
    try:
        answer = function(event, CallableContext(_name_of(function), attempt.request_id))
        return Reply(status="returned", payload=written_answer(answer))
    except SystemExit as ended:
        return _exited(ended.code, attempt)
    except UnsendableAnswer:
        return _exited(1, attempt)
    except AnswerRefused as refused:
        return _failed(refused.status, refused.error_type, str(refused))
    except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer
        failure = Failure(
            error_type=type(error).__name__,
            message=str(error),
            frames=frames_of(error, function),
            observed="local",
            request_id=attempt.request_id,
        )
        return Reply(status="raised", failure=failure)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - nothing in the runtime catches it (a cancelled task, say): its process ends
        return _exited(1, attempt)


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


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


def _exited(code: object, attempt: Attempt) -> Reply:
    return _failed("exited", "Runtime.ExitError", f"RequestId: {attempt.request_id} Error: {exit_message(code)}")


def _failed(status: ReplyStatus, error_type: str, message: str) -> Reply:
    return Reply(status=status, failure=Failure(error_type=error_type, message=message, observed="local"))
