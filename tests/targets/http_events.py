"""Events of functions behind HTTP, made of a request as the gateways of AWS make them."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from replay.payloads.captures import Event

Pairs = Sequence[tuple[str, str]]
HOST = "captured.example.invalid"


def _several(pairs: Pairs) -> dict[str, list[str]] | None:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found or None


def _last(pairs: Pairs) -> dict[str, str] | None:
    return dict(pairs) or None


def _body(body: bytes) -> dict[str, Any]:
    if not body:
        return {"body": None, "isBase64Encoded": False}
    try:
        return {"body": body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def rest_api(method="GET", path="/", query="", headers: Pairs = (), body=b"", **context: Any) -> dict[str, Any]:
    """Of a REST API: the query string is decoded."""
    pairs = parse_qsl(query, keep_blank_values=True)
    domain = context.pop("domain", f"abc123.execute-api.eu-west-1.{HOST}")
    return {
        "resource": context.pop("resource", "/{proxy+}"),
        "path": path,
        "httpMethod": method,
        "headers": _last([*headers, ("Host", HOST)]),
        "multiValueHeaders": _several([*headers, ("Host", HOST)]),
        "queryStringParameters": _last(pairs),
        "multiValueQueryStringParameters": _several(pairs),
        "pathParameters": context.pop("parameters", {"proxy": path.lstrip("/")}),
        "requestContext": {"stage": "prod", "domainName": domain, "path": f"/prod{path}", **context},
        **_body(body),
    }


def http_api(method="GET", path="/", query="", headers: Pairs = (), body=b"", *, stage="$default", domain="") -> dict[str, Any]:  # fmt: skip
    """Of an HTTP API, payload format 2.0: headers are joined, cookies are apart, the stage stands before the path."""
    cookies = [part for name, value in headers if name.lower() == "cookie" for part in value.split("; ")]
    others: dict[str, str] = {}
    for name, value in [*headers, ("host", HOST)]:
        if name.lower() != "cookie":
            others[name.lower()] = ",".join(filter(None, (others.get(name.lower(), ""), value)))
    raw = path if stage == "$default" else f"/{stage}{path}"
    return {
        "version": "2.0",
        "rawPath": raw,
        "rawQueryString": query,
        **({"cookies": cookies} if cookies else {}),
        "headers": others,
        "requestContext": {
            "domainName": domain or f"abc123.execute-api.eu-west-1.{HOST}",
            "stage": stage,
            "http": {"method": method, "path": raw},
        },
        **_body(body),
    }


def function_url(*arguments: Any, **known: Any) -> dict[str, Any]:
    """Of a function URL."""
    return http_api(*arguments, **known, domain=f"abc123.lambda-url.eu-west-1.on.{HOST}")


def load_balancer(method="GET", path="/", query="", headers: Pairs = (), body=b"", *, several=True) -> dict[str, Any]:
    """Of a load balancer: the query string is as it came."""
    pairs = [(name, value) for name, _, value in (each.partition("=") for each in query.split("&") if each)]
    given = [*headers, ("host", HOST)]
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/b"}},
        "httpMethod": method,
        "path": path,
        **(
            {"multiValueQueryStringParameters": _several(pairs) or {}, "multiValueHeaders": _several(given)}
            if several
            else {"queryStringParameters": dict(pairs), "headers": dict(given)}
        ),
        **_body(body),
    }


def event(value: Any) -> Event:
    return Event(text=json.dumps(value))
