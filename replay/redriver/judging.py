"""Whether a dead letter would succeed now."""

from dataclasses import dataclass, replace

from replay.delivery.event_source_settings import current_settings
from replay.delivery.families import begin_delivery, drive
from replay.errors import ReplayError
from replay.functions.function import Function
from replay.outcomes.classify import classify
from replay.payloads.captures import Capture
from replay.redriver.outlet import Outlet
from replay.targets.base import Invoker


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageVerdict:
    """
    Whether a message succeeds; `why` says what it does instead, without any of its payload.

    `judged`: the function was asked. Else `why` says why it could not be.
    """

    succeeds: bool
    judged: bool = True
    why: str = ""


def judge_message(capture: Capture, outlet: Outlet, invoker: Invoker, function: Function) -> MessageVerdict:
    """
    Deliver what *outlet* would give back, once and alone, as it would be handed to *function*.

    It succeeds where the function says so at the first attempt; what a filter would drop does not: given back, it would
    be deleted, and nobody would have seen it.
    """
    try:
        event, source = outlet.letter(capture)
        settings = current_settings(source, function.event_sources)
        once = replace(settings, kind=source.kind, max_receive_count=1, maximum_retry_attempts=0)
        invoker.begin()
        outcome = classify(drive(begin_delivery(event, once, function.arn), invoker.invoke))
    except ReplayError as error:
        return MessageVerdict(succeeds=False, judged=False, why=error.what)
    failure = outcome.failure
    if failure is not None and failure.request_id == "":  # it failed before it saw the message
        return MessageVerdict(succeeds=False, judged=False, why=f"the function cannot be started: {failure.error_type}")
    dispositions = set(outcome.dispositions)
    if outcome.status == "succeeded" and dispositions == {"processed"}:
        return MessageVerdict(succeeds=True)
    if dispositions == {"filtered"}:
        return MessageVerdict(succeeds=False, why="filtered: its event source would drop it")
    return MessageVerdict(succeeds=False, why=failure.error_type if failure else outcome.status)
