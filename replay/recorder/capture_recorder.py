"""Takes the captures of one recording, one by one, to their fixtures; what cannot be recorded stays where it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from replay.enrichment.completion import Completer
from replay.enrichment.enrichment import BATCH, Enriched, Enrichment
from replay.errors import InvalidJson, RedactionError, ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.writers import FixtureWriters
from replay.payloads.captures import Capture
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_sources import EventSource
from replay.recorder.fixture_maker import FixtureMaker
from replay.recorder.held_captures import HeldCaptures
from replay.recorder.kept_objects import KeptObjects
from replay.recorder.missing_events import why_missing
from replay.recorder.progress import Progress
from replay.recorder.sampling import Candidate, FailureSamples
from replay.recorder.summary import RecordingSummary
from replay.recorder.tally import Tally, only_receipt_handles
from replay.sources.advance import Advance
from replay.sources.base import Recording, Settlement
from replay.sources.selection import Selection

MOST_EVENT_BYTES = 6_291_456
"""Lambda quotas: no invocation takes a larger payload, so a larger event was never delivered."""


@dataclass(slots=True, kw_only=True)
class CaptureRecorder:
    """
    Records what a source gives.

    Args:
        enrichment: Looks up how captures failed, a batch at a time; None looks nothing up.
        samples: Sorts out which captures of each failure are kept; None keeps every one.
        progress, unredacted: See `record`.
    """

    recording: Recording
    writers: FixtureWriters[Settlement]
    maker: FixtureMaker
    tally: Tally
    selection: Selection
    function: str
    objects: KeptObjects
    function_sources: Sequence[EventSource] = ()
    completers: Sequence[Completer] = ()
    enrichment: Enrichment | None = None
    samples: FailureSamples | None = None
    progress: Callable[[Progress], object] | None = None
    unredacted: Callable[[FixtureReference, str], object] | None = None
    _events: dict[int, str] = field(default_factory=dict)
    _total: int | None = None
    _advance: Advance | None = None
    _ahead: HeldCaptures = field(default_factory=lambda: HeldCaptures(BATCH))

    def run(self, limit: int | None) -> None:
        """Record until the source has no more, or *limit* captures could be recorded."""
        self._total = self.recording.total()
        self.recording.before_waiting = self._finish
        self.recording.advanced = self._advanced
        try:
            for capture in self.recording.captures():
                self.tally.seen += 1
                self._take(capture)
                if self._is_batch(limit):
                    self._record_ahead()
                if limit is not None and self.selection.takes_all:
                    self.recording.at_most(limit + self.tally.failed)
                self._settle(wait_for_all=False)
                self._tell_progress()
                if limit is not None and self.tally.put >= limit:
                    break
            self._record_ahead()
        finally:
            if self.samples is not None:
                self._write(self.samples.take())
            self._settle(wait_for_all=True)

    def summary(self, *, interrupted: bool) -> RecordingSummary:
        """Sum up, once the recording is closed."""
        notes = [*self.recording.notes, *(self.enrichment.notes if self.enrichment else [])]
        notes += [note for completer in self.completers for note in completer.notes]
        notes += [*self.objects.notes, *self.writers.notes]
        if self.samples is not None and self.samples.was_full:
            notes.append("so many failures differ that not all could be held: of some the last events were not seen")
        return self.tally.summary(
            consumed=self.recording.consumed(),
            notes=notes,
            unreadable=self.recording.unreadable,
            problems=self.recording.problems,
            sample=self.samples.each if self.samples else None,
            interrupted=interrupted,
        )

    def _is_batch(self, limit: int | None) -> bool:
        """Say whether what is held is enough to be looked up together."""
        is_last = limit is not None and limit <= self.tally.put + len(self._ahead)
        return self.enrichment is None or self._ahead.are_enough or is_last

    def _advanced(self, to: Advance) -> None:
        self._advance = to
        if self._ahead.are_enough:
            self._record_ahead()
        self._settle(wait_for_all=False)
        self._tell_progress()

    def _tell_progress(self) -> None:
        if self.progress is not None:
            self.progress(Progress(seen=self.tally.seen, total=self._total, advance=self._advance))

    def _finish(self) -> None:
        """Be done with everything that was given."""
        self._record_ahead()
        self._settle(wait_for_all=True)

    def _settle(self, *, wait_for_all: bool) -> None:
        """Count what is on disk, and tell the source."""
        for done in self.writers.done(wait_for_all=wait_for_all):
            before = self._events.pop(id(done.about.capture), None)
            is_new = done.result == "written" or done.revised
            if is_new and before is not None and self.unredacted is not None:
                self.unredacted(done.reference, before)
            self.tally.note_done(done)
            self.recording.settle([done.about if done.same else replace(done.about, kept=False)])

    def _take(self, capture: Capture) -> None:
        """Unwrap a capture that is asked for, and hold it until its failure is looked up together with others."""
        if not self.recording.keeps_time and not self.selection.in_time(capture.sent_at):
            self.tally.skipped += 1
            self.tally.without_time += capture.sent_at is None
            return
        try:
            envelope, unwrapped = unwrap(capture, self.function_sources)
            for completer in self.completers:
                unwrapped = completer.complete(capture, unwrapped)
            if unwrapped.event.missing is not None:
                self._not_recorded(capture, why_missing(unwrapped.event.missing, self.function))
            elif not self.selection.wants(unwrapped.event):
                self.tally.skipped += 1
            else:
                self._ahead.add(capture, envelope, unwrapped)
        except InvalidJson as error:
            self._not_recorded(capture, _told(error))
        except ReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - one message that we cannot read must not hide all the others
            self._not_recorded(capture, _our_mistake(error))

    def _record_ahead(self) -> None:
        """Look up how the captures that are held failed, and record them."""
        held = self._ahead.take()
        looked_up = (
            self.enrichment.enrich([(capture, unwrapped) for capture, _, unwrapped in held])
            if self.enrichment is not None and held
            else None
        )
        for number, (capture, envelope, unwrapped) in enumerate(held):
            self._record(capture, envelope, unwrapped, looked_up[number] if looked_up else None)

    def _record(self, capture: Capture, envelope: Envelope, unwrapped: Unwrapped, found: Enriched | None) -> None:
        known = found or Enriched(failure=unwrapped.failure)
        try:
            seen = unwrapped if known.failure is unwrapped.failure else replace(unwrapped, failure=known.failure)
            fixture = self.maker.fixture(capture, envelope, seen, of_several=known.of_several)
            changed_beside = self.maker.changed_beside_event(fixture, unwrapped)
        except (RedactionError, InvalidJson) as error:
            self._not_recorded(capture, _told(error))
            return
        except ReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - one message that we cannot read must not hide all the others
            self._not_recorded(capture, _our_mistake(error))
            return
        size = len(fixture.event_text.encode("utf-8", "surrogatepass"))
        if size > MOST_EVENT_BYTES:
            self._not_recorded(capture, f"an event of {size:,} bytes: Lambda takes at most {MOST_EVENT_BYTES:,}")
            return
        self.tally.put += 1
        changed = fixture.event_text != unwrapped.event.text
        if self.unredacted is not None and changed and not only_receipt_handles(fixture):
            self._events[id(capture)] = unwrapped.event.text
        about = Settlement(capture=capture, kept=True, changed=changed or changed_beside, whole=unwrapped.is_whole)
        self._keep(fixture, about, is_told=not known.of_several)

    def _keep(self, fixture: Fixture, about: Settlement, *, is_told: bool) -> None:
        """Write a fixture, or sort out first whether it is one of those that are kept of its failure."""
        if self.samples is None:
            self._put(fixture, about)
            return
        sorted_out = self.samples.add(fixture, about, is_told=is_told)
        self._leave_out(sorted_out.left_out)
        self._write(sorted_out.write)
        if sorted_out.again:
            self.tally.note_again(fixture)

    def _write(self, candidates: Sequence[Candidate]) -> None:
        for candidate in candidates:
            self._put(candidate.fixture, candidate.about)
            self._settle(wait_for_all=False)

    def _put(self, fixture: Fixture, about: Settlement) -> None:
        self.writers.put(self.objects.with_objects(fixture, about.capture), about)

    def _leave_out(self, candidates: Sequence[Candidate]) -> None:
        for candidate in candidates:
            self._events.pop(id(candidate.about.capture), None)
            self.tally.note_left_out(candidate.fixture)
            self.recording.settle([replace(candidate.about, kept=False)])

    def _not_recorded(self, capture: Capture, why: str) -> None:
        self.tally.note_not_recorded(capture, why)
        self.recording.settle([Settlement(capture=capture, kept=False, changed=False)])


def _told(error: ReplayError) -> str:
    return f"{error.what}; {error.hint}" if error.hint else error.what


def _our_mistake(error: Exception) -> str:
    return f"a mistake in replay itself, {type(error).__name__}: please report it"
