"""One replay of an archive, to a queue of its own: everything is made, read, and removed again."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from replay.counted_nouns import counted
from replay.errors import AwsError, SourceError
from replay.payloads.captures import Capture, Origin
from replay.readers.sides import on_aws
from replay.sources.advance import Advance
from replay.sources.archive_parts.archives import Archive, Window, replay_window
from replay.sources.archive_parts.made_for_replay import LEASE, THROTTLED, UNFINISHED, MadeForReplay, Mark
from replay.sources.archive_parts.owners import this_process
from replay.sources.archive_parts.replay_queue import ReplayQueue
from replay.sources.archive_parts.replayed_events import ReplayedEvent, replayed_event
from replay.sources.base import Recording, content_identity

SETTLES_WITHIN_S = 30
"""Events API `PutRule`: a new rule may not match at once; "allow a short period of time for changes to take effect"."""

_ARCHIVED_WITHIN = timedelta(minutes=10)
"""EventBridge User Guide, "Archiving events": the delay until an event is in its archive."""

_ENOUGH_EMPTY_POLLS = 3
_ASKS_EVERY_S = 2.0
_PAUSE_S = 0.05


class ArchiveRecording(Recording):
    """One replay of one archive, to a queue of its own."""

    def __init__(
        self,
        events: Any,
        sqs: Any,
        archive: Archive,
        *,
        pattern_of: Callable[[str], Mapping[str, Any]],
        is_narrowed: bool,
        settle_s: int | None,
        wait_s: int,
    ) -> None:
        now = datetime.now(UTC)
        mark = Mark(recording=uuid.uuid4().hex[:12], created=now, owner=this_process(), kept_until=now + LEASE)
        self._events, self._sqs, self._archive = events, sqs, archive
        self._made = MadeForReplay(events, sqs, archive, mark)
        self._pattern_of, self._is_narrowed = pattern_of, is_narrowed
        self._settle_s = SETTLES_WITHIN_S if settle_s is None and on_aws(events) else settle_s or 0
        self._wait_s = wait_s
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._limit: int | None = None
        self._window: Window | None = None
        self._reached: datetime | None = None
        self._seen: set[str] = set()
        self._again = 0
        self._foreign = 0
        self._is_over = self._closed = False
        self.notes: list[str] = []

    def within(self, since: datetime | None, until: datetime | None) -> None:
        """Replay this time only; without *since* from the archive's beginning, without *until* to now."""
        self._since, self._until = since, until

    def at_most(self, limit: int) -> None:
        """Cancel the replay once so many captures were given."""
        self._limit = limit

    def total(self) -> int | None:
        """What the archive counts, where all of it is replayed; AWS brings that up to date within a day."""
        if self._since or self._until or self._is_narrowed:
            return None
        count = self._archive.event_count
        return count if self._limit is None else min(count, self._limit)

    def captures(self) -> Iterator[Capture]:
        """
        Give each event of the archive once, while the replay runs.

        Raises:
            ConfigurationError: The time that is asked for lies in the future.
            AwsError: Something could not be made, started or read; `close` removes what was made.
            SourceError: The replay failed, or somebody else cancelled it.
        """
        window = replay_window(self._archive, self._since, self._until, now=datetime.now(UTC))
        made = self._made
        self.advanced(Advance(doing="making a rule and a queue for the replay"))
        made.make(self._pattern_of(made.name))
        self.advanced(Advance(doing="waiting until the rule takes effect"))
        time.sleep(self._settle_s)
        made.start(window)
        self._window = window
        self._advance_to(window.start)
        for body in self._bodies():
            event = replayed_event(body)
            if event.replay != made.name:
                self._foreign += 1
                continue
            capture = self._capture(event)
            if capture.origin.identity in self._seen:
                self._again += 1
                continue
            self._seen.add(capture.origin.identity)
            self._advance_to(event.sent_at)
            yield capture
            if self._limit is not None and len(self._seen) >= self._limit:
                return

    def _bodies(self) -> Iterator[str]:
        """
        Give what comes, until the replay has ended and the queue gives no more.

        One empty receive is not the end: EventBridge delivers at least once, and not at once.
        """
        queue = ReplayQueue(self._sqs, self._made.queue_url, self._made.name, wait_s=self._wait_s)
        empty, end, asked = 0, "", -_ASKS_EVERY_S
        while not end or empty < _ENOUGH_EMPTY_POLLS or not queue.is_empty():
            bodies = queue.receive()
            yield from bodies
            self._made.renew(datetime.now(UTC))
            empty = 0 if bodies else empty + 1
            if bodies:
                continue
            self.before_waiting()
            if not end and time.monotonic() - asked >= _ASKS_EVERY_S:
                end, asked, empty = self._end(), time.monotonic(), 0
            time.sleep(0 if self._wait_s else _PAUSE_S)
        if end != "COMPLETED":
            raise SourceError(
                f"the replay {end}",
                where=f"replay {self._made.name} of {self._archive.arn}",
                expected="a replay that runs to its end",
                hint="what came until then is recorded; run the same command again",
            )
        self._is_over = True

    def _advance_to(self, moment: object) -> None:
        """Tell how much of the time is replayed; where the archive's count is known, that tells it better."""
        window = self._window
        if window is None or not isinstance(moment, datetime):
            return
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        self._reached = min(max(self._reached or window.start, moment), window.end)
        done = (self._reached - window.start).total_seconds()
        total = (window.end - window.start).total_seconds() if self.total() is None else None
        self.advanced(Advance(doing="following the replay", done=done, total=total, unit="seconds"))

    def _end(self) -> str:
        """Say how the replay has ended, in a word of AWS or of ours; empty while it runs, or AWS is too busy to say."""
        try:
            state, reason, last = self._made.state()
        except AwsError as error:
            if error.code in THROTTLED:
                return ""  # it is asked again, and meanwhile the events come all the same
            raise
        self._advance_to(last)
        if state in UNFINISHED or state == "COMPLETED":
            return "" if state in UNFINISHED else state
        words = "was cancelled by somebody else" if state.startswith("CANCEL") else f"has {state.lower()}"
        return f"{words}: {reason}" if reason else words

    def _capture(self, event: ReplayedEvent) -> Capture:
        archive = self._archive
        origin = Origin(
            source="eventbridge-archive",
            arn=archive.arn,
            identity=event.id or content_identity(event.text),
            place=f"replay {event.replay} of archive {archive.name} on bus {archive.bus}",
        )
        return Capture(origin=origin, body=event.text, sent_at=event.sent_at)

    def remains(self) -> str:
        """Name what finds the rule, the queue and the replay that were made."""
        made = "the rule and queue of this recording, and its replay, may be left behind"
        return "" if self._closed else f"{made}: `replay doctor --leftovers --remove` removes them"

    def close(self) -> None:
        """Cancel the replay unless it has ended, remove all that was made, and say what is left; also on Ctrl-C."""
        if self._closed:
            return
        left: dict[str, AwsError] = {}
        try:
            left = self._made.remove()
        except KeyboardInterrupt:
            left = self._made.remove()
            raise
        finally:
            self._closed = True
            self.notes = [*self.notes, *self._remarks(), *_left_behind(left)]

    def _remarks(self) -> Iterator[str]:
        window, archive = self._window, self._archive
        if window is None:
            return
        if not self._since:
            yield f"archive {archive.name} was replayed from {window}"
        if self._is_over and not self._seen:
            matching = " that --pattern matches" if self._is_narrowed else ""
            yield f"archive {archive.name} gave no event{matching} of {window}; {_about(archive)}"
        elif self._is_over and (self.total() or 0) > len(self._seen):
            seen = counted(len(self._seen), "event")
            yield f"{seen} came, while {_about(archive)}; AWS brings that count up to date within a day"
        if on_aws(self._events) and datetime.now(UTC) - window.end < _ARCHIVED_WITHIN:
            yield "events of the last ten minutes may not be in the archive yet"
        if self._again:
            yield f"{counted(self._again, 'event')} came more than once; each is taken once"
        if self._foreign:
            yield f"{counted(self._foreign, 'message')} in the queue of the replay came from somewhere else: left out"


def _about(archive: Archive) -> str:
    return f"it counts {counted(archive.event_count, 'event')} in all"


def _left_behind(left: Mapping[str, AwsError]) -> Sequence[str]:
    return [
        f"{where} is left behind ({error.what}): `replay doctor --leftovers --remove` removes it"
        for where, error in left.items()
    ]
