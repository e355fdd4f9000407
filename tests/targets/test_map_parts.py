"""The parts of a Distributed Map: its definition, what is made for it, and its results."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError, TargetError
from replay.sources.archive_parts.made_for_replay import LEASE, Mark, mark_of
from replay.sources.archive_parts.owners import this_process
from replay.targets.corpus_parts.buckets import OwnedBucket
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.map_parts import made_machine
from replay.targets.map_parts.definition import MapSettings, definition_text, map_definition
from replay.targets.map_parts.made_machine import MadeMachine
from replay.targets.map_parts.result_files import array_items, inline_results, read_results, result_of

ACCOUNT = "123456789012"
REGION = "eu-west-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"
NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)
MARK = Mark(recording="abc123abc123", created=NOW, owner=this_process(), kept_until=NOW + LEASE)
ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{MARK.name}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/replay"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(made_machine, "_PAUSE_S", 0)
    with mock_aws():
        yield boto3.client("stepfunctions", region_name=REGION)


def test_the_definition_is_a_distributed_map() -> None:
    """JSON Lines from S3, one invocation for each, results to S3, bounded; nothing is tried again, caught or batched."""
    definition = map_definition(FUNCTION, MapSettings(max_concurrency=7, tolerated_failure_percentage=25))
    events = definition["States"]["Events"]
    assert (definition["StartAt"], events["Type"], events["MaxConcurrency"]) == ("Events", "Map", 7)
    assert events["ToleratedFailurePercentage"] == 25.0
    assert isinstance(events["ToleratedFailurePercentage"], float)
    assert "ToleratedFailureCount" not in events
    assert events["ItemReader"]["Resource"] == "arn:aws:states:::s3:getObject"
    assert events["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert events["ResultWriter"]["Resource"] == "arn:aws:states:::s3:putObject"
    assert events["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    (invoke,) = events["ItemProcessor"]["States"].values()
    assert (invoke["Type"], invoke["Resource"]) == ("Task", "arn:aws:states:::lambda:invoke")
    assert invoke["Parameters"] == {"FunctionName": FUNCTION, "Payload.$": "$.event"}
    text = definition_text(definition)
    for never in ("Retry", "Catch", "ItemBatcher"):
        assert never not in text
    counted = map_definition(FUNCTION, MapSettings(max_concurrency=1, tolerated_failure_count=3))
    assert counted["States"]["Events"]["ToleratedFailureCount"] == 3
    assert "arn:aws-cn:states:::lambda:invoke" in definition_text(
        map_definition(FUNCTION.replace("aws:", "aws-cn:", 1), MapSettings(max_concurrency=1))
    )


def test_a_machine_is_made_with_our_tags_and_removed(client: Any) -> None:
    """`replay doctor` knows it by its name and tags; it is removed once, and again without an error."""
    machine = MadeMachine(client, MARK, arn=ARN)
    machine.make({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}}, ROLE)
    tags = client.list_tags_for_resource(resourceArn=machine.arn)["tags"]
    found = mark_of({tag["key"]: tag["value"] for tag in tags})
    assert found is not None
    assert (found.recording, str(found.owner)) == (MARK.recording, str(MARK.owner))
    machine.renew(NOW + timedelta(minutes=40))
    tags = client.list_tags_for_resource(resourceArn=machine.arn)["tags"]
    renewed = mark_of({tag["key"]: tag["value"] for tag in tags})
    assert renewed is not None
    assert renewed.kept_until == NOW + timedelta(minutes=40) + LEASE
    assert machine.remove() is None
    assert client.list_state_machines()["stateMachines"] == []
    assert machine.remove() is None


def test_what_was_made_without_an_answer_is_removed_too(client: Any) -> None:
    """Where the answer to its making was lost, its ARN is known all the same; what AWS keeps is told."""
    machine = MadeMachine(client, MARK, arn=ARN)
    with Stubber(client) as stub:
        stub.add_client_error("create_state_machine", "InternalFailure", http_status_code=400)
        with pytest.raises(AwsError):
            machine.make({}, ROLE)
        stub.add_response("list_executions", {"executions": [_execution("1")], "nextToken": "n"}, {"stateMachineArn": ARN, "statusFilter": "RUNNING"})  # fmt: skip
        stub.add_response("list_executions", {"executions": [_execution("2")]}, {"stateMachineArn": ARN, "statusFilter": "RUNNING", "nextToken": "n"})  # fmt: skip
        for number in "12":
            stub.add_response("stop_execution", {"stopDate": NOW}, {"executionArn": f"{ARN}:{number}", "cause": "replay was ended"})  # fmt: skip
        stub.add_response("delete_state_machine", {}, {"stateMachineArn": ARN})
        assert machine.remove() is None
        stub.add_client_error("list_executions", "ServiceUnavailable", http_status_code=400)
        left = machine.remove()
        assert left is not None
        stub.assert_no_pending_responses()


def _execution(number: str) -> dict[str, Any]:
    return {
        "executionArn": f"{ARN}:{number}",
        "stateMachineArn": ARN,
        "name": number,
        "status": "RUNNING",
        "startDate": NOW,
    }


def item(fixture: str, status: str = "SUCCEEDED", **known: Any) -> dict[str, Any]:
    """An item of a result file, as the developer guide shows it."""
    return {
        "ExecutionArn": f"{ARN}:x",
        "Input": json.dumps({"fixture": fixture, "event": {"id": 1}}),
        "InputDetails": {"Included": True},
        "Name": "x",
        "StartDate": "2026-11-21T13:00:00.000Z",
        "StateMachineArn": f"{ARN}/Events",
        "Status": status,
        "StopDate": "2026-11-21T13:00:01.500Z",
        **known,
    }


REPORT = json.dumps({"errorMessage": "'id'", "errorType": "KeyError", "requestId": "r", "stackTrace": ['  File "/var/task/app.py", line 2, in handler\n    event["id"]\n']})  # fmt: skip


def test_an_item_is_a_reply() -> None:
    """What the function answered, or its error with its trace; how long it took."""
    found = result_of(item("f/a", Output='{"payload":{"ok":true}}'), code=Path())
    assert (found.fixture, found.reply.payload, found.reply.duration_s) == ("f/a", '{"ok": true}', 1.5)
    failed = result_of(item("f/b", "FAILED", Error="KeyError", Cause=REPORT), code=Path()).reply
    assert failed.failure is not None
    assert (failed.status, failed.failure.error_type, failed.failure.frames[0].module) == (
        "raised",
        "KeyError",
        "app.py",
    )
    assert result_of(item("f/c", "FAILED", Error="Sandbox.Timedout", Cause='{"errorType":"Sandbox.Timedout","errorMessage":"t"}'), code=Path()).reply.status == "timed_out"  # fmt: skip
    for wrong in (None, {}, {"Input": 1}, {"Input": "no"}):
        with pytest.raises(TargetError):
            result_of(wrong, code=Path())


@given(
    values=st.lists(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), max_size=8),
    size=st.integers(1, 40),
    indent=st.sampled_from([None, 2]),
)  # fmt: skip
def test_an_array_is_read_chunk_by_chunk(values: list[Any], size: int, indent: int | None) -> None:
    """Wherever its bytes are cut, in the middle of a number or a character, its elements come out."""
    data = json.dumps(values, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert list(array_items(chunks, where="x")) == values


@pytest.mark.parametrize("data", [b"", b"{}", b"[1,2", b'[{"a":', b"\xff[", b"[" * 100_000])
def test_a_broken_result_file_is_told(data: bytes) -> None:
    """One that breaks off, or is something else, is an error of ours."""
    with pytest.raises(TargetError):
        list(array_items([data], where="x"))


def test_results_are_read_by_the_manifest(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All files that it names, succeeded and failed, one item after the other; what is pending has none."""
    s3: Any = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="corpus", CreateBucketConfiguration={"LocationConstraint": REGION})
    files = {
        "r/SUCCEEDED_0.json": [item("f/a", Output='{"payload":1}'), item("f/b", Output='{"payload":null}')],
        "r/SUCCEEDED_1.json": [item("f/c", Output='{"payload":2}')],
        "r/FAILED_0.json": [item("f/d", "FAILED", Error="KeyError", Cause=REPORT)],
        "r/PENDING_0.json": [item("f/e", "PENDING")],
    }
    manifest = {"DestinationBucket": "corpus", "MapRunArn": "m", "ResultFiles": {
        kind: [{"Key": key, "Size": 1} for key in files if kind in key] for kind in ("FAILED", "PENDING", "SUCCEEDED")
    }}  # fmt: skip
    for key, document in {**files, "r/manifest.json": manifest}.items():
        s3.put_object(Bucket="corpus", Key=key, Body=json.dumps(document))
    bucket = OwnedBucket("corpus", DeployedOptions(account_id=ACCOUNT, region=REGION))
    monkeypatch.setitem(bucket.__dict__, "on_this_machine", False)
    found = list(read_results(bucket, "r/manifest.json", code=Path()))
    assert [(each.fixture, each.reply.payload) for each in found] == [
        ("f/a", "1"),
        ("f/b", "null"),
        ("f/c", "2"),
        ("f/d", None),
    ]
    with pytest.raises(AwsError):
        list(read_results(bucket, "r/nothing.json", code=Path()))
    s3.put_object(Bucket="corpus", Key="r/manifest.json", Body=b"no")
    with pytest.raises(TargetError):
        list(read_results(bucket, "r/manifest.json", code=Path()))


def test_results_in_an_output_go_by_their_order() -> None:
    """An emulator without a ResultWriter gives a list, with null for what failed: that one tells nothing."""
    found = list(
        inline_results(
            '[{"payload":1},null,{"payload":{"a":2}}]',
            ({"fixture": each, "event": {}} for each in ("f/a", "f/b", "f/c")),
        )
    )
    assert [(each.fixture, each.reply.payload) for each in found] == [("f/a", "1"), ("f/c", '{"a": 2}')]
    assert list(inline_results("{}", [{"fixture": "f/a"}])) == []
    assert list(inline_results("", [{"fixture": "f/a"}])) == []
