"""Buses with archives on a real server, `replay record eventbridge-archive` as users run it, and what it left there."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3

REPLAY = (sys.executable, "-m", "replay.cli.main")
PREFIX = "event-replay-"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive of a bus of its own; the client takes the endpoint from AWS_ENDPOINT_URL, as `replay` does."""

    client: Any
    bus: str
    bus_arn: str
    name: str

    def put(self, details: Sequence[dict[str, Any]], *, at: datetime | None = None, kind: str = "OrderPlaced") -> None:
        """Put an event with each of these details, and wait until the archive has them."""
        wanted = self._count() + len(details)
        for start in range(0, len(details), 10):
            entries = [
                {
                    "Source": "shop.orders",
                    "DetailType": kind,
                    "Detail": json.dumps(detail),
                    "EventBusName": self.bus,
                    "Time": at or datetime.now(UTC),
                }
                for detail in details[start : start + 10]
            ]
            assert not self.client.put_events(Entries=entries)["FailedEntryCount"]
        deadline = time.monotonic() + 30
        while self._count() < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def _count(self) -> int:
        return int(self.client.describe_archive(ArchiveName=self.name)["EventCount"])

    def other_rule(self) -> tuple[str, str]:
        """Make another rule of the bus that every event reaches; give its name and the URL of its queue."""
        sqs = boto3.client("sqs")
        name = f"billing-{uuid.uuid4().hex[:8]}"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["shop.orders"]})
        self.client.put_rule(Name=name, EventBusName=self.bus, EventPattern=pattern)
        self.client.put_targets(Rule=name, EventBusName=self.bus, Targets=[{"Id": "1", "Arn": arn}])
        return name, url


def new_archive() -> Archive:
    """Make a bus and its archive, whose names no other test has."""
    client: Any = boto3.client("events")
    bus = f"shop-{uuid.uuid4().hex[:8]}"
    arn = client.create_event_bus(Name=bus)["EventBusArn"]
    client.create_archive(ArchiveName=f"{bus}-archive", EventSourceArn=arn)
    return Archive(client, bus, arn, f"{bus}-archive")


def command(archive: Archive, out: Path, *options: str) -> list[str]:
    """Give the command; an emulator needs no time for a rule, and no long wait for a message."""
    return [
        *(*REPLAY, "record", "eventbridge-archive", "--archive", archive.name, "--function", "orders"),
        *("--out", str(out), "--wait-s", "1", "--json", *options),
    ]


def record(archive: Archive, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Record to the end, in a folder of its own."""
    out.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        command(archive, out, *options), cwd=out, capture_output=True, text=True, check=False, timeout=120
    )


def recorded(archive: Archive, out: Path, *options: str) -> dict[str, Any]:
    """Record without trouble, and give the summary."""
    done = record(archive, out, *options)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert summary["type"] == "summary"
    return summary


def events_on_disk(out: Path) -> list[dict[str, Any]]:
    """Every event.json."""
    return [json.loads(path.read_bytes()) for path in sorted(out.glob("orders/*--*/event.json"))]


def doctor(folder: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """Run `replay doctor --leftovers`; give its exit code and its findings."""
    done = subprocess.run(
        [*REPLAY, "doctor", "--leftovers", "--json", *options],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert documents, done.stderr
    return done.returncode, [each for each in documents if each["type"] == "finding"]


def left_in_account() -> list[str]:
    """Every rule, queue and running replay that bears our prefix, asked for without any code of ours."""
    events, sqs = _clients(os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_ACCESS_KEY_ID"])
    buses = [each["Name"] for each in events.list_event_buses()["EventBuses"]]
    rules = [rule["Name"] for bus in buses for rule in events.list_rules(EventBusName=bus, NamePrefix=PREFIX)["Rules"]]
    queues = [url.rpartition("/")[2] for url in sqs.list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])]
    replays = [
        each["ReplayName"]
        for each in events.list_replays(NamePrefix=PREFIX)["Replays"]
        if each["State"] in {"STARTING", "RUNNING"}
    ]
    return [*(f"rule {name}" for name in rules), *(f"queue {name}" for name in queues), *replays]


@cache
def _clients(endpoint: str, account: str) -> tuple[Any, Any]:
    """Kept, since what is left is asked for again and again, and a client takes longer to make than to ask."""
    return boto3.client("events"), boto3.client("sqs")
