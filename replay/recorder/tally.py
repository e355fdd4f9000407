"""What became of the captures of one recording: counts, and the words for what did not go well."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.writers import Written
from replay.outcomes.fingerprint import signature
from replay.payloads.captures import Capture
from replay.recorder.summary import RecordingSummary
from replay.redaction.redactor import Redactor
from replay.sources.base import Consumed, Settlement

UNKNOWN_FAILURE = "unknown until replayed"

_MOST_KEPT = 1_000
_RECEIPT_HANDLE = re.compile(r"/Records/\d+/receiptHandle")
_STAYS = "it stays where it is: its fixture has another event, edited since or redacted by other rules"


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts, and keeps the first thousand of what is told one by one; nothing of it is unredacted."""

    redact: Redactor
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

    def note_done(self, done: Written[Settlement]) -> None:
        """Count a fixture that is on disk."""
        if done.result == "written":
            self.written += 1
            if len(self.references) < _MOST_KEPT:
                self.references.append(done.reference)
        else:
            self.duplicates += 1
        changed = done.about.changed and not only_receipt_handles(done.fixture)
        self.changed += changed or any(kept.redactions for kept in done.fixture.objects)
        self._note_kept(done.known or done.fixture)
        if not done.same:
            self._problem(done.about.capture, f"{_STAYS}: {done.reference}")

    def note_again(self, fixture: Fixture) -> None:
        """Count a capture that was seen before in this recording."""
        self.duplicates += 1
        self._note_kept(fixture)

    def note_left_out(self, fixture: Fixture) -> None:
        """Count a capture whose failure has enough others."""
        self.left_out += 1
        self.by_failure[_label(fixture)] += 1

    def note_not_recorded(self, capture: Capture, why: str) -> None:
        """Count a capture that cannot be recorded, and keep why."""
        self.failed += 1
        self._problem(capture, f"not recorded: {why}")

    def _note_kept(self, fixture: Fixture) -> None:
        label = _label(fixture)
        self.by_failure[label] += 1
        self.kept_by_failure[label] += 1

    def _problem(self, capture: Capture, what: str) -> None:
        if len(self.problems) < _MOST_KEPT:
            where = f"{capture.origin.place} {capture.origin.identity}".strip()
            self.problems.append(self.redact.plain(f"{where}: {what}"))

    def summary(
        self,
        *,
        consumed: Consumed,
        notes: Sequence[str],
        unreadable: int,
        problems: Sequence[str],
        sample: int | None,
        interrupted: bool,
    ) -> RecordingSummary:
        """
        Sum up.

        Args:
            unreadable: What the source saw besides, and could not give.
            problems: What the source has to tell of it.
            sample: How many of each failure are kept, or None.
        """
        if self.without_time:
            notes = [*notes, f"{self.without_time} events say no time, and were skipped by --since or --until"]
        return RecordingSummary(
            seen=self.seen + unreadable,
            written=self.written,
            duplicates=self.duplicates,
            left_out=self.left_out,
            skipped=self.skipped,
            failed=self.failed + unreadable,
            changed=self.changed,
            by_failure=dict(self.by_failure.most_common()),
            kept_by_failure=dict(self.kept_by_failure.most_common()),
            sample=sample,
            deleted=consumed.deleted,
            moved=consumed.moved,
            left=consumed.left,
            notes=tuple(map(self.redact.plain, notes)),
            problems=tuple([*self.problems, *map(self.redact.plain, problems)][:_MOST_KEPT]),
            written_references=tuple(self.references),
            interrupted=interrupted,
        )


def only_receipt_handles(fixture: Fixture) -> bool:
    """Say whether nothing was redacted but what an event from SQS always has, of no use to anyone: it is no finding."""
    return bool(fixture.redactions) and all(_RECEIPT_HANDLE.fullmatch(each.at) for each in fixture.redactions)


def _label(fixture: Fixture) -> str:
    """Name a failure for the summary: by its signature, so that a thousand messages with one bug are one line."""
    known = fixture.expectation.signature or (signature(fixture.failure) if fixture.failure else None)
    if known is None:
        return UNKNOWN_FAILURE
    return f"{known.error_type}: {known.message}" if known.message else known.error_type
