"""The plan of a run against a deployed target."""

from collections import Counter
from collections.abc import Iterable, Sequence

from replay.fixtures.fixture import Fixture
from replay.replayer.pace import Pace
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.plan import Plan

_SYNCHRONOUS = {"direct", "apigateway", "httpapi", "function_url", "alb"}
_UNKNOWN = "failure not known yet"


def plan_of(fixtures: Iterable[Fixture], destinations: Sequence[Destination], *, pace: Pace, each: int = 1) -> Plan:
    """
    Make the plan of sending *fixtures*.

    Args:
        each: How often each of them is delivered.
    """
    failures: Counter[str] = Counter()
    pseudonyms = []
    again = False
    events = 0
    for fixture in fixtures:
        events += each
        failures[fixture.failure.error_type if fixture.failure else _UNKNOWN] += each
        again = again or fixture.event_source.kind not in _SYNCHRONOUS
        if fixture.redactions:
            pseudonyms.append(fixture.reference.short)
    return Plan(
        events=events,
        destinations=tuple(destinations),
        failures=dict(failures.most_common()),
        sent_again=again,
        rate_per_s=pace.rate_per_s,
        concurrency=pace.concurrency,
        pseudonyms=tuple(pseudonyms),
    )
