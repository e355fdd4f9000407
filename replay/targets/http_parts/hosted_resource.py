"""What is behind a host of AWS, asked of AWS itself: so that its account and its tags can be checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from replay.errors import AwsError, TargetRefused
from replay.readers.aws_errors import aws_errors
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.http_parts.endpoint import HttpEndpoint

Clients = Callable[[str], Any]
"""Gives the client of a service, in the account and region of the target."""

_ACCOUNT = "{account_id}"
"""Stands in an ARN for the account whose own resource AWS has just described."""

_NOT_THERE = {"NotFoundException", "ResourceNotFoundException", "LoadBalancerNotFound"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedResource:
    """
    An API, a function or a load balancer.

    Attributes:
        arn: With `{account_id}` for the caller's own account, where AWS describes only what is in it and names none.
        tags: None where they may not be read.
    """

    arn: str
    tags: Mapping[str, str] | None


def hosted_resource(endpoint: HttpEndpoint, clients: Clients, *, function: str, region: str) -> HostedResource:
    """
    Find out what *endpoint* leads to.

    - An API of API Gateway, by its id, which AWS gives to its own account alone; likewise a custom domain name.
    - A function URL tells nothing of its function: *function* must be named, and that URL must be its own.
    - A load balancer, by its DNS name.

    Source: API Gateway API `GetRestApi`, `GetApi`, `GetDomainName`; Lambda API `GetFunctionUrlConfig`; Elastic Load
    Balancing API `DescribeLoadBalancers`.

    Raises:
        TargetRefused: Nobody can tell where it leads.
        AwsError: It may not be looked at.
    """
    if endpoint.hosting == "function-url":
        return _function_of_url(endpoint, clients("lambda"), function)
    if endpoint.hosting == "load-balancer":
        return _load_balancer(endpoint, clients("elbv2"))
    if endpoint.hosting == "api":
        return _api(endpoint, clients)
    return _custom_domain(endpoint, clients, region)


def _api(endpoint: HttpEndpoint, clients: Clients) -> HostedResource:
    where, name = f"API {endpoint.resource_id}", endpoint.resource_id
    found = _found(lambda: clients("apigateway").get_rest_api(restApiId=name), where, "apigateway")
    if found is None:
        found = _found(lambda: clients("apigatewayv2").get_api(ApiId=name), where, "apigateway")
    if found is None:
        _refuse(endpoint, f"your account has no API {name} in {endpoint.region}", "an API of the target's account")
    partition = "aws-cn" if endpoint.host.endswith(".cn") else "aws"
    arn = f"arn:{partition}:execute-api:{endpoint.region}:{_ACCOUNT}:{name}/{endpoint.stage or '$default'}"
    named = str(found.get("name") or found.get("Name") or "")
    return HostedResource(arn=arn, tags=_with_name(found, named))


def _with_name(found: Mapping[str, Any], name: str) -> dict[str, str]:
    """Give its tags, and its name like one of them: the name of an API, which its ARN does not have."""
    tags = tags_of(found.get("tags") or found.get("Tags") or {})
    return {**tags, "name": name} if name else dict(tags)


def _custom_domain(endpoint: HttpEndpoint, clients: Clients, region: str) -> HostedResource:
    where, name = f"domain name {endpoint.host}", endpoint.host
    found = _found(lambda: clients("apigateway").get_domain_name(domainName=name), where, "apigateway")
    if found is None:
        _refuse(
            endpoint,
            "nobody can tell in which account what is behind this name is",
            "the address that AWS gave to it, or a custom domain name of API Gateway",
        )
    return HostedResource(arn=f"arn:aws:apigateway:{region}:{_ACCOUNT}:/domainnames/{name}", tags=_with_name(found, ""))


def _function_of_url(endpoint: HttpEndpoint, client: Any, function: str) -> HostedResource:
    if not function:
        _refuse(
            endpoint,
            "a function URL does not say whose it is",
            'its function: function = "NAME", or NAME:ALIAS, in the target\'s section',
        )
    where = f"function {function}"
    found = _found(lambda: client.get_function_url_config(FunctionName=function), where, "lambda")
    url = str(found["FunctionUrl"]).rstrip("/") if found else ""
    if not found or url != f"https://{endpoint.host}":
        _refuse(endpoint, f"it is not the function URL of {function}", url or f"a function URL of {function}")
    arn = str(found["FunctionArn"])
    unqualified = ":".join(arn.split(":")[:7])
    tags = unless_denied(
        lambda: tags_of(client.list_tags(Resource=unqualified).get("Tags", {})), service="lambda", where=where
    )
    return HostedResource(arn=arn, tags=tags)


def _load_balancer(endpoint: HttpEndpoint, client: Any) -> HostedResource:
    where = f"load balancer {endpoint.host}"
    with aws_errors(where=where, service="elasticloadbalancing"):
        pages = client.get_paginator("describe_load_balancers").paginate()
        listed = (each for page in pages for each in page["LoadBalancers"])
        host = endpoint.host.removeprefix("dualstack.")
        found = next((each for each in listed if str(each["DNSName"]).lower() == host), None)
    if found is None:
        _refuse(endpoint, f"your account has no such load balancer in {endpoint.region}", "one of the target's account")
    arn = str(found["LoadBalancerArn"])
    tags = unless_denied(
        lambda: tags_of(client.describe_tags(ResourceArns=[arn])["TagDescriptions"][0].get("Tags", [])),
        service="elasticloadbalancing",
        where=where,
    )
    return HostedResource(arn=arn, tags=tags)


def _found(read: Callable[[], Any], where: str, service: str) -> Any:
    """Give what *read* gives, or None where AWS has nothing of that name."""
    try:
        with aws_errors(where=where, service=service):
            return read()
    except AwsError as error:
        if error.code in _NOT_THERE:
            return None
        raise


def _refuse(endpoint: HttpEndpoint, why: str, expected: str) -> NoReturn:
    raise TargetRefused(
        f"nothing is sent to {endpoint.host}: {why}",
        where=endpoint.url,
        expected=expected,
        hint="correct url, profile, region or function in the target's section",
    )
