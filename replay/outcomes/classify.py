"""From what became of a delivery to one word for it, and the failure behind that word."""

from collections.abc import Mapping
from dataclasses import replace

from replay.delivery.attempt import ReplyStatus
from replay.delivery.report import DeliveryReport, Disposition, Invocation
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome, Status
from replay.payloads.failures import Failure

BATCH_ITEM_FAILURES = "BatchItemFailures"
UNUSABLE_ANSWER = "UnusableAnswer"

_STATUS_OF_REPLY: Mapping[ReplyStatus, Status] = {
    "returned": "failed",  # it returned, and reported records as failed
    "raised": "failed",
    "response_too_large": "failed",  # a function error to AWS: Function.ResponseSizeTooLarge
    "timed_out": "timed_out",
    "out_of_memory": "out_of_memory",
    "exited": "exited",
    "unserialisable": "unserialisable",
    "throttled": "throttled",
}
_DONE: frozenset[Disposition] = frozenset({"processed", "filtered"})


def classify(report: DeliveryReport) -> Outcome:
    """
    Say what happened in the end.

    A record that failed and was processed later counts as processed, and such a failure is no failure of the outcome;
    its log is kept. Of several failures the last one that mattered stands for all.

    - `not_invoked`: the function was never called (every record was filtered, say).
    - `succeeded`: every record is done.
    - `rejected`: the function returned, and the synchronous caller could not use the answer.
    - `partially_failed`: some records are done and some are not.
    - Otherwise the way in which the last failing invocation failed: `failed`, `timed_out`, `out_of_memory`, `exited`,
      `unserialisable`, `throttled`. An answer too large for Lambda is `failed`.

    A function that reports records as failed raises nothing. Its failure is the last error that this invocation logged
    with its trace, `observed` in the logs: a proposal, for nothing says that the two belong together. Without one the
    error type is `BatchItemFailures`; it is `UnusableAnswer` where the answer made the whole batch fail.
    """
    status = _status(report)
    failure = None if status in {"succeeded", "not_invoked"} else _failure(report)
    replies = [invocation.reply for invocation in report.invocations]
    return Outcome(
        status=status,
        failure=failure,
        signature=signature(failure) if failure else None,
        dispositions=list(report.dispositions.values()),
        duration_s=sum(reply.duration_s for reply in replies),
        memory_mb=max((reply.memory_mb for reply in replies if reply.memory_mb is not None), default=None),
        log="".join(reply.log for reply in replies),
        report=report,
    )


def _status(report: DeliveryReport) -> Status:
    if not report.invocations:
        return "not_invoked"
    ended = set(report.dispositions.values())
    if ended <= _DONE:
        return "succeeded"
    if "processed" in ended:
        return "partially_failed"
    last = _last_failing(report)
    if last.reply.succeeded and last.problem and not last.attempt.record_ids:
        return "rejected"  # a batch is not: its event source takes an answer that it cannot use for a failure
    return _STATUS_OF_REPLY[last.reply.status]


def _failure(report: DeliveryReport) -> Failure:
    last = _last_failing(report)
    if last.reply.failure is not None:
        return last.reply.failure
    request_id = last.attempt.request_id or None
    problem = last.problem or report.problem
    if problem:
        return Failure(error_type=UNUSABLE_ANSWER, message=problem, observed="local", request_id=request_id)
    from replay.outcomes.logged_error import logged_error

    if logged := logged_error(last.reply.log):
        return replace(logged, observed="logs", request_id=request_id)
    failed, total = len(last.failed_records), len(last.attempt.record_ids)
    return Failure(
        error_type=BATCH_ITEM_FAILURES,
        message=f"the function reported {failed} of {total} records as failed",
        observed="local",
        request_id=request_id,
    )


def _last_failing(report: DeliveryReport) -> Invocation:
    """Give the last invocation that failed a record which was never done, or else the last one."""
    undone = {record for record, disposition in report.dispositions.items() if disposition not in _DONE}
    for invocation in reversed(report.invocations):
        if undone.intersection(invocation.failed_records):
            return invocation
    return report.invocations[-1]
