"""Functions on a real server's Lambda: `told_handler`, what it was given, and what feeds it."""

import io
import json
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.emulators import told_handler

TIMEOUT_S = 5
_ROLE = "arn:aws:iam::000000000000:role/told"


@dataclass(frozen=True, slots=True)
class LambdaFunction:
    """A function that runs `told_handler`, and the file in which it notes its events."""

    client: Any
    name: str
    arn: str
    notes: Path

    def events(self) -> list[dict[str, Any]]:
        """The events that the function was given, in order."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [json.loads(line)["event"] for line in lines]

    def map(self, source_arn: str, **settings: Any) -> None:
        """Create an event source mapping, with settings as `CreateEventSourceMapping` takes them."""
        self.client.create_event_source_mapping(EventSourceArn=source_arn, FunctionName=self.name, **settings)


def new_function(folder: Path, name: str, **settings: Any) -> LambdaFunction:
    """Create a function whose name no other test has, and wait until it can be invoked."""
    client: Any = boto3.client("lambda")
    name = f"{name}-{uuid.uuid4().hex[:8]}"
    notes = folder / f"{name}.jsonl"
    created = client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="told_handler.handler",
        Role=_ROLE,
        Timeout=TIMEOUT_S,
        Code={"ZipFile": _zipped(Path(told_handler.__file__))},
        Environment={"Variables": {"NOTES": str(notes)}},
        **settings,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return LambdaFunction(client, name, created["FunctionArn"], notes)


def _zipped(*files: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        for file in files:
            written.write(file, file.name)
    return archive.getvalue()
