"""The resources of a template, created in the mocked AWS so that a function finds what it was deployed beside."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from replay.errors import TargetError
from replay.fixtures.fixture import StoredObject
from replay.fixtures.format import object_bytes
from replay.functions.function import Function, Resource
from replay.payloads.exact_json import Json

Properties = Mapping[str, Json]
Client = Callable[[str], Any]

_EXISTS = frozenset(
    {
        "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "ParameterAlreadyExists", "QueueAlreadyExists",
        "QueueNameExists", "ResourceAlreadyExistsException", "ResourceExistsException", "ResourceInUseException",
        "StateMachineAlreadyExists",
    }
)  # fmt: skip
_NO_STATE = (
    "AWS::ApiGateway", "AWS::CDK::", "AWS::CloudFormation::", "AWS::CloudWatch::", "AWS::CodeDeploy::", "AWS::EC2::",
    "AWS::Events::Rule", "AWS::IAM::", "AWS::Lambda::", "AWS::Logs::", "AWS::Pipes::", "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::Scheduler::", "AWS::Serverless::", "Custom::",
)  # fmt: skip
"""Resources that a running function does not read or write."""


class MockResources:
    """Creates a function's resources; the clients for it are made once."""

    def __init__(self, function: Function) -> None:
        self._function = function
        known = [resource for resource in function.resources if resource.type in _CREATORS]
        self._resources = sorted(known, key=lambda resource: list(_CREATORS).index(resource.type))
        self._failed: list[str] = []
        self._clients: dict[str, Any] = {}

    def notes(self) -> list[str]:
        """Say which resources a function might miss."""
        types = {resource.type for resource in self._function.resources} - _CREATORS.keys()
        unknown = [kind for kind in types if not kind.startswith(_NO_STATE)]
        reasons = [*sorted(unknown), *self._failed]
        return [f"not created in the mocked AWS ({reason}); `setup` can do it" for reason in reasons]

    def create(self) -> None:
        """Create every resource; one that is there already stays as it is, one that cannot be created makes a note."""
        self._failed = []
        for creators in (_CREATORS, _CONNECTORS):
            for resource in self._resources:
                if resource.type in creators:
                    self._create(resource, creators[resource.type])

    def place(self, objects: Sequence[StoredObject]) -> None:
        """
        Put *objects* into S3, and make their buckets where the function has none of that name.

        Raises:
            TargetError: S3 does not take one.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        s3 = self._client("s3")
        for each in objects:
            try:
                self._create(_bucket_resource(each.bucket), _bucket)
                s3.put_object(Bucket=each.bucket, Key=each.key, Body=object_bytes(each))
            except (BotoCoreError, ClientError) as error:
                raise TargetError(
                    f"the object that the event points to cannot be put into the mocked S3: {type(error).__name__}",
                    where=f"objects in fixture.json, file {each.file}",
                    expected="the name of a bucket and a key, as the event names them",
                ) from error

    def _create(self, resource: Resource, creator: "Creator") -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            creator(self._client, resource.logical_id, resource.properties)
        except ClientError as error:
            if error.response["Error"]["Code"].rpartition(".")[2] not in _EXISTS:
                self._failed.append(f"{resource.type} {resource.logical_id}: {error}")
        except (BotoCoreError, KeyError, TypeError, ValueError, AttributeError) as error:
            self._failed.append(f"{resource.type} {resource.logical_id}: {type(error).__name__}: {error}")

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            import boto3

            # The default session is the function's own: what botocore has read for one it need not read for the other.
            self._clients[service] = boto3.client(service, region_name=self._function.region)  # type: ignore[call-overload]  # any service
        return self._clients[service]


Creator = Callable[[Client, str, Properties], object]


def _table(client: Client, logical_id: str, properties: Properties) -> None:
    indexes = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")
    wanted = _only(properties, "AttributeDefinitions", "KeySchema", "ProvisionedThroughput", "BillingMode")
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if properties.get(name):
            wanted[name] = [_only(index, *indexes) for index in _list(properties[name])]
    if "ProvisionedThroughput" not in wanted:
        wanted["BillingMode"] = "PAY_PER_REQUEST"
    stream = properties.get("StreamSpecification")
    if isinstance(stream, dict):
        wanted["StreamSpecification"] = {"StreamEnabled": True, **_only(stream, "StreamViewType")}
    client("dynamodb").create_table(TableName=properties.get("TableName", logical_id), **wanted)


_QUEUE_ATTRIBUTES = (
    "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit",
    "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "VisibilityTimeout",
)  # fmt: skip


def _queue_name(logical_id: str, properties: Properties) -> str:
    is_fifo = str(properties.get("FifoQueue", "")).lower() == "true"
    return str(properties.get("QueueName", f"{logical_id}.fifo" if is_fifo else logical_id))


def _queue(client: Client, logical_id: str, properties: Properties) -> None:
    attributes = _attributes(properties, *_QUEUE_ATTRIBUTES)
    client("sqs").create_queue(QueueName=_queue_name(logical_id, properties), Attributes=attributes)


def _redrive(client: Client, logical_id: str, properties: Properties) -> None:
    """Set the redrive policy, once the dead-letter queue is there; one outside the template is left out."""
    policy = properties.get("RedrivePolicy")
    policy = json.loads(policy) if isinstance(policy, str) else policy
    if not isinstance(policy, dict) or "deadLetterTargetArn" not in policy:
        return
    sqs = client("sqs")
    try:
        sqs.get_queue_url(QueueName=str(policy["deadLetterTargetArn"]).rpartition(":")[2])
    except sqs.exceptions.QueueDoesNotExist:
        return
    url = sqs.get_queue_url(QueueName=_queue_name(logical_id, properties))["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})


def _topic(client: Client, logical_id: str, properties: Properties) -> None:
    attributes = _attributes(properties, "FifoTopic", "ContentBasedDeduplication")
    is_fifo = attributes.get("FifoTopic") == "true"
    name = properties.get("TopicName", f"{logical_id}.fifo" if is_fifo else logical_id)
    sns = client("sns")
    arn = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
    for subscription in _list(properties.get("Subscription")):
        _subscribe(sns, arn, subscription)


def _subscription(client: Client, _: str, properties: Properties) -> None:
    _subscribe(client("sns"), str(properties["TopicArn"]), properties)


def _subscribe(sns: Any, topic: str, properties: Properties) -> None:
    """Subscribe a queue; nobody else can be reached from here."""
    if properties.get("Protocol") == "sqs":
        attributes = _attributes(properties, "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery")
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=properties["Endpoint"], Attributes=attributes)


def _bucket(client: Client, logical_id: str, properties: Properties) -> None:
    name = properties.get("BucketName", logical_id.lower())
    s3 = client("s3")
    region = s3.meta.region_name
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **where)
    versioning = properties.get("VersioningConfiguration")
    if isinstance(versioning, dict):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=_only(versioning, "Status"))


def _bucket_resource(name: str) -> Resource:
    return Resource(logical_id=name, type="AWS::S3::Bucket", properties={"BucketName": name})


def _event_bus(client: Client, logical_id: str, properties: Properties) -> None:
    client("events").create_event_bus(Name=properties.get("Name", logical_id))


def _parameter(client: Client, logical_id: str, properties: Properties) -> None:
    wanted = {"Type": "String", **_only(properties, "Type", "Value", "DataType")}
    client("ssm").put_parameter(Name=properties.get("Name", logical_id), **{**wanted, "Value": str(wanted["Value"])})


def _secret(client: Client, logical_id: str, properties: Properties) -> None:
    text = properties.get("SecretString")
    generate = properties.get("GenerateSecretString")
    if text is None and isinstance(generate, dict) and "GenerateStringKey" in generate:
        template = json.loads(str(generate.get("SecretStringTemplate", "{}")))
        text = json.dumps({**template, str(generate["GenerateStringKey"]): "generated"})
    value = text if isinstance(text, str) else "generated"
    client("secretsmanager").create_secret(Name=properties.get("Name", logical_id), SecretString=value)


def _stream(client: Client, logical_id: str, properties: Properties) -> None:
    shards = properties.get("ShardCount", 1)
    client("kinesis").create_stream(StreamName=properties.get("Name", logical_id), ShardCount=int(str(shards)))


def _state_machine(client: Client, logical_id: str, properties: Properties) -> None:
    definition = properties.get("DefinitionString", properties.get("Definition"))
    client("stepfunctions").create_state_machine(
        name=properties.get("StateMachineName", logical_id),
        definition=definition if isinstance(definition, str) else json.dumps(definition),
        roleArn=properties.get("RoleArn", "arn:aws:iam::123456789012:role/state-machine"),
        type=properties.get("StateMachineType", "STANDARD"),
    )


_CREATORS: dict[str, Creator] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::DynamoDB::GlobalTable": _table,
    "AWS::SQS::Queue": _queue,
    "AWS::SNS::Topic": _topic,
    "AWS::S3::Bucket": _bucket,
    "AWS::Events::EventBus": _event_bus,
    "AWS::SSM::Parameter": _parameter,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::Kinesis::Stream": _stream,
    "AWS::StepFunctions::StateMachine": _state_machine,
    "AWS::SNS::Subscription": _subscription,
}
"""In the order of creation: a subscription needs its topic and its queue."""

_CONNECTORS: dict[str, Creator] = {"AWS::SQS::Queue": _redrive}
"""What must wait until all the others are there."""


def _only(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: properties[name] for name in names if name in properties}


def _attributes(properties: Properties, *names: str) -> dict[str, str]:
    return {name: _word(value) for name, value in _only(properties, *names).items()}


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else []


def _word(value: Json) -> str:
    """Write an attribute's value as the APIs want it: a string."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)
