"""The fault that brings a failure back which AWS had made, and no payload can."""

import re
import shlex

from replay.outcomes.error_names import aws_code, error_names
from replay.outcomes.failure_classes import failure_class
from replay.payloads.aws_calls import Fault
from replay.payloads.failures import Failure
from replay.payloads.fault_reading import TIMEOUT, fault_text

_READ_LIMIT = 4096
_FROM_AWS = frozenset({"throttling", "permission", "downstream", "configuration"})

_BOTOCORE = re.compile(
    r"An error occurred \(([\w.]+)\) when calling the (\w+) operation(?: \([^)]*\))?: ?(.*)", re.DOTALL
)
_ACTION = re.compile(r"is not authorized to perform:? ([\w-]+):(\w+)")
_JAVA_SERVICE = re.compile(r"\(Service: (?:Amazon|AWS)?(\w+)[;,] Status Code")
_NODE_CLIENT = re.compile(r"@aws-sdk/client-([\w-]+)")
_NODE_OPERATION = re.compile(r"\bde_(\w+?)Command(?:Error)?\b")
_ENDPOINT = re.compile(r"endpoint URL: \"https?://(?:[^/\"]*?\.)?([a-z0-9-]+)(?:\.[a-z0-9-]+)?\.amazonaws\.com")

_NO_ANSWER = frozenset(
    {"ReadTimeoutError", "ConnectTimeoutError", "EndpointConnectionError", "ConnectionClosedError"}
)  # fmt: skip

_SERVICE_OF_CODE = {
    "NoSuchKey": "s3",
    "NoSuchBucket": "s3",
    "SlowDown": "s3",
    "QueueDoesNotExist": "sqs",
    "AWS.SimpleQueueService.NonExistentQueue": "sqs",
    "OverLimit": "sqs",
    "ParameterNotFound": "ssm",
    "StateMachineDoesNotExist": "stepfunctions",
}
OPERATIONS_OF_ONE_SERVICE = {
    "bedrock-runtime": "Converse InvokeModel",
    "cloudwatch": "GetMetricData PutMetricData",
    "dynamodb": "BatchGetItem BatchWriteItem DeleteItem GetItem PutItem Scan TransactGetItems TransactWriteItems "
    "UpdateItem",
    "firehose": "PutRecordBatch",
    "kinesis": "PutRecords",
    "kms": "Decrypt Encrypt GenerateDataKey",
    "lambda": "Invoke",
    "s3": "CopyObject DeleteObjects HeadObject ListObjectsV2 UploadPart",
    "secretsmanager": "GetSecretValue PutSecretValue",
    "sns": "PublishBatch",
    "sqs": "ChangeMessageVisibility DeleteMessageBatch ReceiveMessage SendMessageBatch",
    "ssm": "GetParameter GetParameters GetParametersByPath PutParameter",
    "stepfunctions": "SendTaskFailure SendTaskSuccess StartExecution StartSyncExecution",
    "sts": "AssumeRole GetCallerIdentity",
}
"""Operations that functions call, and that one service alone has, of all that botocore knows."""

_SERVICE_OF_OPERATION = {
    operation: service for service, operations in OPERATIONS_OF_ONE_SERVICE.items() for operation in operations.split()
}
_SERVICES = frozenset(OPERATIONS_OF_ONE_SERVICE) | {"events", "logs", "rds-data", "scheduler", "athena", "sesv2"}
_SERVICE_OF_SDK = {
    "cloudwatchevents": "events",
    "eventbridge": "events",
    "sfn": "stepfunctions",
    "simplequeue": "sqs",
    "securitytoken": "sts",
}
_SERVICE_OF_PREFIX = {
    "states": "stepfunctions",
    "email": "*",
    "ses": "*",
    "bedrock": "bedrock-runtime",
    "monitoring": "cloudwatch",
}
_OPERATIONS_OF_ACTION = {
    "lambda:InvokeFunction": "Invoke*",
    "s3:ListBucket": "ListObjects*",
}


_FROM_ANY_CALL = frozenset({"throttling", "permission"})
_OF_THE_FUNCTION_ITSELF = frozenset({"Rate Exceeded."})
"""Source: Lambda API `Invoke`, TooManyRequestsException; recordings of async-invoke with no reserved concurrency."""


def proposed_fault(failure: Failure) -> Fault | None:
    """
    Give the fault that makes an AWS call fail as it did in *failure*; None where AWS did not make it fail.

    The call is read from what the SDKs write: botocore's "An error occurred (CODE) when calling the OPERATION
    operation", IAM's "is not authorized to perform: dynamodb:PutItem", the service in Java's messages, the client in
    Node's stacks, and the host of botocore's endpoint errors. What none of them tells is `*`. A call that found no
    connection is given none either: it times out, as botocore's `ReadTimeoutError`. Where Lambda throttled the function
    itself, none of its calls failed, and there is no fault.
    """
    kind = failure_class(failure)
    if kind not in _FROM_AWS:
        return None
    names = error_names(failure)
    message = failure.message[:_READ_LIMIT]
    if not _NO_ANSWER.isdisjoint(names):
        host = _ENDPOINT.search(message)
        return Fault(call=f"{_service_of_host(host[0])}:*", error=TIMEOUT) if host else None
    told = _BOTOCORE.search(message)
    if told is not None:
        code, operation, words = told.groups()
        return Fault(call=f"{_service(operation, failure)}:{operation}", error=code, message=words.strip())
    call = _call_of_other_sdks(failure, message)
    if not call and kind in _FROM_ANY_CALL and message not in _OF_THE_FUNCTION_ITSELF:
        call = "*:*"
    return Fault(call=call, error=aws_code(failure) or names[0]) if call else None


def fault_option(fault: Fault) -> str:
    """Write *fault* as the option that injects it: `--fault dynamodb:PutItem=AccessDeniedException`."""
    return f"--fault {shlex.quote(fault_text(fault))}"


def _service_of_host(url: str) -> str:
    """Read the service from a host such as `sqs.eu-west-1.amazonaws.com` or `bucket.s3.amazonaws.com`."""
    labels = url.partition("//")[2].split(".")[:-2]
    known = _SERVICES | _SERVICE_OF_PREFIX.keys()
    label = next((each for each in reversed(labels) if each in known), "*")
    return _SERVICE_OF_PREFIX.get(label, label)


def _call_of_other_sdks(failure: Failure, message: str) -> str:
    action = _ACTION.search(message)
    if action is not None:
        prefix, operation = action.groups()
        known = _OPERATIONS_OF_ACTION.get(f"{prefix}:{operation}", operation)
        return f"{_SERVICE_OF_PREFIX.get(prefix, prefix)}:{known}"
    java = _JAVA_SERVICE.search(message)
    if java is not None:
        return f"{_service_of_sdk(java[1])}:*"
    stack = "\n".join([failure.stack[:_READ_LIMIT], *(f"{frame.module} {frame.function}" for frame in failure.frames)])
    client, operation_named = _NODE_CLIENT.search(stack), _NODE_OPERATION.search(stack)
    if client is not None:
        return f"{_service_of_sdk(client[1])}:{operation_named[1] if operation_named else '*'}"
    by_code = next((_SERVICE_OF_CODE[name] for name in error_names(failure) if name in _SERVICE_OF_CODE), "")
    return f"{by_code}:*" if by_code else ""


def _service_of_sdk(name: str) -> str:
    """Read the names that the SDKs for Java and Node have (`AmazonDynamoDBv2`, `DynamoDb`, `sfn`)."""
    bare = name.lower().removesuffix("v2").replace("-", "")
    known = {each.replace("-", ""): each for each in _SERVICES} | _SERVICE_OF_SDK
    return known.get(bare, "*")


def _service(operation: str, failure: Failure) -> str:
    """Say which service has *operation*: by its name, by the error's, or by what IAM says of the action."""
    by_code = _SERVICE_OF_CODE.get(aws_code(failure), "")
    action = _ACTION.search(failure.message[:_READ_LIMIT])
    by_action = action[1] if action and action[2] == operation else ""
    return _SERVICE_OF_OPERATION.get(operation) or by_code or _SERVICE_OF_PREFIX.get(by_action, by_action) or "*"
