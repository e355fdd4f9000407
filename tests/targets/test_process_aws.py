"""The AWS that a function's process meets: the template's resources, the state after `setup`, and nothing of the real one."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from replay.errors import TargetError
from replay.functions.function import Function
from replay.targets.aws.call_recorder import CallRecorder
from replay.targets.child.aws_requests import AwsRequest
from replay.targets.child.aws_server import AwsServer
from replay.targets.process import ProcessTarget
from tests.targets.conftest import attempt, table

pytest.importorskip("awslambdaric", reason="needs the extra `process`")

WRITER = """\
    import boto3
    table = boto3.resource("dynamodb").Table("orders")
    count = 0
    def handler(event, context):
        global count
        count += 1
        if event == "hang":
            while True: pass
        if event:
            table.put_item(Item={"id": event})
        return [table.scan()["Count"], count]
    """
SEED = """\
    import boto3, os, sys
    def seed():
        print("seeding")
        os.environ["SEEDED"] = "yes"
        boto3.client("ssm").put_parameter(Name="/once", Value="1", Type="String")
        boto3.resource("dynamodb").Table("orders").put_item(Item={"id": "seed"})
    """


def run(target, *fixtures):
    """Begin a fixture for each of *fixtures*, and give its answers."""
    answers = []
    for events in fixtures:
        target.begin()
        answers.append([target.invoke(attempt(event)).payload for event in events])
    return answers


def test_each_fixture_starts_from_the_same_state(service):
    """What a fixture has written is gone when the next begins, and the process stays warm all the while."""
    with ProcessTarget(service(WRITER, resources=(table(),))) as target:
        answers = run(target, ["a", "b", None], ["a"], [None], [None])
    assert answers == [["[1, 1]", "[2, 2]", "[2, 3]"], ["[1, 4]"], ["[0, 5]"], ["[0, 6]"]]


def test_the_state_is_rebuilt_only_when_a_call_wrote(service):
    """A fixture after one that only read rebuilds nothing; after one that wrote, it does."""
    with ProcessTarget(service(WRITER, resources=(table(),))) as target:
        run(target, [None])
        resources = target._aws._resources
        create, rebuilt = resources.create, []
        resources.create = lambda: (rebuilt.append(1), create())
        run(target, [None], [None])
        assert rebuilt == []
        run(target, ["a"], [None])
    assert rebuilt == [1]


@pytest.mark.parametrize(
    ("environ", "writes"),
    [
        ({"HTTP_X_AMZ_TARGET": "DynamoDB_20120810.GetItem", "REQUEST_METHOD": "POST"}, False),
        ({"HTTP_X_AMZ_TARGET": "DynamoDB_20120810.PutItem", "REQUEST_METHOD": "POST"}, True),
        ({"REQUEST_METHOD": "GET"}, False),
        ({"REQUEST_METHOD": "PUT"}, True),
        ({"REQUEST_METHOD": "POST"}, True),  # the query protocol: the operation is in the body
    ],
)
def test_what_is_not_known_to_read_writes(environ, writes):
    """A request counts as a read only where that can be seen without its body."""
    from replay.targets.child.aws_server import _may_write

    assert _may_write(environ) == writes


def test_many_services_are_there_in_the_functions_account_and_region(service):
    """SQS, S3, SNS and STS answer by HTTP as they do in our own process."""
    function = service(
        """\
        import boto3
        def handler(event, context):
            url = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
            boto3.client("sqs").send_message(QueueUrl=url, MessageBody="hello")
            boto3.client("s3").create_bucket(Bucket="orders-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            boto3.client("s3").put_object(Bucket="orders-bucket", Key="a b/ü", Body=b"x" * 100_000)
            return [
                boto3.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"],
                len(boto3.client("s3").get_object(Bucket="orders-bucket", Key="a b/ü")["Body"].read()),
                boto3.client("sns").create_topic(Name="t")["TopicArn"],
                boto3.client("sts").get_caller_identity()["Account"],
            ]
        """,
        region="eu-west-1",
        account_id="444455556666",
        timeout_s=20,
        memory_mb=256,
    )
    with ProcessTarget(function) as target:
        answers = run(target, [None])
    assert answers == [['["hello", 100000, "arn:aws:sns:eu-west-1:444455556666:t", "444455556666"]']]


def test_an_error_of_aws_is_the_same_as_in_our_own_process(service):
    """What AWS refuses reaches the handler as botocore's own error."""
    with ProcessTarget(service(WRITER)) as target:
        target.begin()
        failure = target.invoke(attempt("a")).failure
    assert failure.error_type == "ResourceNotFoundException"
    assert failure.message.startswith(
        "An error occurred (ResourceNotFoundException) when calling the PutItem operation"
    )


def test_a_callers_own_mock_is_served_and_left_alone(service):
    """With moto's `mock_aws` around it, the function's process sees the caller's table, and its writes stay."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        properties = table().properties
        client.create_table(BillingMode="PAY_PER_REQUEST", **properties)
        client.put_item(TableName="orders", Item={"id": {"S": "theirs"}})
        with ProcessTarget(service(WRITER)) as target:
            assert run(target, ["a"], ["b"]) == [["[2, 1]"], ["[3, 2]"]]
            assert any("your own mock_aws" in note for note in target.notes)
        assert client.scan(TableName="orders")["Count"] == 3


def test_somebody_elses_mock_does_not_meet_ours(service):
    """While suspended nothing of the function's AWS is in our process, and it is all there when it resumes."""
    with ProcessTarget(service(WRITER, resources=(table(),))) as target:
        assert run(target, ["a"]) == [["[1, 1]"]]
        target.suspend()
        with mock_aws():
            assert boto3.client("dynamodb", region_name="us-east-1").list_tables()["TableNames"] == []
        target.resume()
        assert target.invoke(attempt("b")).payload == "[2, 2]"


def test_two_functions_have_an_aws_each(service):
    """What one function writes is not there for another that is open at the same time, one suspended for the other."""
    first, second = (ProcessTarget(service(WRITER, name=name, resources=(table(),))) for name in ("one", "two"))
    with first:
        assert run(first, ["a"]) == [["[1, 1]"]]
        first.suspend()
        with second:
            assert run(second, [None]) == [["[0, 1]"]]
        first.resume()
        assert first.invoke(attempt(None)).payload == "[1, 2]"


def test_nothing_is_left_of_the_mock(service):
    """After the replay our environment, our modules and boto3's default session are what they were."""
    boto3.DEFAULT_SESSION = None
    before = dict(os.environ), set(sys.path)
    with ProcessTarget(
        service({"app.py": WRITER, "prepare.py": SEED}, resources=(table(),), setup="prepare:seed")
    ) as target:
        run(target, ["a"])
    assert (dict(os.environ), set(sys.path)) == before
    assert boto3.DEFAULT_SESSION is None
    assert "prepare" not in sys.modules


def test_a_suspended_aws_answers_nobody(service):
    """A call that comes while the backends in our process are somebody else's is refused."""
    import socket
    import urllib.error
    import urllib.request

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = AwsServer(listener, Function(name="orders", handler="app.handler", code=Path()), CallRecorder())
        try:
            server.paused = True
            with pytest.raises(urllib.error.HTTPError, match="503") as caught:
                urllib.request.urlopen(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            caught.value.close()
        finally:
            server.close()


def test_a_call_that_comes_in_too_late_is_nobodys(monkeypatch):
    """What is still being read when the next invocation has begun is refused there, and not noted."""
    import socket
    import threading

    may_read = threading.Event()

    class SlowRequest(AwsRequest):
        def parameters(self):
            may_read.wait(10)
            return super().parameters()

    monkeypatch.setattr("replay.targets.child.aws_server.AwsRequest", SlowRequest)
    calls = CallRecorder()
    told = b"GET /a/b HTTP/1.1\r\nHost: aws\r\nAuthorization: Credential=a/20261122/us-east-1/s3/aws4_request\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = AwsServer(listener, Function(name="orders", handler="app.handler", code=Path()), calls)
        try:
            calls.start()
            with socket.create_connection(listener.getsockname()) as client:
                client.sendall(told)
                server._server.settle(met_within_s=0.2)
                assert calls.stop() == ()
                calls.start()
                may_read.set()
                assert client.recv(100).startswith(b"HTTP/1.1 503")
            assert calls.stop() == ()
            with socket.create_connection(listener.getsockname()) as client:
                calls.start()
                client.sendall(told)
                client.recv(100)
                assert [call.name for call in calls.stop()] == ["s3:GetObject"]
        finally:
            may_read.set()
            server.close()


# setup


def test_each_fixture_starts_after_setup(service, capfd):
    """`setup` runs in the function's process, anew when something was written; what it prints is for stderr."""
    function = service({"app.py": WRITER, "prepare.py": SEED}, resources=(table(),), setup="prepare:seed")
    with ProcessTarget(function) as target:
        assert run(target, ["a"], [None], [None]) == [["[2, 1]"], ["[1, 1]"], ["[1, 2]"]]
        log = target.invoke(attempt(None)).log
    assert "seeding" not in log
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "seeding\nseeding\n")


@pytest.mark.parametrize("cold", [False, True])
def test_a_new_process_in_a_fixture_finds_what_the_old_one_wrote(service, cold):
    """`setup` runs again in each new process, so that its stubs hold, but AWS keeps what the fixture has written."""
    app = "import boto3, os, prepare\nassert os.environ['SEEDED'] == 'yes' and prepare.ran\n"
    files = {
        "app.py": app + WRITER.replace("\n    ", "\n").lstrip(),
        "prepare.py": SEED.replace("def seed():", "ran = []\n    def seed():\n        ran.append(1)"),
    }
    function = service(files, resources=(table(),), setup="prepare:seed", timeout_s=3)
    with ProcessTarget(function, cold=cold) as target:
        target.begin()
        assert target.invoke(attempt("a")).payload == "[2, 1]"
        assert target.invoke(attempt("hang")).status == "timed_out"
        assert target.invoke(attempt("b")).payload == "[3, 1]"
        assert run(target, [None]) == [["[1, 1]"]]


def test_a_setup_that_yields_wraps_each_fixture(service, tmp_path):
    """It is open while the function runs, and its end runs before the next fixture, when suspended, and at the end."""
    file = tmp_path / "events"
    prepare = f"""\
        import app
        def note(word):
            with open({str(file)!r}, "a") as events: events.write(word + " ")
        def wrap():
            real, app.call = app.call, lambda: "stubbed"
            note("in")
            yield
            note("out")
        """
    code = "def call(): raise OSError('the real thing')\ndef handler(event, context): return call()"
    with ProcessTarget(service({"app.py": code, "prepare.py": prepare}, setup="prepare:wrap")) as target:
        assert run(target, [1, 2], [1]) == [['"stubbed"', '"stubbed"'], ['"stubbed"']]
        assert file.read_text() == "in out in "
        target.suspend()
        assert file.read_text() == "in out in out "
        target.resume()
        assert run(target, [1]) == [['"stubbed"']]
    assert file.read_text() == "in out in out in out "


def test_what_is_stubbed_beyond_aws_is_stubbed_for_the_process(service):
    """responses, opened by `setup`, answers other hosts there, while the mocked AWS answers AWS."""
    function = service(
        {
            "app.py": """\
                import boto3, requests
                table = boto3.resource("dynamodb").Table("orders")
                def handler(event, context):
                    rate = requests.get("https://api.example.com/rate", timeout=1).json()["rate"]
                    table.put_item(Item={"id": str(rate)})
                    return rate
                """,
            "prepare.py": """\
                import responses
                def wrap():
                    with responses.RequestsMock() as mock:
                        mock.get("https://api.example.com/rate", json={"rate": 7})
                        yield
                """,
        },
        setup="prepare:wrap",
        resources=(table(),),
        memory_mb=256,
    )
    with ProcessTarget(function) as target:
        assert run(target, [None], [None]) == [["7"], ["7"]]
    with ProcessTarget(replace(function, setup=None)) as target:
        target.begin()
        assert "closed during a replay" in target.invoke(attempt()).failure.message


@pytest.mark.parametrize(
    ("setup", "what"),
    [
        ("prepare:boom", "the setup of orders failed: ValueError: no"),
        ("prepare:nothing", "the setup of orders is not there"),
        ("prepare", "setup does not name a function"),
        ("prepare:never_ends", "the setup of orders failed to end: ValueError: at the end"),
    ],
)
def test_a_setup_that_fails_could_not_run(service, setup, what):
    """A failing `setup` is no failure of the function, and says where."""
    prepare = "def boom(): raise ValueError('no')\ndef never_ends():\n    yield\n    raise ValueError('at the end')"
    function = service({"app.py": "def handler(event, context): return 1", "prepare.py": prepare}, setup=setup)

    def replay():
        with ProcessTarget(function) as target:
            run(target, [1])

    with pytest.raises(TargetError) as caught:
        replay()
    assert what in caught.value.what


def test_setup_of_another_language_prepares_aws_and_variables(service):
    """It runs in our process, and what it puts into AWS and into the variables reaches the function."""
    bootstrap = """\
        #!/bin/sh
        exec "$PYTHON" -m awslambdaric "$_HANDLER"
        """
    files = {
        "bootstrap": bootstrap,
        "app.py": f"import os\n{WRITER.replace(chr(10) + '    ', chr(10)).lstrip()}",
        "prepare.py": SEED,
    }
    settings = {"runtime": "provided.al2023", "environment": {"PYTHON": sys.executable}, "resources": (table(),)}
    function = service(files, setup="prepare:seed", memory_mb=256, **settings)
    (function.code / "bootstrap").chmod(0o755)
    with ProcessTarget(function) as target:
        assert run(target, ["a"], [None]) == [["[2, 1]"], ["[1, 2]"]]
        assert target._aws.prepared_variables == {"SEEDED": "yes"}
