"""
The AWS call that an HTTP request is, read as AWS reads it: by its signature, its operation and its protocol.

moto routes and parses requests by botocore's models, and botocore parses the answers.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from replay.payloads.exact_json import Json
from replay.payloads.partitions import partition_of
from replay.targets.aws.plain_values import Sized, plain_parameters, plain_result
from replay.targets.aws.service_models import service_model, services_signing_as
from replay.targets.child.cbor_requests import CBOR, decoded, operation_in_path, speaks_cbor

Environ = dict[str, Any]

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")
_ERRORS_FROM = 300
_CHUNKED = "aws-chunked"
_QUEUE_URL = "QueueUrl"


class AwsRequest:
    """
    One request to the mocked AWS, whose body is read here and put back.

    `service` and `operation` are as botocore names them. A request whose operation is not found is given by what it
    says itself, and is no call (`is_call`) where it says nothing.
    """

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.method = str(environ["REQUEST_METHOD"])
        self.call_id = str(environ.get("HTTP_AMZ_SDK_INVOCATION_ID", ""))
        self.body = _read_body(environ)
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", "")) or _query_scope(environ)
        self._region, self._signed_for = (scope[1], scope[2]) if scope else ("", "")
        self.service, self.operation = self._names()

    @property
    def is_call(self) -> bool:
        """Whether it is known what is called."""
        return bool(self.service and self.operation)

    @cached_property
    def model(self) -> Any:
        """The operation in botocore's model, None where it is not known."""
        names = service_model(self.service).operation_names
        return service_model(self.service).operation_model(self.operation) if self.operation in names else None

    @property
    def protocol(self) -> str:
        """The protocol that the client speaks, and wants its answer in."""
        content_type = str(self.environ.get("CONTENT_TYPE", ""))
        protocol = str(service_model(self.service).resolved_protocol)
        if speaks_cbor(self.environ):
            return CBOR
        if self.environ.get("HTTP_X_AMZ_TARGET"):
            return "json"
        if content_type.startswith("application/x-www-form-urlencoded") and protocol in {"json", CBOR}:
            return "query"
        return protocol

    def parameters(self) -> dict[str, Json]:
        """Give the parameters as the API has them; none where they cannot be read."""
        if self.model is not None and speaks_cbor(self.environ):
            return self._shown(decoded(self.body, self.model.input_shape))
        if self._routed is None or self.model is None:
            return {}
        from moto.core.parse import PROTOCOL_PARSERS

        operation, in_path = self._routed
        request = self._request
        content: Any = {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": self._content,
            "url_path": request.path,
            "url_params": in_path,
        }
        from botocore.utils import parse_timestamp

        parse = PROTOCOL_PARSERS[self.protocol](operation, timestamp_parser=parse_timestamp).parse
        parsed = _without_what_was_not_sent(parse(content), operation.input_shape)
        return self._shown(parsed)

    def result(self, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Json] | tuple[str, str]:
        """Give what an answer says: the result, or the code and message of the error."""
        from botocore.parsers import create_parser

        lower = {name.lower(): value for name, value in headers.items()}
        shape = self.model.output_shape
        is_error = status >= _ERRORS_FROM
        is_stream = self.model.has_streaming_output and not is_error
        answer = {"status_code": status, "headers": _Headers(lower), "body": _Unread() if is_stream else body}
        parsed = create_parser(self.protocol).parse({**answer, "context": {"operation_name": self.operation}}, shape)
        if is_error:
            error = parsed.get("Error", {})
            return str(error.get("Code", "")), str(error.get("Message", ""))
        if is_stream:
            parsed[shape.serialization["payload"]] = Sized(len(body))
        return self._with_usual_queue(plain_result(parsed, shape, self.service))

    @cached_property
    def _request(self) -> Any:
        from moto.core.request import Request

        environ = {**self.environ, "wsgi.input": BytesIO(self.body), "CONTENT_LENGTH": str(len(self.body))}
        return Request(environ)

    @cached_property
    def _content(self) -> bytes:
        return _unchunked(self.body) if _CHUNKED in self.environ.get("HTTP_CONTENT_ENCODING", "") else self.body

    @cached_property
    def _routed(self) -> tuple[Any, Mapping[str, Any]] | None:
        """Find the operation, and what the path says."""
        from botocore.exceptions import UnknownServiceError
        from moto.core.routing import get_service_router
        from werkzeug.exceptions import HTTPException

        for service in services_signing_as(self._signed_for) if self._signed_for else ():
            try:
                operation, in_path = get_service_router(service).match(self._request)
            except (HTTPException, NotImplementedError, UnknownServiceError):
                continue
            return operation, in_path
        return None

    def _names(self) -> tuple[str, str]:
        if self._routed is not None:
            operation = self._routed[0]
            return operation.service_model.service_name, operation.name
        service = services_signing_as(self._signed_for)[0] if self._signed_for else ""
        target = str(self.environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
        return service, operation_in_path(self.environ) or target

    def _shown(self, parameters: Mapping[str, Any]) -> dict[str, Json]:
        return self._with_usual_queue(plain_parameters(parameters, self.model.input_shape, self.service))

    def _with_usual_queue(self, values: dict[str, Json]) -> dict[str, Json]:
        """Show a queue's URL as AWS has it, not that of the server which stands in for it."""
        url = values.get(_QUEUE_URL)
        if self.service != "sqs" or not isinstance(url, str):
            return values
        suffix = partition_of(self._region).dns_suffix
        return {**values, _QUEUE_URL: f"https://sqs.{self._region}.{suffix}{urlsplit(url).path}"}


class _Headers(dict[str, str]):
    """Headers by whatever casing."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


class _Unread:
    """The body of an answer that only the function reads."""


def _read_body(environ: Environ) -> bytes:
    """Read the whole body, and put it back as if it had come with its length."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length:
        body = stream.read(int(length))
    else:
        body = stream.read() if environ.get("wsgi.input_terminated") else b""
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["wsgi.input"] = BytesIO(body)
    return bytes(body)


def _query_scope(environ: Environ) -> re.Match[str] | None:
    """Find the scope of a presigned URL."""
    credential = parse_qs(str(environ.get("QUERY_STRING", ""))).get("X-Amz-Credential", [""])[0]
    return _SCOPE.search(f"Credential={credential}")


def _unchunked(body: bytes) -> bytes:
    """
    Take the content out of chunks.

    Source: S3 API reference, "Signature calculations: transferring payload in multiple chunks".
    """
    return b"".join(_chunks(body))


def _chunks(body: bytes) -> Iterator[bytes]:
    at = 0
    while (end := body.find(b"\r\n", at)) >= 0:
        size = int(body[at:end].partition(b";")[0] or b"0", 16)
        if not size:
            return
        yield body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2


def _without_what_was_not_sent(parameters: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    """Leave out what the parser makes of headers that are not there, or that only carry the body."""
    members = shape.members if shape is not None else {}
    sent = {}
    for name, value in parameters.items():
        location = members[name].serialization.get("location") if name in members else None
        if location in {"header", "headers", "querystring"} and value in ("", {}, []):
            continue
        if name == "ContentEncoding" and isinstance(value, str):
            value = ",".join(part for part in value.split(",") if part.strip() != _CHUNKED)  # noqa: PLW2901 - the rest
            if not value:
                continue
        sent[name] = value
    return sent
