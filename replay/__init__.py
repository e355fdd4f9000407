"""
Capture the event that poisoned your queue, replay it locally as AWS would deliver it, and keep it fixed.

The public API: what each command of `replay` does is one function here. Names are imported when they are first used, so
that `import replay` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replay.acceptance import expect
    from replay.comparison.comparison import plan_comparison
    from replay.corpus import prune
    from replay.delivery.deliver import deliver
    from replay.delivery.report import DeliveryReport
    from replay.demonstration.story import demo
    from replay.deployed_replay import plan_replay
    from replay.diagnosis.doctor import doctor
    from replay.diagnosis.leftovers import Leftovers
    from replay.errors import ReplayError, UnexpectedOutcome
    from replay.expectations.judgement import Judgement
    from replay.export import export_fixtures
    from replay.fixture_runs import replay_fixtures
    from replay.fixtures.fixture import Fixture, FixtureReference
    from replay.fixtures.migrations import migrate
    from replay.fixtures.packing import compact, pack, unpack
    from replay.fixtures.schema import schema
    from replay.functions.function import Function
    from replay.ledger.ledger import read_runs
    from replay.minimizer import minimize_fixtures
    from replay.originals.looking_up import look_up_originals
    from replay.outcomes.outcome import Outcome
    from replay.payloads.aws_calls import AwsCall, Fault
    from replay.payloads.captures import Capture
    from replay.payloads.event_patterns import compile_pattern
    from replay.payloads.event_sources import EventSource
    from replay.payloads.expectations import Expectation
    from replay.payloads.failures import Failure, Signature
    from replay.project import Project, load_fixture, open_project, record_events, select_fixtures
    from replay.recorder.redacting_again import redact_again
    from replay.redaction.scanning import scan
    from replay.redriver.preparing import RedriveRequest, prepare_redrive
    from replay.replayer.pace import Pace
    from replay.sources.athena_parts.table_statement import athena_ddl

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
    "Leftovers": "replay.diagnosis.leftovers",
    "Outcome": "replay.outcomes.outcome",
    "Pace": "replay.replayer.pace",
    "Project": "replay.project",
    "RedriveRequest": "replay.redriver.preparing",
    "ReplayError": "replay.errors",
    "Signature": "replay.payloads.failures",
    "UnexpectedOutcome": "replay.errors",
    "athena_ddl": "replay.sources.athena_parts.table_statement",
    "compact": "replay.fixtures.packing",
    "compile_pattern": "replay.payloads.event_patterns",
    "deliver": "replay.delivery.deliver",
    "demo": "replay.demonstration.story",
    "doctor": "replay.diagnosis.doctor",
    "expect": "replay.acceptance",
    "export_fixtures": "replay.export",
    "load_fixture": "replay.project",
    "look_up_originals": "replay.originals.looking_up",
    "migrate": "replay.fixtures.migrations",
    "minimize_fixtures": "replay.minimizer",
    "open_project": "replay.project",
    "pack": "replay.fixtures.packing",
    "plan_comparison": "replay.comparison.comparison",
    "plan_replay": "replay.deployed_replay",
    "prepare_redrive": "replay.redriver.preparing",
    "prune": "replay.corpus",
    "read_runs": "replay.ledger.ledger",
    "record_events": "replay.project",
    "redact_again": "replay.recorder.redacting_again",
    "replay_fixtures": "replay.fixture_runs",
    "scan": "replay.redaction.scanning",
    "schema": "replay.fixtures.schema",
    "select_fixtures": "replay.project",
    "unpack": "replay.fixtures.packing",
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
    "Leftovers",
    "Outcome",
    "Pace",
    "Project",
    "RedriveRequest",
    "ReplayError",
    "Signature",
    "UnexpectedOutcome",
    "athena_ddl",
    "compact",
    "compile_pattern",
    "deliver",
    "demo",
    "doctor",
    "expect",
    "export_fixtures",
    "load_fixture",
    "look_up_originals",
    "migrate",
    "minimize_fixtures",
    "open_project",
    "pack",
    "plan_comparison",
    "plan_replay",
    "prepare_redrive",
    "prune",
    "read_runs",
    "record_events",
    "redact_again",
    "replay_fixtures",
    "scan",
    "schema",
    "select_fixtures",
    "unpack",
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
