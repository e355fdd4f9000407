"""What `replay.deliver` says of an asynchronous invocation is what LocalStack's Lambda makes of it."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import replay
from tests.emulators.functions import LambdaFunction, new_function
from tests.emulators.queues import Queue, new_queue
from tests.emulators.server import Server
from tests.emulators.told_handler import ATTEMPTS, handler

pytestmark = [pytest.mark.emulator, pytest.mark.takes_long]

SETTLED_WITHIN_S = 240
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the event tells the handler, and where the function's failures and results go."""

    do: str
    retries: int | None = None
    dead_letter_queue: bool = False
    on_failure: bool = False
    on_success: bool = False


SCENARIOS = {
    "succeeds": Scenario(do="ok", dead_letter_queue=True, on_success=True),
    "succeeds in the end": Scenario(do="raise once", dead_letter_queue=True, on_success=True),
    "fails": Scenario(do="raise", dead_letter_queue=True),
    "fails, with one retry": Scenario(do="raise", retries=1, dead_letter_queue=True),
    "fails, without retries": Scenario(do="raise", retries=0, on_failure=True),
    "fails, with a destination": Scenario(do="raise", on_failure=True),
    "fails, with both": Scenario(do="raise", retries=1, dead_letter_queue=True, on_failure=True),
    "fails, and nobody keeps it": Scenario(do="raise", retries=1),
    "ends its process": Scenario(do="exit", retries=1, dead_letter_queue=True),
}


@dataclass
class Played:
    """A scenario on the server: its function, its queues, and in the end what they hold."""

    scenario: Scenario
    function: LambdaFunction
    queues: Mapping[str, Queue]
    attempts: int = 0
    held: Mapping[str, Mapping[str, Any] | None] | None = None


@pytest.fixture(scope="module")
def played(lambda_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Played]]:
    """Every scenario at its end, played side by side."""
    folder = tmp_path_factory.mktemp("functions")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(max_workers=4) as pool:
        patch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
        started = pool.map(lambda each: play(each, lambda_server, folder), SCENARIOS.values())
        playing = dict(zip(SCENARIOS, started, strict=True))
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while waiting := [name for name, each in playing.items() if not is_settled(each)]:
            assert time.monotonic() < deadline, f"not settled within {SETTLED_WITHIN_S} s: {waiting}"
            time.sleep(0.5)
        time.sleep(3)  # a retry too many would come 1 s or 2 s after the last one
        list(pool.map(look, playing.values()))
        yield playing


def play(scenario: Scenario, server: Server, folder: Path) -> Played:
    """Set everything at the function's creation: LocalStack takes a minute for an event that follows a change."""
    queues = {
        name: new_queue(server, f"parity-{name.replace('_', '-')}")
        for name in ("dead_letter_queue", "on_failure", "on_success")
        if getattr(scenario, name)
    }
    settings = {}
    if scenario.dead_letter_queue:
        settings["DeadLetterConfig"] = {"TargetArn": queues["dead_letter_queue"].arn}
    function = new_function(folder, "told", **settings)
    destinations = {
        name: {"Destination": queues[key].arn}
        for name, key in {"OnFailure": "on_failure", "OnSuccess": "on_success"}.items()
        if key in queues
    }
    retries = {} if scenario.retries is None else {"MaximumRetryAttempts": scenario.retries}
    if destinations or retries:
        function.client.put_function_event_invoke_config(
            FunctionName=function.name, DestinationConfig=destinations, **retries
        )
    event = json.dumps({"do": scenario.do}).encode()
    function.client.invoke(FunctionName=function.name, InvocationType="Event", Payload=event)
    return Played(scenario, function, queues)


def is_settled(one: Played) -> bool:
    """Say whether there are as many attempts as we expect, and each queue that is to hold something does."""
    report = deliver(one)
    is_tried = len(one.function.events()) >= len(report.invocations)
    return is_tried and all(one.queues[name].bodies() for name in by_queue(report))


def look(one: Played) -> None:
    one.attempts = len(one.function.events())
    one.held = {name: next(iter(queue.take_all().values()), None) for name, queue in one.queues.items()}


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_event_ends_as_it_does_on_localstack(played: Mapping[str, Played], name: str) -> None:
    """How often the function was tried, and what its dead-letter queue and destinations hold, are the same."""
    there = played[name]
    report = deliver(there)
    assert there.attempts == len(report.invocations)
    held = {name: shown(message) for name, message in (there.held or {}).items() if message is not None}
    assert held == {name: shown(record) for name, record in by_queue(report).items()}
    (disposition,) = report.dispositions.values()
    kept_by = {"dead_lettered": "dead_letter_queue", "sent_to_destination": "on_failure"}
    assert (kept_by[disposition] in held) if disposition in kept_by else held.keys() <= {"on_success"}


def by_queue(report: replay.DeliveryReport) -> dict[str, Any]:
    """Sort what our delivery says was written: a dead letter has a body, a destination's record a condition."""
    conditions = {"Success": "on_success", "RetriesExhausted": "on_failure"}
    return {
        "dead_letter_queue" if "Body" in record else conditions[record["requestContext"]["condition"]]: record
        for record in report.failure_records
    }


def shown(message: Mapping[str, Any]) -> Any:
    """Give a message's attributes and body, or a record, without what no two runs have in common."""
    attributes = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
    body = json.loads(message["Body"]) if "Body" in message else dict(message)
    if "requestContext" in body:
        del body["timestamp"]
        body["requestContext"]["functionArn"] = "ARN:" + body["requestContext"]["functionArn"].rpartition(":")[2]
        body["responsePayload"].pop("stackTrace", None)  # of other folders
    return json.loads(_UUID.sub("ID", json.dumps([attributes, body])))


def deliver(one: Played) -> replay.DeliveryReport:
    """Let our own delivery have the same event and the same settings."""
    ATTEMPTS.clear()
    arns = {name: queue.arn for name, queue in one.queues.items()}
    source = replay.EventSource(kind="async", maximum_retry_attempts=one.scenario.retries, **arns)  # type: ignore[arg-type]
    return replay.deliver({"do": one.scenario.do}, handler, source)
