"""The targets `eventbridge` and `eventbridge-replay` on real servers: what arrives, at whom, and who else is kept out."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from replay.errors import TargetRefused
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.targets.eventbridge import EventBridgeTarget
from replay.targets.eventbridge_replay import EventBridgeReplayTarget
from tests.emulators.archives import new_archive
from tests.emulators.carried import send, wait_for
from tests.emulators.functions import LambdaFunction, new_function
from tests.emulators.queues import Queue, new_queue
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator


@pytest.fixture(params=["lambda_server", "ministack_server"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with Lambda, that every AWS client now talks to."""
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    return found


def new_bus() -> str:
    client: Any = boto3.client("events")
    name = f"shop-{uuid.uuid4().hex[:8]}"
    client.create_event_bus(Name=name)
    return name


def add_rule(bus: str, arn: str, *, name: str = "to-orders", source: str = "shop.orders") -> str:
    client: Any = boto3.client("events")
    client.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": [source]}))
    client.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}])
    return name


def event(number: int, *, at: datetime | None = None, source: str = "shop.orders") -> str:
    return json.dumps(
        {
            "version": "0", "id": str(uuid.uuid4()), "detail-type": "OrderPlaced", "source": source,
            "account": "999988887777", "time": f"{at or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "region": "eu-west-1",
            "resources": ["arn:aws:shop:::o-1"], "detail": {"do": "ok", "order": number, "total": 1.5},
        }
    )  # fmt: skip


def project_function(function: LambdaFunction, folder: Path) -> Function:
    return Function(name=function.name, handler="told_handler.handler", code=folder)


def test_events_reach_the_function(server: Server, tmp_path: Path) -> None:
    """What was put is what the function gets: source, type, detail, resources; its id is what was acknowledged."""
    function = new_function(tmp_path, "told")
    bus = new_bus()
    add_rule(bus, function.arn)
    with EventBridgeTarget(project_function(function, tmp_path), bus=bus) as target:
        assert function.name in target.also_seen_by(Event(text=event(0)))[0]
        told = send(target, *(event(number) for number in range(12)))
    # Lambda's own queue may invoke for one event twice.
    got = wait_for(lambda: list({each["id"]: each for each in function.events()}.values()), 12)
    assert {each["id"] for each in got} == {each.identity for each in told}
    assert sorted(each["detail"]["order"] for each in got) == list(range(12))
    for each in got:
        assert (each["source"], each["detail-type"], each["resources"]) == (
            "shop.orders",
            "OrderPlaced",
            ["arn:aws:shop:::o-1"],
        )


def test_the_time_of_an_event_is_kept(lambda_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The function gets the event's own time; MiniStack sets it to now, whatever was put."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
    queue = new_queue(lambda_server, "bus")
    bus = new_bus()
    rule = add_rule(bus, queue.arn)
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with EventBridgeTarget(bus=bus, rules=(rule,)) as target:
        send(target, event(1, at=at))
    (body,) = wait_for(lambda: list(queue.bodies().values()), 1)
    assert json.loads(body)["time"] == "2026-01-02T03:04:05Z"


def test_other_rules_get_nothing_without_the_users_word(server: Server, tmp_path: Path) -> None:
    """A bus with another rule that matches is refused, and nothing is put; with `other_rules` both get it."""
    orders, billing = new_queue(server, "bus"), new_queue(server, "billing")
    bus = new_bus()
    add_rule(bus, orders.arn)
    add_rule(bus, billing.arn, name="to-billing")
    add_rule(bus, billing.arn, name="of-others", source="shop.other")
    with EventBridgeTarget(bus=bus, rules=("to-orders",)) as target, pytest.raises(TargetRefused, match="to-billing"):
        send(target, event(1))
    assert not orders.bodies()
    with EventBridgeTarget(bus=bus, rules=("to-orders",), other_rules=True) as target:
        send(target, event(2))
    for queue in (orders, billing):
        (body,) = wait_for(lambda queue=queue: list(queue.bodies().values()), 1)  # type: ignore[misc]  # a default of its own
        assert json.loads(body)["detail"]["order"] == 2


@pytest.fixture(params=["archives_server", "ministack_server"])
def archives(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server whose archives can be replayed."""
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    return found


def test_an_archive_is_replayed_to_a_rule(archives: Server, tmp_path: Path) -> None:
    """The events of the minute come again, as they were archived, and with the name of the replay in them."""
    archive, before = new_archive(), datetime.now(UTC)
    archive.put([{"order": number} for number in range(3)])
    queue = new_queue(archives, "orders")
    rule = add_rule(archive.bus, queue.arn)
    told = list[str]()
    with EventBridgeReplayTarget(archive=archive.name, rules=(rule,)) as target:
        target.told = lambda progress: told.append(progress.state)
        sent = send(target, event(0, at=before), event(0, at=datetime.now(UTC)))  # mostly the same minute
    bodies = [json.loads(body) for body in wait_for(lambda: list(queue.bodies().values()), 3)]
    assert sorted(body["detail"]["order"] for body in bodies) == [0, 1, 2]
    assert {body["replay-name"] for body in bodies} <= {each.known.get("replay") for each in sent}
    assert told[-1] == "COMPLETED"


def test_another_time_is_not_replayed(archives: Server, tmp_path: Path) -> None:
    """An event of yesterday replays yesterday's minute, which the archive does not have: nothing comes."""
    archive = new_archive()
    archive.put([{"order": 1}])
    queue = new_queue(archives, "orders")
    rule = add_rule(archive.bus, queue.arn)
    with EventBridgeReplayTarget(archive=archive.name, rules=(rule,)) as target:
        send(target, event(0, at=datetime.now(UTC) - timedelta(days=1)))
    assert not queue.bodies()


def test_an_archive_of_a_bus_with_other_rules_is_refused(archives: Server) -> None:
    """These servers ignore FilterArns (AWS heeds them: proved on the request), so that another rule is a refusal."""
    archive = new_archive()
    queue: Queue = new_queue(archives, "orders")
    rule = add_rule(archive.bus, queue.arn)
    archive.other_rule()
    with pytest.raises(TargetRefused, match="billing-"), EventBridgeReplayTarget(archive=archive.name, rules=(rule,)):
        pass
    with EventBridgeReplayTarget(archive=archive.name, rules=(rule,), other_rules=True) as target:
        assert target.destination().seen_by
