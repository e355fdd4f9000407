"""The lines that the platform itself writes into a function's log."""

import math
from datetime import UTC, datetime

from replay.delivery.attempt import Reply


def start_line(request_id: str) -> str:
    """Source: recording test_invocation_with_logs."""
    return f"START RequestId: {request_id} Version: $LATEST\n"


def end_lines(
    reply: Reply, request_id: str, *, memory_size_mb: int, init_s: float | None, now: datetime | None = None
) -> str:
    """
    Give what the platform writes after an invocation: END and REPORT, and what it has to say of a bad end.

    Args:
        init_s: How long a cold start took before the invocation; None where the process was warm.

    Source: recordings test_invocation_with_logs, newrelic-entry_lambda_timeout and newrelic-entry_lambda_oom; the init
    phase is billed since 2025-08-01 (AWS Compute Blog, "AWS Lambda standardizes billing for INIT Phase").
    """
    duration_ms = reply.duration_s * 1000
    init_ms = (init_s or 0.0) * 1000
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(duration_ms + init_ms)} ms",
        f"Memory Size: {memory_size_mb} MB",
    ]
    if reply.memory_mb is not None:
        fields.append(f"Max Memory Used: {math.ceil(reply.memory_mb)} MB")
    if init_s is not None:
        fields.append(f"Init Duration: {init_ms:.2f} ms")
    last_words = _exit_lines(reply) or _timeout_line(reply, request_id, now)
    return f"END RequestId: {request_id}\n" + "\t".join(fields) + f"\t\n{last_words}"


def _timeout_line(reply: Reply, request_id: str, now: datetime | None) -> str:
    if reply.status != "timed_out" or reply.failure is None:
        return ""
    moment = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{moment}Z {request_id} {reply.failure.message.rpartition('Error: ')[2]}\n"


def _exit_lines(reply: Reply) -> str:
    if reply.failure is None or reply.failure.error_type != "Runtime.ExitError":
        return ""
    return f"{reply.failure.message}\nRuntime.ExitError\n"
