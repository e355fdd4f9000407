"""What a function's log tells of each single invocation, as the reply that it must have been."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from replay.delivery.attempt import Reply, ReplyStatus
from replay.payloads.lambda_logs import Invocation, LogEntry, Status
from replay.readers.invocations import LoggedInvocation
from replay.targets.aws.lambda_answer import status_of_type, with_modules_of

_STATUS: dict[Status, ReplyStatus] = {
    "succeeded": "returned",
    "failed": "raised",
    "timed_out": "timed_out",
    "exited": "exited",
    "out_of_memory": "out_of_memory",
}
_ENDS = {"end", "report"}
_LAMBDAS_OWN = {"start", "end", "report", "platform"}
_WHOLE_MS = re.compile(r"(?<!Billed )(?<!Init )(?<!Restore )Duration: \d+ ms")
"""Lambda writes durations with two decimals (in every recording), and so does its runtime interface emulator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedReply:
    """One invocation of a log stream: one attempt, though all attempts of one event have one request id."""

    stream: str
    at_ms: int
    invocation: Invocation

    @property
    def identity(self) -> str:
        """What tells it from all others."""
        return f"{self.stream} {self.invocation.request_id} {self.at_ms}"

    @property
    def is_whole(self) -> bool:
        """Whether its first line is there, and one that says that it has ended."""
        kinds = {entry.kind for entry in self.invocation.entries}
        return "start" in kinds and bool(kinds & _ENDS or self.invocation.failure)

    @property
    def began_ms(self) -> int:
        """
        When it began: some emulators write all its lines once it has ended, and its report says how long it took.

        Such a time is exact where lines are written at once, and too late where they wait to be written.
        """
        ended = next((each for each in self.invocation.entries if each.report and each.report.duration_ms), None)
        if ended is None or ended.report is None or not ended.at:
            return self.at_ms
        took_ms = ended.report.duration_ms or 0.0
        return min(self.at_ms, round(datetime.fromisoformat(ended.at).timestamp() * 1000 - took_ms))

    @property
    def is_lambdas_own(self) -> bool:
        """
        Whether Lambda or its runtime interface emulator has written it, which tell every failure.

        Other emulators put a log together: no line of a timeout or an exit, and what a process writes late stands in
        the log of the next invocation.
        """
        return not any(_WHOLE_MS.search(each.text) for each in self.invocation.entries if each.kind == "report")

    @property
    def uncaught(self) -> int:
        """How many errors it has that nobody caught: an invocation ends with its own."""
        return sum(each.kind == "error" for each in self.invocation.entries)

    @property
    def texts(self) -> list[str]:
        """Its entries, exactly."""
        return [entry.text for entry in self.invocation.entries]

    def reply(self, code: Path) -> Reply:
        """Give what it answered, but for the answer's payload, which no log has; *code* is the function's here."""
        invocation = self.invocation
        report, failure = invocation.report, invocation.failure
        status = _STATUS.get(invocation.status, "returned")
        if failure is not None and status == "raised":
            status = status_of_type(failure.error_type)
        own = [entry.text for entry in invocation.entries if entry.kind not in _LAMBDAS_OWN]
        reply = Reply(
            status=status,
            failure=failure,
            duration_s=(report.duration_ms or 0.0) / 1000 if report else 0.0,
            memory_mb=report.max_memory_used_mb if report else None,
            log="".join(text if text.endswith("\n") else f"{text}\n" for text in own),
        )
        return with_modules_of(reply, code)


def attempts_of(found: LoggedInvocation) -> Iterator[LoggedReply]:
    """Part what a stream has of one request into its attempts: each begins with a START of its own."""
    for entries in _parted(found.invocation.entries):
        began = datetime.fromisoformat(entries[0].at or "")
        yield LoggedReply(
            stream=found.stream,
            at_ms=round(began.timestamp() * 1000),
            invocation=Invocation(request_id=found.invocation.request_id, entries=tuple(entries)),
        )


def _parted(entries: Iterable[LogEntry]) -> Iterator[list[LogEntry]]:
    held: list[LogEntry] = []
    for entry in entries:
        if entry.kind == "start" and held:
            yield held
            held = []
        held.append(entry)
    if held:
        yield held
