"""
CBOR, which some SDKs speak and moto does not: requests to the mocked AWS are put into JSON, and its answers back.

botocore reads and writes it, by the shapes of the API's model.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any

from replay.targets.aws.error_answer import HttpAnswer, error_answer

CBOR = "smithy-rpc-v2-cbor"

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_PATH = re.compile(r"/service/[^/]+/operation/(\w+)/?")
_ERRORS_FROM = 300


def speaks_cbor(environ: Environ) -> bool:
    """Say whether a request is in CBOR. Source: Smithy 2.0, "Smithy RPC v2 CBOR protocol", Requests."""
    return bool(environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor")


def operation_in_path(environ: Environ) -> str:
    """Give the operation that the path of such a request names, empty where it names none."""
    named = _PATH.fullmatch(str(environ.get("PATH_INFO", "")))
    return named[1] if named else ""


def decoded(body: bytes, shape: Any) -> dict[str, Any]:
    """
    Read what a request says.

    Raises:
        botocore.parsers.ResponseParserError: It is no CBOR, or none that botocore reads.
    """
    return _parsed(CBOR, body, shape) if body and shape is not None else {}


def answer_in_cbor(environ: Environ, body: bytes, operation: Any, application: Application) -> HttpAnswer:
    """
    Let *application*, which speaks JSON, answer a request in CBOR.

    Args:
        operation: What is called, in botocore's model.

    Raises:
        Exception: One of the many that reading a stranger's bytes ends in.
    """
    status, answer = _ask(_in_json(environ, body, operation), application)
    if status >= _ERRORS_FROM:
        error = json.loads(answer)
        code = str(error.get("__type", "")).rpartition("#")[2]
        message = str(error.get("message") or error.get("Message") or "")
        return error_answer(operation, code, message, protocol=CBOR, method="POST")
    result = _encoded(_parsed("json", answer, operation.output_shape), operation.output_shape)
    return HttpAnswer(status, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, result)


def _in_json(environ: Environ, body: bytes, operation: Any) -> Environ:
    from botocore.serialize import create_serializer

    parameters = decoded(body, operation.input_shape)
    request = create_serializer("json", include_validation=False).serialize_to_request(parameters, operation)
    told = {name: value for name, value in environ.items() if name not in {"HTTP_SMITHY_PROTOCOL", "HTTP_ACCEPT"}}
    return told | {
        "PATH_INFO": "/",
        "RAW_URI": "/",
        "REQUEST_URI": "/",
        "HTTP_X_AMZ_TARGET": request["headers"]["X-Amz-Target"],
        "CONTENT_TYPE": request["headers"]["Content-Type"],
        "CONTENT_LENGTH": str(len(request["body"])),
        "wsgi.input": BytesIO(request["body"]),
    }


def _ask(environ: Environ, application: Application) -> tuple[int, bytes]:
    statuses: list[int] = []

    def start(status: str, headers: Any, exc_info: Any = None) -> None:  # noqa: ARG001 - WSGI hands over all three
        statuses.append(int(status.partition(" ")[0]))

    body = b"".join(application(environ, start))
    return statuses[-1] if statuses else int(HTTPStatus.INTERNAL_SERVER_ERROR), body


def _parsed(protocol: str, body: bytes, shape: Any) -> dict[str, Any]:
    from botocore.parsers import create_parser

    answer = {"status_code": 200, "headers": {}, "body": body, "context": {}}
    parsed: Mapping[str, Any] = create_parser(protocol).parse(answer, shape)
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}


def _encoded(result: Mapping[str, Any], shape: Any) -> bytes:
    from botocore.serialize import create_serializer

    if shape is None:
        return b""
    serializer: Any = create_serializer(CBOR, include_validation=False)
    return bytes(serializer._serialize_body_params(result, shape))  # noqa: SLF001 - botocore writes requests only
