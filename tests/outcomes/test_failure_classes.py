"""The error table: which failure is of which class, by the texts that AWS, SDKs and languages really write."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.outcomes.error_names import error_names
from replay.outcomes.failure_classes import ERROR_TABLE, ends_process, failure_class
from replay.payloads.failures import Failure, Frame

CLASSES = {row.failure_class for row in ERROR_TABLE}
ID = "6f1b7a52-6a3d-4a0b-9f3e-0f3a2a9d1c11"


def of_botocore(code: str, operation: str, words: str = "words of AWS", retries: str = "") -> str:
    return f"An error occurred ({code}) when calling the {operation} operation{retries}: {words}"


# error type, message, class
CASES = [
    ("Sandbox.Timedout", f"RequestId: {ID} Error: Task timed out after 3.00 seconds", "timeout"),
    ("States.Timeout", "", "timeout"),
    ("", f"2026-01-31T08:15:00.000Z {ID} Task timed out after 3.00 seconds", "timeout"),
    ("Runtime.ExitError", f"RequestId: {ID} Error: Runtime exited with error: signal: killed", "memory"),
    ("MemoryError", "", "memory"),
    ("java.lang.OutOfMemoryError", "Java heap space", "memory"),
    ("Error", "JavaScript heap out of memory", "memory"),
    ("AccessDeniedException", of_botocore("AccessDeniedException", "PutItem"), "permission"),
    ("ClientError", of_botocore("AccessDenied", "GetObject", "Access Denied"), "permission"),
    ("ClientError", of_botocore("UnauthorizedOperation", "RunInstances"), "permission"),
    ("AuthorizationErrorException", of_botocore("AuthorizationError", "Publish"), "permission"),
    ("NotAuthorizedException", of_botocore("NotAuthorizedException", "InitiateAuth"), "permission"),
    ("ClientError", of_botocore("KMSAccessDeniedException", "Invoke"), "permission"),
    ("ClientError", of_botocore("KMS.AccessDeniedException", "SendMessage"), "permission"),
    ("ClientError", of_botocore("403", "HeadObject", "Forbidden"), "permission"),
    ("ClientError", of_botocore("ExpiredTokenException", "PutItem"), "permission"),
    (
        "Error",
        f"User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: sqs:SendMessage on {ID}",
        "permission",
    ),
    ("TooManyRequestsException", "Rate Exceeded.", "throttling"),
    ("ClientError", of_botocore("ThrottlingException", "PutItem", retries=" (reached max retries: 4)"), "throttling"),
    ("ClientError", of_botocore("Throttling", "GetMetricData", "Rate exceeded"), "throttling"),
    (
        "ProvisionedThroughputExceededException",
        of_botocore("ProvisionedThroughputExceededException", "PutItem"),
        "throttling",
    ),
    (
        "com.amazonaws.services.dynamodbv2.model.AmazonDynamoDBException",
        "Too fast (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ThrottlingException; Request ID: X)",
        "throttling",
    ),
    (
        "software.amazon.awssdk.services.dynamodb.model.ProvisionedThroughputExceededException",
        "Too fast (Service: DynamoDb, Status Code: 400, Request ID: X)",
        "throttling",
    ),
    ("ClientError", of_botocore("SlowDown", "PutObject", "Please reduce your request rate."), "throttling"),
    ("ClientError", of_botocore("RequestLimitExceeded", "PutItem"), "throttling"),
    ("HTTPError", "429 Client Error: Too Many Requests for url: https://example.com/", "throttling"),
    ("OddError", "Rate exceeded", "throttling"),
    (
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ThrottlingError]",
        "throttling",
    ),
    ("ResourceNotFoundException", of_botocore("ResourceNotFoundException", "PutItem"), "configuration"),
    ("Lambda.ResourceNotFoundException", "Function not found", "configuration"),
    ("NoSuchBucket", of_botocore("NoSuchBucket", "PutObject"), "configuration"),
    ("NoSuchKey", of_botocore("NoSuchKey", "GetObject"), "configuration"),
    ("QueueDoesNotExist", of_botocore("AWS.SimpleQueueService.NonExistentQueue", "SendMessage"), "configuration"),
    ("ClientError", of_botocore("404", "HeadObject", "Not Found"), "configuration"),
    ("Runtime.ImportModuleError", "Unable to import module 'app': No module named 'yaml'", "configuration"),
    ("Runtime.HandlerNotFound", "Handler 'handle' missing on module 'app'", "configuration"),
    ("NoRegionError", "You must specify a region.", "configuration"),
    ("OSError", "[Errno 28] No space left on device: '/tmp/x'", "configuration"),
    ("ConnectionResetError", "[Errno 104] Connection reset by peer", "downstream"),
    ("ConnectTimeout", "HTTPSConnectionPool(host='example.com', port=443): timed out", "downstream"),
    ("ReadTimeoutError", 'Read timeout on endpoint URL: "https://dynamodb.eu-west-1.amazonaws.com/"', "downstream"),
    (
        "EndpointConnectionError",
        'Could not connect to the endpoint URL: "https://sqs.us-east-1.amazonaws.com/"',
        "downstream",
    ),
    ("TimeoutError", "timed out", "downstream"),
    ("socket.timeout", "timed out", "downstream"),
    ("URLError", "<urlopen error [Errno -2] Name or service not known>", "downstream"),
    ("psycopg2.OperationalError", "connection to server failed", "downstream"),
    ("java.net.SocketTimeoutException", "Read timed out", "downstream"),
    ("ClientError", of_botocore("ServiceUnavailable", "PutObject"), "downstream"),
    ("InternalServerError", of_botocore("InternalServerError", "PutItem"), "downstream"),
    ("ClientError", of_botocore("500", "HeadObject"), "downstream"),
    ("HTTPError", "HTTP Error 502: Bad Gateway", "downstream"),
    ("HTTPError", "503 Server Error: Service Unavailable for url: https://example.com/", "downstream"),
    ("AxiosError", "Request failed with status code 503", "downstream"),
    ("Error", "connect ECONNREFUSED 10.0.0.1:5432", "downstream"),
    ("SyntaxError", "Unexpected token '<', \"<html>\" is not valid JSON", "payload"),
    ("SyntaxError", "Unexpected end of JSON input", "payload"),
    ("NameError", "name 'x' is not defined", "code"),
    ("SyntaxError", "invalid syntax (app.py, line 3)", "code"),
    ("RecursionError", "maximum recursion depth exceeded", "code"),
    ("ModuleNotFoundError", "No module named 'shared'", "code"),
    ("ReferenceError", "x is not defined", "code"),
    ("AttributeError", "module 'json' has no attribute 'load_all'", "code"),
    ("TypeError", "handler() takes 1 positional argument but 2 were given", "code"),
    ("TypeError", "db.save is not a function", "code"),
    ("PermissionError", "[Errno 13] Permission denied: '/var/task/x'", "code"),
    ("Runtime.ExitError", f"RequestId: {ID} Error: Runtime exited without providing a reason", "code"),
    ("Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable", "code"),
    ("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size", "code"),
    ("KeyError", "'customer_id'", "payload"),
    ("JSONDecodeError", "Expecting value: line 1 column 1 (char 0)", "payload"),
    ("UnicodeDecodeError", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte", "payload"),
    ("decimal.InvalidOperation", "[<class 'decimal.ConversionSyntax'>]", "payload"),
    ("TypeError", "unsupported operand type(s) for +: 'int' and 'str'", "payload"),
    ("TypeError", "Cannot read properties of undefined (reading 'id')", "payload"),
    ("AttributeError", "'NoneType' object has no attribute 'get'", "payload"),
    ("ValidationException", of_botocore("ValidationException", "PutItem", "empty key"), "payload"),
    ("OrderError", "no customer", "payload"),
    ("", "'customer_id'", "payload"),
]


@pytest.mark.parametrize(("error_type", "message", "expected"), CASES, ids=[f"{t}: {m[:50]}" for t, m, _ in CASES])
def test_a_failure_has_the_class_of_the_error_table(error_type: str, message: str, expected: str) -> None:
    """Each text that AWS, an SDK or a language writes is of the class that the field gives it."""
    assert failure_class(Failure(error_type=error_type, message=message)) == expected


def test_each_row_of_the_table_decides_some_case() -> None:
    """No row is there in vain: without it, one of the cases above would have another class, or nobody to decide it."""
    decisive = set()
    for error_type, message, _ in CASES:
        names = error_names(Failure(error_type=error_type, message=message))
        for number, row in enumerate(ERROR_TABLE):
            fits = not row.names or any(re.fullmatch(row.names, name) for name in names)
            if fits and re.search(row.message, message, re.DOTALL):
                decisive.add(number)
                break
    assert decisive == set(range(len(ERROR_TABLE)))


def test_each_row_names_its_source() -> None:
    """A reader can check each row against where it comes from."""
    assert all(row.source and (row.names or row.message) for row in ERROR_TABLE)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("REPORT RequestId: x\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t",), "memory"),
        (("REPORT RequestId: x\tMemory Size: 128 MB\tMax Memory Used: 35 MB\t",), "code"),
        ((), "code"),
    ],
)
def test_a_process_that_ended_with_its_memory_full_ran_out_of_it(lines: tuple[str, ...], expected: str) -> None:
    """The REPORT line tells a process that was killed for its memory from one that exited."""
    failure = Failure(
        error_type="Runtime.ExitError", message="Error: Runtime exited with error: exit status 1", log_lines=lines
    )
    assert failure_class(failure) == expected


def test_memory_that_lambda_itself_names() -> None:
    """Lambda says it of itself since 2025; the process that it ends must not be the one of the run."""
    failure = Failure(
        error_type="Runtime.OutOfMemory", message="RequestId: 1 Error: Runtime exited with error: signal: killed"
    )
    assert (failure_class(failure), ends_process(failure)) == ("memory", True)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('TABLE = os.environ["TABLE"]', "configuration"),
        ('os.getenv("A") or config["TABLE"]', "configuration"),
        ('body["TABLE"]', "payload"),
    ],
)
def test_a_missing_variable_is_configuration(code: str, expected: str) -> None:
    """A KeyError of the environment is no fault of the event."""
    frames = (
        Frame(module="app.py", function="handler", code=code),
        Frame(module="os.py", function="__getitem__", code="raise KeyError(key) from None", owner="library"),
    )
    assert failure_class(Failure(error_type="KeyError", message="'TABLE'", frames=frames)) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (("KeyError: 'a'", "KeyError: 'b'"), "payload"),
        (("NameError: name 'x' is not defined",), "code"),
        ((f"botocore.exceptions.ClientError: {of_botocore('ThrottlingException', 'PutItem')}",), "throttling"),
        (("NameError: name 'x' is not defined", "KeyError: 'b'"), "payload"),
    ],
)
def test_a_batch_error_is_of_the_class_of_the_errors_in_it(inner: tuple[str, ...], expected: str) -> None:
    """Powertools puts the tracebacks of all records into one message: what they agree on counts."""
    traces = "".join(f"\n\nTraceback (most recent call last):\n  File 'x', line 1\n    y()\n{each}\n" for each in inner)
    failure = Failure(error_type="BatchProcessingError", message=f"All records failed processing.{traces}")
    assert failure_class(failure) == expected


def test_an_error_before_any_event_is_of_the_code() -> None:
    """What fails at import has seen no event, so that no event is to blame."""
    assert failure_class(Failure(error_type="ValueError", message="x", request_id="")) == "code"
    assert failure_class(Failure(error_type="ValueError", message="x", request_id=ID)) == "payload"


def test_what_nothing_is_known_of_has_no_class() -> None:
    """A record that tells of no error is not guessed at, but for the reserved concurrency of zero."""
    assert failure_class(Failure(error_type="", message="")) is None
    assert failure_class(Failure(error_type="", message="", condition="ZeroReservedConcurrency")) == "throttling"


@pytest.mark.parametrize(
    ("error_type", "message", "expected"),
    [
        ("Sandbox.Timedout", "Error: Task timed out after 3.00 seconds", True),
        ("", "Task timed out after 3.00 seconds", True),
        ("Runtime.ExitError", "Error: Runtime exited with error: signal: segmentation fault", True),
        ("Runtime.ExitError", "Error: Runtime exited with error: signal: killed", True),
        ("MemoryError", "", True),
        ("KeyError", "'id'", False),
        ("ConnectTimeoutError", "Connect timeout", False),
        ("Runtime.MarshalError", "x", False),
    ],
)
def test_timeouts_memory_and_exits_end_the_process(error_type: str, message: str, expected: bool) -> None:
    """These failures, and no others, need a process of their own."""
    assert ends_process(Failure(error_type=error_type, message=message)) is expected


@pytest.mark.parametrize("piece", ["[", "a", "Timeout", "Connection", ". ", "(", "An error occurred (", "1:"])
def test_a_huge_hostile_error_is_read_at_once(piece: str) -> None:
    """Megabytes that are made to keep a pattern busy are looked at only as far as an error's words go."""
    hostile = f"transaction cancelled {piece * 500_000}"
    began = time.process_time()
    assert failure_class(Failure(error_type=piece * 500_000, message=hostile)) in CLASSES
    assert time.process_time() - began < 1


@given(st.text(), st.text(), st.text())
def test_any_failure_has_a_class(error_type: str, message: str, request_id: str) -> None:
    """Whatever a hostile message holds, the answer is one of the eight classes, and the same every time."""
    failure = Failure(error_type=error_type, message=message, request_id=request_id)
    known = failure_class(failure)
    assert known in CLASSES or (known is None and not error_type and not message)
    assert failure_class(failure) == known
