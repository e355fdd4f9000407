"""Archives on moto, whose replays here do what AWS does and moto 5.2.5 does not."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
from moto.events import models

BUS = "shop"
ARCHIVE = "shop-archive"
ARN = f"arn:aws:events:us-east-1:123456789012:archive/{ARCHIVE}"
BUS_ARN = f"arn:aws:events:us-east-1:123456789012:event-bus/{BUS}"


@contextmanager
def replays_as_on_aws(*, filters: bool = True) -> Iterator[None]:
    """
    Replay only the events of the window, each with its own id and without moto's `ingestion-time`.

    With *filters*, only to the rules of `FilterArns`; without, to every rule, as all three emulators do.
    """

    def replay_events(replay: Any, archive: Any) -> None:
        bus = models.events_backends[replay.account_id][replay.region].describe_event_bus(archive.event_bus_name)
        rules = [rule for rule in bus.rules.values() if not filters or rule.arn in replay.destination["FilterArns"]]
        for event in archive.events:
            if replay.event_start_time <= float(event["time"]) <= replay.event_end_time:
                original = {name: value for name, value in event.items() if name != "ingestion-time"}
                for rule in rules:
                    rule.send_to_targets({**original, "replay-name": replay.name}, transform_input=False)
        replay.state = models.ReplayState.COMPLETED

    with patch.object(models.Replay, "replay_events", replay_events):
        yield


def make_archive(details: Sequence[str] = (), *, at: datetime | None = None, **options: Any) -> Any:
    """Make the bus and its archive, and put an event with each of these details; give the client."""
    client = boto3.client("events", region_name="us-east-1")
    client.create_event_bus(Name=BUS)
    client.create_archive(ArchiveName=ARCHIVE, EventSourceArn=BUS_ARN, **options)
    put_events(client, details, at=at)
    return client


def put_events(client: Any, details: Sequence[str], *, at: datetime | None = None, kind: str = "OrderPlaced") -> None:
    """Put an event with each of these details, at this time."""
    for detail in details:
        entry = {"Source": "shop.orders", "DetailType": kind, "Detail": detail, "EventBusName": BUS}
        answer = client.put_events(Entries=[{**entry, "Time": at or datetime.now(UTC)}])
        assert not answer["FailedEntryCount"]


def catch_all(client: Any, name: str, **options: Any) -> str:
    """Make another rule of the bus, with a queue of its own; give the URL of that queue."""
    sqs = boto3.client("sqs", region_name="us-east-1")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    client.put_rule(Name=name, EventBusName=BUS, **{"EventPattern": json.dumps({"source": ["shop.orders"]}), **options})
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    client.put_targets(Rule=name, EventBusName=BUS, Targets=[{"Id": "1", "Arn": arn}])
    return str(url)
