"""
What triggers a function: its event sources, read from resolved CloudFormation resources.

Source: CloudFormation Template Reference, `AWS::Lambda::EventSourceMapping`, `AWS::Lambda::EventInvokeConfig`, and the
resource types that name a function as their target.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from replay.functions.deployment import Deployment
from replay.functions.documents import as_mapping, as_sequence
from replay.functions.function import Resource
from replay.functions.physical_names import arn_of, name_property
from replay.payloads.event_sources import EventSource, EventSourceKind

Trigger = tuple[str, EventSource]
"""The name of a function and what triggers it."""

_FUNCTION_NAME = re.compile(r"(?:.*:function:)?([A-Za-z0-9_-]+)")
_ASYNCHRONOUS = {"sns", "s3", "eventbridge", "schedule", "async"}
_MAPPED_SERVICES: Mapping[str, EventSourceKind] = {
    "dynamodb": "dynamodb",
    "kafka": "kafka",
    "kinesis": "kinesis",
    "mq": "mq",
    "sqs": "sqs",
}


def find_event_sources(
    function: Resource, name: str, resources: Sequence[Resource], deployment: Deployment
) -> tuple[EventSource, ...]:
    """List the event sources of the function *name*, in the template's order."""
    sources = [
        source
        for resource in resources
        if resource.type in _READERS
        for target, source in _READERS[resource.type](resource, resources, deployment)
        if target == name
    ]
    settings = _invoke_settings(function, name, resources)
    if settings:
        sources = [replace(source, **settings) if source.kind in _ASYNCHRONOUS else source for source in sources]
        sources.append(EventSource(kind="async", **settings))
    reserved = _integer(function.properties.get("ReservedConcurrentExecutions"))
    if reserved is not None:
        sources = [replace(source, reserved_concurrency=reserved) for source in sources]
    return tuple(dict.fromkeys(sources))


def _invoke_settings(function: Resource, name: str, resources: Sequence[Resource]) -> dict[str, Any]:
    """Read how an asynchronous invocation is retried and where it ends, as far as the template says."""
    settings: dict[str, Any] = {
        "dead_letter_queue": _text(as_mapping(function.properties.get("DeadLetterConfig")).get("TargetArn"))
    }
    for resource in resources:
        properties = resource.properties
        if resource.type == "AWS::Lambda::EventInvokeConfig" and _function_name(properties.get("FunctionName")) == name:
            settings |= {
                "maximum_retry_attempts": _integer(properties.get("MaximumRetryAttempts")),
                "maximum_event_age_s": _integer(properties.get("MaximumEventAgeInSeconds")),
                "on_failure": _destination(properties, "OnFailure"),
                "on_success": _destination(properties, "OnSuccess"),
            }
    return {key: value for key, value in settings.items() if value is not None}


def _mapping(resource: Resource, resources: Sequence[Resource], deployment: Deployment) -> Iterator[Trigger]:
    properties = resource.properties
    arn = _text(properties.get("EventSourceArn"))
    is_known = arn is not None and arn.startswith("arn:")
    kind = _MAPPED_SERVICES.get(f"{arn}::".split(":")[2]) if is_known else _likely_kind(properties)
    if kind is None:
        return
    filters = as_sequence(as_mapping(properties.get("FilterCriteria")).get("Filters"))
    source = EventSource(
        kind=kind,
        arn=arn if is_known else None,
        batch_size=_integer(properties.get("BatchSize")),
        maximum_batching_window_s=_integer(properties.get("MaximumBatchingWindowInSeconds")),
        report_batch_item_failures="ReportBatchItemFailures" in as_sequence(properties.get("FunctionResponseTypes")),
        filter_criteria=tuple(_pattern(as_mapping(item).get("Pattern")) for item in filters),
        maximum_retry_attempts=_integer(properties.get("MaximumRetryAttempts")),
        maximum_record_age_s=_integer(properties.get("MaximumRecordAgeInSeconds")),
        bisect_batch_on_function_error=_truth(properties.get("BisectBatchOnFunctionError")),
        parallelization_factor=_integer(properties.get("ParallelizationFactor")),
        tumbling_window_s=_integer(properties.get("TumblingWindowInSeconds")),
        maximum_concurrency=_integer(as_mapping(properties.get("ScalingConfig")).get("MaximumConcurrency")),
        on_failure=_destination(properties, "OnFailure"),
    )
    if kind == "sqs":
        source = _with_queue(source, resources, deployment)
    yield _function_name(properties.get("FunctionName")), source


def _likely_kind(properties: Mapping[str, Any]) -> EventSourceKind | None:
    """
    Tell the kind of a mapping whose ARN is not known here, because it is imported or a parameter, by its settings.

    Source: Lambda API `CreateEventSourceMapping`, the parameters that each kind of event source takes.
    """
    if "SelfManagedEventSource" in properties or "Topics" in properties:
        return "kafka"
    if "Queues" in properties:
        return "mq"
    if "DocumentDBEventSourceConfig" in properties:
        return None
    if "StartingPosition" in properties:
        place = str(properties.get("EventSourceArn")).lower()
        return "dynamodb" if "table" in place or "dynamo" in place else "kinesis"
    return "sqs"


def _with_queue(source: EventSource, resources: Sequence[Resource], deployment: Deployment) -> EventSource:
    """Add what the queue itself decides: its redrive policy, visibility timeout and kind."""
    source = replace(source, fifo=str(source.arn).endswith(".fifo"))
    for resource in resources:
        if resource.type == "AWS::SQS::Queue" and _arn(resource, deployment) == source.arn:
            policy = _redrive_policy(resource.properties.get("RedrivePolicy"))
            return replace(
                source,
                max_receive_count=_integer(policy.get("maxReceiveCount")),
                dead_letter_queue=_text(policy.get("deadLetterTargetArn")),
                visibility_timeout_s=_integer(resource.properties.get("VisibilityTimeout")),
            )
    return source


def _redrive_policy(policy: Any) -> dict[str, Any]:
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return {}
    return as_mapping(policy)


def _subscription(resource: Resource, _: Sequence[Resource], __: Deployment) -> Iterator[Trigger]:
    if resource.properties.get("Protocol") == "lambda":
        topic = _text(resource.properties.get("TopicArn"))
        yield _function_name(resource.properties.get("Endpoint")), EventSource(kind="sns", arn=topic)


def _topic(resource: Resource, _: Sequence[Resource], deployment: Deployment) -> Iterator[Trigger]:
    for subscription in map(as_mapping, as_sequence(resource.properties.get("Subscription"))):
        if subscription.get("Protocol") == "lambda":
            source = EventSource(kind="sns", arn=_arn(resource, deployment))
            yield _function_name(subscription.get("Endpoint")), source


def _bucket(resource: Resource, _: Sequence[Resource], deployment: Deployment) -> Iterator[Trigger]:
    notifications = as_mapping(resource.properties.get("NotificationConfiguration"))
    for configuration in map(as_mapping, as_sequence(notifications.get("LambdaConfigurations"))):
        yield _function_name(configuration.get("Function")), EventSource(kind="s3", arn=_arn(resource, deployment))


def _cdk_notifications(resource: Resource, _: Sequence[Resource], deployment: Deployment) -> Iterator[Trigger]:
    """Read the custom resource by which CDK sets a bucket's notifications."""
    arn = arn_of("AWS::S3::Bucket", str(resource.properties.get("BucketName")), deployment)
    notifications = as_mapping(resource.properties.get("NotificationConfiguration"))
    for configuration in map(as_mapping, as_sequence(notifications.get("LambdaFunctionConfigurations"))):
        yield _function_name(configuration.get("LambdaFunctionArn")), EventSource(kind="s3", arn=arn)


def _rule(resource: Resource, _: Sequence[Resource], deployment: Deployment) -> Iterator[Trigger]:
    kind: EventSourceKind = "eventbridge" if "EventPattern" in resource.properties else "schedule"
    for target in map(as_mapping, as_sequence(resource.properties.get("Targets"))):
        yield _function_name(target.get("Arn")), EventSource(kind=kind, arn=_arn(resource, deployment))


def _schedule(resource: Resource, _: Sequence[Resource], deployment: Deployment) -> Iterator[Trigger]:
    target = as_mapping(resource.properties.get("Target"))
    yield _function_name(target.get("Arn")), EventSource(kind="schedule", arn=_arn(resource, deployment))


def _rest_api(resource: Resource, _: Sequence[Resource], __: Deployment) -> Iterator[Trigger]:
    for name, _integration in _integrations(resource.properties):
        yield name, EventSource(kind="apigateway")


def _http_api(resource: Resource, _: Sequence[Resource], __: Deployment) -> Iterator[Trigger]:
    target = resource.properties.get("Target")
    if isinstance(target, str) and ":function:" in target:  # CloudFormation's quick create
        yield _function_name(target), EventSource(kind="httpapi", payload_format_version="2.0")
    for name, integration in _integrations(resource.properties):
        version = integration.get("payloadFormatVersion", integration.get("PayloadFormatVersion"))
        yield name, EventSource(kind="httpapi", payload_format_version=_text(version))


def _integrations(properties: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Find, in an OpenAPI body or a resource of its own, each integration with a function, and its settings."""
    waiting: list[Any] = [properties]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            uri = value.get("uri", value.get("Uri", value.get("IntegrationUri")))
            if isinstance(uri, str) and ":function:" in uri:
                yield _function_name(uri.partition("/functions/")[2].partition("/")[0] or uri), value
            waiting += reversed(list(value.values()))
        elif isinstance(value, list):
            waiting += reversed(value)


def _function_url(resource: Resource, _: Sequence[Resource], __: Deployment) -> Iterator[Trigger]:
    yield _function_name(resource.properties.get("TargetFunctionArn")), EventSource(kind="function_url")


def _target_group(resource: Resource, _: Sequence[Resource], __: Deployment) -> Iterator[Trigger]:
    if resource.properties.get("TargetType") == "lambda":
        for target in map(as_mapping, as_sequence(resource.properties.get("Targets"))):
            yield _function_name(target.get("Id")), EventSource(kind="alb")


def _state_machine(resource: Resource, _: Sequence[Resource], deployment: Deployment) -> Iterator[Trigger]:
    definition = resource.properties.get("DefinitionString", resource.properties.get("Definition", ""))
    text = definition if isinstance(definition, str) else json.dumps(definition)
    substitutions = as_mapping(resource.properties.get("DefinitionSubstitutions"))
    used = [text, *(str(value) for key, value in substitutions.items() if f"${{{key}}}" in text)]
    source = EventSource(kind="stepfunctions", arn=_arn(resource, deployment))
    for name in re.findall(r":function:([A-Za-z0-9_-]+)", "\n".join(used)):
        yield name, source


_READERS: Mapping[str, Callable[[Resource, Sequence[Resource], Deployment], Iterator[Trigger]]] = {
    "AWS::ApiGateway::Method": _rest_api,
    "AWS::ApiGateway::RestApi": _rest_api,
    "AWS::ApiGatewayV2::Api": _http_api,
    "AWS::ApiGatewayV2::Integration": _http_api,
    "AWS::ElasticLoadBalancingV2::TargetGroup": _target_group,
    "AWS::Events::Rule": _rule,
    "AWS::Lambda::EventSourceMapping": _mapping,
    "AWS::Lambda::Url": _function_url,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::StepFunctions::StateMachine": _state_machine,
    "Custom::S3BucketNotifications": _cdk_notifications,
}


def _function_name(reference: Any) -> str:
    """Take the name out of a function's name or ARN, with or without a version or alias behind it."""
    found = _FUNCTION_NAME.match(reference) if isinstance(reference, str) else None
    return found[1] if found else ""


def _arn(resource: Resource, deployment: Deployment) -> str:
    return arn_of(resource.type, str(resource.properties.get(name_property(resource.type) or "", "")), deployment)


def _destination(properties: Mapping[str, Any], outcome: str) -> str | None:
    return _text(as_mapping(as_mapping(properties.get("DestinationConfig")).get(outcome)).get("Destination"))


def _pattern(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def _integer(value: Any) -> int | None:
    """Read a number as CloudFormation does, also from text; a placeholder is none."""
    try:
        return int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        return None


def _truth(value: Any) -> bool:
    return str(value).lower() == "true"
