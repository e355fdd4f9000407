"""The request that the event of a function behind HTTP tells of."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, get_args
from urllib.parse import quote, unquote, unquote_plus

from replay.errors import InvalidEvent
from replay.payloads.captures import Event
from replay.payloads.envelopes.documents import at, text_at
from replay.payloads.envelopes.lambda_event import event_source_of_value
from replay.payloads.exact_json import Json, parse
from replay.targets.http_parts.request_headers import Header, is_of_a_signature, sent_headers

HttpKind = Literal["apigateway", "httpapi", "function_url", "alb"]

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}")
_NOT_IN_A_PATH = re.compile(r"[^!-~]|[?#]")
_NOT_IN_A_QUERY = re.compile(r"[^!-~]|#")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedRequest:
    """
    What is sent again.

    Attributes:
        kind: Through what it came.
        format_2: Whether the event is in payload format 2.0.
        multi_value: Whether the event has a list of values for each header.
        path: As it goes into the request line, behind the base path of where it is sent to.
        query: Likewise, without the question mark.
        headers: Each value by itself; host, length and credentials are not among them.
    """

    kind: HttpKind
    format_2: bool = False
    multi_value: bool = False
    method: str
    path: str
    query: str
    headers: tuple[Header, ...]
    body: bytes

    @property
    def target(self) -> str:
        """Path and query string."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def climbs(self) -> bool:
        """Whether the path leads out of what it is put behind, for a server that resolves `..` in it."""
        depth = 0
        for part in unquote(self.path).replace("\\", "/").split("/"):
            depth += -1 if part == ".." else part not in {"", "."}
            if depth < 0:
                return True
        return False


def captured_request(event: Event) -> CapturedRequest:
    """
    Rebuild the request from *event*; asks nobody, and takes no host from it.

    - The path is byte for byte that of the event; only what cannot stand in a request line is percent-encoded, since an
      HTTP API decodes it. Without the stage, and without the base path of a custom domain: they belong to where it is
      sent. (1)
    - The query string is the raw one where the event has it, and that of a load balancer is raw too (2). A REST API
      decodes it and sorts it by name: it is encoded again, all values of a name after each other. (1)
    - Cookies of payload format 2.0 are one header again. A header that this format has joined by commas stays joined.
    - A base64 body is sent as the bytes that it stands for.

    Source: (1) recordings test_lambda_aws_proxy_integration, test_lambda_url_echo_http_fixture_default; API Gateway
    developer guide, "Lambda proxy integrations" and "Create AWS Lambda proxy integrations for HTTP APIs"; (2) Elastic
    Load Balancing user guide, "Lambda functions as targets": "the load balancer does not decode them".

    Raises:
        InvalidEvent: It is no request, or one that could not have come over HTTP.
        InvalidJson: It is not JSON.
    """
    value = parse(event.text)
    source = event_source_of_value(value)
    kind = source.kind if source is not None else ""
    if not isinstance(value, dict) or kind not in get_args(HttpKind) or at(value, "requestContext", "connectionId"):
        _refuse("the event is no HTTP request", "/", "an event of API Gateway, a function URL or a load balancer")
    format_2 = isinstance(at(value, "requestContext", "http"), dict)
    method = text_at(value, "requestContext", "http", "method") if format_2 else text_at(value, "httpMethod")
    if method is None or not _METHOD.fullmatch(method) or method.upper() == "CONNECT":
        _refuse("the event has no HTTP method that can be sent", "/httpMethod", "a method such as GET")
    return CapturedRequest(
        kind=kind,  # type: ignore[arg-type]  # it was compared with them
        format_2=format_2,
        multi_value=isinstance(value.get("multiValueHeaders"), dict),
        method=method,
        path=_escaped(_path(value, kind, format_2=format_2), _NOT_IN_A_PATH),
        query=_escaped(_query(value, kind, format_2=format_2), _NOT_IN_A_QUERY),
        headers=sent_headers(_headers(value, format_2=format_2)),
        body=_body(value),
    )


def _path(event: Mapping[str, Json], kind: str, *, format_2: bool) -> str:
    path = text_at(event, "rawPath" if format_2 else "path") or "/"
    path = path if path.startswith("/") else f"/{path}"
    if kind == "httpapi":
        stage = text_at(event, "requestContext", "stage") or "$default"
        return _without_stage(path, stage)
    if kind == "apigateway" and not _is_execute_api(text_at(event, "requestContext", "domainName") or ""):
        return _without_base_path(path, event)
    return path


def _is_execute_api(domain: str) -> bool:
    return not domain or ".execute-api." in domain


def _without_stage(path: str, stage: str) -> str:
    prefix = f"/{stage}"
    if stage != "$default" and (path == prefix or path.startswith(f"{prefix}/")):
        return path[len(prefix) :] or "/"
    return path


def _without_base_path(path: str, event: Mapping[str, Json]) -> str:
    """Give the end of *path* that is the resource's, with its parameters: what is before it is a custom domain's."""
    resource = text_at(event, "requestContext", "resourcePath") or text_at(event, "resource") or ""
    parameters = event.get("pathParameters")
    for name, value in (parameters if isinstance(parameters, dict) else {}).items():
        for template in (f"{{{name}}}", f"{{{name}+}}"):
            resource = resource.replace(template, value if isinstance(value, str) else "")
    if resource == "/":
        return "/"
    is_path = resource.startswith("/") and resource.strip("/")  # else what is left would go on with the stage's name
    place = path.find(resource) if is_path else -1
    return path[place:] if place > 0 else path


def _query(event: Mapping[str, Json], kind: str, *, format_2: bool) -> str:
    if format_2:
        raw = text_at(event, "rawQueryString") or ""
        parts = [part for part in raw.split("&") if not is_of_a_signature(unquote_plus(part.partition("=")[0]))]
        return "&".join(parts)
    written = str if kind == "alb" else _encoded
    pairs = _pairs(event, "multiValueQueryStringParameters", "queryStringParameters")
    kept = (pair for pair in pairs if not is_of_a_signature(unquote_plus(pair[0])))
    return "&".join(f"{written(name)}={written(value)}" for name, value in kept)


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~", errors="surrogatepass")


def _headers(event: Mapping[str, Json], *, format_2: bool) -> list[Header]:
    cookies = event.get("cookies") if format_2 else None
    if not isinstance(cookies, list) or not cookies:
        return list(_pairs(event, "multiValueHeaders", "headers"))
    headers = [(name, value) for name, value in _pairs(event, "", "headers") if name.lower() != "cookie"]
    return [*headers, ("cookie", "; ".join(map(str, cookies)))]


def _pairs(event: Mapping[str, Json], several: str, single: str) -> Iterator[tuple[str, str]]:
    """Give names and values: those of the lists of values, and where there are none, those of the single ones."""
    given = event.get(several) or event.get(single) or {}
    if not isinstance(given, dict):
        _refuse(f"{single} is no object", f"/{single}", "names and their values")
    for name, values in given.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, dict | list):
                _refuse(f"a value in {single} is no text", f"/{single}", "text")
            if value is not None:
                yield name, str(value)


def _body(event: Mapping[str, Json]) -> bytes:
    body = event.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        _refuse("the body is no text", "/body", "text, or null")
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        _refuse("isBase64Encoded is true, and the body is not base64", "/body", "base64")


def _escaped(text: str, forbidden: re.Pattern[str]) -> str:
    return forbidden.sub(lambda found: quote(found[0], safe="", errors="surrogatepass"), text)


def _refuse(what: str, where: str, expected: str) -> NoReturn:
    hint = "deliver it to the function itself: --target lambda:FUNCTION"
    raise InvalidEvent(what, where=where, expected=expected, hint=hint)
