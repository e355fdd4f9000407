"""Small projects with fixtures of their own, and pytest run in them."""

import json
import os
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import boto3  # noqa: F401 - what is imported before an inner run stays imported after it: this saves seconds
import moto.core.models  # noqa: F401 - the same
import pytest

import replay.project
import replay.targets.local  # noqa: F401 - the same
from replay.fixtures.fixture import Fixture, FixtureReference, Provenance
from replay.fixtures.naming import fixture_reference
from replay.fixtures.store import Store
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation, Wanted
from replay.payloads.failures import Failure, Frame
from tests.delivery.sqs_events import ARN, as_text, sqs_event

HANDLER = """
import json


def handler(event, context):
    order = json.loads(event["Records"][0]["body"])
    print("handling", order.get("order_id"))
    return {"customer": order["customer_id"]}
"""
POISON = {"order_id": "o-1", "customerid": "c-1"}
GOOD = {"order_id": "o-2", "customer_id": "c-2"}
RECORDED = Failure(
    error_type="KeyError",
    message="'customer_id'",
    frames=(Frame(module="app.py", function="handler", code='return {"customer": order["customer_id"]}', line=41),),
    observed="logs",
)


class Project:
    """A project in pytester's folder: configuration, code and fixtures, with the function `orders`."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.root = pytester.path
        self.store = Store(self.root / "fixtures")
        self.configure()
        self.write("src/app.py", HANDLER)

    def configure(
        self, pytest_options: str = "", functions: str = 'orders = { handler = "app.handler", code = "src" }'
    ):
        self.write(
            "pyproject.toml", f"[tool.pytest.ini_options]\n{pytest_options}\n[tool.replay.functions]\n{functions}\n"
        )

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def fixture(
        self,
        identity: str = "m-1",
        body: Any = POISON,
        *,
        wants: Wanted = "fails",
        function: str = "orders",
        title: str = "poison",
        **changes: Any,
    ) -> FixtureReference:
        """Put a fixture of one SQS message; without a recorded failure, as of a plain queue."""
        made = Fixture(
            reference=fixture_reference(function, title, arn=ARN, identity=identity),
            event_text=as_text(sqs_event([identity], body=body if isinstance(body, str) else json.dumps(body))),
            kind="sqs",
            provenance=Provenance(source="sqs", arn=ARN, identity=identity, recorded_at="2026-11-21T09:30:00+00:00"),
            event_source=EventSource(kind="sqs", arn=ARN, max_receive_count=1),
            expectation=Expectation(wants=wants),
        )
        made = replace(made, **changes)
        self.store.put(made)
        return made.reference

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in this process, with no plugin but ours."""
        return self.pytester.runpytest_inprocess("-p", "event_replay", *arguments)

    def ids(self, *arguments: str) -> list[str]:
        """The node ids that pytest collects."""
        result = self.run("--collect-only", "-q", *arguments)
        return [line for line in result.outlines if "::" in line and not line.startswith(("ERROR", "FAILED"))]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("CI", raising=False)
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
        monkeypatch.delenv(name)  # the inner pytest is no worker, even where ours is
    return Project(pytester)


def node_id(reference: FixtureReference) -> str:
    return f"fixtures/{reference.function}::replay[{reference.name}]"
