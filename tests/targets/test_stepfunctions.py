"""The `stepfunctions` target: an execution with the event as its input, and its end as a reply."""

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

from replay.delivery.attempt import Reply
from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetRefused
from replay.functions.function import Function
from replay.outcomes.fingerprint import signature
from replay.payloads.captures import Event
from replay.targets.carrier import Acknowledgement, Entry, Sighting, Sought
from replay.targets.guard_rails import deployed
from replay.targets.registry import find_target
from replay.targets.sending import Sender
from replay.targets.state_machine_parts.execution_ends import reply_of_end
from replay.targets.state_machine_parts.execution_watch import ExecutionWatch
from replay.targets.state_machine_parts.machines import StateMachine
from replay.targets.stepfunctions import MOST_INPUT_BYTES, StepFunctionsTarget

ACCOUNT = "123456789012"
REGION = "eu-west-1"
ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:orders"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:orders:replay-1-a"
FUNCTION = Function(name="orders", handler="", code=Path())
REPORT = json.dumps(
    {
        "errorMessage": "'customer_id'",
        "errorType": "KeyError",
        "requestId": "b2c3d4e5-0000-4000-8000-000000000001",
        "stackTrace": ['  File "/var/task/app.py", line 2, in handler\n    return event["customer_id"]\n'],
    }
)
BEGAN = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        yield


def target(machine: str = ARN, **options: Any) -> StepFunctionsTarget:
    return StepFunctionsTarget(FUNCTION, state_machine=machine, **{"account_id": ACCOUNT, **options})


def new_machine(name: str = "orders", **tags: str) -> str:
    client: Any = boto3.client("stepfunctions")
    definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}})
    listed = [{"key": key, "value": value} for key, value in tags.items()]
    role = f"arn:aws:iam::{ACCOUNT}:role/told"
    return str(
        client.create_state_machine(name=name, definition=definition, roleArn=role, tags=listed)["stateMachineArn"]
    )


@given(text=st.text(max_size=100).map(json.dumps), marker=st.text(max_size=120))
def test_the_event_is_the_input(text: str, marker: str) -> None:
    """Byte for byte; the marker names the execution, in the characters that AWS allows."""
    (entry,) = target().entries(Event(text=text), key="orders/a", marker=marker)
    assert (entry.key, entry.request["input"]) == ("orders/a", text)
    assert len(entry.request["name"]) <= 80
    assert all(
        character.isascii() and (character.isalnum() or character in "-_") for character in entry.request["name"]
    )


def test_an_input_that_is_too_large_is_not_sent() -> None:
    """AWS takes 262,144 bytes, not characters."""
    assert target().entries(Event(text=f'"{"x" * (MOST_INPUT_BYTES - 2)}"'), key="k", marker="m")
    with pytest.raises(InvalidEvent, match=r"262,145 bytes"):
        target().entries(Event(text=f'"ü{"x" * (MOST_INPUT_BYTES - 3)}"'), key="k", marker="m")


def test_is_found_by_name_and_arn() -> None:
    """Account and tags are AWS's own; what is not there is told by name."""
    new_machine("others")
    arn = new_machine(stage="test")
    for named in ("orders", arn):
        found = target(named).checked_destination()
        assert (found.arn, found.tags, found.caller_account_id) == (arn, {"stage": "test"}, ACCOUNT)
    with pytest.raises(AwsError, match="no state machine 'nothing'"):
        target("nothing").checked_destination()
    with pytest.raises(ConfigurationError, match="which state machine"):
        StepFunctionsTarget(FUNCTION)


def test_is_named_on_the_command_line(tmp_path: Path) -> None:
    """`stepfunctions:NAME`, and an ARN with all its colons."""
    assert find_target("stepfunctions:orders", {}, root=tmp_path).options["state_machine"] == "orders"
    assert find_target(f"stepfunctions:{ARN}", {}, root=tmp_path).options["state_machine"] == ARN


def test_the_guard_rails_hold() -> None:
    """No account, another account, production in a tag or the name: refused, and nothing is started."""
    new_machine(stage="prod")
    for options, why in (
        ({"account_id": ""}, "nothing says in which account"),
        ({"account_id": "999988887777"}, "credentials are those of account"),
        ({}, "tag stage='prod'"),
    ):
        with pytest.raises(TargetRefused, match=why), target(**options):
            pass
    new_machine("orders-prod")
    with pytest.raises(TargetRefused, match="looks like production"):
        target("orders-prod").checked_destination()
    assert target(production=True).checked_destination().account_id == ACCOUNT


def stubbed(stub_of: str, monkeypatch: pytest.MonkeyPatch) -> tuple[StepFunctionsTarget, Stubber]:
    made = target()
    stub = Stubber(getattr(made, stub_of)() if stub_of == "client" else getattr(made, stub_of))
    monkeypatch.setattr(StepFunctionsTarget, "client", lambda *_, **__: stub.client)
    return made, stub


def test_tags_and_express_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags that may not be read, and an Express state machine, are refusals; proved with botocore's Stubber."""
    made, stub = stubbed("client", monkeypatch)
    told = {"stateMachineArn": ARN, "name": "orders", "definition": "{}", "roleArn": "r", "creationDate": BEGAN}
    with stub:
        stub.add_response("describe_state_machine", {**told, "type": "STANDARD"}, {"stateMachineArn": ARN})
        stub.add_client_error("list_tags_for_resource", "AccessDeniedException", http_status_code=403)
        with pytest.raises(TargetRefused, match="tags may not be read"):
            made.checked_destination()
        stub.add_response("describe_state_machine", {**told, "type": "EXPRESS"}, {"stateMachineArn": ARN})
        with pytest.raises(TargetRefused, match="Express"):
            target().checked_destination()
        stub.assert_no_pending_responses()


class Journal:
    """A ledger that is a list."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def sent(self, keys: Any, **known: Any) -> None:
        self.lines += [f"sent {key}" for key in keys]

    def note_each(self, told: Any) -> None:
        self.lines += [f"{kind} {key}" for kind, keys in told.items() for key in keys]


def test_nothing_is_started_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost answer is asked for again under the same name: that it exists already is the acknowledgement."""
    new_machine()
    made, stub = stubbed("_sender", monkeypatch)
    made.machine = StateMachine(arn=ARN)  # type: ignore[misc]  # it is not asked for here
    entry = Entry(key="k", request={"name": "replay-1-a", "input": "{}"}, size_bytes=2, marker="replay-1-a")
    asked = {"stateMachineArn": ARN, "name": "replay-1-a", "input": "{}"}
    journal = Journal()
    with stub:
        stub.add_client_error("start_execution", "InternalFailure", http_status_code=500, expected_params=asked)
        stub.add_client_error("start_execution", "ExecutionAlreadyExists", expected_params=asked)
        sent = Sender(made, journal, sleep=lambda _: None).send([entry])["k"]
        stub.assert_no_pending_responses()
    assert sent.acknowledgement == Acknowledgement(identity=EXECUTION)
    assert sent.doubtful
    assert journal.lines == ["sent k", "sent k", "acknowledged k"]


def end(status: str, error: str = "", cause: str = "", output: str | None = None) -> Reply:
    return reply_of_end(status, error=error, cause=cause, output=output, took_s=1.5, code=Path())


def test_each_end_is_a_reply() -> None:
    """Succeeded with its output, failed with error and cause, timed out, aborted: each in the words of a local replay."""
    assert end("SUCCEEDED", output='{"a":1}').payload == '{"a":1}'
    assert end("SUCCEEDED").payload == "null"
    assert end("TIMED_OUT").status == "timed_out"
    assert end("FAILED", "States.Timeout").status == "timed_out"
    aborted = end("ABORTED").failure
    assert aborted is not None
    assert aborted.error_type == "ExecutionAborted"
    own = end("FAILED", "OrderRejected", "no customer").failure
    assert own is not None
    assert (own.error_type, own.message) == ("OrderRejected", "no customer")
    assert (
        end("FAILED", "Sandbox.Timedout", '{"errorType":"Sandbox.Timedout","errorMessage":"x"}').status == "timed_out"
    )
    assert end("FAILED", "Runtime.ExitError", '{"errorType":"Runtime.ExitError","errorMessage":"x"}').status == "exited"


def test_a_functions_error_is_that_of_an_invocation() -> None:
    """The cause of a task is the function's report: same type, message and frames, so the same signature."""
    failure = end("FAILED", "KeyError", REPORT).failure
    assert failure is not None
    assert failure.request_id == "b2c3d4e5-0000-4000-8000-000000000001"
    found = signature(failure)
    assert (found.error_type, found.frames) == ("KeyError", ('app.py:handler:return event["customer_id"]',))


@given(error=st.text(max_size=20), cause=st.text(max_size=50) | st.recursive(st.none(), st.lists).map(json.dumps))
def test_causes_are_hostile(error: str, cause: str) -> None:
    """Whatever a state machine writes into error and cause, it is a failure and no exception."""
    assert end("FAILED", error, cause).failure is not None
    assert end("FAILED", error, '{"errorMessage":' * 3_000).failure is not None


def looked(stub: Stubber, watch: ExecutionWatch, *signs: str) -> list[Sighting]:
    return list(watch.look([Sought(key="k", signs=signs or (EXECUTION,), sent_at_ms=0)]))


def described(status: str, **known: Any) -> dict[str, Any]:
    ended = {} if status == "RUNNING" else {"stopDate": BEGAN + timedelta(seconds=2)}
    return {"executionArn": EXECUTION, "stateMachineArn": ARN, "status": status, "startDate": BEGAN, **ended, **known}


def test_an_execution_is_asked_for_until_its_end() -> None:
    """While it runs nothing is seen; its end is seen once, and it is not asked for again."""
    client: Any = boto3.client("stepfunctions")
    watch = ExecutionWatch(client, StateMachine(arn=ARN), code=Path())
    with Stubber(client) as stub:
        stub.add_client_error(
            "describe_execution", "ExecutionDoesNotExist", expected_params={"executionArn": EXECUTION}
        )
        stub.add_response("describe_execution", described("RUNNING"), {"executionArn": EXECUTION})
        stub.add_client_error("describe_execution", "ThrottlingException")
        stub.add_response("describe_execution", described("SUCCEEDED", output="1"), {"executionArn": EXECUTION})
        assert looked(stub, watch, "replay-1-a") == []
        assert looked(stub, watch) == []
        assert "still runs" in watch.reason()
        assert looked(stub, watch) == []
        (seen,) = looked(stub, watch, "replay-1-a", EXECUTION)
        assert (seen.keys, seen.settled) == (("k",), "processed")
        assert seen.reply is not None
        assert (seen.reply.payload, seen.reply.duration_s) == ("1", 2.0)
        assert looked(stub, watch) == []
        assert watch.reason() == ""


def test_a_cause_of_the_state_machines_own_hides_nothing() -> None:
    """Where it caught the function's error and failed by itself, the history still has the function's report."""
    client: Any = boto3.client("stepfunctions")
    watch = ExecutionWatch(client, StateMachine(arn=ARN), code=Path())
    history = {"executionArn": EXECUTION, "reverseOrder": True, "maxResults": 100}
    events = [
        {"timestamp": BEGAN, "type": "ExecutionFailed", "id": 3, "executionFailedEventDetails": {"error": "KeyError", "cause": "no"}},
        {"timestamp": BEGAN, "type": "TaskFailed", "id": 2, "taskFailedEventDetails": {"resourceType": "lambda", "resource": "invoke", "error": "KeyError", "cause": REPORT}},
    ]  # fmt: skip
    for answer in (events, None):
        with Stubber(client) as stub:
            stub.add_response("describe_execution", described("FAILED", error="KeyError", cause="no"))
            if answer is None:
                stub.add_client_error("get_execution_history", "AccessDeniedException", http_status_code=403)
            else:
                stub.add_response("get_execution_history", {"events": answer}, history)
            (seen,) = ExecutionWatch(client, StateMachine(arn=ARN), code=Path()).look(
                [Sought(key="k", signs=(EXECUTION,), sent_at_ms=0)]
            )
        assert seen.reply is not None
        assert seen.reply.failure is not None
        assert seen.reply.failure.message == ("'customer_id'" if answer else "no")
        assert seen.settled == "discarded"
    assert watch.place == "the executions of state machine orders"
