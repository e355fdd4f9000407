"""What is kept and said of the AWS calls of a delivery, whichever target has seen them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import DeliveryReport
from replay.payloads.aws_calls import Fault
from replay.payloads.fault_plan import unmet_faults
from replay.targets.aws.known_faults import unknown_errors

if TYPE_CHECKING:  # most functions make no call, and need not wait for it
    from replay.redaction.redactor import Redactor

RedactorOf = Callable[[], "Redactor"]


@cache
def standard_redactor() -> "Redactor":
    """Give the redactor of nobody's project."""
    from replay.redaction.redactor import Redactor

    return Redactor()


def redacting(invoke: Callable[[Attempt], Reply], redactor: RedactorOf) -> Callable[[Attempt], Reply]:
    """Give *invoke* with the effects of its replies redacted; *redactor* is asked for only where there are any."""

    def invoke_and_redact(attempt: Attempt) -> Reply:
        reply = invoke(attempt)
        if not reply.effects:
            return reply
        from replay.redaction.aws_calls import redacted_call

        safe = redactor()
        return replace(reply, effects=tuple(redacted_call(call, safe) for call in reply.effects))

    return invoke_and_redact


def with_fault_notes(report: DeliveryReport, faults: Sequence[Fault]) -> DeliveryReport:
    """Say in the report's notes which of *faults* no call has met, and which say what AWS does not."""
    if not faults:
        return report
    names = [call.name for invocation in report.invocations for call in invocation.reply.effects]
    return replace(report, notes=(*report.notes, *unmet_faults(faults, names), *unknown_errors(faults)))
