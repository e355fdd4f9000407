"""
1,000 fixtures as pytest items, against a hand-written parametrised test that calls the same handler in one mock.

Half of the events succeed and half hit a known bug. Both runs are whole pytest processes, interleaved; the time that a
run reports for itself is taken, so that the start of Python is in neither.
"""

import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from replay import expect, open_project, select_fixtures
from replay.fixtures.fixture import Fixture, Provenance
from replay.fixtures.naming import fixture_reference
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation

BOUND = 1.2
FIXTURES = 1_000
ROUNDS = 7
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
    if "customer_id" in event["Records"][0]["body"]:
        assert handler(event, None) == {"customer": "c-1"}
    else:
        with pytest.raises(KeyError, match="customer_id"):
            handler(event, None)
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
    expect(project, select_fixtures(project, ["orders/known*"]), "reproduces")


def _fixture(number: int) -> Fixture:
    known = number % 2 == 0
    order = {"order_id": f"o-{number}", "lines": [{"sku": "a", "count": 1}] * 3} | ({} if known else {"customer_id": "c-1"})
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
    title = "known bug" if known else "mended"
    return Fixture(
        reference=fixture_reference("orders", title, arn=_ARN, identity=record["messageId"]),
        event_text=json.dumps({"Records": [record]}),
        kind="sqs",
        provenance=Provenance(
            source="sqs", arn=_ARN, identity=record["messageId"], recorded_at="2026-01-01T00:00:00+00:00"
        ),
        event_source=EventSource(kind="sqs", arn=_ARN, batch_size=10, max_receive_count=1),
        expectation=Expectation(wants="fails" if known else "succeeds"),
    )


def _seconds(root: Path, path: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = re.search(r"(\d+) passed.* in ([\d.]+)s", done.stdout)
    if done.returncode or found is None:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return float(found[2])


if __name__ == "__main__":
    numbers = measure()
    print(
        f"{FIXTURES} fixtures as items {numbers['fixture_items_s']:.2f} s, by hand {numbers['hand_written_s']:.2f} s: "
        f"ratio {numbers['ratio']:.2f} (at most {BOUND})"
    )
    sys.exit(numbers["ratio"] > BOUND)
