"""AWS's own SDK for JavaScript, under AWS's own runtime client, in a process of the function's own: effects and faults."""

import json
import shutil

import pytest

from replay.functions.function import Resource
from replay.payloads.aws_calls import Fault
from replay.targets.process import ProcessTarget
from tests.emulators.environments import install_packages
from tests.emulators.node import AWS_SDK, RUNTIME_CLIENT
from tests.targets.conftest import attempt, table

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="needs Node and npm"),
]

CODE = """\
import { CloudWatchClient, ListMetricsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AwsSmithyRpcV2CborProtocol } from '@aws-sdk/core/protocols';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';

const TopicArn = 'arn:aws:sns:us-east-1:123456789012:news';
const dynamodb = new DynamoDBClient({});
const impatient = new DynamoDBClient({ maxAttempts: 2, requestHandler: { requestTimeout: 3000, throwOnRequestTimeout: true } });
const metrics = new CloudWatchClient({ protocol: AwsSmithyRpcV2CborProtocol });
const s3 = new S3Client({});
const CALLS = {
  put: () => dynamodb.send(new PutItemCommand({ TableName: 'orders', Item: { id: { S: 'ü' }, raw: { B: new Uint8Array([0, 255]) } } })),
  put_impatiently: () => impatient.send(new PutItemCommand({ TableName: 'orders', Item: { id: { S: 'a' } } })),
  document: () => DynamoDBDocumentClient.from(dynamodb).send(new PutCommand({ TableName: 'orders', Item: { id: 'd', tags: new Set(['a']) } })),
  get: () => dynamodb.send(new GetItemCommand({ TableName: 'orders', Key: { id: { S: 'ü' } } })),
  missing: () => dynamodb.send(new GetItemCommand({ TableName: 'nothing', Key: { id: { S: 'a' } } })),
  send: () => new SQSClient({}).send(new SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: 'hello' })),
  publish: () => new SNSClient({}).send(new PublishCommand({ TopicArn, Message: '<&>' })),
  invoke: () => new LambdaClient({}).send(new InvokeCommand({ FunctionName: 'other', Payload: '{"id": 1}' })),
  upload: () => s3.send(new PutObjectCommand({ Bucket: 'documents', Key: 'a b/ü+c', Body: 'x'.repeat(70000), Metadata: { who: 'me' } })),
  download: async () => (await (await s3.send(new GetObjectCommand({ Bucket: 'documents', Key: 'a b/ü+c' }))).Body.transformToString()).length,
  record: () => new KinesisClient({}).send(new PutRecordCommand({ StreamName: 'clicks', PartitionKey: 'a', Data: new Uint8Array([1, 2]) })),
  measure: () => metrics.send(new PutMetricDataCommand({ Namespace: 'orders', MetricData: [{ MetricName: 'late', Value: 1.5, Timestamp: new Date(500) }] })),
  measured: async () => (await metrics.send(new ListMetricsCommand({ Namespace: 'orders' }))).Metrics[0].MetricName,
};

export async function handler(name) {
  try {
    const result = await CALLS[name]();
    return result.$metadata ? { attempts: result.$metadata.attempts } : result;
  } catch (error) {
    return { name: error.name, class: error.constructor.name, message: error.message, attempts: error.$metadata?.attempts };
  }
}
"""
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/jobs"


@pytest.fixture
def replay(service):
    """Invoke the function with the name of each call; give what it returned, and the effects of each."""

    def resource(kind, **properties):
        return Resource(logical_id="Thing", type=f"AWS::{kind}", properties=properties)

    function = service(
        {"app.mjs": CODE},
        runtime="nodejs20.x",
        timeout_s=30,
        memory_mb=512,
        environment={"QUEUE_URL": QUEUE},
        resources=(
            table(),
            resource("SQS::Queue", QueueName="jobs"),
            resource("S3::Bucket", BucketName="documents"),
            resource("SNS::Topic", TopicName="news"),
            resource("Kinesis::Stream", Name="clicks", ShardCount=1),
        ),
    )
    (function.code / "node_modules").symlink_to(install_packages(AWS_SDK) / "node_modules")
    (function.code.parent / "node_modules").symlink_to(install_packages(RUNTIME_CLIENT) / "node_modules")

    def invoke(*names, faults=()):
        with ProcessTarget(function) as target:
            target.begin(faults=faults)
            replies = [target.invoke(attempt(name)) for name in names]
        return [(json.loads(reply.payload), reply.effects) for reply in replies]

    return invoke


def test_every_protocol_is_recorded(replay):
    """JSON, query, REST-JSON, REST-XML and CBOR, and HTTP/2: service, operation, parameters, and result or error."""
    names = (
        "put", "document", "get", "missing", "send", "publish", "invoke", "upload", "download", "record", "measure",
        "measured",
    )  # fmt: skip
    ends = dict(zip(names, replay(*names), strict=True))
    calls = {name: effects[0] for name, (_, effects) in ends.items() if len(effects) == 1}
    assert {name: (call.name, call.parameters) for name, call in calls.items()} == {
        "put": ("dynamodb:PutItem", {"TableName": "orders", "Item": {"id": {"S": "ü"}, "raw": {"B": "AP8="}}}),
        "document": ("dynamodb:PutItem", {"TableName": "orders", "Item": {"id": {"S": "d"}, "tags": {"SS": ["a"]}}}),
        "get": ("dynamodb:GetItem", {"TableName": "orders", "Key": {"id": {"S": "ü"}}}),
        "missing": ("dynamodb:GetItem", {"TableName": "nothing", "Key": {"id": {"S": "a"}}}),
        "send": ("sqs:SendMessage", {"QueueUrl": QUEUE, "MessageBody": "hello"}),
        "publish": ("sns:Publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:news", "Message": "<&>"}),
        "invoke": ("lambda:Invoke", {"FunctionName": "other", "Payload": "eyJpZCI6IDF9"}),
        "upload": (
            "s3:PutObject",
            {
                "Bucket": "documents", "Key": "a b/ü+c", "ContentType": "application/octet-stream",
                "Metadata": {"who": "me"}, "Body": calls["upload"].parameters["Body"],
            },
        ),
        "download": ("s3:GetObject", {"Bucket": "documents", "Key": "a b/ü+c"}),
        "record": ("kinesis:PutRecord", {"StreamName": "clicks", "PartitionKey": "a", "Data": "AQI="}),
        "measure": (
            "cloudwatch:PutMetricData",
            {
                "Namespace": "orders",
                "MetricData": [{"MetricName": "late", "Value": 1.5, "Timestamp": "1970-01-01T00:00:00.500000+00:00"}],
            },
        ),
        "measured": ("cloudwatch:ListMetrics", {"Namespace": "orders"}),
    }  # fmt: skip
    assert calls["upload"].parameters["Body"]["size_bytes"] == 70_000
    assert (ends["download"][0], ends["measured"][0]) == (70_000, "late")
    assert {name: call.error.code for name, call in calls.items() if call.error} == {
        "missing": "ResourceNotFoundException",
        "invoke": "ResourceNotFoundException",
    }
    assert calls["get"].result == {"Item": {"id": {"S": "ü"}, "raw": {"B": "AP8="}}}
    assert set(calls["record"].result) == {"ShardId", "SequenceNumber"}


FAULTS = {
    "put": ("dynamodb:PutItem", "ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException", 4),
    "get": ("dynamodb:GetItem", "AccessDeniedException", "DynamoDBServiceException", 1),
    "send": ("sqs:*", "ThrottlingException", "SQSServiceException", 3),
    "publish": ("sns:Publish", "AuthorizationError", "AuthorizationErrorException", 1),
    "invoke": ("lambda:Invoke", "TooManyRequestsException", "TooManyRequestsException", 3),
    "upload": ("s3:PutObject", "SlowDown", "S3ServiceException", 3),
    "download": ("s3:GetObject", "NoSuchKey", "NoSuchKey", 1),
    "record": ("kinesis:PutRecord", "ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException", 3),
    "measure": ("cloudwatch:PutMetricData", "ThrottlingException", "CloudWatchServiceException", 3),
}  # fmt: skip


def test_a_fault_is_the_sdks_own_error(replay):
    """The SDK retries what it retries in production, throws its own class, and the attempts are in the effect."""
    faults = [Fault(call=call, error=error) for call, error, _, _ in FAULTS.values()]
    for (name, (_, error, kind, attempts)), (thrown, effects) in zip(
        FAULTS.items(), replay(*FAULTS, faults=faults), strict=True
    ):
        (call,) = effects
        assert (thrown["class"], thrown["attempts"]) == (kind, attempts), name
        assert (call.error.code, call.injected, call.attempts) == (error, True, attempts), name
        assert call.error.message == thrown["message"], name
        assert thrown["name"] in {error, f"{error}Exception"}, name


def test_a_call_that_is_never_answered(replay):
    """A client with a request timeout gives up, retries, and throws its TimeoutError."""
    ((thrown, (call,)),) = replay("put_impatiently", faults=[Fault(call="dynamodb:PutItem", error="timeout")])
    assert (thrown["name"], thrown["attempts"]) == ("TimeoutError", 2)
    assert (call.error.code, call.injected, call.attempts) == ("ReadTimeoutError", True, 2)


def test_nothing_is_written_behind_a_fault(replay):
    """What failed has not happened: the item is not there, and the next call goes through."""
    faults = [Fault(call="dynamodb:PutItem", error="AccessDeniedException", times=1)]
    denied, read, written, found = replay("put", "get", "put", "get", faults=faults)
    assert denied[0]["name"] == "AccessDeniedException"
    assert "Item" not in read[1][0].result
    assert written[1][0].error is None
    assert "Item" in found[1][0].result
