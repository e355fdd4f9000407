"""Our own command line in this process, as a user would call it, and a project to call it in."""

import json
import shutil
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from replay.cli.main import main

ORDERS = Path(__file__).parents[2] / "examples" / "orders"
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders"


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Read stdout as JSON Lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]


CommandLine = Callable[..., Result]


def make_command_line(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Give a function that calls `replay` with its arguments."""

    def call(*arguments: str) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        written = capsys.readouterr()
        code = stop.value.code
        return Result(code if isinstance(code, int) else 0, written.out, written.err)

    return call


def make_orders_project(folder: Path) -> Path:
    """Copy the example service, as its users would have it, for the Python that runs the tests."""
    for part in ("src", "fixed"):
        shutil.copytree(ORDERS / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ORDERS / "template.yaml", folder)
    (folder / "pyproject.toml").write_text(f'[tool.replay.functions.orders]\nruntime = "{RUNTIME}"\n')
    poison = json.loads((ORDERS / "poison_messages.json").read_text())
    messages = [message(number, each["body"], each["message_attributes"]) for number, each in enumerate(poison)]
    (folder / "messages.json").write_text(json.dumps({"Messages": messages}))
    return folder


def message(number: int, body: str, attributes: dict[str, Any] | None = None, **system: str) -> dict[str, Any]:
    """Write a message as `aws sqs receive-message` prints it."""
    return {
        "MessageId": str(uuid.UUID(int=number + 1)),
        "Body": body,
        "Attributes": {
            "SentTimestamp": "1763683200000",
            "ApproximateReceiveCount": "4",
            "DeadLetterQueueSourceArn": QUEUE_ARN,
            **system,
        },
        "MessageAttributes": attributes or {},
    }


def make_project(folder: Path, source: str, *events: Any, settings: str = "") -> Path:
    """Write a project of one function `f`, whose handler is in *source*, and *events* to record."""
    (folder / "app.py").write_text(source)
    (folder / "pyproject.toml").write_text(
        f'[tool.replay.functions.f]\nhandler = "app.handler"\nruntime = "{RUNTIME}"\n{settings}'
    )
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return folder
