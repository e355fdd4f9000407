"""
1,000 fixtures as pytest items, against a hand-written parametrised test that calls the same handler in one mock.

All events succeed: with known bugs ours would win, since pytest formats a traceback for every xfail written by hand.
Both runs are whole pytest processes without other plugins, interleaved. What counts is the processor time of the
process: on a machine that others use too, it tells more than the clock.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from replay import open_project
from replay.fixtures.fixture import Fixture, Provenance
from replay.fixtures.naming import fixture_reference
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation

BOUND = 1.2
FIXTURES = 1_000
ROUNDS = 5
_ARN = "arn:aws:sqs:eu-central-1:123456789012:orders"
_PYPROJECT = """
[tool.pytest.ini_options]

[tool.replay.functions.orders]
handler = "app.handler"
code = "src"
"""
_HANDLER = """
import json
import os

import boto3

TABLE = boto3.resource("dynamodb").Table(os.environ.get("TABLE_NAME", "orders"))


def handler(event, context):
    order = json.loads(event["Records"][0]["body"])
    return {"customer": order["customer_id"]}
"""
_HAND_WRITTEN = """
import json
import sys
from pathlib import Path

import pytest
from moto import mock_aws

ROOT = Path(__file__).parent
EVENTS = sorted(ROOT.glob("fixtures/orders/*/event.json"))


@pytest.fixture(scope="module")
def handler():
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        patch.syspath_prepend(ROOT / "src")
        import app

        yield app.handler


@pytest.mark.parametrize("path", EVENTS, ids=[path.parent.name for path in EVENTS])
def test_order(handler, path):
    event = json.loads(path.read_text(encoding="utf-8"))
    assert handler(event, None) == {"customer": "c-1"}
"""


def measure() -> dict[str, float]:
    """Give the median seconds of both, and their ratio: ours by theirs."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _build(root)
        ours: list[float] = []
        theirs: list[float] = []
        for number in range(ROUNDS + 1):
            mine, other = _seconds(root, "fixtures"), _seconds(root, "test_by_hand.py")
            if number:  # the first round fills caches
                ours.append(mine)
                theirs.append(other)
    return {
        "fixture_items_s": statistics.median(ours),
        "hand_written_s": statistics.median(theirs),
        "ratio": statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True)),
        "bound": BOUND,
    }


def _build(root: Path) -> None:
    (root / "src").mkdir()
    (root / "src" / "app.py").write_text(_HANDLER, encoding="utf-8")
    (root / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
    (root / "test_by_hand.py").write_text(_HAND_WRITTEN, encoding="utf-8")
    project = open_project(root)
    for number in range(FIXTURES):
        project.store.put(_fixture(number))


def _fixture(number: int) -> Fixture:
    order = {"order_id": f"o-{number}", "customer_id": "c-1", "lines": [{"sku": "a", "count": 1}] * 3}
    record = {
        "messageId": f"00000000-0000-4000-8000-{number:012}",
        "receiptHandle": "handle",
        "body": json.dumps(order),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": _ARN,
        "awsRegion": "eu-central-1",
    }
    return Fixture(
        reference=fixture_reference("orders", "order", arn=_ARN, identity=record["messageId"]),
        event_text=json.dumps({"Records": [record]}),
        kind="sqs",
        provenance=Provenance(
            source="sqs", arn=_ARN, identity=record["messageId"], recorded_at="2026-01-01T00:00:00+00:00"
        ),
        event_source=EventSource(kind="sqs", arn=_ARN, batch_size=10, max_receive_count=1),
        expectation=Expectation(wants="succeeds"),
    )


def _seconds(root: Path, path: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "event_replay", "-p", "no:cacheprovider", path]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        cwd=root,
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if f"{FIXTURES} passed" not in done.stdout:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    numbers = measure()
    print(
        f"{FIXTURES} fixtures as items {numbers['fixture_items_s']:.2f} s, by hand {numbers['hand_written_s']:.2f} s: "
        f"ratio {numbers['ratio']:.2f} (at most {BOUND})"
    )
    sys.exit(numbers["ratio"] > BOUND)
