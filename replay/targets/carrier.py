"""
The seam of every target that gives no answer: AWS itself delivers what is sent, and what becomes of it is observed.

A carrier says how an event travels (`entries`), sends it (`send`, one call), and where its end can be seen (`watches`).
It neither waits nor retries nor judges: `sending.py` retries, the replayer keeps pace and ledger, and puts what the
watches saw together to a `DeliveryReport`.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import Disposition
from replay.errors import TargetError
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.exact_json import Json
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.options import DeployedOptions

OBSERVE_FOR_S = 60.0
MARKER_NAME = "replay-marker"
"""The message attribute in which a marker travels, where a service has message attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierOptions(DeployedOptions):
    """
    What every carrier takes.

    Attributes:
        observe_for_s: How long after it was sent the end of an event is waited for; by default as long as AWS takes
            with the settings that there are (the plan says how long); 0 sends, and looks at nothing.
        function: The deployed function in whose log and dead letters to look; by default whoever AWS says gets it.
        dead_letter_queue: Another queue to look for dead letters in: name, URL or ARN.
    """

    observe_for_s: float | None = None
    function: str = ""
    dead_letter_queue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One thing to send: a message, an event of a bus, a record of a stream.

    Attributes:
        key: What the ledger calls it: the fixture's reference, and `#n` behind it for the n-th of several.
        request: Its parameters in the service's API, without those of the whole call (queue, topic, stream) and without
            the id that a batch call wants.
        size_bytes: As the service counts it.
        group: What must arrive in order (a FIFO group, a partition key); empty where order does not matter.
        marker: What it is known by where it arrives; empty where its shape has no place for one.
    """

    key: str
    request: Mapping[str, Any]
    size_bytes: int
    group: str = ""
    marker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """
    The service has it.

    Attributes:
        identity: What it is called from now on, as its function sees it: a message id, an event id, a sequence number,
            a request id. It stands in the ledger.
        known: What else the ledger shall say; no payload.
    """

    identity: str = ""
    known: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """
    The service has said that it does not have it.

    Attributes:
        message: In the service's words, without any of the payload.
        retryable: Whether the same entry may be taken another time (throttled, an internal error).
    """

    code: str
    message: str = ""
    retryable: bool = True


Answer = Acknowledgement | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """
    An entry that was sent, for watches to look for.

    Attributes:
        signs: Texts that nothing else on AWS holds, longest lived first: its marker, what it was acknowledged as.
        sent_at_ms: When it was sent, in epoch milliseconds by our clock; never earlier than the true moment by much.
    """

    key: str
    signs: tuple[str, ...]
    sent_at_ms: int


Settled = Disposition | Literal["gone"]
"""`gone`: it is no longer where it was sent to; it is processed, unless another watch sees it elsewhere."""

Whose = Literal["ours", "presumed", "unknown"]
"""
Of whose failure a dead letter tells: of the watched function's; of its, as far as is known, unless its log contradicts;
of any that gets the same event.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """
    One thing that a watch saw: an invocation, an end, or both.

    Attributes:
        keys: Of which entries; empty for an invocation of which nobody can tell whose it was.
        reply: What an invocation answered, as far as it is told; None where only an end was seen.
        settled: What became of them for good; None where it may come again.
        failure_record: The dead letter or the destination's document, as AWS wrote it.
        identity: What this is told from others by, so that the same thing seen twice counts once.
        at_ms: When an invocation began, in epoch milliseconds by our clock; 0 for what is none.
        is_sure: Whether its log tells every failure; if not, that it tells of none is no proof that there was none.
        unless_undone: It tells of no failure, but there was one where anything is left undone: then how is not known.
        may_be_earlier: Its log may hold, in the place of its own error, that of an earlier one that lacked it.
        request_id: What all attempts of an asynchronous event have in common, in the log and in what tells of its end;
            empty where that is not so, or not known.
        whose: Whether an end that was seen is one of the function that is watched; `unknown` for an invocation that may
            be anybody's, where others invoke the function.
    """

    keys: tuple[str, ...]
    identity: str
    reply: Reply | None = None
    settled: Settled | None = None
    failure_record: Json = None
    at_ms: int = 0
    is_sure: bool = True
    unless_undone: bool = False
    may_be_earlier: bool = False
    request_id: str = ""
    whose: Whose = "ours"


class Watch(Protocol):
    """
    A place where the end of what was sent can be seen; used by one thread.

    `begin` is called before anything is sent, `look` again and again, `close` in the end, also after an error of the
    others. A watch changes nothing for good: what it has to take in order to see, it gives back in `close`.
    """

    @property
    def place(self) -> str:
        """Where it looks, for eyes: `the log group /aws/lambda/orders`."""

    def begin(self) -> None:
        """
        See what is there already.

        Raises:
            ReplayError: It may not be looked at; the run goes on without this watch, and says so.
        """

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """
        Give what was seen since the last look; short polls only, the replayer waits in between.

        Raises:
            ReplayError: As of `begin`.
        """

    def close(self) -> Sequence[str]:
        """Give everything back; give sentences for the user about what could not be."""

    def reason(self) -> str:
        """Say why the end of something may not be seen here, where that is known; else an empty text."""


class Carrier(Deployed):
    """
    A target that gives no answer.

    Class attributes: `most_entries` and `most_bytes` bound one call of `send`; None is no bound of bytes.
    `brings_more`: more comes to the function than what is sent; of several events no invocation is surely one's then.
    """

    options: ClassVar[type[Any]] = CarrierOptions
    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int | None] = 1024 * 1024
    brings_more: ClassVar[bool] = False
    told: Callable[[Any], object] = staticmethod(lambda _: None)
    """Is told how far a call of `send` is that takes long: a value whose text is for eyes."""

    @property
    def answers(self) -> bool:
        """Whether it answers by itself, as some do by their options; then it is invoked, and not sent to."""
        return False

    def is_answered(self, event: Event) -> bool:
        """Whether *event* is answered at once, where that is another matter for each kind; then it is invoked."""
        del event
        return self.answers

    @property
    @abstractmethod
    def described(self) -> CarrierOptions:
        """The options that say where it is."""

    @property
    @abstractmethod
    def travels(self) -> str:
        """Through what events travel, for the plan: `queue orders`, `bus shop`."""

    @abstractmethod
    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give the requests that make AWS deliver *event* again, exact in every byte; asks nobody.

        An event with records gives one entry a record, in their order, with the keys `KEY#1`, `KEY#2`, …; one record
        alone, and an event without records, has *key* itself (see `entry_keys`).

        Args:
            marker: What may travel with it; unlike all others, also of other runs.

        Raises:
            InvalidEvent: An event of another shape than travels here.
        """

    def also_seen_by(self, event: Event) -> Sequence[str]:
        """
        Name who gets *event*, for the plan, where that is another matter for each event; nobody by default.

        Raises:
            InvalidEvent: An event of another shape than travels here.
            TargetRefused: Others would get it, and nobody has said that they may.
        """
        del event
        return ()

    @abstractmethod
    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """
        Send *entries* by one call, and give what was answered for each, by key.

        What is not answered for is in doubt: leave it out. Whatever boto3 raises may come through: `sending.py` reads
        from it whether the entries were refused, throttled or are in doubt. The client must make one attempt only
        (`max_attempts=1`), and only what carries the entry's own id may be taken for its answer.
        """

    @abstractmethod
    def watches(self, function: Function) -> Sequence[Watch]:
        """
        Give the places where the end of an event for *function* can be seen; more than one may see the same.

        Raises:
            AwsError: Who gets what is sent here cannot be found out.
        """

    def patience_s(self, function: Function) -> float:
        """
        Say how long after it was sent the end of an event for *function* is to be waited for.

        A carrier that knows better than a minute (retries, visibility timeouts) says so here; `observe_for_s` wins.
        """
        del function
        asked = self.described.observe_for_s
        return OBSERVE_FOR_S if asked is None else asked

    def invoke(self, attempt: Attempt) -> Reply:
        """
        Refuse: it gives no answer.

        Raises:
            TargetError: Always.
        """
        del attempt
        raise TargetError(
            f"the target {self.name} gives no answer to an invocation",
            where=self.travels,
            hint="name the function that gets it in the end: --target lambda:FUNCTION",
        )


def entry_keys(key: str, count: int) -> list[str]:
    """Give the keys of *count* entries of the event that the ledger calls *key*."""
    return [key] if count == 1 else [f"{key}#{number}" for number in range(1, count + 1)]
