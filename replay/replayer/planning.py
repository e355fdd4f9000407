"""The plan of a run against a deployed target."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from replay.fixtures.fixture import Fixture
from replay.replayer.event_delivery import captured_at
from replay.replayer.pace import Pace, timeline
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.plan import Plan

_SYNCHRONOUS = {"direct", "apigateway", "httpapi", "function_url", "alb"}
_UNKNOWN = "failure not known yet"
_MOST_NAMED = 100
_RECEIPT_HANDLE = re.compile(r"/Records/\d+/receiptHandle")


def plan_of(fixtures: Iterable[Fixture], destinations: Sequence[Destination], *, pace: Pace, each: int = 1) -> Plan:
    """
    Make the plan of sending *fixtures*; they are looked at one by one, and none is kept.

    Args:
        each: How often each of them is delivered.
    """
    failures: Counter[str] = Counter()
    pseudonyms: list[str] = []
    with_pseudonyms = events = 0
    again = False
    moments: list[tuple[str, datetime | None]] = []
    for fixture in fixtures:
        events += each
        failures[fixture.failure.error_type if fixture.failure else _UNKNOWN] += each
        again = again or fixture.event_source.kind not in _SYNCHRONOUS
        if holds_stand_ins(fixture):
            with_pseudonyms += 1
            if len(pseudonyms) < _MOST_NAMED:
                pseudonyms.append(fixture.reference.short)
        if pace.speed:
            moments.append((str(fixture.reference), captured_at(fixture)))
    spaced = timeline(moments, speed=pace.speed) if pace.speed else None
    return Plan(
        events=events,
        destinations=tuple(destinations),
        failures=dict(failures.most_common()),
        sent_again=again,
        rate_per_s=pace.rate_per_s,
        concurrency=pace.concurrency,
        ramp_up_s=pace.ramp_up_s,
        speed=pace.speed,
        spacing_s=spaced.duration_s if spaced else 0.0,
        undated=len(spaced.undated) if spaced else 0,
        pseudonyms=tuple(pseudonyms),
        with_pseudonyms=with_pseudonyms,
    )


def holds_stand_ins(fixture: Fixture) -> bool:
    """Say whether redaction took anything out of it that its function could miss; a receipt handle is of no use."""
    return any(not _RECEIPT_HANDLE.fullmatch(each.at) for each in fixture.redactions)
