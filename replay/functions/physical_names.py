"""
What a resource is called once it is there: its name, its ARN, and what `Ref` and `GetAtt` give for it.

The forms are those of the embedded AWS (moto), so that an environment variable names what is really there.

Source: CloudFormation Template Reference, "Return values" of each resource type.
"""

import hashlib
import re
from collections.abc import Mapping

from replay.functions.deployment import Deployment
from replay.payloads.exact_json import Json

_NAME_PROPERTIES = {
    "AWS::ApiGateway::RestApi": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
    "AWS::Lambda::Alias": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::Activity": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
_ARNS = {
    "AWS::DynamoDB::GlobalTable": "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
    "AWS::DynamoDB::Table": "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::EventBus": "arn:{partition}:events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "arn:{partition}:events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "arn:{partition}:iam::{account}:role/{name}",
    "AWS::Kinesis::Stream": "arn:{partition}:kinesis:{region}:{account}:stream/{name}",
    "AWS::KinesisFirehose::DeliveryStream": "arn:{partition}:firehose:{region}:{account}:deliverystream/{name}",
    "AWS::KMS::Key": "arn:{partition}:kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "arn:{partition}:lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::LayerVersion": "arn:{partition}:lambda:{region}:{account}:layer:{name}:1",
    "AWS::Logs::LogGroup": "arn:{partition}:logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:{partition}:s3:::{name}",
    "AWS::SNS::Topic": "arn:{partition}:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:{partition}:sqs:{region}:{account}:{name}",
    "AWS::SSM::Parameter": "arn:{partition}:ssm:{region}:{account}:parameter/{name}",
    "AWS::Scheduler::Schedule": "arn:{partition}:scheduler:{region}:{account}:schedule/default/{name}",
    # Without AWS's six random letters moto still finds the secret; with wrong ones it would not.
    "AWS::SecretsManager::Secret": "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}",
    "AWS::StepFunctions::Activity": "arn:{partition}:states:{region}:{account}:activity:{name}",
    "AWS::StepFunctions::StateMachine": "arn:{partition}:states:{region}:{account}:stateMachine:{name}",
}
_REF_IS_ARN = {
    "AWS::Lambda::LayerVersion",
    "AWS::MSK::Cluster",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::Activity",
    "AWS::StepFunctions::StateMachine",
}
_ATTRIBUTES = {
    ("AWS::ApiGatewayV2::Api", "ApiEndpoint"): "https://{name}.execute-api.{region}.{suffix}",
    ("AWS::Lambda::LayerVersion", "LayerVersionArn"): "arn:{partition}:lambda:{region}:{account}:layer:{name}:1",
    ("AWS::Lambda::Version", "Version"): "1",
    ("AWS::S3::Bucket", "DomainName"): "{name}.s3.{suffix}",
    ("AWS::S3::Bucket", "RegionalDomainName"): "{name}.s3.{region}.{suffix}",
    ("AWS::S3::Bucket", "WebsiteURL"): "http://{name}.s3-website-{region}.{suffix}",
    ("AWS::SQS::Queue", "QueueUrl"): "https://sqs.{region}.{suffix}/{account}/{name}",
}
_STREAM_LABEL = "/stream/2000-01-01T00:00:00.000"
_MAX_LENGTHS = {"AWS::S3::Bucket": 63, "AWS::SQS::Queue": 80}


def name_property(kind: str) -> str | None:
    """Say which property of the resource type *kind* holds its name; None where it cannot be named."""
    return _NAME_PROPERTIES.get(kind)


def local_name(kind: str, logical_id: str, properties: Mapping[str, Json], deployment: Deployment) -> str:
    """
    Name a resource that its template leaves to CloudFormation: the same on every machine and in every run.

    A function is called by its logical id, as users do.
    """
    if kind == "AWS::Lambda::Function":
        return logical_id
    name = f"{deployment.stack_name}-{logical_id}"
    if kind == "AWS::S3::Bucket":
        name = re.sub(r"[^a-z0-9-]", "-", name.lower()).strip("-")
    fifo = str(properties.get("FifoQueue", properties.get("FifoTopic", ""))).lower() == "true"
    ending = ".fifo" if fifo and kind in {"AWS::SQS::Queue", "AWS::SNS::Topic"} else ""
    return _fit(name, _MAX_LENGTHS.get(kind, 255) - len(ending)) + ending


def _fit(name: str, length: int) -> str:
    if len(name) <= length:
        return name
    return f"{name[: length - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def arn_of(kind: str, name: str, deployment: Deployment) -> str:
    """Write the ARN of the resource *name* of the type *kind*; a plausible one for a type that we do not know."""
    service = kind.split("::")[1].lower() if kind.count("::") > 1 else "unknown"
    form = _ARNS.get(kind, f"arn:{{partition}}:{service}:{{region}}:{{account}}:{{name}}")
    return _fill(form, name.removeprefix("/") if kind == "AWS::SSM::Parameter" else name, deployment)


def ref_of(kind: str, name: str, deployment: Deployment) -> str:
    """Give what `Ref` gives: the URL of a queue, the ARN of a topic, the name of most others."""
    if kind == "AWS::SQS::Queue":
        return _fill(_ATTRIBUTES[kind, "QueueUrl"], name, deployment)
    return arn_of(kind, name, deployment) if kind in _REF_IS_ARN else name


def attribute_of(kind: str, name: str, attribute: str, deployment: Deployment) -> str | None:
    """Give what `GetAtt` gives; None for an attribute that only AWS knows."""
    form = _ATTRIBUTES.get((kind, attribute))
    if form is not None:
        return _fill(form, name, deployment)
    if attribute == "StreamArn" and kind.startswith("AWS::DynamoDB::"):
        return arn_of(kind, name, deployment) + _STREAM_LABEL
    if attribute in {"Arn", "TopicArn"} or (kind == "AWS::SecretsManager::Secret" and attribute == "Id"):
        return arn_of(kind, name, deployment)
    if attribute in {"Name", _NAME_PROPERTIES.get(kind)}:
        return name
    return None


def _fill(form: str, name: str, deployment: Deployment) -> str:
    return form.format(
        name=name,
        region=deployment.region,
        account=deployment.account_id,
        partition=deployment.partition,
        suffix=deployment.url_suffix,
    )
