"""A function's template as it can be deployed to LocalStack: plain CloudFormation, and the folders of code apart."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from replay.errors import TargetError
from replay.functions.deployment import Deployment
from replay.functions.documents import as_mapping
from replay.functions.function import Function
from replay.functions.physical_names import name_property
from replay.functions.stacks import Stack, plain_template, read_stack
from replay.payloads.event_sources import EventSource

_FUNCTION = "AWS::Lambda::Function"
_MAPPING = "AWS::Lambda::EventSourceMapping"
_TIMEOUT_S = 3
_INVOKE_CONFIG = "AWS::Lambda::EventInvokeConfig"
_CODE = {_FUNCTION: "Code", "AWS::Lambda::LayerVersion": "Content"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """
    What is deployed.

    Attributes:
        template: CloudFormation; where code belongs there is nothing yet.
        code: The folder (or file) of each resource that has code.
        origin: What it was made from, for eyes.
        named: The names of what the template itself names, by the type of the resource.
    """

    template: Mapping[str, Any]
    code: Mapping[str, Path]
    origin: str
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def functions(self) -> list[str]:
        """The names of its functions."""
        functions = (each for each in as_mapping(self.template["Resources"]).values() if each["Type"] == _FUNCTION)
        return [str(each["Properties"].get("FunctionName", "")) for each in functions]

    def with_code(self, bucket: str, keys: Mapping[str, str]) -> str:
        """Write it with the code in *bucket*, under a key for each resource."""
        template = json.loads(json.dumps(self.template))
        for logical_id, key in keys.items():
            resource = template["Resources"][logical_id]
            resource["Properties"][_CODE[resource["Type"]]] = {"S3Bucket": bucket, "S3Key": key}
        return json.dumps(template)


def deployable(
    function: Function,
    *,
    visibility_timeout_s: int | None = None,
    batch_size: int | None = None,
    maximum_retry_attempts: int | None = None,
) -> Deployable:
    """
    Read what is deployed for *function*: its template, or what its configuration says of it.

    A function whose name the template leaves to CloudFormation gets the one by which it is known here.

    Args:
        visibility_timeout_s: Of all queues, which else hide a message for as long as the function may run that consumes
            them, the least that Lambda takes: nobody wants to wait for what a template says.
        batch_size: How many messages the function gets at once; else as many as the template says.
        maximum_retry_attempts: How often what was invoked asynchronously is tried again; else as the template says.

    Raises:
        TemplateError: The template cannot be read.
        TargetError: Nothing says what triggers the function, or its code is not here.
    """
    read = _read(function) if function.template is not None else _made_up(function)
    resources = {name: dict(as_mapping(each)) for name, each in as_mapping(read.template.get("Resources")).items()}
    named: dict[str, list[str]] = {}
    for logical_id, resource in resources.items():
        kind, name = str(resource.get("Type")), read.names.get(logical_id, "")
        properties = resource["Properties"] = dict(as_mapping(resource.get("Properties")))
        if name and name_property(kind) in properties:
            named.setdefault(kind, []).append(name)
        if kind == _FUNCTION and name:
            properties["FunctionName"] = name
        if kind == "AWS::SQS::Queue" and (hidden_s := visibility_timeout_s or read.hidden_s.get(name)):
            properties["VisibilityTimeout"] = hidden_s
        if kind == _MAPPING and batch_size:
            properties["BatchSize"] = batch_size
    if maximum_retry_attempts is not None:
        _tried_again(resources, maximum_retry_attempts)
    without_transform = {name: value for name, value in read.template.items() if name != "Transform"}
    template = {**without_transform, "Resources": resources}
    return Deployable(template=template, code=_code(read, resources), origin=read.origin, named=named)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """
    A template as CloudFormation.

    Attributes:
        names: Of its resources, by logical id.
        hidden_s: How long each queue must hide a message at least, by the queue's name.
    """

    template: Mapping[str, Any]
    names: Mapping[str, str]
    hidden_s: Mapping[str, int]
    origin: str
    folder: Path


def _read(function: Function) -> _Read:
    assert function.template is not None
    deployment = Deployment(region=function.region, account_id=function.account_id)
    stack = read_stack(function.template, deployment)
    every = [*stack.functions.values(), *stack.resources]
    return _Read(
        template=plain_template(function.template, deployment).data,
        names={each.logical_id: str(each.properties.get(name_property(each.type) or "") or "") for each in every},
        hidden_s=_hidden_s(stack),
        origin=function.template.name,
        folder=function.template.parent,
    )


def _hidden_s(stack: Stack) -> dict[str, int]:
    """Say of each queue that functions consume how long they may run."""
    hidden_s: dict[str, int] = {}
    for mapping in (each.properties for each in stack.resources if each.type == _MAPPING):
        called = str(mapping.get("FunctionName")).rpartition(":function:")[2].partition(":")[0]
        queue = str(mapping.get("EventSourceArn")).rpartition(":")[2]
        for properties in (each.properties for each in stack.functions.values()):
            timeout_s = properties.get("Timeout", _TIMEOUT_S)
            if called == properties.get("FunctionName") and isinstance(timeout_s, int | float):
                hidden_s[queue] = max(hidden_s.get(queue, 0), math.ceil(timeout_s))
    return hidden_s


def _tried_again(resources: dict[str, dict[str, Any]], attempts: int) -> None:
    """Let no function be invoked asynchronously more often."""
    configured = set()
    for resource in resources.values():
        if resource.get("Type") == _INVOKE_CONFIG:
            resource["Properties"]["MaximumRetryAttempts"] = attempts
            configured.add(json.dumps(resource["Properties"].get("FunctionName")))
    for logical_id in [name for name, each in resources.items() if each.get("Type") == _FUNCTION]:
        named = ({"Ref": logical_id}, resources[logical_id]["Properties"].get("FunctionName"))
        if configured.isdisjoint(map(json.dumps, named)):
            settings = {"FunctionName": {"Ref": logical_id}, "Qualifier": "$LATEST", "MaximumRetryAttempts": attempts}
            resources[f"{logical_id}TriedAgain"] = {"Type": _INVOKE_CONFIG, "Properties": settings}


def _code(read: _Read, resources: Mapping[str, Mapping[str, Any]]) -> dict[str, Path]:
    """Find the folder or file of each resource that has code."""
    stored = {
        logical_id: each["Properties"].get(_CODE.get(str(each.get("Type")), ""))
        for logical_id, each in resources.items()
    }
    return {
        logical_id: _here(read.folder / place, logical_id, read.origin)
        for logical_id, place in stored.items()
        if isinstance(place, str)
    }


def _here(path: Path, logical_id: str, origin: str) -> Path:
    if path.exists():
        return path.resolve()
    raise TargetError(
        f"the code of {logical_id} is not there", where=f"{origin}: {path}", hint="build it, or correct its path"
    )


def _made_up(function: Function) -> _Read:
    """Write a template for a function that has none: itself, and what its configuration says that triggers it."""
    resources: dict[str, Any] = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": _trusted()}},
        "Function": {
            "Type": _FUNCTION,
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
    kinds = {logical_id: (each["Properties"], name_property(each["Type"])) for logical_id, each in resources.items()}
    names = {
        logical_id: str(properties[name]) for logical_id, (properties, name) in kinds.items() if name in properties
    }
    return _Read(
        template={"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources},
        names=names,
        hidden_s=dict.fromkeys(names.values(), math.ceil(function.timeout_s)),
        origin="its configuration",
        folder=function.code,
    )


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
    return {"Type": _MAPPING, "Properties": said}


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
