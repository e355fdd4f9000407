"""What a redrive tells, event by event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MessageOutcome = Literal["moved", "would_move", "still_fails", "not_judged", "not_sent", "not_deleted", "came_back"]
"""
What became of a message.

`not_deleted`: it was sent, and is still in the dead-letter queue too; `--resume` deletes it. `came_back`: this run has
moved it, and it failed again in its queue. Everything but `moved` leaves it in the dead-letter queue.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveStarted:
    """A redrive of about `total` messages begins."""

    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSettled:
    """
    One message is done with.

    `why` says what it does instead of succeeding, or what kept it from being moved. `doubtful`: no answer came to one
    of its sends, so that it may be in its queue once more than it should.
    """

    message_id: str
    outcome: MessageOutcome
    why: str = ""
    to: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveFinished:
    """
    A redrive is over.

    `outcomes` count every message; `reasons` why those of an outcome that were not moved were not. `run` names the
    ledger, where one was written. `unseen`: about how many messages the queue did not give. `notes` say how the queue
    was left, and why.
    """

    outcomes: Mapping[MessageOutcome, int]
    reasons: Mapping[tuple[MessageOutcome, str], int]
    doubtful: int
    elapsed_s: float
    unseen: int = 0
    interrupted: bool = False
    stopped: str = ""
    run: str = ""
    notes: tuple[str, ...] = ()


RedriveEvent = RedriveStarted | MessageSettled | RedriveFinished
