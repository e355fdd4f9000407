"""Moving all dead letters unjudged, by the task that SQS itself has for it."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from replay.errors import AwsError, ConfigurationError
from replay.ledger.ledger import Ledger
from replay.readers.aws_errors import aws_errors
from replay.sources.sqs_queue import Queue

MOST_PER_SECOND = 500
_FIRST_LOOK_S = 0.1
_LOOK_EVERY_S = 1.0
_UNDER_WAY = {"RUNNING", "CANCELLING"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveProgress:
    """How far a task has come; `status` is SQS's own word."""

    status: str
    moved: int = 0
    to_move: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTask:
    """
    A move of every message of *source*.

    Attributes:
        to: Where they go; None for where each came from.
        rate_per_s: A whole number from 1 to 500; None lets SQS choose.

    Source: SQS API `StartMessageMoveTask`, `ListMessageMoveTasks`, `CancelMessageMoveTask`.
    """

    client: Any
    source: Queue
    to: Queue | None
    rate_per_s: float | None
    open_ledger: Callable[[], Ledger]
    sleep: Callable[[float], object] = time.sleep

    def __post_init__(self) -> None:
        """
        Refuse a rate that SQS does not have.

        Raises:
            ConfigurationError: It is none.
        """
        rate = self.rate_per_s
        if rate is not None and not (rate == int(rate) and 1 <= rate <= MOST_PER_SECOND):
            expected = f"a whole number of messages from 1/s to {MOST_PER_SECOND}/s"
            raise ConfigurationError("SQS cannot move at this rate", where=f"--rate {rate:g}/s", expected=expected)

    def events(self) -> Generator[MoveProgress, None, None]:
        """
        Start the task, and tell how far it has come until it has ended; broken off, it is cancelled.

        What is moved already stays moved.

        Raises:
            AwsError: SQS does not start it, or it failed.
        """
        where = f"queue {self.source.name}"
        request: dict[str, Any] = {"SourceArn": self.source.arn}
        if self.to is not None:
            request["DestinationArn"] = self.to.arn
        if self.rate_per_s is not None:
            request["MaxNumberOfMessagesPerSecond"] = int(self.rate_per_s)
        with self.open_ledger() as ledger:
            with aws_errors(where=where, service="sqs"):
                handle = self.client.start_message_move_task(**request)["TaskHandle"]
            last = MoveProgress(status="RUNNING", to_move=self.source.visible)
            pause_s = _FIRST_LOOK_S
            try:
                while last.status in _UNDER_WAY:
                    self.sleep(pause_s)
                    pause_s = min(_LOOK_EVERY_S, 2 * pause_s)
                    last, reason = self._progress(last)
                    yield last
            except (KeyboardInterrupt, GeneratorExit):
                with aws_errors(where=where, service="sqs"):
                    self.client.cancel_message_move_task(TaskHandle=handle)
                ledger.ended(interrupted=True, moved=last.moved)
                raise
            ledger.ended(status=last.status, moved=last.moved)
            if last.status == "FAILED":
                raise AwsError(
                    f"SQS could not move them: {reason}", where=where, hint="what was not moved is where it was"
                )

    def _progress(self, before: MoveProgress) -> tuple[MoveProgress, str]:
        with aws_errors(where=f"queue {self.source.name}", service="sqs"):
            found: Any = self.client.list_message_move_tasks(SourceArn=self.source.arn, MaxResults=1)
        task: Any = next(iter(found.get("Results", [])), {})  # the newest is the first
        progress = MoveProgress(
            status=str(task.get("Status", before.status)),
            moved=int(task.get("ApproximateNumberOfMessagesMoved", before.moved)),
            to_move=int(task.get("ApproximateNumberOfMessagesToMove", before.to_move)),
        )
        return progress, str(task.get("FailureReason", ""))
