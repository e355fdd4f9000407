"""A function's template as it can be deployed to LocalStack: plain CloudFormation, and the folders of code apart."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replay.errors import TargetError
from replay.functions.deployment import Deployment
from replay.functions.documents import as_mapping
from replay.functions.function import Function
from replay.functions.stacks import plain_template
from replay.payloads.event_sources import EventSource

_CODE = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """
    What is deployed.

    Attributes:
        template: CloudFormation; where code belongs there is nothing yet.
        code: The folder (or file) of each resource that has code.
        origin: What it was made from, for eyes.
    """

    template: Mapping[str, Any]
    code: Mapping[str, Path]
    origin: str

    def names(self, kind: str, member: str) -> list[str]:
        """List the names that resources of a type have in the template."""
        resources = as_mapping(self.template.get("Resources")).values()
        named = [as_mapping(each["Properties"]).get(member) for each in resources if each.get("Type") == kind]
        return [name for name in named if isinstance(name, str)]

    def with_code(self, bucket: str, keys: Mapping[str, str]) -> str:
        """Write it with the code in *bucket*, under a key for each resource."""
        template = json.loads(json.dumps(self.template))
        for logical_id, key in keys.items():
            resource = template["Resources"][logical_id]
            resource["Properties"][_CODE[resource["Type"]]] = {"S3Bucket": bucket, "S3Key": key}
        return json.dumps(template)


def deployable(function: Function, *, visibility_timeout_s: int | None, batch_size: int | None) -> Deployable:
    """
    Read what is deployed for *function*: its template, or what its configuration says of it.

    Args:
        visibility_timeout_s: Of all queues, which else hide a message for as long as the function may run, the least
            that Lambda takes: nobody wants to wait for what a template says.
        batch_size: How many messages the function gets at once; else as many as the template says.

    Raises:
        TemplateError: The template cannot be read.
        TargetError: Nothing says what triggers the function, or its code is not here.
    """
    if function.template is not None:
        deployment = Deployment(region=function.region, account_id=function.account_id)
        template, origin = dict(plain_template(function.template, deployment).data), function.template.name
        folder = function.template.parent
    else:
        template, origin, folder = _made_up(function), "its configuration", function.code
    resources = {name: dict(as_mapping(each)) for name, each in as_mapping(template.get("Resources")).items()}
    hidden_s = visibility_timeout_s or math.ceil(function.timeout_s)
    code: dict[str, Path] = {}
    for logical_id, resource in resources.items():
        properties = resource["Properties"] = dict(as_mapping(resource.get("Properties")))
        stored = properties.get(_CODE.get(str(resource.get("Type")), ""))
        if isinstance(stored, str):
            code[logical_id] = _here(folder / stored, logical_id, origin)
        if resource.get("Type") == "AWS::SQS::Queue":
            properties["VisibilityTimeout"] = hidden_s
        if resource.get("Type") == "AWS::Lambda::EventSourceMapping" and batch_size:
            properties["BatchSize"] = batch_size
    template.pop("Transform", None)
    return Deployable(template={**template, "Resources": resources}, code=code, origin=origin)


def _here(path: Path, logical_id: str, origin: str) -> Path:
    if path.exists():
        return path.resolve()
    raise TargetError(
        f"the code of {logical_id} is not there", where=f"{origin}: {path}", hint="build it, or correct its path"
    )


def _made_up(function: Function) -> dict[str, Any]:
    """Write a template for a function that has none: itself, and what its configuration says that triggers it."""
    resources: dict[str, Any] = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": _trusted()}},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": function.name,
                "Handler": function.handler,
                "Runtime": function.runtime,
                "Timeout": math.ceil(function.timeout_s),
                "MemorySize": function.memory_mb,
                "Environment": {"Variables": dict(function.environment)},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": ".",
            },
        },
    }
    for number, source in enumerate(function.event_sources):
        resources.update(_triggered_by(source, str(number), function))
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _triggered_by(source: EventSource, suffix: str, function: Function) -> dict[str, Any]:
    name = (source.arn or f"{function.name}-{source.kind}").rpartition(":")[2].rpartition("/")[2]
    if source.kind == "sqs":
        return dict(_queue(source, suffix, name))
    if source.kind == "kinesis":
        stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": name, "ShardCount": 1}}
        mapping = _mapping(source, f"Source{suffix}", starts=True)
        return {f"Source{suffix}": stream, f"Mapping{suffix}": mapping}
    if source.kind == "sns":
        subscription = {"Protocol": "lambda", "Endpoint": {"Fn::GetAtt": ["Function", "Arn"]}}
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "Subscription": [subscription]}}
        return {f"Source{suffix}": topic, f"Permission{suffix}": _permission("sns.amazonaws.com")}
    if source.kind in {"direct", "async"}:
        return {}
    raise TargetError(
        f"a {source.kind} event source is made from a template only",
        where=f"function {function.display_name}",
        expected="a template that says what triggers it; or the function and its event source on LocalStack already",
        hint='deploy it there (samlocal, cdklocal), or invoke it itself: through = "function"',
    )


def _queue(source: EventSource, suffix: str, name: str) -> Iterator[tuple[str, Any]]:
    fifo = {"FifoQueue": True} if source.fifo else {}
    properties: dict[str, Any] = {"QueueName": name, **fifo}
    if source.max_receive_count:
        end = ".fifo" if source.fifo else ""
        dead = f"{name.removesuffix('.fifo')}-replay-dlq{end}"
        if source.dead_letter_queue:
            dead = source.dead_letter_queue.rpartition(":")[2]
        yield f"Dead{suffix}", {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": dead, **fifo}}
        properties["RedrivePolicy"] = {
            "deadLetterTargetArn": {"Fn::GetAtt": [f"Dead{suffix}", "Arn"]},
            "maxReceiveCount": source.max_receive_count,
        }
    yield f"Source{suffix}", {"Type": "AWS::SQS::Queue", "Properties": properties}
    yield f"Mapping{suffix}", _mapping(source, f"Source{suffix}")


def _mapping(source: EventSource, logical_id: str, *, starts: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "EventSourceArn": {"Fn::GetAtt": [logical_id, "Arn"]},
        "FunctionName": {"Ref": "Function"},
        "FilterCriteria": {"Filters": [{"Pattern": pattern} for pattern in source.filter_criteria]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if source.report_batch_item_failures else [],
        "BatchSize": source.batch_size,
        "StartingPosition": "TRIM_HORIZON" if starts else None,
        "MaximumRetryAttempts": source.maximum_retry_attempts if starts else None,
    }
    said = {name: value for name, value in properties.items() if value not in (None, [], {"Filters": []})}
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": said}


def _permission(principal: str) -> dict[str, Any]:
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "Function"},
        "Principal": principal,
    }
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


def _trusted() -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}
