"""What `replay.deliver` says of a batch of Kinesis records is what LocalStack's Lambda makes of it."""

import base64
import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

import replay
from tests.emulators.functions import LambdaFunction, new_function
from tests.emulators.queues import Queue, new_queue
from tests.emulators.server import Server
from tests.emulators.told_handler import handler

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.takes_long,
    pytest.mark.skipif(shutil.which("npm") is None, reason="LocalStack's Kinesis is a package of npm"),
]

SETTLED_WITHIN_S = 240
_BATCH = ("batchSize", "startSequenceNumber", "endSequenceNumber", "shardId", "streamArn")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """
    The records of one shard, and how they are mapped.

    Args:
        words: What each record tells the handler.
        differs: Why LocalStack is known to go another way; `there` is what the function gets then.
    """

    words: tuple[str, ...]
    retries: int = 1
    reports: bool = True
    bisects: bool = False
    batch_size: int = 100
    differs: str = ""
    there: tuple[tuple[int, ...], ...] = ()


COUNTER = (
    "on AWS the retry counter begins anew when the checkpoint moves (recording test_kinesis_report_batch_item_failures); "
    "LocalStack's goes on"
)
SCENARIOS = {
    "all done": Scenario(words=("ok", "ok", "ok")),
    "one is reported": Scenario(
        words=("ok", "fail", "ok"), retries=2, differs=COUNTER, there=((0, 1, 2), (1, 2), (1, 2))
    ),
    "the first is reported": Scenario(words=("fail", "ok")),
    "several are reported": Scenario(
        words=("ok", "fail", "ok", "fail"), differs=COUNTER, there=((0, 1, 2, 3), (1, 2, 3))
    ),
    "one raises": Scenario(words=("ok", "raise", "ok"), retries=2),
    "no retries": Scenario(words=("ok", "raise"), retries=0),
    "the process ends": Scenario(words=("exit",)),
    "empty itemIdentifier": Scenario(words=('say {"batchItemFailures": [{"itemIdentifier": ""}]}', "ok")),
    "unknown itemIdentifier": Scenario(words=('say {"batchItemFailures": [{"itemIdentifier": "123"}]}', "ok")),
    "another key": Scenario(words=('say {"batchItemFailures": [{"foo": "1"}]}', "ok")),
    "null list": Scenario(words=('say {"batchItemFailures": null}', "fail")),
    "null answer": Scenario(words=("say null", "fail")),
    "nobody asked for reports": Scenario(words=("fail", "ok"), reports=False),
    "batches of two": Scenario(words=("ok", "ok", "raise", "ok", "ok"), batch_size=2),
    "bisecting": Scenario(
        words=("ok", "raise", "ok", "ok"),
        bisects=True,
        differs="LocalStack does not bisect: it retries the whole batch",
        there=((0, 1, 2, 3), (0, 1, 2, 3)),
    ),
}


@dataclass
class Played:
    """A scenario on the server: what feeds the function, and where failures go."""

    scenario: Scenario
    function: LambdaFunction
    failures: Queue
    stream_arn: str
    numbers: list[str]

    def batches(self) -> tuple[tuple[int, ...], ...]:
        """Which records the function got, invocation by invocation."""
        return tuple(self.indices(event) for event in self.function.events())

    def indices(self, event: Mapping[str, Any]) -> tuple[int, ...]:
        return tuple(self.numbers.index(record["kinesis"]["sequenceNumber"]) for record in event["Records"])


@pytest.fixture(scope="module")
def played(lambda_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Played]]:
    """Every scenario at its end, played side by side."""
    folder = tmp_path_factory.mktemp("functions")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(max_workers=4) as pool:
        patch.setenv("AWS_ENDPOINT_URL", lambda_server.url)
        boto3.client("kinesis").list_streams()  # the first call starts it: once is enough
        started = pool.map(lambda each: play(each, lambda_server, folder), SCENARIOS.values())
        playing = dict(zip(SCENARIOS, started, strict=True))
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while waiting := [name for name, each in playing.items() if not is_settled(each)]:
            assert time.monotonic() < deadline, f"not settled within {SETTLED_WITHIN_S} s: {waiting}"
            time.sleep(0.5)
        time.sleep(3)  # a delivery too many would come by now
        yield playing


def play(scenario: Scenario, server: Server, folder: Path) -> Played:
    """Put the records first and map then, so that the first batch holds all that it may."""
    kinesis: Any = boto3.client("kinesis")
    name = f"parity-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    described = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    records = [{"Data": word.encode(), "PartitionKey": "orders"} for word in scenario.words]
    put = kinesis.put_records(StreamName=name, Records=records)["Records"]
    failures = new_queue(server, "parity-failures")
    function = new_function(folder, "told")
    function.map(
        described["StreamARN"],
        StartingPosition="TRIM_HORIZON",
        BatchSize=scenario.batch_size,
        MaximumRetryAttempts=scenario.retries,
        BisectBatchOnFunctionError=scenario.bisects,
        FunctionResponseTypes=["ReportBatchItemFailures"] if scenario.reports else [],
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )
    return Played(scenario, function, failures, described["StreamARN"], [each["SequenceNumber"] for each in put])


def is_settled(one: Played) -> bool:
    """Say whether the function got as much as is expected, and the failures' queue holds as much."""
    report = deliver(one)
    batches = one.scenario.there or batches_of(report, one)
    failures = 1 if one.scenario.there else len(report.failure_records)
    return len(one.batches()) >= len(batches) and len(one.failures.bodies()) >= failures


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_shard_is_read_as_it_is_on_localstack(played: Mapping[str, Played], name: str) -> None:
    """The function gets the same batches, and the same ones are given up; known differences are stated."""
    scenario, there = SCENARIOS[name], played[name]
    report = deliver(there)
    if scenario.differs:
        assert there.batches() == scenario.there, f"LocalStack has changed: {scenario.differs}"
        assert batches_of(report, there) != scenario.there
    else:
        assert there.batches() == batches_of(report, there)
        given_up = [json.loads(body) for body in there.failures.bodies().values()]
        assert sorted(map(shown, given_up)) == sorted(map(shown, report.failure_records))


def deliver(one: Played) -> replay.DeliveryReport:
    """Let our own delivery have the records as the server's function got them, and the same settings."""
    records = [_record(one, index) for index in range(len(one.numbers))]
    source = replay.EventSource(
        kind="kinesis",
        batch_size=one.scenario.batch_size,
        maximum_retry_attempts=one.scenario.retries,
        report_batch_item_failures=one.scenario.reports,
        bisect_batch_on_function_error=one.scenario.bisects,
        on_failure=one.failures.arn,
    )
    return replay.deliver(records, handler, source)


def _record(one: Played, index: int) -> dict[str, Any]:
    data = base64.b64encode(one.scenario.words[index].encode()).decode()
    return {
        "kinesis": {"sequenceNumber": one.numbers[index], "partitionKey": "orders", "data": data},
        "eventID": f"shardId-000000000000:{one.numbers[index]}",
        "eventSource": "aws:kinesis",
        "eventSourceARN": one.stream_arn,
    }


def batches_of(report: replay.DeliveryReport, one: Played) -> tuple[tuple[int, ...], ...]:
    return tuple(one.indices(invocation.event) for invocation in report.invocations)


def shown(failure: Mapping[str, Any]) -> str:
    """Give of a failure document what is not of one run only."""
    batch = {name: failure["KinesisBatchInfo"][name] for name in _BATCH}
    context = {name: failure["requestContext"][name] for name in ("condition", "approximateInvokeCount")}
    return json.dumps([batch, context, failure["responseContext"]], sort_keys=True)
