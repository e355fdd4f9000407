"""Logs of real servers: failures of dead letters are found in them, and events that were logged."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulators.queues import new_queue
from tests.emulators.server import Server
from tests.enrichment.lambda_log import LambdaLog

pytestmark = pytest.mark.emulator


def replayed(out: Path, *arguments: str) -> list[dict[str, Any]]:
    """Run `replay record`, and give every `fixture.json`."""
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "replay.cli.main", "record", *arguments, "--all", "--out", str(out)]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(path.read_bytes()) for path in sorted(out.glob("*/*--*/fixture.json"))]


def test_dead_letters_get_their_errors_from_the_log(emulator: Server, tmp_path: Path) -> None:
    """Thirty messages with three errors are thirty fixtures that each know its own."""
    queue = new_queue(emulator, "logged")
    log = LambdaLog(boto3.client("logs"), group=f"/aws/lambda/{queue.name}", at_ms=int(time.time() * 1000))
    errors = ["KeyError: 'customer_id'", "TypeError: no number", "ValueError: x"]
    ids = queue.send([{"MessageBody": json.dumps({"n": number})} for number in range(30)])
    for number, identity in enumerate(ids):
        log.invoke(f"got {identity}\n", error=errors[number % 3], gap_ms=5)
    found = replayed(tmp_path, "sqs", "--queue", queue.arn, "--function", queue.name)
    assert len(found) == 30
    for document in found:
        number = ids.index(document["provenance"]["identity"])
        failure = document["failure"]
        assert f"{failure['error_type']}: {failure['message']}" == errors[number % 3]
        assert document["expectation"]["wants"] == "reproduces"
        assert failure["report"]["max_memory_used_mb"] == 64


@pytest.mark.parametrize("options", [(), ("--query", "filter @message like /KeyError/")], ids=["pattern", "query"])
def test_logged_events_are_recorded(emulator: Server, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Events come out of the log, by filter and by query (LocalStack ignores the query's filter, and finds all lines)."""
    name = f"logged-{time.time_ns()}"
    at_ms = int(time.time() * 1000) - 60_000
    log = LambdaLog(boto3.client("logs"), group=f"/aws/lambda/{name}", at_ms=at_ms)
    ids = {log.invoke(f'event: {{"n": {n}.50}}\n', error="KeyError: 'a'", gap_ms=5) for n in range(12)}
    found = replayed(tmp_path, "cloudwatch-logs", "--function", name, "--since", "1h", *options)
    assert {document["provenance"]["identity"] for document in found} == ids
    assert all(document["failure"]["error_type"] == "KeyError" for document in found)
