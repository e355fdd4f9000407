"""
A simple reading of the Serverless Framework's `serverless.yml`, as the CloudFormation that it would become.

Plug-ins are not run. Of the variables, `self`, `opt` and `param` (given as parameters), `sls:stage`, `aws:region` and
`aws:accountId` are known, and any default; every other one (files, SSM, the process's environment, which may hold
secrets) is a placeholder.

Source: Serverless Framework documentation, "Serverless.yml Reference" and "Variables".
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from replay.errors import TemplateError
from replay.functions.deployment import Deployment
from replay.functions.documents import Document, as_mapping, as_sequence
from replay.payloads.exact_json import Json

_TIMEOUT_S = 6
_MEMORY_MB = 1024
_MAX_TEXT = 100_000
_MAX_DEPTH = 50
_MAX_LOOK_UPS = 10_000
_VARIABLE = re.compile(r"\$\{((?:self|opt|sls|env|aws|param|file|ssm|s3|cf)\b[^${}]*)\}")
_MAPPING_SETTINGS = {
    "batchSize": "BatchSize",
    "batchWindow": "MaximumBatchingWindowInSeconds",
    "bisectBatchOnFunctionError": "BisectBatchOnFunctionError",
    "maximumBatchingWindow": "MaximumBatchingWindowInSeconds",
    "maximumRecordAgeInSeconds": "MaximumRecordAgeInSeconds",
    "maximumRetryAttempts": "MaximumRetryAttempts",
    "parallelizationFactor": "ParallelizationFactor",
    "tumblingWindowInSeconds": "TumblingWindowInSeconds",
}
_ASYNCHRONOUS_SETTINGS = {
    "maximumEventAge": "MaximumEventAgeInSeconds",
    "maximumRetryAttempts": "MaximumRetryAttempts",
}
_LETTERS = {"-": "Dash", "_": "Underscore"}


def is_serverless(document: Document) -> bool:
    """Say whether a file is a service of the Serverless Framework on AWS."""
    return "service" in document.data and "functions" in document.data and "Resources" not in document.data


def expand_serverless(document: Document, deployment: Deployment) -> tuple[Document, Deployment]:
    """
    Write a service out as plain CloudFormation, and say as which stack it would be deployed.

    Raises:
        TemplateError: A variable refers to itself.
    """
    service = _Service(document, deployment)
    provider = as_mapping(service.resolve(document.data.get("provider")))
    name = f"{service.resolve(document.data['service'])}-{service.stage}"
    deployment = replace(
        deployment,
        region=str(provider.get("region", deployment.region)),
        stack_name=str(provider.get("stackName", name)),
    )
    declared = _merged(service.resolve(document.data.get("resources")))
    resources: dict[str, Json] = {}
    for key, layer in _merged(service.resolve(document.data.get("layers"))).items():
        content = as_mapping(layer).get("path", ".")
        resources[f"{_logical_name(str(key))}LambdaLayer"] = _resource("AWS::Lambda::LayerVersion", Content=content)
    for key, function in _merged(service.resolve(document.data["functions"])).items():
        resources.update(_function_resources(f"{name}-{key}", str(key), as_mapping(function), provider))
    data = {**declared, "Resources": {**resources, **as_mapping(declared.get("Resources"))}}
    return replace(document, data=data), deployment


def _merged(parts: Any) -> dict[str, Any]:
    """Put sections together that may be given as one mapping or as several in a list."""
    merged: dict[str, Any] = {}
    for part in parts if isinstance(parts, list) else [parts]:
        for key, value in as_mapping(part).items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = {**merged[key], **value} if both else value
    return merged


class _Service:
    """The variables of one service."""

    def __init__(self, document: Document, deployment: Deployment) -> None:
        self._document = document
        self._deployment = deployment
        self._look_ups = 0
        self.stage = deployment.parameters.get("stage") or "dev"
        provider = as_mapping(document.data.get("provider"))
        self.stage = str(self.resolve(provider.get("stage", self.stage)))

    def resolve(self, value: Any, depth: int = 0) -> Any:
        """Put values in the place of all variables in *value*."""
        if isinstance(value, list):
            return [self.resolve(item, depth) for item in value]
        if isinstance(value, dict):
            return {key: self.resolve(item, depth) for key, item in value.items()}
        if not isinstance(value, str):
            return value
        while found := _VARIABLE.search(value):
            looked_up = self._look_up(found[1], depth + 1)
            if found.span() == (0, len(value)):
                return looked_up
            value = f"{value[: found.start()]}{looked_up}{value[found.end() :]}"
            if len(value) > _MAX_TEXT:
                raise self._ring(found[1])
        return value

    def _look_up(self, variable: str, depth: int) -> Any:
        self._look_ups += 1
        if depth > _MAX_DEPTH or self._look_ups > _MAX_LOOK_UPS:
            raise self._ring(variable)
        for address in variable.split(","):
            value = self._one(address.strip())
            if value is not None:
                return self.resolve(value, depth)
        known_as = re.findall(r"[\w-]+", variable.partition(",")[0])
        return f"local-{known_as[-1]}"

    def _one(self, address: str) -> Any:
        kind, _, name = address.partition(":")
        if kind == "self":
            found: Any = self._document.data
            for step in filter(None, name.split(".")):
                found = as_mapping(found).get(step)
            return found
        known = {"sls:stage": self.stage, "aws:region": self._deployment.region}
        known["aws:accountId"] = self._deployment.account_id
        if address in known:
            return known[address]
        if kind in {"opt", "param"}:
            return self._deployment.parameters.get(name)
        literal = re.fullmatch(r"""(['"])(.*)\1|(\w+)""", address)
        return (literal[2] or literal[3] or "") if literal else None

    def _ring(self, variable: str) -> TemplateError:
        return TemplateError(
            f"the variable ${{{variable}}} depends on itself, or grows without end",
            where=self._document.where(),
            expected="variables without a ring",
        )


def _function_resources(
    full_name: str, key: str, function: Mapping[str, Any], provider: Mapping[str, Any]
) -> Iterator[tuple[str, Json]]:
    logical_id = f"{_logical_name(key)}LambdaFunction"
    environment = {**as_mapping(provider.get("environment")), **as_mapping(function.get("environment"))}
    yield (
        logical_id,
        {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": function.get("name", full_name),
                "Handler": function.get("handler"),
                "Code": ".",
                "Runtime": function.get("runtime", provider.get("runtime")),
                "Timeout": function.get("timeout", provider.get("timeout", _TIMEOUT_S)),
                "MemorySize": function.get("memorySize", provider.get("memorySize", _MEMORY_MB)),
                "Environment": {"Variables": environment},
                "Layers": function.get("layers", provider.get("layers", [])),
                "ReservedConcurrentExecutions": function.get("reservedConcurrency"),
                "DeadLetterConfig": {"TargetArn": function.get("onError")},
            },
        },
    )
    yield from _asynchronous(logical_id, function)
    if function.get("url"):
        yield f"{logical_id}Url", _resource("AWS::Lambda::Url", TargetFunctionArn={"Fn::GetAtt": [logical_id, "Arn"]})
    for number, event in enumerate(as_sequence(function.get("events"))):
        kind, settings = next(iter(event.items())) if isinstance(event, dict) and event else (event, {})
        resource = _event_resource(str(kind), settings, {"Fn::GetAtt": [logical_id, "Arn"]})
        if resource is not None:
            yield f"{logical_id}Event{number}", resource


def _logical_name(key: str) -> str:
    """Write a name of the service as its resources are called."""
    base = "".join(_LETTERS.get(letter, letter) for letter in key)
    return f"{base[:1].upper()}{base[1:]}"


def _asynchronous(logical_id: str, function: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    settings = {theirs: function[ours] for ours, theirs in _ASYNCHRONOUS_SETTINGS.items() if ours in function}
    ends = as_mapping(function.get("destinations"))
    destinations = {
        f"On{outcome[2:]}": {"Destination": as_mapping(end).get("arn", end)} for outcome, end in ends.items()
    }
    if settings or destinations:
        yield (
            f"{logical_id}EvConf",
            _resource(
                "AWS::Lambda::EventInvokeConfig",
                FunctionName={"Ref": logical_id},
                DestinationConfig=destinations,
                **settings,
            ),
        )


def _event_resource(kind: str, settings: Any, function: Json) -> Json:
    """Write an event of a function as the resource that it becomes; None for one that is not read."""
    options = as_mapping(settings)
    if not options or "Fn::GetAtt" in options or "Ref" in options:
        options = {"arn": settings}  # the short form: nothing but what it listens to
    write = _EVENTS.get(kind)
    return write(options, function) if write else None


def _mapping(options: Mapping[str, Any], function: Json) -> Json:
    settings = {theirs: options[ours] for ours, theirs in _MAPPING_SETTINGS.items() if ours in options}
    if "startingPosition" in options or "type" in options:
        settings["StartingPosition"] = options.get("startingPosition", "TRIM_HORIZON")
    if "functionResponseType" in options:
        settings["FunctionResponseTypes"] = [options["functionResponseType"]]
    if "maximumConcurrency" in options:
        settings["ScalingConfig"] = {"MaximumConcurrency": options["maximumConcurrency"]}
    if "filterPatterns" in options:
        settings["FilterCriteria"] = {
            "Filters": [{"Pattern": pattern} for pattern in as_sequence(options["filterPatterns"])]
        }
    on_failure = as_mapping(options.get("destinations")).get("onFailure")
    if on_failure is not None:
        settings["DestinationConfig"] = {"OnFailure": {"Destination": as_mapping(on_failure).get("arn", on_failure)}}
    return _resource(
        "AWS::Lambda::EventSourceMapping", EventSourceArn=options.get("arn"), FunctionName=function, **settings
    )


def _subscription(options: Mapping[str, Any], function: Json) -> Json:
    topic = options.get("arn")
    if isinstance(topic, str) and not topic.startswith("arn:"):
        topic = None  # the short form names a topic, which the framework then makes
    if topic is None:
        name = options.get("topicName", options.get("arn"))
        made = [{"Protocol": "lambda", "Endpoint": function}]
        return _resource("AWS::SNS::Topic", TopicName=name, Subscription=made)
    return _resource("AWS::SNS::Subscription", TopicArn=topic, Protocol="lambda", Endpoint=function)


def _rule(options: Mapping[str, Any], function: Json) -> Json:
    if "pattern" in options:
        return _resource("AWS::Events::Rule", Targets=[{"Arn": function}], EventPattern=options["pattern"])
    rate = options.get("rate", options.get("schedule", options.get("arn")))
    return _resource("AWS::Events::Rule", Targets=[{"Arn": function}], ScheduleExpression=rate)


def _bucket(options: Mapping[str, Any], function: Json) -> Json:
    return _resource(
        "AWS::S3::Bucket",
        BucketName=options.get("bucket", options.get("arn")),
        NotificationConfiguration={"LambdaConfigurations": [{"Function": function}]},
    )


def _method(_: Mapping[str, Any], function: Json) -> Json:
    return _resource("AWS::ApiGateway::Method", Integration={"Uri": function})


def _integration(_: Mapping[str, Any], function: Json) -> Json:
    return _resource("AWS::ApiGatewayV2::Integration", IntegrationUri=function, PayloadFormatVersion="2.0")


def _target_group(_: Mapping[str, Any], function: Json) -> Json:
    return _resource("AWS::ElasticLoadBalancingV2::TargetGroup", TargetType="lambda", Targets=[{"Id": function}])


def _kafka(options: Mapping[str, Any], function: Json) -> Json:
    mapping = as_mapping(_mapping(options, function))
    return {**mapping, "Properties": {**mapping["Properties"], "Topics": [options.get("topic")]}}


def _resource(kind: str, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


_EVENTS: Mapping[str, Callable[[Mapping[str, Any], Json], Json]] = {
    "activemq": _mapping,
    "alb": _target_group,
    "eventBridge": _rule,
    "http": _method,
    "httpApi": _integration,
    "kafka": _kafka,
    "msk": _kafka,
    "rabbitmq": _mapping,
    "s3": _bucket,
    "schedule": _rule,
    "sns": _subscription,
    "sqs": _mapping,
    "stream": _mapping,
}
