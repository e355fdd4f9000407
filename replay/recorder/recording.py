"""Drives recording: source -> envelope -> redaction -> fixture, one capture at a time, so that memory stays flat."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from replay.config import ClaimCheckSettings
from replay.enrichment.claim_checks import MEGABYTE, ClaimChecks
from replay.enrichment.completers import completers_for
from replay.enrichment.completion import Completer
from replay.enrichment.enrichment import BATCH, Enriched, Enrichment, LogPlace
from replay.errors import ConfigurationError, InvalidJson, RedactionError, ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.store import Store
from replay.fixtures.writers import FixtureWriters
from replay.outcomes.fingerprint import signature
from replay.payloads.captures import Capture
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_patterns import EventPattern
from replay.payloads.event_sources import EventSource
from replay.recorder.fixture_maker import FixtureMaker
from replay.recorder.kept_objects import KeptObjects
from replay.recorder.missing_events import why_missing
from replay.recorder.progress import Progress
from replay.recorder.recording_again import recorded_again
from replay.recorder.sampling import DEFAULT_SAMPLE, Candidate, FailureSamples
from replay.recorder.summary import RecordingSummary
from replay.redaction.redactor import Redactor
from replay.sources.advance import Advance
from replay.sources.base import Consumed, Recording, Settlement, Source
from replay.sources.selection import Moment, Selection, selection_of

UNKNOWN_FAILURE = "unknown until replayed"
MOST_EVENT_BYTES = 6_291_456
"""Lambda quotas: no invocation takes a larger payload, so a larger event was never delivered."""

_MOST_KEPT = 1_000
_MOST_NOTES = 20
_RECEIPT_HANDLE = re.compile(r"/Records/\d+/receiptHandle")
_STAYS = "it stays where it is: its fixture has another event, edited since or redacted by other rules"
_Progress = Callable[[Progress], object]


def record(
    source: Source,
    *,
    store: Store,
    function: str,
    redact: Redactor,
    where: EventPattern | str | Mapping[str, Any] | None = None,
    since: Moment = None,
    until: Moment = None,
    limit: int | None = None,
    sample: int | None = None,
    keep_all: bool = False,
    function_sources: Sequence[EventSource] = (),
    logs: Callable[[], LogPlace] | None = None,
    claim_checks: ClaimCheckSettings | None = None,
    durable: bool = False,
    again: bool = False,
    progress: _Progress | None = None,
    unredacted: Callable[[FixtureReference, str], object] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RecordingSummary:
    """
    Record what *source* gives as fixtures of *function*; what cannot be recorded is told and stays where it is.

    Args:
        function: Need not be known here.
        where: An event pattern over the event as its handler sees it, JSON bodies parsed.
        since: Only captures sent at this moment or later; a datetime, a time ago (`2h`), or ISO 8601.
        until: Only captures sent at this moment or earlier.
        limit: Stop after so many captures that could be recorded, of which the sample is taken; those that a filter
            skips or that cannot be recorded do not count.
        sample: Keep so many of each failure (see `FailureSamples`), those of earlier recordings included; by default
            `DEFAULT_SAMPLE`. A failure that is not known yet is always kept.
        keep_all: Keep every one; always so where the source consumes.
        function_sources: The event sources of the function, if known: they decide what a message is (see `unwrap`).
        logs: Says where the function logs, to look up there how it failed; with None nothing is looked up.
        claim_checks: From which buckets payloads are fetched that events only point to; without it from none.
        durable: Wait until each fixture is safely on disk; always so where the source consumes.
        again: Bring fixtures of messages that were recorded before up to date, as revisions.
        progress: Told after each capture how far the recording has come, and from time to time while none is found.
        unredacted: Given the event as it was before redaction, of each fixture that was written and that redaction has
            changed; it must not write it anywhere.

    Raises:
        SourceError, SourceRefused, AwsError: See `Source.open`; and what goes wrong while reading.
        FixtureError: The store cannot write; what was written before is whole, and the source gets everything back.
        InvalidEventPattern, ConfigurationError: *where*, *since* or *until* cannot be read, or *sample* not meant.

    Ctrl-C ends the recording early and properly: everything is given back, and the summary says `interrupted`.
    """
    selection = selection_of(where, since, until, now())
    if sample is not None and (sample < 1 or keep_all):
        raise ConfigurationError(
            "a sample has at least one event of each failure, and not all of them",
            where=f"--sample {sample}" + (" --all" if keep_all else ""),
            hint="leave out --sample, or --all",
        )
    recording = source.open()
    if sample is not None and recording.consumes:
        recording.close()
        raise ConfigurationError(
            "what is consumed needs a fixture of its own, so no sample can be taken",
            where=f"--sample {sample} with --drain",
            hint="leave out --sample: every event is kept then; or leave out --drain",
        )
    recording.within(selection.since, selection.until)
    recording.matching(selection.pattern)
    if limit is not None and selection.takes_all:
        recording.at_most(limit)
    writers: FixtureWriters[Settlement] = FixtureWriters(
        store, durable=durable or recording.consumes, again=recorded_again if again else None
    )
    recorder = _Recorder(
        recording=recording,
        writers=writers,
        function=function,
        redact=redact,
        selection=selection,
        now=now,
        function_sources=function_sources,
        progress=progress,
        unredacted=unredacted,
    )
    claims = claim_checks or ClaimCheckSettings()
    fetched = ClaimChecks(recording.client_of, buckets=claims.buckets, most_bytes=int(claims.max_size_mb * MEGABYTE))
    recorder.objects = KeptObjects(fetched, redact=redact, store=store)
    if not (keep_all or recording.consumes):
        recorder.samples = FailureSamples(sample or DEFAULT_SAMPLE, store=store, function=function)
    if recording.client_of is not None:
        recorder.completers = completers_for(recording.client_of, function, function_sources)
    if logs is not None and recording.client_of is not None:
        recorder.enrichment = Enrichment(recording.client_of, logs(), now=now)
    interrupted = False
    try:
        with recording, writers:
            try:
                recorder.run(limit)
            except KeyboardInterrupt:
                interrupted = True
    except KeyboardInterrupt:
        interrupted = True  # it came while everything was given back, which was done all the same
    except ReplayError as error:
        _tell_what_was_done(error, recording)
        raise
    return recorder.summary(recording.consumed(), interrupted=interrupted)


def _tell_what_was_done(error: ReplayError, recording: Recording) -> None:
    """Let an error that ended a recording carry what the recording had to say by then."""
    for note in (*recording.notes, *recording.problems[:_MOST_NOTES]):
        error.add_note(note)
    consumed = recording.consumed()
    if consumed.deleted or consumed.moved:
        error.add_note(f"drained before the error: {consumed.deleted} deleted, {consumed.moved} moved")


@dataclass(slots=True, kw_only=True)
class _Recorder:
    """Records captures one by one and counts what became of them."""

    recording: Recording
    writers: FixtureWriters[Settlement]
    function: str
    redact: Redactor
    selection: Selection
    now: Callable[[], datetime]
    function_sources: Sequence[EventSource] = ()
    completers: Sequence[Completer] = ()
    enrichment: Enrichment | None = None
    samples: FailureSamples | None = None
    objects: KeptObjects | None = None
    progress: _Progress | None = None
    unredacted: Callable[[FixtureReference, str], object] | None = None
    events: dict[int, str] = field(default_factory=dict)
    total: int | None = None
    advance: Advance | None = None
    ahead: list[tuple[Capture, Envelope, Unwrapped]] = field(default_factory=list)
    seen: int = 0
    put: int = 0
    written: int = 0
    duplicates: int = 0
    left_out: int = 0
    skipped: int = 0
    without_time: int = 0
    failed: int = 0
    changed: int = 0
    by_failure: Counter[str] = field(default_factory=Counter)
    kept_by_failure: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    references: list[FixtureReference] = field(default_factory=list)
    maker: FixtureMaker = field(init=False)

    def __post_init__(self) -> None:
        self.maker = FixtureMaker(self.function, self.redact, self.now)

    def run(self, limit: int | None) -> None:
        self.total = self.recording.total()
        self.recording.before_waiting = self._finish
        self.recording.advanced = self._advanced
        try:
            for capture in self.recording.captures():
                self.seen += 1
                self._take(capture)
                if (
                    self.enrichment is None
                    or len(self.ahead) >= BATCH
                    or (limit or BATCH) <= self.put + len(self.ahead)
                ):
                    self._record_ahead()
                if limit is not None and self.selection.takes_all:
                    self.recording.at_most(limit + self.failed)
                self._settle(wait_for_all=False)
                self._tell_progress()
                if limit is not None and self.put >= limit:
                    break
            self._record_ahead()
        finally:
            if self.samples is not None:
                self._write(self.samples.take())
            self._settle(wait_for_all=True)

    def _advanced(self, to: Advance) -> None:
        self.advance = to
        self._tell_progress()

    def _tell_progress(self) -> None:
        if self.progress is not None:
            self.progress(Progress(seen=self.seen, total=self.total, advance=self.advance))

    def _finish(self) -> None:
        """Be done with everything that was given."""
        self._record_ahead()
        self._settle(wait_for_all=True)

    def _settle(self, *, wait_for_all: bool) -> None:
        """Count what is on disk, and tell the source."""
        for done in self.writers.done(wait_for_all=wait_for_all):
            before = self.events.pop(id(done.about.capture), None)
            if done.result == "written":
                self.written += 1
                if before is not None and self.unredacted is not None:
                    self.unredacted(done.reference, before)
                if len(self.references) < _MOST_KEPT:
                    self.references.append(done.reference)
            else:
                self.duplicates += 1
            self.changed += done.about.changed and not _only_receipt_handles(done.fixture)
            label = _label(done.known or done.fixture)
            self.by_failure[label] += 1
            self.kept_by_failure[label] += 1
            if not done.same:
                self._problem(done.about.capture, f"{_STAYS}: {done.reference}")
            self.recording.settle([done.about if done.same else replace(done.about, kept=False)])

    def _take(self, capture: Capture) -> None:
        """Unwrap a capture that is asked for, and hold it until its failure is looked up together with others."""
        if not self.selection.in_time(capture.sent_at):
            self.skipped += 1
            self.without_time += capture.sent_at is None
            return
        try:
            envelope, unwrapped = unwrap(capture, self.function_sources)
            for completer in self.completers:
                unwrapped = completer.complete(capture, unwrapped)
            if unwrapped.event.missing is not None:
                self._not_recorded(capture, why_missing(unwrapped.event.missing, self.function))
                return
            if not self.selection.wants(unwrapped.event):
                self.skipped += 1
                return
        except InvalidJson as error:
            self._not_recorded(capture, _told(error))
        except ReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - one message that we cannot read must not hide all the others
            self._not_recorded(capture, f"a mistake in replay itself, {type(error).__name__}: please report it")
        else:
            self.ahead.append((capture, envelope, unwrapped))

    def _record_ahead(self) -> None:
        """Look up how the captures that are held failed, and record them."""
        held, self.ahead = self.ahead, []
        looked_up = (
            self.enrichment.enrich([(capture, unwrapped) for capture, _, unwrapped in held])
            if self.enrichment
            else None
        )
        for number, (capture, envelope, unwrapped) in enumerate(held):
            known = looked_up[number] if looked_up else Enriched(failure=unwrapped.failure)
            self._record(capture, envelope, replace(unwrapped, failure=known.failure), of_several=known.of_several)

    def _record(self, capture: Capture, envelope: Envelope, unwrapped: Unwrapped, *, of_several: bool) -> None:
        try:
            fixture = self.maker.fixture(capture, envelope, unwrapped, of_several=of_several)
        except (RedactionError, InvalidJson) as error:
            self._not_recorded(capture, _told(error))
            return
        except ReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - one message that we cannot read must not hide all the others
            self._not_recorded(capture, f"a mistake in replay itself, {type(error).__name__}: please report it")
            return
        size = len(fixture.event_text.encode("utf-8", "surrogatepass"))
        if size > MOST_EVENT_BYTES:
            self._not_recorded(capture, f"an event of {size:,} bytes: Lambda takes at most {MOST_EVENT_BYTES:,}")
            return
        self.put += 1
        changed = fixture.event_text != unwrapped.event.text
        about = Settlement(capture=capture, kept=True, changed=changed)
        if self.unredacted is not None and changed and not _only_receipt_handles(fixture):
            self.events[id(capture)] = unwrapped.event.text
        if self.samples is None:
            self._put(fixture, about)
            return
        sorted_out = self.samples.add(fixture, about, is_told=not of_several)
        self._leave_out(sorted_out.left_out)
        self._write(sorted_out.write)
        if sorted_out.again:
            self.duplicates += 1
            self.by_failure[_label(fixture)] += 1
            self.kept_by_failure[_label(fixture)] += 1

    def _write(self, candidates: Sequence[Candidate]) -> None:
        for candidate in candidates:
            self._put(candidate.fixture, candidate.about)
            self._settle(wait_for_all=False)

    def _put(self, fixture: Fixture, about: Settlement) -> None:
        self.writers.put(self.objects.with_objects(fixture, about.capture) if self.objects else fixture, about)

    def _leave_out(self, candidates: Sequence[Candidate]) -> None:
        """Count captures whose failure has enough others."""
        for candidate in candidates:
            self.left_out += 1
            self.events.pop(id(candidate.about.capture), None)
            self.by_failure[_label(candidate.fixture)] += 1
            self.recording.settle([replace(candidate.about, kept=False)])

    def _not_recorded(self, capture: Capture, why: str) -> None:
        self.failed += 1
        self._problem(capture, f"not recorded: {why}")
        self.recording.settle([Settlement(capture=capture, kept=False, changed=False)])

    def _problem(self, capture: Capture, what: str) -> None:
        if len(self.problems) < _MOST_KEPT:
            origin = capture.origin
            self.problems.append(f"{self.redact.plain(f'{origin.place} {origin.identity}'.strip())}: {what}")

    def summary(self, consumed: Consumed, *, interrupted: bool) -> RecordingSummary:
        notes = [*self.recording.notes, *(self.enrichment.notes if self.enrichment else [])]
        notes += [note for completer in self.completers for note in completer.notes]
        notes += [*(self.objects.notes if self.objects else []), *self.writers.notes]
        if self.without_time:
            notes.append(f"{self.without_time} events say no time, and were skipped by --since or --until")
        if self.samples is not None and self.samples.was_full:
            notes.append("so many failures differ that not all could be held: of some the last events were not seen")
        return RecordingSummary(
            seen=self.seen + self.recording.unreadable,
            written=self.written,
            duplicates=self.duplicates,
            left_out=self.left_out,
            skipped=self.skipped,
            failed=self.failed + self.recording.unreadable,
            changed=self.changed,
            by_failure=dict(self.by_failure.most_common()),
            kept_by_failure=dict(self.kept_by_failure.most_common()),
            sample=self.samples.each if self.samples else None,
            deleted=consumed.deleted,
            moved=consumed.moved,
            left=consumed.left,
            notes=tuple(notes),
            problems=tuple([*self.problems, *map(self.redact.plain, self.recording.problems)][:_MOST_KEPT]),
            written_references=tuple(self.references),
            interrupted=interrupted,
        )


def _told(error: ReplayError) -> str:
    return f"{error.what}; {error.hint}" if error.hint else error.what


def _only_receipt_handles(fixture: Fixture) -> bool:
    """Say whether nothing was redacted but what an event from SQS always has, of no use to anyone: it is no finding."""
    return bool(fixture.redactions) and all(_RECEIPT_HANDLE.fullmatch(each.at) for each in fixture.redactions)


def _label(fixture: Fixture) -> str:
    """Name a failure for the summary: by its signature, so that a thousand messages with one bug are one line."""
    known = fixture.expectation.signature or (signature(fixture.failure) if fixture.failure else None)
    if known is None:
        return UNKNOWN_FAILURE
    return f"{known.error_type}: {known.message}" if known.message else known.error_type
