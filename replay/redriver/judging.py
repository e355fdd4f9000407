"""Whether a dead letter would succeed now."""

from dataclasses import dataclass, replace

from replay.delivery.batch_response import names_failures
from replay.delivery.event_source_settings import current_settings
from replay.delivery.families import begin_delivery, drive
from replay.errors import ReplayError
from replay.functions.function import Function
from replay.outcomes.classify import classify
from replay.outcomes.outcome import Outcome
from replay.payloads.captures import Capture, Event
from replay.payloads.event_sources import EventSource
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
    be deleted, and nobody would have seen it. Nor does what the function itself reports as failed, whether or not its
    event source is known to heed that.
    """
    try:
        event, source = outlet.letter(capture)
        settings = current_settings(source, function.event_sources)
        once = replace(settings, kind=source.kind, max_receive_count=1, maximum_retry_attempts=0)
        invoker.begin()
        outcome = classify(drive(begin_delivery(event, once, function.arn), invoker.invoke))
        outcome = _by_its_own_word(outcome, event, once, function.arn)
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


def _by_its_own_word(outcome: Outcome, event: Event, settings: EventSource, function_arn: str) -> Outcome:
    """Let an answer that reports the message as failed count: given back, it would be deleted undone, or fail again."""
    replies = [invocation.reply for invocation in outcome.report.invocations]
    reported = settings.kind == "sqs" and any(names_failures(reply.payload) for reply in replies)
    if outcome.status != "succeeded" or not reported:
        return outcome
    heeding = replace(settings, report_batch_item_failures=True)
    return classify(drive(begin_delivery(event, heeding, function_arn), lambda _: replies[0]))
