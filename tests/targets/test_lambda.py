"""The `lambda` target: what Lambda answers becomes a reply, and nothing is invoked before it was checked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from replay.delivery.attempt import Attempt, Reply
from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetError, TargetRefused
from replay.functions.function import Function
from replay.payloads.aws_calls import Fault
from replay.payloads.captures import Event
from replay.targets import lambda_
from replay.targets.carrier import Acknowledgement
from replay.targets.guard_rails import deployed
from replay.targets.lambda_ import LambdaTarget
from replay.targets.registry import find_target, open_target
from tests.targets.deployed_aws import ACCOUNT, REGION, Answer, DeployedAws, all_led_to_it

REPORT = (
    "START RequestId: 1 Version: $LATEST\nprinted\nEND RequestId: b2c3d4e5-0000-4000-8000-000000000001\n"
    "REPORT RequestId: b2c3d4e5-0000-4000-8000-000000000001\tDuration: 12.50 ms\tBilled Duration: 13 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 128 MB\t\n"
)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedAws]:
    """Lambda, STS and IAM on loopback."""
    with all_led_to_it(monkeypatch) as served:
        yield served


@pytest.fixture
def _beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the endpoint for one beyond this machine."""
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_, "_FIRST_PAUSE_S", 0.001)


def target(**options: Any) -> LambdaTarget:
    return LambdaTarget(Function(name="orders", handler="", code=Path()), **options)


def invoked(aws: DeployedAws, answer: Answer, **options: Any) -> Reply:
    aws.answer = lambda _: answer
    with target(**options) as lambda_target:
        lambda_target.begin()
        return lambda_target.invoke(Attempt(payload='{"id": "a"}'))


def test_an_answer_is_a_reply(aws: DeployedAws) -> None:
    """What it returns comes back as JSON text, with the log tail, and the duration and memory that Lambda tells."""
    reply = invoked(aws, Answer(payload={"id": "a"}, log=REPORT))
    assert (reply.status, reply.payload, reply.failure) == ("returned", '{"id": "a"}', None)
    assert "printed" in reply.log
    assert (reply.duration_s, reply.memory_mb) == (0.0125, 128)
    assert aws.invocations == [{"id": "a"}]


def test_an_error_is_a_reply_with_the_users_frames(aws: DeployedAws) -> None:
    """What the handler raises comes back with type, message, request id, and frames as production has them."""
    trace = ['  File "/var/task/app.py", line 5, in handler\n    raise KeyError("customer_id")\n']
    error = {"errorMessage": "'customer_id'", "errorType": "KeyError", "requestId": "x", "stackTrace": trace}
    reply = invoked(aws, Answer(payload=error, function_error="Unhandled"))
    assert (reply.status, reply.payload) == ("raised", None)
    failure = reply.failure
    assert failure is not None
    assert (failure.error_type, failure.message) == ("KeyError", "'customer_id'")
    assert failure.request_id == "b2c3d4e5-0000-4000-8000-000000000001"
    assert [(frame.module, frame.function, frame.owner) for frame in failure.frames] == [("app.py", "handler", "user")]


def test_an_emulators_folders_are_not_in_a_trace(aws: DeployedAws, tmp_path: Path) -> None:
    """A file that an emulator ran from a folder of its own is the function's own file; others keep their names."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "app.py").write_text("")
    frames = [
        f'  File "/tmp/tasks/f-1/code/{name}", line 5, in handler\n    x\n' for name in ("pkg/app.py", "other.py")
    ]
    error = {"errorMessage": "m", "errorType": "KeyError", "stackTrace": frames}
    aws.answer = lambda _: Answer(payload=error, function_error="Unhandled")
    with LambdaTarget(Function(name="orders", handler="", code=tmp_path)) as opened:
        failure = opened.invoke(Attempt(payload="{}")).failure
    assert failure is not None
    assert [frame.module for frame in failure.frames] == ["pkg/app.py", "/tmp/tasks/f-1/code/other.py"]


@pytest.mark.parametrize(
    ("error", "log", "status"),
    [
        ({"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: x Error: Task timed out after 1.00 seconds"}, "", "timed_out"),
        ({"errorMessage": "2026-01-01T00:00:00Z x Task timed out after 1.00 seconds"}, "", "timed_out"),
        ({"errorType": "Runtime.ExitError", "errorMessage": "RequestId: x Error: Runtime exited with error: exit status 3"}, "", "exited"),
        ({"errorType": "Runtime.ExitError", "errorMessage": "RequestId: x Error: Runtime exited with error: signal: killed"}, REPORT, "out_of_memory"),
        ({"errorType": "Runtime.ExitError", "errorMessage": "RequestId: x Error: Runtime exited with error: signal: killed"}, "", "exited"),
        ({"errorType": "Runtime.MarshalError", "errorMessage": "Unable to marshal response"}, "", "unserialisable"),
        ({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "Response payload size exceeded"}, "", "response_too_large"),
        ("not an object", "", "raised"),
    ],
)  # fmt: skip
def test_each_way_of_failing_has_its_status(aws: DeployedAws, error: Any, log: str, status: str) -> None:
    """Timeout (in both of Lambda's forms), exit, memory, answer: the words that a local replay has for them."""
    assert invoked(aws, Answer(payload=error, function_error="Unhandled", log=log)).status == status


@pytest.mark.usefixtures("_no_pauses")
def test_throttling_is_waited_for(aws: DeployedAws) -> None:
    """A throttled invocation did not run, and is tried again; an endless throttle is a reply, and no error."""
    answers = [Answer(status=429, error_type="TooManyRequestsException")] * 2 + [Answer(payload=1)]
    aws.answer = lambda _: answers.pop(0)
    with target() as lambda_target:
        assert lambda_target.invoke(Attempt(payload="{}")).payload == "1"
    reply = invoked(aws, Answer(status=429, error_type="TooManyRequestsException"))
    assert reply.status == "throttled"
    assert reply.failure is not None


@pytest.mark.parametrize("answer", [Answer(hang_up=True), Answer(status=500, error_type="ServiceException")])
def test_a_lost_answer_is_no_reason_to_invoke_again(aws: DeployedAws, answer: Answer) -> None:
    """Where no usable answer came nobody knows whether the function ran: it is told, and not invoked again."""
    with pytest.raises(AwsError):
        invoked(aws, answer)
    assert len(aws.invocations) == 1


@pytest.mark.usefixtures("_beyond")
def test_beyond_this_machine_the_account_comes_first(aws: DeployedAws) -> None:
    """Without an account in the configuration nobody is even asked who we are, and nothing is invoked."""
    with pytest.raises(TargetRefused, match="nothing says in which account"):
        invoked(aws, Answer())
    assert aws.invocations == []
    with pytest.raises(TargetRefused, match="credentials are those of account 111122223333"):
        invoked(aws, Answer(), account_id="999988887777")
    assert aws.invocations == []


@pytest.mark.usefixtures("_beyond")
def test_beyond_this_machine_tags_and_names_are_looked_at(aws: DeployedAws) -> None:
    """Tags that may not be read, and production in a tag or the account's alias, keep it from being invoked."""
    aws.tags = None
    with pytest.raises(TargetRefused, match="tags may not be read"):
        invoked(aws, Answer(), account_id=ACCOUNT)
    aws.tags = {"stage": "prod"}
    with pytest.raises(TargetRefused, match="tag stage='prod'"):
        invoked(aws, Answer(), account_id=ACCOUNT)
    aws.tags, aws.alias = {}, "shop-prod"
    with pytest.raises(TargetRefused, match="account alias 'shop-prod'"):
        invoked(aws, Answer(), account_id=ACCOUNT)
    assert aws.invocations == []
    assert invoked(aws, Answer(payload=1), account_id=ACCOUNT, production=True).payload == "1"
    aws.alias = None
    assert invoked(aws, Answer(payload=1), account_id=ACCOUNT).payload == "1"


@pytest.mark.usefixtures("_beyond")
def test_an_arn_says_the_region(aws: DeployedAws) -> None:
    """A function named by its ARN is looked for in its region; a region option that says otherwise is refused."""
    arn = f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:orders"
    aws.arn = arn
    assert invoked(aws, Answer(payload=1), account_id=ACCOUNT, function=arn).payload == "1"
    assert any("/us-west-2/lambda/" in request.get("Authorization", "") for request in aws.requests)
    with pytest.raises(TargetRefused, match="us-west-2"):
        invoked(aws, Answer(), account_id=ACCOUNT, function=arn, region="eu-west-1")


def test_faults_are_for_local_replays(aws: DeployedAws) -> None:
    """The calls of a deployed function cannot be made to fail, and a fixture that needs it is not judged without."""
    with target() as lambda_target, pytest.raises(TargetError, match="cannot be made to fail"):
        lambda_target.begin(faults=[Fault(call="s3:*", error="AccessDenied")])


def test_is_named_on_the_command_line(tmp_path: Path) -> None:
    """`lambda:FUNCTION` names the function, alias and all; a target that has nothing to name says so."""
    named = find_target("lambda:orders:blue", {}, root=tmp_path)
    assert (named.kind, named.options) == ("lambda", {"function": "orders:blue"})
    with pytest.raises(ConfigurationError, match="takes no name"):
        find_target("local:orders", {}, root=tmp_path)
    configured = find_target("staging", {"staging": {"kind": "lambda", "account_id": ACCOUNT}}, root=tmp_path)
    assert configured.options == {"account_id": ACCOUNT}
    with pytest.raises(ConfigurationError, match="account_id"):
        find_target("staging", {"staging": {"kind": "lambda", "account_id": "12"}}, root=tmp_path)


def test_each_function_has_its_own(aws: DeployedAws) -> None:
    """`functions` says which deployed function stands for which; else its own name does."""
    for options, path in (
        ({}, "/functions/orders/"),
        ({"functions": {"orders": "orders-staging"}, "function": "other"}, "/functions/orders-staging/"),
        ({"function": "other"}, "/functions/other/"),
    ):
        aws.asked.clear()
        invoked(aws, Answer(), **options)
        assert path in aws.asked[-1]


def test_localstack_is_on_this_machine(aws: DeployedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `localstack` target goes where LOCALSTACK_HOST says, whatever AWS_ENDPOINT_URL says."""
    monkeypatch.setenv("LOCALSTACK_HOST", aws.url.removeprefix("http://"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with open_target("localstack", Function(name="orders", handler="", code=Path()), make=False) as localstack:
        assert localstack.invoke(Attempt(payload="{}")).succeeded
    assert aws.invocations == [{}]


def test_an_event_is_queued_once_and_known_by_its_request_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """`invocation = "Event"` has Lambda queue the exact event; its request id is what all its invocations have."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)
    target = LambdaTarget(Function(name="orders", handler="app.handler", code=Path()), invocation="Event")
    assert not target.answers
    (entry,) = target.entries(Event(text='{"a": 1.10,  "a": 2}'), key="orders/a", marker="m")
    with Stubber(target._invoker) as stub:
        stub.add_response(
            "invoke",
            {"StatusCode": 202, "ResponseMetadata": {"RequestId": "r-1"}},
            {"FunctionName": "orders", "InvocationType": "Event", "Payload": b'{"a": 1.10,  "a": 2}'},
        )
        assert target.send([entry]) == {"orders/a": Acknowledgement(identity="r-1")}
    with pytest.raises(InvalidEvent, match="larger than Lambda queues"):
        target.entries(Event(text='"' + "x" * (1 << 20) + '"'), key="orders/a", marker="m")


def test_its_patience_is_that_of_all_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two retries come after one and two minutes; dead letters and destinations that are queues are looked into."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    function = Function(name="orders", handler="app.handler", code=Path())
    target = LambdaTarget(function, invocation="Event")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"
    with Stubber(target._clients("lambda")) as stub:
        for _ in range(3):
            destinations = {"OnFailure": {"Destination": f"{queue}failures"}}
            stub.add_response(
                "get_function_event_invoke_config",
                {"MaximumRetryAttempts": 1, "DestinationConfig": destinations},
                {"FunctionName": "orders"},
            )
            configuration = {"Timeout": 10, "DeadLetterConfig": {"TargetArn": f"{queue}dead"}}
            stub.add_response("get_function_configuration", configuration, {"FunctionName": "orders"})
        assert target.patience_s(function) == 2 * 10 + 60 + 30
        places = [watch.place for watch in target.watches(function)]
    assert places == [
        "the log group /aws/lambda/orders",
        "the metrics of orders",
        "the queue dead",
        "the queue failures",
    ]
