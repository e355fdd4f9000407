"""
Capture the event that poisoned your queue, replay it locally as AWS would deliver it, and keep it fixed.

The public API: what each command of `replay` does is one function here. Names are imported when they are first used, so
that `import replay` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replay.acceptance import expect
    from replay.delivery.deliver import deliver
    from replay.delivery.report import DeliveryReport
    from replay.demonstration.story import demo
    from replay.diagnosis.doctor import doctor
    from replay.errors import ReplayError, UnexpectedOutcome
    from replay.expectations.judgement import Judgement
    from replay.fixtures.fixture import Fixture, FixtureReference
    from replay.fixtures.migrations import migrate
    from replay.fixtures.schema import schema
    from replay.functions.function import Function
    from replay.outcomes.outcome import Outcome
    from replay.payloads.aws_calls import AwsCall, Fault
    from replay.payloads.captures import Capture
    from replay.payloads.event_patterns import compile_pattern
    from replay.payloads.event_sources import EventSource
    from replay.payloads.expectations import Expectation
    from replay.payloads.failures import Failure, Signature
    from replay.project import Project, load_fixture, open_project, record_events, replay_fixtures, select_fixtures

_HOMES = {
    "AwsCall": "replay.payloads.aws_calls",
    "Capture": "replay.payloads.captures",
    "DeliveryReport": "replay.delivery.report",
    "EventSource": "replay.payloads.event_sources",
    "Expectation": "replay.payloads.expectations",
    "Failure": "replay.payloads.failures",
    "Fault": "replay.payloads.aws_calls",
    "Fixture": "replay.fixtures.fixture",
    "FixtureReference": "replay.fixtures.fixture",
    "Function": "replay.functions.function",
    "Judgement": "replay.expectations.judgement",
    "Outcome": "replay.outcomes.outcome",
    "Project": "replay.project",
    "ReplayError": "replay.errors",
    "Signature": "replay.payloads.failures",
    "UnexpectedOutcome": "replay.errors",
    "compile_pattern": "replay.payloads.event_patterns",
    "deliver": "replay.delivery.deliver",
    "demo": "replay.demonstration.story",
    "doctor": "replay.diagnosis.doctor",
    "expect": "replay.acceptance",
    "load_fixture": "replay.project",
    "migrate": "replay.fixtures.migrations",
    "open_project": "replay.project",
    "record_events": "replay.project",
    "replay_fixtures": "replay.project",
    "schema": "replay.fixtures.schema",
    "select_fixtures": "replay.project",
}

__all__ = [
    "AwsCall",
    "Capture",
    "DeliveryReport",
    "EventSource",
    "Expectation",
    "Failure",
    "Fault",
    "Fixture",
    "FixtureReference",
    "Function",
    "Judgement",
    "Outcome",
    "Project",
    "ReplayError",
    "Signature",
    "UnexpectedOutcome",
    "compile_pattern",
    "deliver",
    "demo",
    "doctor",
    "expect",
    "load_fixture",
    "migrate",
    "open_project",
    "record_events",
    "replay_fixtures",
    "schema",
    "select_fixtures",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("event-replay")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'replay' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
