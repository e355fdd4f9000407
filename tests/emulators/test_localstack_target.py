"""The example service on LocalStack: made from its template, sent to through its queue, and removed again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulators.server import Server

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("the target localstack")]

PROJECT = Path(__file__).parents[2]
SETTINGS = """\
[project]
name = "orders"
version = "0"
[tool.replay]
template = "examples/orders/template.yaml"
[tool.replay.targets.localstack]
visibility_timeout_s = 1
[tool.replay.targets.function]
kind = "localstack"
through = "function"
"""


@pytest.fixture
def project(lambda_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example without its table, which none of its failures gets to, and with one delivery: three take a minute."""
    shutil.copytree(PROJECT / "examples" / "orders", tmp_path / "examples" / "orders")
    shutil.copytree(PROJECT / "fixtures", tmp_path / "fixtures")
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    path = tmp_path / "examples" / "orders" / "template.yaml"
    text = path.read_text()
    table = text[text.index("  OrdersTable:") : text.index("  OrdersBus:")]
    text = (
        text.replace(table, "")
        .replace("!Ref OrdersTable", "orders")
        .replace("maxReceiveCount: 3", "maxReceiveCount: 1")
    )
    path.write_text(text)
    monkeypatch.chdir(tmp_path)
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_DEFAULT_REGION", "us-east-1"), ("LOCALSTACK_HOST", lambda_server.url.removeprefix("http://"))):  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path


def replayed(*words: str) -> dict[str, Any]:
    """Run the fixtures; give what was told of each, by its name."""
    done = subprocess.run(
        [sys.executable, "-m", "replay.cli.main", "run", "--json", *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        timeout=180,
    )
    assert done.stdout, done.stderr
    documents = map(json.loads, done.stdout.splitlines())
    return {each["fixture"]: each for each in documents if "fixture" in each}


def told(document: dict[str, Any]) -> tuple[Any, ...]:
    error = document.get("error") or {}
    return document["verdict"], document["status"], error.get("type"), document["signature"], document["dispositions"]


@pytest.mark.takes_long
def test_verdicts_are_those_of_the_local_target(lambda_server: Server, project: Path) -> None:
    """
    Through its own queue, made from the template for the run and removed behind it, each failure ends as it does here.

    But for the one whose numbers LocalStack would round on the way: it is not sent, and says so.
    """
    here = replayed()
    one_each = {each["signature"]: name for name, each in here.items()}
    there = replayed(*(f"orders/{name}" for name in one_each.values()), "--target", "localstack")
    assert there.keys() == set(one_each.values())
    sent = {name: each for name, each in there.items() if each.get("verdict") not in {None, "error"}}
    assert {name: told(each) for name, each in sent.items()} == {name: told(here[name]) for name in sent}
    assert len(sent) == len(one_each) - 1
    assert {here[name]["error"]["type"] for name in there.keys() - sent.keys()} == {"Inexact"}
    functions: Any = boto3.client("lambda", endpoint_url=lambda_server.url).list_functions()["Functions"]
    assert "orders" not in {each["FunctionName"] for each in functions}
    assert "QueueUrls" not in boto3.client("sqs", endpoint_url=lambda_server.url).list_queues(QueueNamePrefix="orders")
