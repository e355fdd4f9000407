"""What `replay.deliver` says of a batch is what LocalStack's Lambda makes of it, with the same handler and settings."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import replay
from tests.emulators.functions import LambdaFunction, new_function
from tests.emulators.queues import Queue, new_queue
from tests.emulators.server import Server
from tests.emulators.told_handler import handler

pytestmark = [pytest.mark.emulator, pytest.mark.takes_long]

VISIBILITY_TIMEOUT_S = 12
"""Longer than the first start of every function's process takes on a busy machine: else a message is received twice."""

SETTLED_WITHIN_S = 240


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """
    A queue with a dead-letter queue, and what is sent to it.

    Args:
        bodies: What each message tells the handler; with a group before a colon where the queue is FIFO.
        differs: Why LocalStack is known to end otherwise, and how it does.
    """

    bodies: tuple[str, ...]
    max_receive_count: int = 2
    reports: bool = True
    batch_size: int = 10
    fifo: bool = False
    filter_pattern: str = ""
    differs: str = ""
    there: tuple["Ending", ...] = ()


@dataclass(frozen=True)
class Ending:
    """What became of a message: where it is, and its receive count each time that the function got it."""

    where: str
    receives: tuple[int, ...]


def done(*receives: int) -> Ending:
    return Ending("deleted", receives)


def dead(*receives: int) -> Ending:
    return Ending("dead-letter queue", receives)


SCENARIOS = {
    "all done": Scenario(bodies=("ok",) * 3),
    "one is reported": Scenario(bodies=("ok", "fail", "ok")),
    "several are reported": Scenario(bodies=("fail", "ok", "fail", "ok", "fail")),
    "all are reported": Scenario(bodies=("fail",) * 3, max_receive_count=3),
    "one is reported once": Scenario(bodies=("ok", "fail once", "fail"), max_receive_count=3),
    "at the first receive": Scenario(bodies=("fail", "ok"), max_receive_count=1),
    "one raises": Scenario(bodies=("ok", "raise", "ok")),
    "one raises once": Scenario(bodies=("ok", "raise once", "ok"), max_receive_count=3),
    "the process ends": Scenario(bodies=("ok", "exit")),
    "empty itemIdentifier": Scenario(bodies=('say {"batchItemFailures": [{"itemIdentifier": ""}]}', "ok")),
    "null itemIdentifier": Scenario(bodies=('say {"batchItemFailures": [{"itemIdentifier": null}]}', "ok")),
    "unknown itemIdentifier": Scenario(bodies=('say {"batchItemFailures": [{"itemIdentifier": "nobody"}]}', "ok")),
    "another key": Scenario(bodies=('say {"batchItemFailures": [{"id": "1"}]}', "ok"), max_receive_count=1),
    "empty list": Scenario(bodies=('say {"batchItemFailures": []}', "fail")),
    "null list": Scenario(bodies=('say {"batchItemFailures": null}', "fail")),
    "null answer": Scenario(bodies=("say null", "fail")),
    "empty answer": Scenario(bodies=("say {}", "fail")),
    "nobody asked for reports": Scenario(bodies=("fail", "ok"), reports=False),
    "an error where nobody asked for reports": Scenario(bodies=("raise", "ok"), reports=False),
    "batches of one": Scenario(bodies=("ok", "raise", "ok"), batch_size=1),
    "filtered": Scenario(bodies=('{"keep": 1}', '{"keep": 2}', "plain"), filter_pattern='{"body": {"keep": [1]}}'),
    "FIFO groups": Scenario(bodies=("a:fail", "a:ok", "b:ok"), fifo=True),
    "FIFO, stopping at the first failure": Scenario(bodies=("a:ok", "a:stop", "a:ok"), fifo=True),
    "not JSON": Scenario(
        bodies=("say not JSON", "ok"),
        differs="AWS documents that the whole batch fails; LocalStack takes the answer for none",
        there=(done(1), done(1)),
    ),
    "FIFO, one group raises": Scenario(
        bodies=("a:raise", "b:ok"),
        fifo=True,
        differs="on AWS a batch may hold several groups, and all of it fails; LocalStack makes one of each group, and "
        "drops those after the one that failed, though they were received",
        there=(dead(1, 2), dead()),
    ),
}


@dataclass
class Played:
    """A scenario on the server: its queues, its function, and the message ids in the order of its bodies."""

    scenario: Scenario
    queue: Queue
    dead_letters: Queue
    function: LambdaFunction
    ids: list[str] = field(default_factory=list)
    dead: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        return not self.queue.bodies()

    def endings(self) -> tuple[Ending, ...]:
        where = dict.fromkeys(self.queue.bodies(), "queue") | dict.fromkeys(self.dead, "dead-letter queue")
        return tuple(Ending(where.get(identity, "deleted"), self._receives(identity)) for identity in self.ids)

    def _receives(self, identity: str) -> tuple[int, ...]:
        records = [record for event in self.function.events() for record in event["Records"]]
        counts = (
            int(each["attributes"]["ApproximateReceiveCount"]) for each in records if each["messageId"] == identity
        )
        return tuple(counts)


@pytest.fixture(scope="module")
def played(lambda_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Played]]:
    """Every scenario at its end: they are played side by side, since most of the time is visibility timeouts."""
    folder = tmp_path_factory.mktemp("functions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
        with ThreadPoolExecutor(max_workers=4) as pool:
            started = pool.map(lambda name: play(name, lambda_server, folder), SCENARIOS)
            playing = dict(zip(SCENARIOS, started, strict=True))
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while waiting := [name for name, each in playing.items() if not each.is_settled]:
            assert time.monotonic() < deadline, f"not settled within {SETTLED_WITHIN_S} s: {waiting}"
            time.sleep(0.5)
        with ThreadPoolExecutor(max_workers=8) as pool:
            for each, dead_letters in zip(
                playing.values(), pool.map(lambda each: each.dead_letters.take_all(), playing.values()), strict=True
            ):
                each.dead = dead_letters
        yield playing


def play(name: str, server: Server, folder: Path) -> Played:
    """Send first and map then, so that the first batch holds every message."""
    scenario = SCENARIOS[name]
    fifo: dict[str, object] = {"FifoQueue": "true"} if scenario.fifo else {}
    dead_letters = new_queue(server, "parity-dlq", **fifo)
    redrive = {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": scenario.max_receive_count}
    queue = new_queue(server, "parity", RedrivePolicy=redrive, VisibilityTimeout=str(VISIBILITY_TIMEOUT_S), **fifo)
    one = Played(scenario, queue, dead_letters, new_function(folder, "told"))
    one.ids = queue.send([_entry(body, number, scenario) for number, body in enumerate(scenario.bodies)])
    settings: dict[str, Any] = {"BatchSize": scenario.batch_size}
    if not scenario.fifo:
        settings["MaximumBatchingWindowInSeconds"] = 1  # else what comes back may come back in parts
    if scenario.reports:
        settings["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    if scenario.filter_pattern:
        settings["FilterCriteria"] = {"Filters": [{"Pattern": scenario.filter_pattern}]}
    one.function.map(queue.arn, **settings)
    return one


def _entry(body: str, number: int, scenario: Scenario) -> dict[str, Any]:
    if not scenario.fifo:
        return {"MessageBody": body}
    group, _, text = body.partition(":")
    return {"MessageBody": text, "MessageGroupId": group, "MessageDeduplicationId": str(number)}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_batch_ends_as_it_does_on_localstack(played: Mapping[str, Played], name: str) -> None:
    """Where each message is in the end, and how often the function got it, are the same; known differences are stated."""
    scenario, there = SCENARIOS[name], played[name]
    report = deliver(there)
    ours = endings(report, there.ids)
    if scenario.differs:
        assert there.endings() == scenario.there, f"LocalStack has changed: {scenario.differs}"
        assert ours != scenario.there
    else:
        assert there.endings() == ours
        dead_letters = {message["MessageId"]: message for message in report.failure_records}
        assert _shown(there.dead) == _shown(dead_letters)


def deliver(there: Played) -> replay.DeliveryReport:
    """Let our own delivery have the same messages, with the ids that the server gave them."""
    scenario = there.scenario
    records = []
    for number, (identity, body) in enumerate(zip(there.ids, scenario.bodies, strict=True)):
        entry = _entry(body, number, scenario)
        group = {name: entry[name] for name in ("MessageGroupId", "MessageDeduplicationId") if name in entry}
        attributes = {"ApproximateReceiveCount": "1", **group}
        record = {"messageId": identity, "body": entry["MessageBody"], "attributes": attributes}
        records.append({**record, "eventSource": "aws:sqs", "eventSourceARN": there.queue.arn})
    event_source = replay.EventSource(
        kind="sqs",
        batch_size=scenario.batch_size,
        max_receive_count=scenario.max_receive_count,
        report_batch_item_failures=scenario.reports,
        filter_criteria=(scenario.filter_pattern,) if scenario.filter_pattern else (),
    )
    return replay.deliver(records, handler, event_source)


def endings(report: replay.DeliveryReport, ids: list[str]) -> tuple[Ending, ...]:
    where = {
        "processed": "deleted",
        "filtered": "deleted",
        "dead_lettered": "dead-letter queue",
        "still_queued": "queue",
    }
    receives: dict[str, list[int]] = {identity: [] for identity in ids}
    for invocation in report.invocations:
        for record in invocation.event["Records"]:
            receives[record["messageId"]].append(int(record["attributes"]["ApproximateReceiveCount"]))
    return tuple(Ending(where[report.dispositions[identity]], tuple(receives[identity])) for identity in ids)


def _shown(messages: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Leave out the deduplication id: AWS documents that it becomes the message's id, and LocalStack keeps it."""
    names = ("ApproximateReceiveCount", "DeadLetterQueueSourceArn", "MessageGroupId")
    return {
        identity: (message["Body"], *(message["Attributes"].get(name, "") for name in names))
        for identity, message in messages.items()
    }
