"""The seam of every source: open a recording, take captures, settle them, give everything back."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, ClassVar, Self

from replay.payloads.captures import Capture
from replay.payloads.event_patterns import EventPattern
from replay.sources.advance import Advance
from replay.sources.permissions import AwsPlace, Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """
    What the recorder made of one capture: `kept` on disk durably, and whether redaction `changed` it.

    It is not `whole` where what it said around the event is not in its fixture.
    """

    capture: Capture
    kept: bool
    changed: bool
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """What a consuming source did with what was settled: `left` stays where it was, though it was to be consumed."""

    deleted: int = 0
    moved: int = 0
    left: int = 0


def content_identity(text: str) -> str:
    """Give the identity of a capture that has no id of its own: the SHA-256 of its text, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Recording(ABC):
    """
    One pass over a source: iterate its captures, settle them, and leave the source as it was, whatever happened.

    `notes` are sentences for the user (expiry near, live consumer, messages not seen), complete after `close`.
    `unreadable` counts what was there but could not be read as a capture; `problems` say why, of the first thousand.
    `keeps_time` says that it keeps to the time of `within` itself, by another clock than `sent_at`: an invocation that
    began before that and failed in it is given.
    `consumes` says that `settle` destroys what is kept, so that fixtures must be safely on disk before it.
    `client_of` makes a client of another service of AWS where the captures come from (same account, region, endpoint),
    or is None. `before_waiting` is called before the source waits for more: its caller settles what it has put off.
    `advanced` is called from time to time while `captures` goes on, also where none is found, for a progress bar.
    """

    notes: list[str]
    problems: Sequence[str] = ()
    unreadable: int = 0
    consumes: bool = False
    keeps_time: bool = False
    client_of: Callable[[str], Any] | None = None
    before_waiting: Callable[[], object] = staticmethod(lambda: None)
    advanced: Callable[[Advance], object] = staticmethod(lambda _: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def at_most(self, limit: int) -> None:
        """
        Hear that no more than *limit* captures will be taken, so that no more need be touched.

        Said before the first capture, and again with a larger limit while capture after capture is taken: what cannot
        be recorded does not count.
        """
        del limit

    def within(self, since: datetime | None, until: datetime | None) -> None:
        """Hear, before the first capture, that only those sent in this time will be taken; None leaves an end open."""
        del since, until

    def matching(self, pattern: EventPattern | None) -> None:
        """Hear, before the first capture, that only events that *pattern* matches are taken; None takes all."""
        del pattern

    @abstractmethod
    def captures(self) -> Iterator[Capture]:
        """Give each capture once."""

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Take note that these captures are done with; a consuming source consumes here, and only what is kept."""
        del settlements

    def consumed(self) -> Consumed:
        """Count what was consumed; complete after `close`."""
        return Consumed()

    @abstractmethod
    def close(self) -> None:
        """Give everything back; may be called twice."""

    def remains(self) -> str:
        """Say what would not be as it was, if the program ended now without `close`; empty where nothing is known."""
        return ""

    def total(self) -> int | None:
        """About how many captures there will be, for a progress bar; None when nobody knows."""
        return None


class Source(ABC):
    """
    Where events come from. One subclass per file in this folder, with `name` and a frozen `options` dataclass.

    The command-line options of `replay record NAME` and the keys of `[tool.replay.sources.X]` both come from
    `options`: each field's `metadata` may hold `help`, `metavar` and `flag`.

    `gives_clients` says that its recordings have `client_of`, so that more is looked up where its captures come from.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    options: ClassVar[type[Any]]
    gives_clients: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, options: Any) -> None: ...

    @abstractmethod
    def open(self) -> Recording:
        """
        Look at the source and say what is wrong with it before anything is touched.

        Raises:
            SourceError: It cannot be read.
            SourceRefused: It should not be read without the user's word.
            AwsError: Credentials, region, permission, name.
        """

    def permissions(self, at: AwsPlace) -> tuple[Permission, ...] | None:
        """
        Declare the least that AWS must allow for what these options ask for, without a call of AWS.

        `()` says that nothing is needed, on purpose; None, that nobody has declared it. What any recording may look up
        by `client_of` (logs, traces, claim checks) is added by others.

        Args:
            at: The region and account, where the options do not say them. An option that must be given and was not is
                `*`: its resource may be any.
        """
        del at
        return None
