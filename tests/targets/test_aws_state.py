"""The mocked AWS: what the template declares is there, and each fixture starts from the state after `setup`."""

import json
import sys
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from replay.errors import TargetError
from replay.functions.function import Resource
from replay.targets.in_process import aws_calls
from replay.targets.local import LocalTarget
from tests.targets.conftest import attempt, table

WRITER = """\
    import boto3, os
    table = boto3.resource("dynamodb").Table("orders")

    def handler(event, context):
        if event:
            table.put_item(Item={"id": event})
        return table.scan()["Count"]
    """


def resource(kind, logical_id="Thing", **properties):
    return Resource(logical_id=logical_id, type=f"AWS::{kind}", properties=properties)


def test_module_level_clients_meet_the_mock(service, answer):
    """A client made when the module is imported, as good handlers do, talks to the mocked AWS and its tables."""
    assert answer(service(WRITER, resources=(table(),)), "a").payload == "1"


def test_each_fixture_starts_from_the_same_state(service):
    """What a fixture has written is gone when the next begins; within a fixture it stays."""
    with LocalTarget(service(WRITER, resources=(table(),))) as target:
        counts = []
        for _ in range(3):
            target.begin()
            counts += [target.invoke(attempt(key)).payload for key in ("a", "b", None)]
    assert counts == ["1", "2", "2"] * 3


def test_the_state_is_rebuilt_only_when_a_call_wrote(service, monkeypatch):
    """A fixture after one that only read rebuilds nothing; after one that wrote, it does."""
    with LocalTarget(service(WRITER, resources=(table(),))) as target:
        rebuilt = []
        create = target._resources.create
        monkeypatch.setattr(target._resources, "create", lambda: (rebuilt.append(True), create()))
        for event, expected in ((None, 1), (None, 1), ("a", 1), (None, 2), (None, 2)):
            target.begin()
            target.invoke(attempt(event))
            assert len(rebuilt) == expected


@pytest.mark.parametrize(
    ("operation", "writes"),
    [
        ("GetItem", False), ("BatchGetItem", False), ("TransactGetItems", False), ("Query", False), ("Scan", False),
        ("ListQueues", False), ("DescribeTable", False), ("HeadObject", False), ("GetObject", False),
        ("PutItem", True), ("ReceiveMessage", True), ("SendMessage", True), ("BatchWriteItem", True), ("PutEvents", True),
        ("StartExecution", True), ("ExecuteStatement", True), ("AnOperationOfTomorrow", True),
    ],
)  # fmt: skip
def test_what_is_not_known_to_read_writes(operation, writes):
    """Operations that only look change nothing; receiving from a queue, and whatever is not known, does."""
    assert aws_calls.is_write(operation) is writes


def test_every_listener_hears_each_call_of_a_client_made_inside():
    """A client tells the listeners of the moment of its calls, and nobody when there is none."""
    heard = []
    with mock_aws(), aws_calls.listening(lambda *call: heard.append(call)):
        sqs = boto3.session.Session(region_name="us-east-1").client("sqs")
        sqs.list_queues()
        with aws_calls.listening(lambda *call: heard.append(("second", *call))):
            sqs.create_queue(QueueName="q")
    with mock_aws():
        sqs.list_queues()
        boto3.session.Session(region_name="us-east-1").client("sqs").list_queues()
    assert heard == [("sqs", "ListQueues"), ("sqs", "CreateQueue"), ("second", "sqs", "CreateQueue")]


# The template's resources


def test_the_templates_resources_are_there(service, answer):
    """Tables with indexes and streams, queues with redrive, topics with subscriptions, buckets, buses, parameters, secrets and streams are created by themselves."""
    arn = "arn:aws:sqs:us-east-1:123456789012"
    resources = (
        resource("SNS::Subscription", "Sub", TopicArn="arn:aws:sns:us-east-1:123456789012:topic", Protocol="sqs", Endpoint=f"{arn}:main", RawMessageDelivery=True),
        resource("SQS::Queue", "Main", QueueName="main", VisibilityTimeout=90, RedrivePolicy={"deadLetterTargetArn": f"{arn}:dead", "maxReceiveCount": 3}),
        resource("SQS::Queue", "Dead", QueueName="dead"),
        resource("SQS::Queue", "Fifo", FifoQueue=True, ContentBasedDeduplication=True),
        resource("SQS::Queue", "Lone", QueueName="lone", RedrivePolicy={"deadLetterTargetArn": f"{arn}:elsewhere", "maxReceiveCount": 3}),
        resource("SNS::Topic", TopicName="topic", Subscription=[{"Protocol": "sqs", "Endpoint": f"{arn}:dead"}, {"Protocol": "email", "Endpoint": "a@b.invalid"}]),
        resource("S3::Bucket", BucketName="bucket", VersioningConfiguration={"Status": "Enabled"}),
        resource("Events::EventBus", Name="bus"),
        resource("SSM::Parameter", Name="/p", Type="String", Value=5),
        resource("SecretsManager::Secret", Name="plain", SecretString="s"),
        resource("SecretsManager::Secret", "Made", Name="made", GenerateSecretString={"SecretStringTemplate": '{"user": "u"}', "GenerateStringKey": "word"}),
        resource("Kinesis::Stream", Name="stream", ShardCount=2),
        resource("StepFunctions::StateMachine", StateMachineName="machine", DefinitionString='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}', RoleArn="arn:aws:iam::123456789012:role/r"),
        resource("DynamoDB::Table", TableName="wide", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                 AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "other")],
                 GlobalSecondaryIndexes=[{"IndexName": "by-other", "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}, "ContributorInsightsSpecification": {"Enabled": True}}],
                 StreamSpecification={"StreamViewType": "NEW_IMAGE"}, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}),
    )  # fmt: skip
    code = """\
        import boto3, json
        def client(name): return boto3.client(name)
        def queue(name):
            sqs = client("sqs")
            return sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=["All"])["Attributes"]
        def handler(event, context):
            wide = client("dynamodb").describe_table(TableName="wide")["Table"]
            return {
                "visibility": queue("main")["VisibilityTimeout"],
                "redrive": json.loads(queue("main")["RedrivePolicy"])["maxReceiveCount"],
                "lone": "RedrivePolicy" in queue("lone"),
                "fifo": queue("Fifo.fifo")["ContentBasedDeduplication"],
                "subscriptions": sorted(s["Endpoint"].rpartition(":")[2] for s in client("sns").list_subscriptions()["Subscriptions"]),
                "versioning": client("s3").get_bucket_versioning(Bucket="bucket")["Status"],
                "bus": client("events").describe_event_bus(Name="bus")["Name"],
                "parameter": client("ssm").get_parameter(Name="/p")["Parameter"]["Value"],
                "secrets": [client("secretsmanager").get_secret_value(SecretId=name)["SecretString"] for name in ("plain", "made")],
                "shards": client("kinesis").describe_stream_summary(StreamName="stream")["StreamDescriptionSummary"]["OpenShardCount"],
                "machines": [m["name"] for m in client("stepfunctions").list_state_machines()["stateMachines"]],
                "indexes": [i["IndexName"] for i in wide["GlobalSecondaryIndexes"]],
                "stream": wide["StreamSpecification"],
            }
        """
    with LocalTarget(service(code, resources=resources, timeout_s=60)) as target:
        target.begin()
        reply = target.invoke(attempt())
        assert not [note for note in target.notes if "not created" in note]
    assert reply.failure is None, reply.failure
    assert json.loads(reply.payload) == {
        "visibility": "90",
        "redrive": 3,
        "lone": False,
        "fifo": "true",
        "subscriptions": ["dead", "main"],
        "versioning": "Enabled",
        "bus": "bus",
        "parameter": "5",
        "secrets": ["s", '{"user": "u", "word": "generated"}'],
        "shards": 2,
        "machines": ["machine"],
        "indexes": ["by-other"],
        "stream": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }


def test_what_is_not_created_is_noted(service):
    """A resource that has no counterpart here, or that cannot be made, is noted and stops nobody; roles and the like are not worth a word."""
    resources = (
        resource("IAM::Role"),
        resource("Lambda::Permission"),
        resource("RDS::DBInstance"),
        resource("Kinesis::Stream", "Broken", ShardCount="many"),
        resource("DynamoDB::Table", "Unresolved", TableName={"Ref": "Name"}),
    )
    with LocalTarget(service("def handler(event, context): return 1", resources=resources)) as target:
        target.begin()
        assert target.invoke(attempt()).payload == "1"
        notes = [note for note in target.notes if "not created" in note]
    assert len(notes) == 3
    assert "AWS::RDS::DBInstance" in notes[0]
    assert {"Broken" in note or "Unresolved" in note for note in notes[1:]} == {True}


def test_region_and_account_are_the_functions(service, answer):
    """ARNs in the mocked AWS are of the function's own region and account."""
    code = "import boto3\ndef handler(event, context): return [boto3.client('sns').create_topic(Name='t')['TopicArn'], boto3.client('sts').get_caller_identity()['Account'], context.invoked_function_arn]"
    reply = answer(service(code, region="eu-central-1", account_id="111122223333"))
    assert json.loads(reply.payload) == [
        "arn:aws:sns:eu-central-1:111122223333:t",
        "111122223333",
        "arn:aws:lambda:eu-central-1:111122223333:function:orders",
    ]


# Somebody else's mock


def test_a_callers_own_mock_is_used_and_left_alone(service):
    """Inside a user's `mock_aws` the function sees the user's tables, the user sees what it wrote, and nothing is reset."""
    function = service(WRITER)
    with mock_aws():
        mine = boto3.resource("dynamodb", region_name="us-east-1")
        properties = table().properties
        mine.create_table(BillingMode="PAY_PER_REQUEST", **properties)
        with LocalTarget(function) as target:
            target.begin()
            assert target.invoke(attempt("a")).payload == "1"
            target.begin()
            assert target.invoke(attempt("b")).payload == "2"
            assert any("your own mock_aws" in note for note in target.notes)
        assert mine.Table("orders").scan()["Count"] == 2
    with mock_aws():
        assert mine.meta.client.list_tables()["TableNames"] == []


def test_a_new_mock_of_the_caller_is_prepared_anew(service):
    """With a mock per test, as pytest fixtures have it, the template's table is created in each, next to what is there already."""
    target = LocalTarget(service(WRITER, resources=(table(), table("second"))))
    with target:
        target.suspend()
        for _ in range(2):
            with mock_aws():
                boto3.resource("dynamodb", region_name="us-east-1").create_table(
                    BillingMode="PAY_PER_REQUEST", **table("second").properties
                )
                target.resume()
                target.begin()
                assert target.invoke(attempt("a")).payload == "1"
                target.suspend()
                names = boto3.client("dynamodb", region_name="us-east-1").list_tables()["TableNames"]
                assert sorted(names) == ["orders", "second"]


def test_own_state_survives_somebody_elses_mock(service):
    """While a function is suspended another mock may come and go, and neither sees the other's tables."""
    with LocalTarget(service(WRITER, resources=(table(),))) as target:
        target.begin()
        target.invoke(attempt("a"))
        target.suspend()
        with mock_aws():
            assert boto3.client("dynamodb", region_name="us-east-1").list_tables()["TableNames"] == []
        target.resume()
        assert target.invoke(attempt("b")).payload == "2"


def test_two_functions_have_an_aws_each(service):
    """What one function has written the other does not see, also when one is entered inside the other."""
    one, two = (service(WRITER, name=name, resources=(table(),)) for name in ("one", "two"))
    with LocalTarget(one) as first:
        first.begin()
        first.invoke(attempt("a"))
        with LocalTarget(two) as second:
            second.begin()
            assert second.invoke(attempt()).payload == "0"
        assert first.invoke(attempt()).payload == "1"


def test_nothing_piles_up_in_moto(service, monkeypatch):
    """A thousand fixtures that write leave no more in moto's memory than one."""
    from moto.core.model_instances import model_data
    from moto.dynamodb.models.table import Table

    # A pytest inside a test of this process may have made moto import its models twice, and it knows the first.
    monkeypatch.setitem(model_data["dynamodb"], "Table", Table)
    with LocalTarget(service(WRITER, resources=(table(),))) as target:
        for _ in range(20):
            target.begin()
            target.invoke(attempt("a"))
        assert len(Table.instances_tracked) == 1


# setup


def test_setup_runs_before_the_function_is_imported(service, answer):
    """`setup` has put a parameter there before the handler's module reads it at import, and is told the function's name if it asks."""
    function = service(
        {
            "app.py": "import boto3\nVALUE = boto3.client('ssm').get_parameter(Name='/p')['Parameter']['Value']\ndef handler(event, context): return VALUE",
            "prepare.py": "import boto3\ndef orders(name): boto3.client('ssm').put_parameter(Name='/p', Value=name, Type='String')",
        },
        setup="prepare:orders",
    )
    assert answer(function).payload == '"orders"'


def test_each_fixture_starts_after_setup(service):
    """`setup` runs again when something was written, and not when nothing was."""
    function = service(
        {
            "app.py": WRITER,
            "prepare.py": """\
                import boto3
                runs = []
                def fill():
                    runs.append(1)
                    boto3.resource("dynamodb").Table("orders").put_item(Item={"id": "seed"})
                """,
        },
        setup="prepare:fill",
        resources=(table(),),
    )
    with LocalTarget(function) as target:
        counts = []
        for event in ("a", None, None):
            target.begin()
            counts.append(target.invoke(attempt(event)).payload)
        runs = len(sys.modules["prepare"].runs)
    assert (counts, runs) == (["2", "1", "1"], 2)


@pytest.mark.parametrize(
    "setup",
    [
        "def wrap():\n    with pytest.MonkeyPatch.context() as patch:\n        patch.setattr('app.call', lambda: 'stubbed')\n        events.append('in')\n        yield\n    events.append('out')",
        "@contextlib.contextmanager\ndef wrap():\n    import app\n    real, app.call = app.call, lambda: 'stubbed'\n    events.append('in')\n    yield\n    events.append('out')\n    app.call = real",
    ],
)
@pytest.mark.parametrize("cold", [False, True])
def test_a_setup_that_yields_wraps_each_fixture(service, setup, cold):
    """A generator or context manager is open during the replay, so that stubs work, and begins anew with each fixture."""
    function = service(
        {
            "app.py": "def call(): raise OSError('the real thing')\ndef handler(event, context): return call()",
            "prepare.py": f"import contextlib, pytest\nevents = []\n{setup}\n",
        },
        setup="prepare:wrap",
    )
    with LocalTarget(function, cold=cold) as target:
        events = []
        for _ in range(2):
            target.begin()
            if sys.modules["prepare"].events is not events:
                events = sys.modules["prepare"].events
            assert target.invoke(attempt()).payload == '"stubbed"'
        during = list(events)
        target.suspend()
        after = list(events)
    assert (during[-1], after[-1]) == ("in", "out")
    if not cold:
        assert after == ["in", "out", "in", "out"]


@pytest.mark.parametrize(
    "wrap",
    [
        """\
        import responses
        def wrap():
            with responses.RequestsMock() as mock:
                mock.get("https://api.example.com/rate", json={"rate": 7})
                yield
        """,
        """\
        import pathlib, vcr
        def wrap():
            cassette = pathlib.Path(__file__).with_name("cassette.yaml")
            return vcr.use_cassette(str(cassette), record_mode="none", allow_playback_repeats=True)
        """,
    ],
    ids=["responses", "vcrpy"],
)
def test_calls_beyond_aws_are_covered_by_the_users_tools(service, wrap):
    """responses and vcrpy, opened by `setup`, answer other hosts while moto answers AWS; without them the network is closed."""
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
            "prepare.py": wrap,
            "cassette.yaml": """\
                version: 1
                interactions:
                - request: {method: GET, uri: "https://api.example.com/rate", body: null, headers: {}}
                  response: {status: {code: 200, message: OK}, headers: {}, body: {string: '{"rate": 7}'}}
                """,
        },
        setup="prepare:wrap",
        resources=(table(),),
    )
    with LocalTarget(function) as target:
        for _ in range(2):
            target.begin()
            reply = target.invoke(attempt())
            assert reply.payload == "7", reply.failure
    with LocalTarget(replace(function, setup=None)) as target:
        target.begin()
        assert "closed during a replay" in target.invoke(attempt()).failure.message


def test_setup_may_live_in_the_project(service, tmp_path, answer):
    """`setup` is found in the project's folder when it is not beside the code, and its module is gone afterwards."""
    (tmp_path / "replay_setup_of_orders.py").write_text("import os\ndef prepare(): os.environ['SEEN'] = os.getcwd()")
    function = service(
        "import os\ndef handler(event, context): return os.environ['SEEN']", setup="replay_setup_of_orders:prepare"
    )
    assert answer(function, project=tmp_path).payload.startswith('"')
    assert "replay_setup_of_orders" not in sys.modules
    assert str(tmp_path) not in sys.path


def test_what_setup_prints_is_not_data(service, capfd, answer):
    """What `setup` prints goes to stderr, where it does not mix with output that a machine reads."""
    answer(
        service(
            {"app.py": "def handler(event, context): pass", "prepare.py": "def go(): print('preparing')"},
            setup="prepare:go",
        )
    )
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "preparing\n")


@pytest.mark.parametrize(
    ("setup", "what", "where"),
    [
        ("prepare:fails", "the setup of orders failed: KeyError: 'nothing'", "prepare.py:2 in fails"),
        ("prepare:quits", "the setup of orders failed: SystemExit: 1", "prepare.py:4 in quits"),
        ("prepare:absent", "the setup of orders is not there: module 'prepare' has no attribute 'absent'", "setup = "),
        ("nowhere:go", "the setup of orders is not there: No module named 'nowhere'", "setup = "),
        ("prepare", "setup does not name a function", "setup = 'prepare' of orders"),
        ("prepare:silent", "setup ended before it yielded", ""),
        ("breaks:go", "the setup of orders failed: ZeroDivisionError: division by zero", "breaks.py:1 in <module>"),
    ],
)
def test_a_setup_that_fails_could_not_run(service, answer, setup, what, where):
    """An error in `setup` is not the function's failure: it is told with its place."""
    function = service(
        {
            "app.py": "def handler(event, context): pass",
            "breaks.py": "1 / 0",
            "prepare.py": "def fails():\n    {}['nothing']\ndef quits():\n    raise SystemExit(1)\ndef silent():\n    if False: yield\n",
        },
        setup=setup,
    )
    with pytest.raises(TargetError) as caught:
        answer(function)
    assert caught.value.what == what
    assert where in caught.value.where


def test_a_setup_that_yields_twice_is_refused(service, answer):
    """One `yield` is where the replay happens; a second one is a mistake, and is told."""
    function = service(
        {"app.py": "def handler(event, context): pass", "prepare.py": "def twice():\n    yield\n    yield\n"},
        setup="prepare:twice",
    )
    with pytest.raises(TargetError, match="setup yields more than once"):
        answer(function)
