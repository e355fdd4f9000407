"""The seam of every target that takes all events at once, and answers for each of them later."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from replay.delivery.attempt import Attempt, Reply
from replay.errors import TargetError
from replay.targets.guard_rails.deployed import Deployed


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkItem:
    """One event, and the key by which its answer is known."""

    key: str
    event_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAnswer:
    """The answer for one event, and its text, as far as the answer tells it."""

    key: str
    reply: Reply
    event_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAdvance:
    """How far all of them are."""

    done: int
    failed: int
    total: int


class Bulk(Deployed):
    """
    A target that takes all events at once.

    It is entered, `handles_of` says what a former process has started, `start` hands everything over, `advance` waits,
    `answers_of` reads. Leaving it removes what was made, whatever happened. Who comes again with the handle that
    `start` gave may go on with `advance`.
    """

    @abstractmethod
    def check(self, item: BulkItem) -> None:
        """
        See whether an event can be handed over; asks nobody.

        Raises:
            InvalidEvent: It cannot.
        """

    @abstractmethod
    def handles_of(self, run: str) -> list[str]:
        """
        Give the handles of what was started in the run *run*, in order; what is started next belongs to it too.

        So a run that was killed between the start and its acknowledgement in the ledger starts nothing twice.

        Raises:
            AwsError: It may not be looked at.
        """

    @abstractmethod
    def start(self, items: Iterable[BulkItem]) -> str:
        """
        Hand everything over; give a handle by which the answers are found, also by another process.

        Without any item nothing is made, and the handle is empty.

        Raises:
            AwsError: It could not be handed over; then nothing runs.
        """

    @abstractmethod
    def advance(self, handle: str) -> Iterator[BulkAdvance]:
        """
        Wait until the end, and tell on the way how far it is.

        Raises:
            AwsError: It may not be looked at.
        """

    @abstractmethod
    def answers_of(self, handle: str) -> Iterator[BulkAnswer]:
        """
        Give the answers there are; what has none was not invoked, or nobody can tell.

        Raises:
            AwsError: They cannot be read.
            TargetError: They are not what was expected.
        """

    @abstractmethod
    def why_missing(self, handle: str) -> str:
        """Say why an event may have no answer."""

    def invoke(self, attempt: Attempt) -> Reply:
        """
        Refuse: it takes all events at once.

        Raises:
            TargetError: Always.
        """
        del attempt
        raise TargetError(
            f"the target {self.name} takes all events of a run at once, and none alone",
            where=self.name,
            hint="use --target lambda:FUNCTION",
        )
