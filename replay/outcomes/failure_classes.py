"""What kind of trouble a failure is: the error table of the field, as one table."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from replay.outcomes.error_names import error_names
from replay.payloads.failures import Failure

FailureClass = Literal[
    "payload", "timeout", "memory", "permission", "throttling", "downstream", "configuration", "code"
]  # fmt: skip

_READ_LIMIT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRow:
    """
    One row of the error table: failures that have such a name, and such a message where one is asked for.

    `names` must match one whole name of the error (see `error_names`), `message` a part of its message.
    """

    failure_class: FailureClass
    names: str = ""
    message: str = ""
    source: str


ERROR_TABLE: tuple[ErrorRow, ...] = (
    ErrorRow(
        failure_class="timeout",
        names=r"Sandbox\.Timedout|States\.Timeout",
        source="recordings test_lambda_invoke_with_timeout and task_service_lambda (Step Functions)",
    ),
    ErrorRow(
        failure_class="timeout",
        message=r"Task timed out after \d",
        source="recording test_lambda_invoke_with_timeout of 2024, which has no type; log sample entry_lambda_timeout",
    ),
    ErrorRow(
        failure_class="memory",
        names=r"Runtime\.ExitError",
        message=r"signal: killed",
        source="log sample entry_lambda_oom",
    ),
    ErrorRow(
        failure_class="memory",
        names=r"MemoryError|OutOfMemoryError",
        source="Python: built-in exceptions; Java: java.lang.OutOfMemoryError",
    ),
    ErrorRow(
        failure_class="memory",
        message=r"JavaScript heap out of memory|Java heap space",
        source="V8's and the JVM's own words for it",
    ),
    ErrorRow(
        failure_class="permission",
        names=r"(?:KMS\.?)?AccessDenied\w*|\w*NotAuthorized\w*|Unauthorized\w*|AuthorizationError\w*|AuthFailure|40[13]",
        source="IAM User Guide, access denied messages; SNS Publish: AuthorizationError; EC2: UnauthorizedOperation; "
        "S3 HeadObject: 403",
    ),
    ErrorRow(
        failure_class="permission",
        names=r"ExpiredToken\w*|InvalidClientTokenId|UnrecognizedClient\w*|InvalidAccessKeyId|SignatureDoesNotMatch",
        source="AWS common error codes; S3 API, Error responses",
    ),
    ErrorRow(
        failure_class="permission",
        message=r"is not authorized to perform:? [\w-]+:\w+",
        source="IAM User Guide, Troubleshoot access denied error messages",
    ),
    ErrorRow(
        failure_class="throttling",
        names=r"TooManyRequests\w*|\w*Thrott\w*|ProvisionedThroughputExceeded\w*|RequestLimitExceeded\w*|SlowDown|"
        r"BandwidthLimitExceeded|LimitExceeded\w*|PriorRequestNotComplete|OverLimit|429",
        source="botocore.retries.standard.ThrottledRetryableChecker; recording test_lambda_concurrency_block; "
        "S3 API: SlowDown; SQS API: OverLimit",
    ),
    ErrorRow(
        failure_class="throttling",
        message=r"Rate [Ee]xceeded|"
        r"[Tt]ransaction cancelled.*\b(?:ThrottlingError|ProvisionedThroughputExceeded)",
        source="recording test_lambda_concurrency_block; DynamoDB API: TransactionCanceledException",
    ),
    ErrorRow(
        failure_class="configuration",
        names=r"(?:Lambda\.)?ResourceNotFound\w*|NoSuch(?:Bucket|Key|Entity|Upload)\w*|QueueDoesNotExist\w*|"
        r"(?:AWS\.SimpleQueueService\.)?NonExistentQueue|ParameterNotFound\w*|NotFound(?:Exception)?|"
        r"StateMachineDoesNotExist|404",
        source="recording test_invoke_exceptions; API references of DynamoDB, S3, SQS, SSM, SNS and Step Functions",
    ),
    ErrorRow(
        failure_class="configuration",
        names=r"Runtime\.(?:ImportModuleError|HandlerNotFound|MalformedHandlerName|InvalidEntrypoint|"
        r"BuiltInModuleConflict)|Extension\.\w+",
        source="awslambdaric, bootstrap.py; Lambda Developer Guide, Extensions API",
    ),
    ErrorRow(
        failure_class="configuration",
        names=r"NoRegionError|NoCredentialsError|ProfileNotFound|InvalidEndpoint\w*|KMS(?:Disabled|NotFound)\w*|"
        r"EFSMount\w*|ENILimitReached\w*|SubnetIPAddressLimitReached\w*|InvalidRuntime\w*|InvalidZipFile\w*",
        source="botocore.exceptions; Lambda API: Invoke, errors",
    ),
    ErrorRow(
        failure_class="configuration",
        message=r"\[Errno 28\]|No space left on device|ENOSPC",
        source="Lambda Developer Guide, ephemeral storage: /tmp is full",
    ),
    ErrorRow(
        failure_class="downstream",
        names=r"Connect(?:ion)?\w*(?:Error|Exception)|BrokenPipeError|(?:\w*\.)?timeout|TimeoutError|NetworkClosed|"
        r"\w*(?:Read|Connect|Write|Pool|Socket|ApiCall)\w*Timeout(?:Error|Exception)?|EndpointConnectionError|"
        r"ProxyConnectionError|SSLE\w*|\w*SSLError|NewConnectionError|MaxRetryError|gaierror|URLError|"
        r"RemoteDisconnected|IncompleteRead|UnknownHost\w*|OperationalError|InterfaceError|HTTPClientError",
        source="Python: built-in exceptions, socket, urllib, http.client; botocore.exceptions; requests; urllib3; "
        "PEP 249; java.net",
    ),
    ErrorRow(
        failure_class="downstream",
        names=r"ServiceUnavailable\w*|Service\.Unavailable|Internal\w*(?:Error|Failure|Exception)|"
        r"ServiceException|RequestTimeout\w*|BadGateway\w*|GatewayTimeout\w*|5\d\d",
        source="AWS common error codes; botocore.retries.standard.TransientRetryableChecker; Lambda API: Invoke",
    ),
    ErrorRow(
        failure_class="downstream",
        message=r"\b(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE)\b|socket hang up|"
        r"Unable to execute HTTP request",
        source="Node: Errors, common system errors; AWS SDK for Java 2: SdkClientException",
    ),
    ErrorRow(
        failure_class="payload",
        names=r"SyntaxError",
        message=r"\bJSON\b|^Unexpected (?:token|end)",
        source="V8: what JSON.parse throws",
    ),
    ErrorRow(
        failure_class="code",
        names=r"NameError|UnboundLocalError|SyntaxError|IndentationError|TabError|ImportError|ModuleNotFoundError|"
        r"RecursionError|StackOverflowError|NotImplementedError|ReferenceError|RangeError|NoClassDefFoundError|"
        r"ClassNotFoundException|NoSuchMethodError",
        source="Python, ECMAScript and Java: they do not depend on data, but for how deep it is",
    ),
    ErrorRow(
        failure_class="code",
        names=r"AttributeError",
        message=r"module '[^']*' has no attribute",
        source="Python: built-in exceptions",
    ),
    ErrorRow(
        failure_class="code",
        names=r"TypeError",
        message=r"positional arguments? but \d+ (?:was|were) given|is not a function|is not a constructor",
        source="CPython's and V8's own words for a call of the wrong form",
    ),
    ErrorRow(
        failure_class="code",
        names=r"OSError|PermissionError|FileNotFoundError|FileExistsError|IsADirectoryError|NotADirectoryError",
        source="Python: built-in exceptions; a function's file system is that of its deployment, and read-only",
    ),
    ErrorRow(
        failure_class="code",
        names=r"Runtime\.\w+|Function\.ResponseSizeTooLarge|UnusableAnswer",
        source="recordings test_lambda_handler_exit and test_lambda_too_large_response; awslambdaric, bootstrap.py; "
        "the last is our own, for an answer that its caller cannot use",
    ),
)
"""Read from top to bottom: the first row that fits decides. What fits none is `payload`: see `failure_class`."""

_MEMORY_USED = re.compile(r"Memory Size: (\d+) MB\s+Max Memory Used: (\d+) MB")
_ENVIRONMENT = re.compile(r"\benviron\b|\bgetenv\(")
_TRACEBACK = "Traceback (most recent call last):"


def failure_class(failure: Failure) -> FailureClass | None:
    """
    Say what kind of trouble *failure* is, or None where nothing is known of it but that it failed.

    `ERROR_TABLE` decides, by the error's names and its message. Beside it:

    - A process that ended, with all of its memory used, is `memory`.
    - A `KeyError` of `os.environ` is `configuration`.
    - A message that holds tracebacks (Powertools' `BatchProcessingError`) is of the class of the errors in it.
    - What fits no row is `code` where the function failed before it saw an event, and else `payload`: others went
      through the same code, and this event made it raise an error of its own.
    """
    if not failure.error_type and not failure.message:
        return "throttling" if failure.condition == "ZeroReservedConcurrency" else None
    if _used_all_memory(failure):
        return "memory"
    if _reads_environment(failure):
        return "configuration"
    inner = {_by_table(each) or "payload" for each in _inner_failures(failure.message[:_READ_LIMIT])}
    if len(inner) == 1:
        return inner.pop()
    return _by_table(failure) or ("code" if failure.request_id == "" else "payload")


def ends_process(failure: Failure) -> bool:
    """Say whether such a failure ends the process that it happens in: a timeout, used-up memory, or an exit."""
    return "Runtime.ExitError" in error_names(failure) or failure_class(failure) in {"timeout", "memory"}


def _by_table(failure: Failure) -> FailureClass | None:
    names, message = error_names(failure), failure.message[:_READ_LIMIT]
    for found, name, words in _rows():
        if (name is None or any(map(name.fullmatch, names))) and words.search(message):
            return found
    return None


@cache
def _rows() -> list[tuple[FailureClass, re.Pattern[str] | None, re.Pattern[str]]]:
    """Compile the table when the first failure is looked at: who has none need not wait for it."""
    return [
        (row.failure_class, re.compile(row.names) if row.names else None, re.compile(row.message, re.DOTALL))
        for row in ERROR_TABLE
    ]


def _used_all_memory(failure: Failure) -> bool:
    names = error_names(failure)
    if "Runtime.OutOfMemory" in names:
        return True
    if "Runtime.ExitError" not in names:
        return False
    reported = (_MEMORY_USED.search(line) for line in failure.log_lines)
    return any(found is not None and int(found[2]) >= int(found[1]) for found in reported)


def _reads_environment(failure: Failure) -> bool:
    user = [frame for frame in failure.frames if frame.owner == "user"]
    return "KeyError" in error_names(failure) and bool(user) and _ENVIRONMENT.search(user[-1].code) is not None


def _inner_failures(message: str) -> Iterator[Failure]:
    """Take from each traceback in *message* the error that it ends with."""
    for trace in message.split(_TRACEBACK)[1:]:
        rows = [row for row in trace.splitlines() if row.strip() and not row[0].isspace()]
        if rows:
            error_type, _, words = rows[0].partition(": ")
            yield Failure(error_type=error_type.strip(), message=words)
