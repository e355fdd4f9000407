"""One event that a carrier has sent: what is known of it, and what that is worth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from replay.delivery.records import EventRecords
from replay.delivery.report import DeliveryReport
from replay.errors import InvalidEvent, InvalidJson
from replay.expectations.judge import judge
from replay.expectations.judgement import Judgement
from replay.fixtures.fixture import Fixture
from replay.outcomes.classify import classify
from replay.outcomes.outcome import Outcome
from replay.replayer.event_delivery import redacted_outcome
from replay.replayer.proposals import judged_with_proposal, missing_fault
from replay.replayer.replayer import with_known_signature
from replay.replayer.run_events import FixtureReplayed
from replay.targets.aws.observed_effects import RedactorOf
from replay.targets.carrier import Entry, Sought
from replay.targets.observing.findings import Findings

_RECORD_FAMILIES = {"sqs", "kinesis", "dynamodb"}
"""Event sources that judge every record by itself; the others make one event of whatever it holds."""


@dataclass(slots=True, kw_only=True)
class UnderWay:
    """
    An event under way.

    Attributes:
        entries: What it was sent as.
        sought: Those of them that were acknowledged.
        deadline_s: When nobody looks any longer, by the run's clock.
        notes: What its user should know.
        safe: Makes what was seen of it safe to be told: without the originals that were sent.
    """

    fixture: Fixture
    entries: Sequence[Entry]
    findings: Findings
    sought: list[Sought] = field(default_factory=list)
    deadline_s: float = 0.0
    notes: list[str] = field(default_factory=list)
    safe: Callable[[DeliveryReport], DeliveryReport] | None = None

    def report(self) -> DeliveryReport:
        """Put together what was seen of it."""
        report = self.findings.report(self.fixture.event_text)
        return self.safe(report) if self.safe is not None else report

    @property
    def key(self) -> str:
        """What the ledger calls it."""
        return str(self.fixture.reference)


def record_ids_of(fixture: Fixture) -> tuple[str, ...]:
    """Name the records of an event that are judged one by one; empty where the event is one."""
    if fixture.kind not in _RECORD_FAMILIES:
        return ()
    try:
        values = EventRecords(fixture.event_text).values
    except (InvalidEvent, InvalidJson):
        return ()
    return tuple(
        f"{record.get('messageId') or record.get('eventID') or 'record'} {number}"
        for number, record in enumerate(values, start=1)
    )


def replayed(under_way: UnderWay, *, redactor: RedactorOf, red: bool, options: Sequence[str]) -> FixtureReplayed:
    """Judge an event that has come to its end, as its replay here would be judged."""
    fixture, report = under_way.fixture, under_way.report()
    outcome = redacted_outcome(classify(report), redactor)
    short = fixture.reference.short
    judgement = judge(with_known_signature(fixture), [outcome], red=red, fixture=short, options=options)
    missing = missing_fault(fixture, judgement)
    return FixtureReplayed(
        fixture=fixture,
        outcomes=[outcome],
        judgement=judged_with_proposal(judgement, missing, fixture=short, options=options),
        notes=(*under_way.notes, *report.notes),
        proposed_fault=missing,
    )


def overdue(
    under_way: UnderWay,
    reasons: Sequence[str],
    *,
    after_s: float,
    redactor: RedactorOf,
    red: bool,
    options: Sequence[str],
) -> FixtureReplayed:
    """
    Judge an event whose end nobody has seen in time.

    One that has failed, and that AWS may deliver again, failed: that is judged, with a note. Of all others, and where
    an end was accepted that is not there yet, nothing is known.
    """
    fixture = under_way.fixture
    waited = f"within {after_s:g} s" if after_s else "for nobody looked: observe_for_s is 0"
    if under_way.findings.has_failed and fixture.expectation.wants != "now":
        under_way.notes.append(f"it failed, and its end was not seen {waited}: it may be delivered again")
        return replayed(under_way, redactor=redactor, red=red, options=options)
    return _unobserved(under_way, f"its end was not seen {waited}", reasons if after_s else ())


def gone_unseen(under_way: UnderWay, reasons: Sequence[str]) -> FixtureReplayed:
    """Judge an event that is no longer where it was sent to, and of which no invocation was seen: nothing is known."""
    return _unobserved(under_way, "it is gone from where it was sent to, and no invocation of it was seen", reasons)


def mixed_up(under_way: UnderWay) -> FixtureReplayed:
    """Judge an event while others invoke the function: which of the invocations was its own, nobody can tell."""
    what = "more invocations succeeded than it can have had: others invoke the function too"
    return _unobserved(under_way, what, ["log the ids of what is delivered, and each is told apart"])


def _unobserved(under_way: UnderWay, what: str, reasons: Sequence[str]) -> FixtureReplayed:
    fixture = under_way.fixture
    why = "; ".join(reasons)
    reason = what + (f": {why}" if why else "")
    report = under_way.report()
    outcome = Outcome(status="unobserved", dispositions=list(report.dispositions.values()), report=report)
    judgement = Judgement(verdict="unobserved", as_expected=False, reason=reason)
    return FixtureReplayed(fixture=fixture, outcomes=[outcome], judgement=judgement, notes=tuple(under_way.notes))
