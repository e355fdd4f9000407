"""Through which resources events reach a function on LocalStack, as its services say themselves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from replay.errors import InvalidJson
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.envelopes.documents import text_at
from replay.payloads.event_sources import EventSourceKind
from replay.payloads.exact_json import parse, tokens
from replay.readers.aws_errors import aws_errors
from replay.sources.archive_parts.archives import every
from replay.targets.guard_rails.clients import TargetClients

CARRIED: frozenset[EventSourceKind] = frozenset({"sqs", "sns", "eventbridge", "schedule", "kinesis", "dynamodb", "s3"})
"""The event sources that give no answer, and that a carrier sends to."""

ASKED: frozenset[EventSourceKind] = frozenset({"apigateway", "httpapi", "function_url"})
"""Those that answer a request."""

LACKING: Mapping[EventSourceKind, str] = {
    "httpapi": "HTTP APIs (API Gateway v2)",
    "alb": "load balancers (Elastic Load Balancing v2)",
}
"""Those that also answer a request, and that LocalStack's community release does not have."""

WORDS: Mapping[str, str] = {
    "sqs": "queue", "sns": "topic", "eventbridge": "bus", "schedule": "bus", "kinesis": "stream", "dynamodb": "table",
    "s3": "bucket", "apigateway": "REST API", "function_url": "function URL",
}  # fmt: skip

_MAPPED = {"sqs", "kinesis", "dynamodb"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """
    One resource that hands events to the function.

    Attributes:
        kind: Of its events.
        target: The kind of target that sends to it.
        option: The option that names it there.
        resource: Its name, ARN, or url.
        settings: Further options of that target.
    """

    kind: EventSourceKind
    target: str
    option: str
    resource: str
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Its name, which is the same in production and here."""
        return resource_name(self.resource)

    @property
    def place(self) -> str:
        """What it leads through, for eyes: `queue orders`."""
        return f"{WORDS[self.kind]} {self.name}"


def source_name(event: Event) -> str:
    """Give the name of the queue, topic, stream, table or bucket that an event says it came from; else nothing."""
    try:
        document = parse(event.text)
    except InvalidJson:
        return ""
    records = document.get("Records") if isinstance(document, dict) else None
    record = records[0] if isinstance(records, list) and records else None
    bucket = text_at(record, "s3", "bucket", "name")
    if bucket:
        return bucket
    return resource_name(text_at(record, "eventSourceARN") or text_at(record, "Sns", "TopicArn") or "")


def rounded_numbers(event: Event) -> str:
    """
    Give a number of a message that LocalStack would change on the way to the function; empty where there is none.

    Source: LocalStack 4.14.0, `sqs_poller.py`: a body that is JSON is parsed and written anew, its numbers as doubles.
    """
    try:
        document = parse(event.text)
    except InvalidJson:
        return ""
    records = document.get("Records") if isinstance(document, dict) else None
    for record in records if isinstance(records, list) else []:
        body = text_at(record, "body") or ""
        try:
            numbers = [body[token.start : token.end] for token in tokens(body) if token.kind == "number"]
        except InvalidJson:
            continue
        for number in numbers:
            if _is_rounded(number):
                return number
    return ""


def _is_rounded(number: str) -> bool:
    if number.lstrip("-").isdecimal():
        return False
    try:
        return Decimal(number) != Decimal(repr(float(number)))
    except (ArithmeticError, ValueError, OverflowError):
        return True


def resource_name(arn: str) -> str:
    """Give the name of a queue, topic, bus, stream, table or bucket that is named by its ARN or plainly."""
    return arn.rpartition(":")[2].rpartition("/")[2] if ":table/" not in arn else arn.split("/")[1]


def ways_in(clients: TargetClients, function: Function, arn: str) -> list[WayIn]:
    """
    Find the ways to the function *arn*, of the kinds that its template says it has.

    Raises:
        AwsError: A service could not be asked.
    """
    kinds = {source.kind for source in function.event_sources}
    arns = _with_aliases(clients, arn)
    found = list(_mapped(clients, arns)) if kinds & _MAPPED else []
    if "sns" in kinds:
        found += _subscribed(clients, arns)
    if kinds & {"eventbridge", "schedule"}:
        found += _ruled(clients, arns)
    if "s3" in kinds:
        found += _notified(clients, arns)
    if "function_url" in kinds:
        found += _urls(clients, arn)
    if "apigateway" in kinds:
        found += _apis(clients, arn)
    return found


def _with_aliases(clients: TargetClients, arn: str) -> list[str]:
    with aws_errors(where=arn, service="lambda"):
        pages = clients("lambda").get_paginator("list_aliases").paginate(FunctionName=arn)
        return [arn, *(str(each["AliasArn"]) for page in pages for each in page["Aliases"])]


def _mapped(clients: TargetClients, arns: Sequence[str]) -> Iterator[WayIn]:
    client = clients("lambda")
    with aws_errors(where=arns[0], service="lambda"):
        pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=arns[0])
        listed: list[Any] = [each for page in pages for each in page.get("EventSourceMappings", [])]
    for each in (each for each in listed if each.get("FunctionArn") in arns):  # LocalStack lists those of others too
        source = str(each.get("EventSourceArn", ""))
        service = source.split(":")[2] if source.count(":") > 1 else ""
        if service == "sqs":
            yield WayIn(kind="sqs", target="sqs", option="queue", resource=source)
        elif service == "kinesis":
            yield WayIn(kind="kinesis", target="kinesis", option="stream", resource=source)
        elif service == "dynamodb":
            table = source.partition("/stream/")[0].rpartition("/")[2]
            yield WayIn(kind="dynamodb", target="dynamodb", option="table", resource=table)


def _subscribed(clients: TargetClients, arns: Sequence[str]) -> Iterator[WayIn]:
    client = clients("sns")
    with aws_errors(where=arns[0], service="sns"):
        pages = client.get_paginator("list_subscriptions").paginate()
        topics = [str(each["TopicArn"]) for page in pages for each in page["Subscriptions"] if each["Endpoint"] in arns]
    for topic in dict.fromkeys(topics):
        yield WayIn(kind="sns", target="sns", option="topic", resource=topic)


def _ruled(clients: TargetClients, arns: Sequence[str]) -> Iterator[WayIn]:
    client = clients("events")
    with aws_errors(where=arns[0], service="events"):
        for bus in every(client.list_event_buses, "EventBuses"):
            asked = (client.list_rule_names_by_target(TargetArn=arn, EventBusName=bus["Name"]) for arn in arns)
            if any(each.get("RuleNames") for each in asked):
                yield WayIn(kind="eventbridge", target="eventbridge", option="bus", resource=str(bus["Name"]))


def _notified(clients: TargetClients, arns: Sequence[str]) -> Iterator[WayIn]:
    client = clients("s3")
    with aws_errors(where=arns[0], service="s3"):
        for bucket in client.list_buckets()["Buckets"]:
            told: Any = client.get_bucket_notification_configuration(Bucket=bucket["Name"])
            functions = {each.get("LambdaFunctionArn") for each in told.get("LambdaFunctionConfigurations", [])}
            if not functions.isdisjoint(arns):
                way = WayIn(kind="s3", target="s3", option="bucket", resource=str(bucket["Name"]))
                yield replace(way, settings=(("how", "object"),))
                yield replace(way, settings=(("how", "notification"),))  # where the fixture does not have the object


def _urls(clients: TargetClients, arn: str) -> Iterator[WayIn]:
    """Source: LocalStack docs, "Lambda": it knows a function URL by the header Host, whose name need not resolve."""
    client = clients("lambda")
    with aws_errors(where=arn, service="lambda"):
        pages = client.get_paginator("list_function_url_configs").paginate(FunctionName=arn)
        urls = [urlsplit(str(each["FunctionUrl"])) for page in pages for each in page["FunctionUrlConfigs"]]
    for url in urls:
        place = str(client.meta.endpoint_url).rstrip("/")
        yield WayIn(kind="function_url", target="http", option="url", resource=place, settings=(("host", url.netloc),))


def _apis(clients: TargetClients, arn: str) -> Iterator[WayIn]:
    """Source: LocalStack docs, "API Gateway" (`/restapis/ID/STAGE/_user_request_` needs no name that resolves)."""
    client = clients("apigateway")
    with aws_errors(where=arn, service="apigateway"):
        for api in client.get_rest_apis(limit=500)["items"]:
            resources: Any = client.get_resources(restApiId=api["id"], embed=["methods"], limit=500)["items"]
            methods = [method for each in resources for method in each.get("resourceMethods", {}).values()]
            if not any(arn in str(method.get("methodIntegration", {}).get("uri", "")) for method in methods):
                continue
            for stage in client.get_stages(restApiId=api["id"])["item"]:
                place = f"restapis/{api['id']}/{stage['stageName']}/_user_request_"
                url = f"{str(client.meta.endpoint_url).rstrip('/')}/{place}"
                yield WayIn(kind="apigateway", target="http", option="url", resource=url)
