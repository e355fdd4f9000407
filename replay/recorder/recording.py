"""Drives recording: source -> envelope -> redaction -> fixture, one capture at a time, so that memory stays flat."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from replay.config import ClaimCheckSettings
from replay.enrichment.claim_checks import MEGABYTE, ClaimChecks
from replay.enrichment.completers import completers_for
from replay.enrichment.enrichment import Enrichment, LogPlace
from replay.errors import ConfigurationError, ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.fixtures.store import Store
from replay.fixtures.writers import FixtureWriters
from replay.payloads.event_patterns import EventPattern
from replay.payloads.event_sources import EventSource
from replay.recorder.capture_recorder import CaptureRecorder
from replay.recorder.fixture_maker import FixtureMaker
from replay.recorder.kept_objects import KeptObjects
from replay.recorder.progress import Progress
from replay.recorder.recording_again import recorded_again
from replay.recorder.sampling import DEFAULT_SAMPLE, FailureSamples
from replay.recorder.summary import RecordingSummary
from replay.recorder.tally import Tally
from replay.recorder.thread_turns import short_turns
from replay.redaction.redactor import Redactor
from replay.sources.base import Recording, Source
from replay.sources.selection import Moment, Selection, selection_of

_MOST_NOTES = 20
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
    packed: bool = False,
    again: bool = False,
    progress: _Progress | None = None,
    unredacted: Callable[[FixtureReference, str], object] | None = None,
    opened: Callable[[Recording], object] | None = None,
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
        packed: New fixtures become lines of packs; so they do in any case where the function has packs already.
        again: Bring fixtures of messages that were recorded before up to date, as revisions.
        progress: Told after each capture how far the recording has come, and from time to time while none is found.
        unredacted: Given the event as it was before redaction, of each fixture that was written and that redaction has
            changed; it must not write it anywhere.
        opened: Given the recording as soon as it is there.

    Raises:
        SourceError, SourceRefused, AwsError: See `Source.open`; and what goes wrong while reading.
        FixtureError: The store cannot write; what was written before is whole, and the source gets everything back.
        InvalidEventPattern, ConfigurationError: *where*, *since* or *until* cannot be read, or *sample* not meant.

    Ctrl-C ends the recording early and properly: everything is given back, and the summary says `interrupted`.
    """
    if sample is not None and (sample < 1 or keep_all):
        raise _no_sample(sample, keep_all=keep_all)
    selection = selection_of(where, since, until, now())
    recording = _opened(source, selection, limit=limit, sample=sample)
    if opened is not None:
        opened(recording)
    clients = recording.client_of
    claims = claim_checks or ClaimCheckSettings()
    fetched = ClaimChecks(clients, buckets=claims.buckets, most_bytes=int(claims.max_size_mb * MEGABYTE))
    every_one = keep_all or recording.consumes
    to_disk = durable or recording.consumes
    recorder = CaptureRecorder(
        recording=recording,
        writers=FixtureWriters(store, durable=to_disk, packed=packed, again=recorded_again if again else None),
        maker=FixtureMaker(function, redact, now),
        tally=Tally(redact=redact),
        selection=selection,
        function=function,
        objects=KeptObjects(fetched, redact=redact, store=store),
        function_sources=function_sources,
        completers=completers_for(clients, function, function_sources) if clients is not None else (),
        enrichment=Enrichment(clients, logs(), now=now) if logs is not None and clients is not None else None,
        samples=None if every_one else FailureSamples(sample or DEFAULT_SAMPLE, store=store, function=function),
        progress=progress,
        unredacted=unredacted,
    )
    return recorder.summary(interrupted=_run(recorder, limit))


def _no_sample(sample: int, *, keep_all: bool) -> ConfigurationError:
    return ConfigurationError(
        "a sample has at least one event of each failure, and not all of them",
        where=f"--sample {sample}" + (" --all" if keep_all else ""),
        hint="leave out --sample, or --all",
    )


def _opened(source: Source, selection: Selection, *, limit: int | None, sample: int | None) -> Recording:
    """Open *source*, and tell it what is asked for."""
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
    return recording


def _run(recorder: CaptureRecorder, limit: int | None) -> bool:
    """Record until the end, or until Ctrl-C, and give everything back; says whether that was it."""
    interrupted = False
    try:
        with short_turns(), recorder.recording, recorder.writers:
            try:
                recorder.run(limit)
            except KeyboardInterrupt:
                interrupted = True
    except KeyboardInterrupt:
        interrupted = True  # it came while everything was given back, which was done all the same
    except ReplayError as error:
        _tell_what_was_done(error, recorder)
        raise
    return interrupted


def _tell_what_was_done(error: ReplayError, recorder: CaptureRecorder) -> None:
    """Let an error that ended a recording carry what the recording had to say by then; nothing of it is unredacted."""
    recording = recorder.recording
    for note in (*recording.notes, *recording.problems[:_MOST_NOTES]):
        error.add_note(recorder.tally.redact.plain(note))
    consumed = recording.consumed()
    if consumed.deleted or consumed.moved:
        error.add_note(f"drained before the error: {consumed.deleted} deleted, {consumed.moved} moved")
