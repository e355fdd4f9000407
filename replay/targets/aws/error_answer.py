"""The HTTP answer by which AWS says that a call has failed, in the protocol of the service."""

import json
import re
import uuid
from collections.abc import Mapping
from html import escape
from typing import Any, NamedTuple

from replay.functions.function import Function
from replay.payloads.aws_calls import Fault
from replay.targets.aws.service_models import service_model

_BAD_REQUEST, _SERVER_ERROR = 400, 500
_STATUS = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "InvalidClientTokenId": 403,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
    "TooManyRequestsException": 429,
}
_OF_THE_SERVER = re.compile(r"Internal|^Serv(?:er|ice)(?:Exception|Fault)$|^DependencyFailure")
"""botocore does not give the `fault` of a model, which only such errors have."""

_STATUS_OF_PROTOCOL = {
    ("json", "RequestLimitExceeded"): 400,
    ("rest-json", "AccessDeniedException"): 403,
    ("rest-json", "ExpiredTokenException"): 403,
    ("rest-json", "ThrottlingException"): 429,
    ("rest-json", "UnrecognizedClientException"): 403,
}
_COMMON = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InvalidSignatureException",
        "KMSAccessDeniedException",
        "OptInRequired",
        "RequestExpired",
        "Throttling",
        "ThrottlingException",
        "UnrecognizedClientException",
        "ValidationError",
        "ValidationException",
    }
)
"""Errors of every service that models do not list, with status 400 unless they say otherwise. Source: "Common errors"
in the API references of DynamoDB (JSON), Lambda (REST-JSON), SNS (query) and S3 (REST-XML)."""

_DENIED = (
    "User: arn:aws:sts::{account}:assumed-role/{function}-role/{function} is not authorized to perform: {call} "
    "because no identity-based policy allows the {call} action"
)
_MESSAGES = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "AuthorizationError": _DENIED,
    "ConditionalCheckFailedException": "The conditional request failed",
    "ExpiredToken": "The provided token has expired.",
    "ExpiredTokenException": "The security token included in the request is expired",
    "InternalError": "We encountered an internal error. Please try again.",
    "InternalServerError": "Internal server error",
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchKey": "The specified key does not exist.",
    "ProvisionedThroughputExceededException": (
        "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
        "provisioning level with the UpdateTable API."
    ),
    "RequestLimitExceeded": "Throughput exceeds the current throughput limit for your account.",
    "SlowDown": "Please reduce your request rate.",
    "Throttling": "Rate exceeded",
    "ThrottlingException": "Rate exceeded",
    "TooManyRequestsException": "Rate Exceeded.",
    "UnrecognizedClientException": "The security token included in the request is invalid.",
}
_MESSAGES_OF_SERVICE = {
    ("dynamodb", "ResourceNotFoundException"): "Requested resource not found",
    ("kinesis", "ProvisionedThroughputExceededException"): "Rate exceeded for shard.",
    ("s3", "AccessDenied"): "Access Denied",
    ("sqs", "AWS.SimpleQueueService.NonExistentQueue"): "The specified queue does not exist.",
    ("sqs", "QueueDoesNotExist"): "The specified queue does not exist.",
    ("secretsmanager", "ResourceNotFoundException"): "Secrets Manager can't find the specified secret.",
}


class HttpAnswer(NamedTuple):
    """One HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def error_answer(operation: Any, code: str, message: str, *, protocol: str, method: str) -> HttpAnswer:
    """
    Give what AWS answers where *operation* ends in the error *code*.

    Args:
        operation: The operation in botocore's model.
        protocol: The one of the request: `json`, `query`, `ec2`, `rest-json`, `rest-xml` or `smithy-rpc-v2-cbor`.
        method: Of the request: to HEAD there is no body, and so no code.
    """
    service = operation.service_model
    shape = _shape(service, code)
    status = _status(shape, code, protocol)
    name = shape.name if shape is not None else code
    code = shape.error_code if shape is not None else code
    request_id = str(uuid.uuid4())
    fault = "Sender" if status < _SERVER_ERROR else "Receiver"
    headers = {"x-amzn-RequestId": request_id}
    if protocol == "smithy-rpc-v2-cbor":
        headers |= {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        body = _cbor({"__type": name, "message": message})
    elif "json" in protocol:
        headers |= {"Content-Type": _json_type(service, protocol), "x-amzn-ErrorType": name}
        body = json.dumps({"__type": name, "message": message}).encode()
    else:
        headers["Content-Type"] = "text/xml"
        body = _xml(service.service_name, protocol, fault, code, message, request_id).encode()
    if "awsQueryCompatible" in service.metadata and protocol != "query":
        headers["x-amzn-query-error"] = f"{code};{fault}"
    return HttpAnswer(status, headers, b"" if method == "HEAD" else body)


def fault_answer(
    service: str, operation: str, fault: Fault, function: Function, *, protocol: str, method: str
) -> HttpAnswer:
    """Give the answer to a call that *function* makes and that meets the error of *fault*; see `error_answer`."""
    code = fault.error or ""
    text = fault.message or _MESSAGES_OF_SERVICE.get((service, code), _MESSAGES.get(code, ""))
    message = text if fault.message else _filled(text, service, operation, function)
    model = service_model(service).operation_model(operation)
    return error_answer(model, code, message, protocol=protocol, method=method)


def is_known_error(operation: Any, code: str) -> bool:
    """Say whether AWS is known to give the error *code* for *operation*."""
    return code in _STATUS or code in _COMMON or _shape(operation.service_model, code) is not None


def _filled(text: str, service: str, operation: str, function: Function) -> str:
    return text.format(account=function.account_id, function=function.name, call=f"{service}:{operation}")


def _shape(service: Any, code: str) -> Any:
    """Find the error in the model, by its code or by its name."""
    return next((shape for shape in service.error_shapes if code in {shape.error_code, shape.name}), None)


def _status(shape: Any, code: str, protocol: str) -> int:
    if (protocol, code) in _STATUS_OF_PROTOCOL:
        return _STATUS_OF_PROTOCOL[protocol, code]
    metadata = shape.metadata if shape is not None else {}
    modelled = (metadata.get("error") or {}).get("httpStatusCode")
    if modelled is not None:
        return int(modelled)
    if code in _STATUS:
        return _STATUS[code]
    return _SERVER_ERROR if _OF_THE_SERVER.search(code) else _BAD_REQUEST


def _json_type(service: Any, protocol: str) -> str:
    if protocol == "rest-json":
        return "application/json"
    return f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"


def _xml(service: str, protocol: str, fault: str, code: str, message: str, request_id: str) -> str:
    error = f"<Code>{escape(code, quote=False)}</Code><Message>{escape(message, quote=False)}</Message>"
    if service == "s3":
        return f'<?xml version="1.0" encoding="UTF-8"?><Error>{error}<RequestId>{request_id}</RequestId></Error>'
    if protocol == "ec2":
        return f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    return (
        f"<ErrorResponse><Error><Type>{fault}</Type>{error}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _cbor(texts: Mapping[str, str]) -> bytes:
    """Encode a small map of texts. Source: RFC 8949, major types 3 and 5."""
    parts = [bytes([0xA0 | len(texts)])]
    for text in (part for item in texts.items() for part in item):
        data = text.encode()
        parts += [b"\x7a", len(data).to_bytes(4, "big"), data]
    return b"".join(parts)
