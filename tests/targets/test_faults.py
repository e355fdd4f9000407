"""A call meets its fault as it would meet AWS's own failure, in our own process and in one of its own alike."""

from time import perf_counter

import pytest

from replay.payloads.aws_calls import AwsError, Fault
from replay.targets.local import LocalTarget
from replay.targets.process import ProcessTarget
from tests.targets.conftest import attempt, table
from tests.targets.test_effects import RESOURCES

TARGETS = [LocalTarget, ProcessTarget]
both = pytest.mark.parametrize("target", TARGETS, ids=["local", "process"])
PUT = "dynamodb:PutItem"
THROTTLED = "ProvisionedThroughputExceededException"

WRITER = """\
    import boto3
    from botocore.config import Config
    quick = Config(retries={"mode": "standard", "total_max_attempts": 2}, read_timeout=READ_TIMEOUT)
    table = boto3.resource("dynamodb", config=quick).Table("orders")
    def handler(event, context):
        for id in event or ["a"]:
            table.put_item(Item={"id": id})
        return table.scan()["Count"]
    """


@pytest.fixture(autouse=True)
def _has_the_runtime_client(request):
    if "process" in request.node.name:
        pytest.importorskip("awslambdaric", reason="needs the extra `process`")


@pytest.fixture
def writer(service):
    def write(*, read_timeout=60, **settings):
        code = WRITER.replace("READ_TIMEOUT", str(read_timeout))
        return service(code, **{"resources": RESOURCES, "timeout_s": 10, "memory_mb": 256, **settings})

    return write


def replay(target, function, *faults, event=None):
    with target(function) as opened:
        opened.begin(faults=faults)
        return opened.invoke(attempt(event))


@both
def test_a_throttle_is_raised_after_the_sdks_own_retries(target, writer):
    """The SDK retries as it does in production, then raises the error that the handler catches there."""
    reply = replay(target, writer(), Fault(call=PUT, error=THROTTLED))
    assert (reply.status, reply.failure.error_type) == ("raised", THROTTLED)
    assert reply.failure.message.startswith(
        f"An error occurred ({THROTTLED}) when calling the PutItem operation (reached max retries: 1): The level of"
    )
    (call,) = reply.effects
    assert (call.name, call.error.code, call.injected, call.attempts) == (PUT, THROTTLED, True, 2)


@both
def test_nothing_happens_behind_a_fault(target, writer):
    """A call that fails has not written: AWS is as it was."""
    with target(writer()) as opened:
        opened.begin(faults=[Fault(call=PUT, error="AccessDeniedException", times=1)])
        denied = opened.invoke(attempt(["a"]))
        assert denied.failure.message.startswith("An error occurred (AccessDeniedException) when calling the PutItem")
        assert (
            "assumed-role/orders-role/orders is not authorized to perform: dynamodb:PutItem" in denied.failure.message
        )
        assert opened.invoke(attempt(["b"])).payload == "1"


@both
def test_faults_end_with_their_fixture(target, writer):
    """The next fixture begins without them; within one they are counted over its invocations."""
    with target(writer()) as opened:
        opened.begin(faults=[Fault(call=PUT, error="AccessDeniedException", skip=1, times=1)])
        ends = [opened.invoke(attempt(["a"])).status for _ in range(3)]
        opened.begin()
        assert [*ends, opened.invoke(attempt(["a"])).status] == ["returned", "raised", "returned", "returned"]


CASES = {
    "json": ("client('events').put_events(Entries=[{'Source': 'a', 'DetailType': 'b', 'Detail': '{}'}])", "events:PutEvents", "InternalException"),
    "json, query-compatible": ("client('sqs').send_message(QueueUrl=url, MessageBody='x')", "sqs:SendMessage", "AWS.SimpleQueueService.NonExistentQueue"),
    "query": ("client('sns').publish(TopicArn='arn:aws:sns:us-east-1:123456789012:news', Message='x')", "sns:Publish", "AuthorizationError"),
    "rest-xml": ("client('s3').get_object(Bucket='documents', Key='a')", "s3:GetObject", "AccessDenied"),
    "head": ("client('s3').head_object(Bucket='documents', Key='a')", "s3:HeadObject", "AccessDenied"),
    "rest-json": ("client('lambda').invoke(FunctionName='other')", "lambda:Invoke", "TooManyRequestsException"),
    "glob": ("client('ssm').get_parameter(Name='/rate')", "ssm:*", "InternalServerError"),
    "iam's word": ("client('secretsmanager').get_secret_value(SecretId='key')", "SecretsManager:getsecretvalue", "DecryptionFailure"),
    "own message": ("client('dynamodb').list_tables()", "dynamodb:ListTables", "OutOfCheese"),
}  # fmt: skip


def test_every_protocol_fails_alike_in_both_targets(service):
    """The handler gets the same exception, with the same text, from each protocol and in either process."""
    pytest.importorskip("awslambdaric", reason="needs the extra `process`")
    code = f"""\
import boto3
from botocore.config import Config
def client(name): return boto3.client(name, config=Config(retries={{"mode": "standard", "total_max_attempts": 1}}))
url = client("sqs").get_queue_url(QueueName="jobs")["QueueUrl"]
CALLS = {{name: lambda text=text: eval(text) for name, text in { {name: case[0] for name, case in CASES.items()}!r}.items()}}
def handler(event, context):
    try:
        CALLS[event]()
    except Exception as error:
        return [type(error).__name__, str(error), error.response["ResponseMetadata"]["HTTPStatusCode"]]
"""
    function = service({"app.py": code}, resources=RESOURCES, timeout_s=20, memory_mb=512)
    faults = [Fault(call=call, error=error, message="why") for _, call, error in CASES.values()]
    seen = []
    for target in TARGETS:
        with target(function) as opened:
            opened.begin(faults=faults)
            replies = [opened.invoke(attempt(name)) for name in CASES]
            assert [name for name, reply in zip(CASES, replies, strict=True) if not reply.effects] == []
            seen.append([(reply.payload, reply.effects[0].error, reply.effects[0].injected) for reply in replies])
    assert seen[0] == seen[1]
    for (payload, error, injected), (name, (_, _, code)) in zip(seen[0], CASES.items(), strict=True):
        assert injected, name
        if name == "head":
            assert error == AwsError(code="403", message="Forbidden")
        else:
            assert error == AwsError(code=code, message="why"), name
            assert code in payload


@both
def test_a_call_that_is_never_answered_times_the_function_out(target, writer):
    """botocore waits for a minute, which few functions have: the function's time is up first, as in production."""
    reply = replay(target, writer(timeout_s=1.5), Fault(call=PUT, error="timeout"))
    assert (reply.status, reply.failure.error_type) == ("timed_out", "Sandbox.Timedout")
    assert 1.5 <= reply.duration_s < 20
    (call,) = reply.effects
    assert (call.error.code, call.injected) == ("ReadTimeoutError", True)


@both
def test_a_client_that_gives_up_first_raises(target, writer):
    """With a read timeout of its own the SDK gives up, retries, and raises its own error."""
    with target(writer(read_timeout=0.5)) as opened:
        opened.begin()
        opened.invoke(attempt(["a"]))  # the mocked AWS of a child takes its time to start
        opened.begin(faults=[Fault(call=PUT, error="timeout")])
        reply = opened.invoke(attempt())
    assert (reply.status, reply.failure.error_type) == ("raised", "ReadTimeoutError")
    (call,) = reply.effects
    assert (call.error.code, call.injected, call.attempts) == ("ReadTimeoutError", True, 2)
    assert reply.duration_s >= 1


LEAVER = """\
    import os
    import boto3
    from botocore.config import Config
    once = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=0.001)
    table = boto3.resource("dynamodb", config=once).Table("orders")
    def handler(event, context):
        if event == "stay":
            return "stayed"
        try:
            table.put_item(Item={"id": event})
        except Exception:
            os._exit(1)
    """


def test_a_call_that_nobody_waits_for_is_its_own_invocations(service):
    """A process that ends while AWS still reads its call has made that call, and the next one has not."""
    pytest.importorskip("awslambdaric", reason="needs the extra `process`")
    with ProcessTarget(service(LEAVER, resources=RESOURCES, timeout_s=10, memory_mb=256)) as target:
        for name in ("a", "b", "c"):
            target.begin()
            assert [call.parameters["Item"]["id"] for call in target.invoke(attempt(name)).effects] == [{"S": name}]
            target.begin()
            assert target.invoke(attempt("stay")).effects == ()


@both
def test_a_slow_call_takes_of_the_functions_time(target, writer):
    """Latency that there is time for delays the answer; more than that, and the function times out."""
    slow = replay(target, writer(), Fault(call=PUT, latency_s=0.4), event=["a", "b"])
    assert (slow.status, slow.payload) == ("returned", "2")
    assert slow.duration_s >= 0.8
    assert replay(target, writer(timeout_s=1.5), Fault(call=PUT, latency_s=9)).status == "timed_out"


@both
def test_a_slow_call_can_fail_too(target, writer):
    """A fault with both is slow, and then fails."""
    reply = replay(target, writer(), Fault(call=PUT, error="ValidationException", latency_s=0.3))
    assert "An error occurred (ValidationException) when calling" in reply.failure.message
    assert reply.duration_s >= 0.3


# What only our own process can do: no time is really lost.


def test_waiting_is_not_waited_for(writer):
    """A timeout of a minute, and back-off between retries, pass at once, and are in the duration all the same."""
    started = perf_counter()
    with LocalTarget(writer(timeout_s=600)) as target:
        target.begin(faults=[Fault(call=PUT, error="timeout")])
        reply = target.invoke(attempt())
    assert reply.failure.error_type == "ReadTimeoutError"
    assert reply.duration_s >= 120
    assert perf_counter() - started < 10


def test_the_context_knows_what_was_lost(service):
    """`get_remaining_time_in_millis` goes down by the time that a slow call took."""
    code = """\
        import boto3
        def handler(event, context):
            before = context.get_remaining_time_in_millis()
            boto3.client("dynamodb").list_tables()
            return before - context.get_remaining_time_in_millis()
        """
    reply = replay(LocalTarget, service(code, timeout_s=60), Fault(call="dynamodb:*", latency_s=20))
    assert 20_000 <= int(reply.payload) < 25_000


def test_a_function_that_holds_on_is_timed_out_all_the_same(service):
    """Who swallows the end of the time is told again."""
    code = """\
        import boto3
        def handler(event, context):
            try: boto3.client("dynamodb").list_tables()
            except BaseException: pass
            while True: pass
        """
    started = perf_counter()
    reply = replay(LocalTarget, service(code, timeout_s=30), Fault(call="dynamodb:*", latency_s=40))
    assert reply.status == "timed_out"
    assert perf_counter() - started < 10


def test_a_thread_of_the_function_uses_up_its_time_too(service):
    """A call that is never answered, made in another thread, ends the function where it waits for it."""
    code = """\
        import boto3, concurrent.futures
        client = boto3.client("dynamodb")
        def handler(event, context):
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                return pool.submit(client.list_tables).result()
        """
    started = perf_counter()
    reply = replay(LocalTarget, service(code, timeout_s=50), Fault(call="dynamodb:*", error="timeout"))
    assert reply.status == "timed_out"
    assert perf_counter() - started < 10


def test_other_calls_wait_for_real(service, monkeypatch):
    """The back-off of a call that meets no fault is not touched."""
    import time

    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    code = """\
        import boto3
        from botocore.config import Config
        client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", config=Config(retries={"mode": "standard", "total_max_attempts": 2}))
        def handler(event, context):
            client.list_tables()
        """
    reply = replay(LocalTarget, service(code), Fault(call="s3:*", error="SlowDown"))
    assert reply.failure.error_type == "EndpointConnectionError"
    assert len(slept) == 1
    assert reply.effects[0].error.code == "EndpointConnectionError"
    assert not reply.effects[0].injected


def test_nothing_stays_behind(writer):
    """After a replay with faults a client of ours is as it was."""
    import time

    import boto3
    import botocore.endpoint
    from moto import mock_aws
    from moto.core.models import botocore_stubber

    replay(LocalTarget, writer(), Fault(call=PUT, error=THROTTLED))
    assert botocore.endpoint.time is time
    assert "process_request" not in vars(botocore_stubber)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(BillingMode="PAY_PER_REQUEST", **table().properties)
        client.put_item(TableName="orders", Item={"id": {"S": "a"}})
