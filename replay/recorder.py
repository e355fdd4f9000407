"""Drives recording: source -> envelope -> redaction -> fixture, one capture at a time, so that memory stays flat."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any

from replay.errors import InvalidJson, RedactionError, ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference, Provenance, Redaction
from replay.fixtures.naming import fixture_reference
from replay.fixtures.store import Store
from replay.fixtures.writers import FixtureWriters
from replay.outcomes.fingerprint import signature
from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_patterns import EventPattern, compile_pattern
from replay.payloads.event_sources import EventSource
from replay.payloads.event_views import matches
from replay.payloads.exact_json import Json
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure
from replay.redaction.redactor import Redactor
from replay.sources.base import Consumed, Recording, Settlement, Source, content_identity
from replay.sources.moments import moment

UNKNOWN_FAILURE = "unknown until replayed"
MOST_EVENT_BYTES = 6_291_456
"""Lambda quotas: no invocation takes a larger payload, so a larger event was never delivered."""

_MOST_KEPT = 1_000
_STAYS = "it stays where it is: its fixture has another event, edited since or redacted by other rules"
_Progress = Callable[[int, int | None], object]
_When = datetime | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSummary:
    """
    What a recording did.

    `seen` captures were `written`, or `duplicates` of fixtures that were there, or `skipped` by a filter, or `failed`
    (see `problems`); `changed` counts those that redaction changed. `by_failure` counts the recorded ones by error.
    `written_references` and `problems` hold the first thousand. `interrupted`: it was ended early, by Ctrl-C.
    """

    seen: int = 0
    written: int = 0
    duplicates: int = 0
    skipped: int = 0
    failed: int = 0
    changed: int = 0
    by_failure: Mapping[str, int] = field(default_factory=dict)
    deleted: int = 0
    moved: int = 0
    left: int = 0
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    written_references: tuple[FixtureReference, ...] = ()
    interrupted: bool = False


def record(
    source: Source,
    *,
    store: Store,
    function: str,
    redact: Redactor,
    where: EventPattern | str | Mapping[str, Any] | None = None,
    since: _When = None,
    until: _When = None,
    limit: int | None = None,
    durable: bool = False,
    progress: _Progress | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RecordingSummary:
    """
    Record what *source* gives as fixtures of *function*; what cannot be recorded is told and stays where it is.

    Args:
        function: Need not be known here.
        where: An event pattern over the event as its handler sees it, JSON bodies parsed.
        since: Only captures sent at this moment or later; a datetime, a time ago (`2h`), or ISO 8601.
        until: Only captures sent at this moment or earlier.
        limit: Stop after so many recorded captures.
        durable: Wait until each fixture is safely on disk; always so where the source consumes.
        progress: Called after each capture with the number seen, and about how many there are, if that is known.

    Raises:
        SourceError, SourceRefused, AwsError: See `Source.open`; and what goes wrong while reading.
        FixtureError: The store cannot write; what was written before is whole, and the source gets everything back.
        InvalidEventPattern, ConfigurationError: *where*, *since* or *until* cannot be read.

    Ctrl-C ends the recording early and properly: everything is given back, and the summary says `interrupted`.
    """
    selection = _selection(where, since, until, now())
    recording = source.open()
    if limit is not None and selection.takes_all:
        recording.at_most(limit)
    writers: FixtureWriters[Settlement] = FixtureWriters(store, durable=durable or recording.consumes)
    recorder = _Recorder(
        recording=recording, writers=writers, function=function, redact=redact, selection=selection, now=now
    )
    interrupted = False
    try:
        with recording, writers:
            try:
                recorder.run(limit, progress)
            except KeyboardInterrupt:
                interrupted = True
    except KeyboardInterrupt:
        interrupted = True  # it came while everything was given back, which was done all the same
    except ReplayError as error:
        for note in recording.notes:
            error.add_note(note)
        consumed = recording.consumed()
        if consumed.deleted or consumed.moved:
            error.add_note(f"drained before the error: {consumed.deleted} deleted, {consumed.moved} moved")
        raise
    return recorder.summary(recording.consumed(), interrupted=interrupted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selection:
    pattern: EventPattern | None
    since: datetime | None
    until: datetime | None

    @property
    def takes_all(self) -> bool:
        return self.pattern is None and self.since is None and self.until is None

    def in_time(self, sent: datetime | None) -> bool:
        """Say whether a capture sent at this moment is asked for; one without a time is not, when time is asked for."""
        if self.since is None and self.until is None:
            return True
        return sent is not None and (
            (self.since is None or sent >= self.since) and (self.until is None or sent <= self.until)
        )


def _selection(
    where: EventPattern | str | Mapping[str, Any] | None, since: _When, until: _When, now: datetime
) -> _Selection:
    pattern = compile_pattern(where) if isinstance(where, str | Mapping) else where
    return _Selection(
        pattern=pattern,
        since=moment(since, now=now, option="--since") if isinstance(since, str) else since,
        until=moment(until, now=now, option="--until") if isinstance(until, str) else until,
    )


@dataclass(slots=True, kw_only=True)
class _Recorder:
    """Records captures one by one and counts what became of them."""

    recording: Recording
    writers: FixtureWriters[Settlement]
    function: str
    redact: Redactor
    selection: _Selection
    now: Callable[[], datetime]
    seen: int = 0
    put: int = 0
    written: int = 0
    duplicates: int = 0
    skipped: int = 0
    without_time: int = 0
    failed: int = 0
    changed: int = 0
    by_failure: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    references: list[FixtureReference] = field(default_factory=list)
    settings: Callable[[EventSource], EventSource] = field(init=False)

    def __post_init__(self) -> None:
        # The messages of one queue share their settings: redacting them once is enough.
        self.settings = lru_cache(maxsize=64)(partial(_redacted_settings, self.redact))

    def run(self, limit: int | None, progress: _Progress | None) -> None:
        total = self.recording.total()
        self.recording.before_waiting = lambda: self._settle(wait_for_all=True)
        try:
            for capture in self.recording.captures():
                self.seen += 1
                self._record(capture)
                self._settle(wait_for_all=False)
                if progress is not None:
                    progress(self.seen, total)
                if limit is not None and self.put >= limit:
                    break
        finally:
            self._settle(wait_for_all=True)

    def _settle(self, *, wait_for_all: bool) -> None:
        """Count what is on disk, and tell the source."""
        for done in self.writers.done(wait_for_all=wait_for_all):
            if done.result == "written":
                self.written += 1
                if len(self.references) < _MOST_KEPT:
                    self.references.append(done.reference)
            else:
                self.duplicates += 1
            self.changed += done.about.changed
            self.by_failure[_label(done.fixture.failure)] += 1
            if not done.same:
                self._problem(done.about.capture, f"{_STAYS}: {done.reference}")
            self.recording.settle([done.about if done.same else replace(done.about, kept=False)])

    def _record(self, capture: Capture) -> None:
        if not self.selection.in_time(capture.sent_at):
            self.skipped += 1
            self.without_time += capture.sent_at is None
            return
        try:
            envelope, unwrapped = unwrap(capture)
            if self.selection.pattern is not None and not matches(self.selection.pattern, unwrapped.event):
                self.skipped += 1
                return
            fixture = self._fixture(capture, envelope, unwrapped)
        except (RedactionError, InvalidJson) as error:
            self._not_recorded(capture, error.what)
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
        self.writers.put(fixture, Settlement(capture=capture, kept=True, changed=changed))

    def _not_recorded(self, capture: Capture, why: str) -> None:
        self.failed += 1
        self._problem(capture, f"not recorded: {why}")
        self.recording.settle([Settlement(capture=capture, kept=False, changed=False)])

    def _problem(self, capture: Capture, what: str) -> None:
        if len(self.problems) < _MOST_KEPT:
            origin = capture.origin
            self.problems.append(f"{self.redact.plain(f'{origin.place} {origin.identity}'.strip())}: {what}")

    def _fixture(self, capture: Capture, envelope: Envelope, unwrapped: Unwrapped) -> Fixture:
        event = unwrapped.event
        redacted = self.redact.event(event.text)
        text = envelope.reseal(event.text, redacted.text)
        failure = self.redact.failure(unwrapped.failure) if unwrapped.failure else None
        provenance = self._provenance(capture, unwrapped, _identity(capture, event, text))
        return Fixture(
            reference=fixture_reference(
                self.function, self._title(capture, failure), arn=provenance.arn, identity=provenance.identity
            ),
            event_text=text,
            kind=event.kind,
            provenance=provenance,
            event_source=self.settings(unwrapped.event_source),
            expectation=_expectation(failure),
            failure=failure,
            redactions=tuple(
                Redaction(at=found.at, detector=found.detector, count=found.count) for found in redacted.redactions
            ),
        )

    def _provenance(self, capture: Capture, unwrapped: Unwrapped, identity: str) -> Provenance:
        origin = capture.origin
        return Provenance(
            source=origin.source,
            arn=origin.arn,
            identity=identity,
            place=self.redact.plain(origin.place),
            sent_at=_iso(capture.sent_at) if capture.sent_at else None,
            recorded_at=_iso(self.now()),
            tool_version=_tool_version(),
            details={name: self._plain(value) for name, value in unwrapped.details.items()},
        )

    def _plain(self, value: Json) -> Json:
        """Redact the strings of a detail."""
        if isinstance(value, str):
            return self.redact.plain(value)
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if isinstance(value, dict):
            return {name: self._plain(item) for name, item in value.items()}
        return value

    def _title(self, capture: Capture, failure: Failure | None) -> str:
        if failure is not None:
            return f"{failure.error_type} {failure.message}"
        origin = capture.origin
        named = origin.arn.rpartition(":")[2] or PurePath(origin.place.rpartition(":")[0]).stem or origin.source
        return self.redact.plain(named)

    def summary(self, consumed: Consumed, *, interrupted: bool) -> RecordingSummary:
        notes = list(self.recording.notes)
        if self.without_time:
            notes.append(f"{self.without_time} events say no time, and were skipped by --since or --until")
        return RecordingSummary(
            seen=self.seen,
            written=self.written,
            duplicates=self.duplicates,
            skipped=self.skipped,
            failed=self.failed,
            changed=self.changed,
            by_failure=dict(self.by_failure.most_common()),
            deleted=consumed.deleted,
            moved=consumed.moved,
            left=consumed.left,
            notes=tuple(notes),
            problems=tuple(self.problems),
            written_references=tuple(self.references),
            interrupted=interrupted,
        )


def _identity(capture: Capture, event: Event, redacted_text: str) -> str:
    """
    Give the capture's identity; where that digests its content, digest the redacted content instead.

    A digest of the unredacted event would let anyone test guesses of what was redacted.
    """
    identity = capture.origin.identity
    if redacted_text == event.text or identity != content_identity(capture.body):
        return identity
    return content_identity(redacted_text)


def _redacted_settings(redact: Redactor, source: EventSource) -> EventSource:
    """Redact the names in the settings: those of a hand-made event may be anything."""
    names = {
        each.name: redact.plain(value)
        for each in fields(source)
        if each.name != "kind" and isinstance(value := getattr(source, each.name), str)
    }
    return replace(source, **names)  # type: ignore[arg-type]  # these are the fields that hold text


def _expectation(failure: Failure | None) -> Expectation:
    """Expect what was observed; without its stack an error cannot be known again, so then any failure will do."""
    if failure is None or not failure.frames:
        return Expectation(wants="fails")
    return Expectation(wants="reproduces", signature=signature(failure))


def _label(failure: Failure | None) -> str:
    """Name a failure for the summary: by its signature, so that a thousand messages with one bug are one line."""
    if failure is None:
        return UNKNOWN_FAILURE
    known = signature(failure)
    return f"{known.error_type}: {known.message}" if known.message else known.error_type


def _iso(moment_: datetime) -> str:
    return moment_.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def _tool_version() -> str:
    try:
        return version("event-replay")
    except PackageNotFoundError:
        return ""  # run from a checkout that is not installed
