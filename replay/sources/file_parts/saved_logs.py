"""The invocations in what `aws logs` and the console of CloudWatch print of a log."""

from collections.abc import Sequence
from typing import NamedTuple

from replay.payloads.lambda_logs import log_entry
from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.invocations import LoggedInvocation, invocations_of
from replay.sources.logged_failures import event_of


class LogAnswer(NamedTuple):
    """
    What the lines of an answer tell.

    `found` are invocations, each with its event, or None where it logged none; `others` are lines of no invocation.
    """

    found: Sequence[tuple[LoggedInvocation, str | None]]
    others: Sequence[str]


def log_answer(told: Sequence[LogLine]) -> LogAnswer:
    """
    Read the failed invocations out of lines, or all where the lines, chosen by somebody, tell of no failure at all.

    Lines of a log that is not a function's, such as one that a rule of EventBridge writes to, are no invocations.
    """
    streams: dict[str, list[LogLine]] = {}
    for line in told:
        streams.setdefault(line.stream, []).append(line)
    found: list[tuple[LoggedInvocation, str | None]] = []
    others: list[str] = []
    for stream, of_stream in streams.items():
        if any(_is_of_function(line.message) for line in of_stream):
            found += [(each, event_of(each.invocation)) for each in invocations_of("", stream, of_stream)]
        else:
            others += [line.message for line in of_stream]
    failed = [each for each in found if each[0].invocation.failure is not None]
    return LogAnswer(failed or [each for each in found if each[1] is not None], others)


def _is_of_function(message: str) -> bool:
    return log_entry(message).request_id is not None
