"""What a function asks of AWS is recorded, in our own process and in one of its own alike."""

import pytest

from replay.functions.function import Resource
from replay.targets.local import LocalTarget
from replay.targets.process import ProcessTarget
from tests.targets.conftest import attempt, table

TARGETS = [LocalTarget, ProcessTarget]
both = pytest.mark.parametrize("target", TARGETS, ids=["local", "process"])


@pytest.fixture(autouse=True)
def _has_the_runtime_client(request):
    if "process" in request.node.name:
        pytest.importorskip("awslambdaric", reason="needs the extra `process`")


def effects_of(target, function, *events, faults=()):
    with target(function) as opened:
        opened.begin(faults=faults)
        return [opened.invoke(attempt(event)) for event in events or (None,)]


def resource(kind, logical_id="Thing", **properties):
    return Resource(logical_id=logical_id, type=f"AWS::{kind}", properties=properties)


RESOURCES = (
    table(),
    resource("SQS::Queue", QueueName="jobs"),
    resource("SNS::Topic", TopicName="news"),
    resource("S3::Bucket", BucketName="documents"),
    resource("SSM::Parameter", Name="/rate", Type="String", Value="7"),
    resource("SecretsManager::Secret", Name="key", SecretString="hunter2"),
)

SERVICES = """\
    import boto3, decimal, datetime
    table = boto3.resource("dynamodb").Table("orders")
    url = boto3.client("sqs").get_queue_url(QueueName="jobs")["QueueUrl"]
    def client(name): return boto3.client(name)
    def sqs(): client("sqs").send_message(QueueUrl=url, MessageBody="hello", MessageAttributes={"a": {"DataType": "Binary", "BinaryValue": b"\\xff"}})
    def dynamodb():
        table.put_item(Item={"id": "ü", "total": decimal.Decimal("1.10"), "tags": {"a"}, "none": None, "raw": b"\\x00\\xff"})
        table.get_item(Key={"id": "ü"})
    def events(): client("events").put_events(Entries=[{"Time": datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC), "Source": "orders", "DetailType": "OrderFailed", "Detail": '{"id": 7}'}])
    def s3():
        client("s3").put_object(Bucket="documents", Key="a b/ü+c", Body=b"x" * 70_000, Metadata={"who": "me"}, ContentType="text/plain")
        client("s3").get_object(Bucket="documents", Key="a b/ü+c")["Body"].read()
        client("s3").list_objects_v2(Bucket="documents", Prefix="a")
    def sns(): client("sns").publish(TopicArn="arn:aws:sns:us-east-1:123456789012:news", Message="<&>", MessageAttributes={"kind": {"DataType": "String", "StringValue": "x"}})
    def ssm(): client("ssm").get_parameter(Name="/rate", WithDecryption=True)
    def secretsmanager(): client("secretsmanager").get_secret_value(SecretId="key")
    def lambda_(): client("lambda").invoke(FunctionName="other", Payload=b'{"id": 1}')
    def missing(): client("dynamodb").get_item(TableName="nothing", Key={"id": {"S": "a"}})
    def missing_object(): client("s3").get_object(Bucket="documents", Key="nothing")
    def denied_head(): client("s3").head_object(Bucket="documents", Key="nothing")
    def multipart():
        upload = client("s3").create_multipart_upload(Bucket="documents", Key="big")["UploadId"]
        part = client("s3").upload_part(Bucket="documents", Key="big", UploadId=upload, PartNumber=1, Body=b"part")
        client("s3").complete_multipart_upload(Bucket="documents", Key="big", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    def metrics(): client("cloudwatch").put_metric_data(Namespace="orders", MetricData=[{"MetricName": "late", "Value": 1.5}])
    def handler(event, context):
        globals()[event]()
    """

CASES = {
    "sqs": ["sqs:SendMessage"],
    "dynamodb": ["dynamodb:PutItem", "dynamodb:GetItem"],
    "events": ["events:PutEvents"],
    "s3": ["s3:PutObject", "s3:GetObject", "s3:ListObjectsV2"],
    "sns": ["sns:Publish"],
    "ssm": ["ssm:GetParameter"],
    "secretsmanager": ["secretsmanager:GetSecretValue"],
    "lambda_": ["lambda:Invoke"],
    "missing": ["dynamodb:GetItem"],
    "missing_object": ["s3:GetObject"],
    "denied_head": ["s3:HeadObject"],
    "multipart": ["s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload"],
    "metrics": ["cloudwatch:PutMetricData"],
}
CHANCE = {
    "MessageId", "EventId", "ARN", "LastModified", "LastModifiedDate", "CreatedDate", "VersionId", "MD5OfMessageAttributes", "UploadId",
    "Location", "Version",
}  # fmt: skip


def settled(value):
    """Leave out what AWS draws by lot."""
    if isinstance(value, dict):
        return {key: settled(item) for key, item in value.items() if key not in CHANCE}
    return [settled(item) for item in value] if isinstance(value, list) else value


def test_both_targets_record_the_same(service):
    """The same calls with the same parameters and the same ends, whichever protocol the service speaks."""
    pytest.importorskip("awslambdaric", reason="needs the extra `process`")
    function = service(SERVICES, resources=RESOURCES, timeout_s=20, memory_mb=512)
    here, there = (effects_of(target, function, *CASES) for target in TARGETS)
    for (case, names), mine, other in zip(CASES.items(), here, there, strict=True):
        assert [call.name for call in mine.effects] == names, case
        seen = [
            [(c.name, settled(c.parameters), settled(c.result), c.error, c.injected, c.attempts) for c in reply.effects]
            for reply in (mine, other)
        ]
        assert seen[0] == seen[1], case


@both
def test_every_way_to_call_is_recorded_once(target, service):
    """Resources, paginators, waiters, transfers and threads: one call as the API has it for each that was made."""
    function = service(
        """\
        import boto3, concurrent.futures, io
        dynamodb = boto3.resource("dynamodb")
        s3 = boto3.client("s3")
        def handler(event, context):
            dynamodb.Table("orders").scan()["Items"]
            with dynamodb.Table("orders").batch_writer() as batch:
                batch.put_item(Item={"id": "a"})
            list(boto3.client("dynamodb").get_paginator("list_tables").paginate())
            boto3.client("dynamodb").get_waiter("table_exists").wait(TableName="orders")
            s3.upload_fileobj(io.BytesIO(b"file"), "documents", "file")
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                pool.submit(s3.get_bucket_location, Bucket="documents").result()
            s3.generate_presigned_url("get_object", Params={"Bucket": "documents", "Key": "file"})
        """,
        resources=RESOURCES,
        timeout_s=20,
        memory_mb=512,
    )
    (reply,) = effects_of(target, function)
    assert reply.status == "returned"
    assert [call.name for call in reply.effects] == [
        "dynamodb:Scan", "dynamodb:BatchWriteItem", "dynamodb:ListTables", "dynamodb:DescribeTable", "s3:PutObject",
        "s3:GetBucketLocation",
    ]  # fmt: skip
    assert reply.effects[4].parameters["Body"]["size_bytes"] == 4


@both
def test_a_typed_result_is_given_as_the_api_has_it(target, service):
    """What boto3's resources make of an item does not change what is recorded."""
    code = """\
        import boto3, decimal
        table = boto3.resource("dynamodb").Table("orders")
        def handler(event, context):
            table.put_item(Item={"id": "a", "total": decimal.Decimal("1.10")})
            return str(table.scan()["Items"][0]["total"])
        """
    (reply,) = effects_of(target, service(code, resources=(table(),), memory_mb=256, timeout_s=10))
    assert reply.payload == '"1.10"'
    assert reply.effects[1].result["Items"] == [{"id": {"S": "a"}, "total": {"N": "1.10"}}]


@both
def test_only_the_invocation_has_effects(target, service):
    """What `setup` does and what the module does when it is imported is no effect; each invocation has its own."""
    files = {
        "app.py": """\
            import boto3
            boto3.client("ssm").get_parameter(Name="/rate")
            def handler(event, context):
                if event:
                    boto3.client("sqs").list_queues(QueueNamePrefix=event)
            """,
        "prepare.py": "import boto3\ndef seed(): boto3.client('ssm').put_parameter(Name='/x', Value='1', Type='String')\n",
    }
    function = service(files, setup="prepare:seed", resources=RESOURCES, timeout_s=10, memory_mb=256)
    replies = effects_of(target, function, "a", None, "b")
    assert [[call.parameters for call in reply.effects] for reply in replies] == [
        [{"QueueNamePrefix": "a"}], [], [{"QueueNamePrefix": "b"}],
    ]  # fmt: skip


@both
def test_secrets_never_appear(target, service):
    """What AWS's own model calls a secret is replaced before anybody sees it, in parameters and in results."""
    code = """\
        import boto3
        def handler(event, context):
            boto3.client("ssm").put_parameter(Name="/secret", Value="hunter2", Type="SecureString")
            boto3.client("ssm").get_parameter(Name="/secret", WithDecryption=True)
            boto3.client("secretsmanager").create_secret(Name="other", SecretString="hunter2", SecretBinary=b"hunter2")
            boto3.client("secretsmanager").get_secret_value(SecretId="key")
        """
    (reply,) = effects_of(target, service(code, resources=RESOURCES, memory_mb=256, timeout_s=10))
    assert len(reply.effects) == 4
    assert "hunter2" not in repr(reply.effects)
    assert "aHVudGVyMg" not in repr(reply.effects)
    assert reply.effects[3].result["SecretString"] == "REDACTED"


@both
def test_a_call_that_the_timeout_cuts_off_is_there(target, service):
    """The calls until then are recorded, with their ends."""
    code = """\
        import boto3
        def handler(event, context):
            boto3.client("sqs").list_queues()
            while True: pass
        """
    (reply,) = effects_of(target, service(code, timeout_s=3, memory_mb=256))
    assert reply.status == "timed_out"
    assert [(call.name, call.result) for call in reply.effects] == [("sqs:ListQueues", {})]


def test_recording_uses_up_no_stream(service):
    """A file that is sent, and a body that is read, are all there for the function."""
    code = """\
        import boto3, io
        class Stream:
            def __init__(self): self.inner = io.BytesIO(b"streamed")
            def read(self, *size): return self.inner.read(*size)
            def seek(self, *to): return self.inner.seek(*to)
            def tell(self): return self.inner.tell()
        def handler(event, context):
            s3 = boto3.client("s3")
            file = io.BytesIO(b"--skipped")
            file.seek(2)
            s3.put_object(Bucket="documents", Key="file", Body=file)
            s3.put_object(Bucket="documents", Key="stream", Body=Stream())
            return [s3.get_object(Bucket="documents", Key=key)["Body"].read().decode() for key in ("file", "stream")]
        """
    (reply,) = effects_of(LocalTarget, service(code, resources=RESOURCES, timeout_s=10))
    assert reply.payload == '["skipped", "streamed"]'
    assert [call.parameters["Body"]["size_bytes"] for call in reply.effects[:2]] == [7, 8]


def test_parameters_are_those_of_the_moment(service):
    """What the function does to its own objects afterwards changes nothing of what is recorded."""
    code = """\
        import boto3
        def handler(event, context):
            key = {"id": {"S": "a"}}
            boto3.client("dynamodb").get_item(TableName="orders", Key=key)
            key["id"]["S"] = "changed"
        """
    (reply,) = effects_of(LocalTarget, service(code, resources=(table(),)))
    assert reply.effects[0].parameters["Key"] == {"id": {"S": "a"}}


def test_deep_parameters_end_somewhere(service):
    """An item that nests deeper than DynamoDB takes is recorded as far as can be."""
    code = """\
        import boto3
        def handler(event, context):
            item = {"S": "bottom"}
            for _ in range(100):
                item = {"M": {"in": item}}
            boto3.client("dynamodb").put_item(TableName="orders", Item={"id": {"S": "a"}, "deep": item})
        """
    (reply,) = effects_of(LocalTarget, service(code, resources=(table(),)))
    assert [call.name for call in reply.effects] == ["dynamodb:PutItem"]
    assert "…" in repr(reply.effects[0].parameters)
