"""The fault that a recorded failure proposes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.outcomes.proposed_faults import OPERATIONS_OF_ONE_SERVICE, fault_option, proposed_fault
from replay.payloads.failures import Failure, Frame
from replay.payloads.fault_reading import fault_of_text
from replay.targets.aws.known_faults import known_faults

ROLE = "arn:aws:sts::123456789012:assumed-role/orders/orders"


def of_botocore(code: str, operation: str, words: str = "words of AWS", retries: str = "") -> str:
    return f"An error occurred ({code}) when calling the {operation} operation{retries}: {words}"


# error type, message, the option that brings it back
CASES = [
    ("ClientError", of_botocore("ThrottlingException", "PutItem"), "dynamodb:PutItem=ThrottlingException"),
    ("ClientError", of_botocore("ThrottlingException", "PutItem", retries=" (reached max retries: 4)"), "dynamodb:PutItem=ThrottlingException"),
    ("NoSuchKey", of_botocore("NoSuchKey", "GetObject"), "s3:GetObject=NoSuchKey"),
    ("ClientError", of_botocore("404", "HeadObject", "Not Found"), "s3:HeadObject=404"),
    ("ClientError", of_botocore("AccessDenied", "PutObject", f"User: {ROLE} is not authorized to perform: s3:PutObject on x"), "s3:PutObject=AccessDenied"),
    ("ClientError", of_botocore("AccessDenied", "PutObject", f"User: {ROLE} is not authorized to perform: kms:GenerateDataKey on x"), "*:PutObject=AccessDenied"),
    ("InternalException", of_botocore("InternalException", "PutEvents"), "*:PutEvents=InternalException"),
    ("ClientError", of_botocore("ThrottlingException", "PutEvents"), "*:PutEvents=ThrottlingException"),
    ("AccessDeniedException", f"User: {ROLE} is not authorized to perform: dynamodb:PutItem on resource: t", "dynamodb:PutItem=AccessDeniedException"),
    ("AccessDeniedException", f"User: {ROLE} is not authorized to perform: lambda:InvokeFunction on f", "lambda:Invoke*=AccessDeniedException"),
    ("AccessDeniedException", f"User: {ROLE} is not authorized to perform: states:StartExecution on f", "stepfunctions:StartExecution=AccessDeniedException"),
    (
        "software.amazon.awssdk.services.dynamodb.model.ProvisionedThroughputExceededException",
        "Too fast (Service: DynamoDb, Status Code: 400, Request ID: X)",
        "dynamodb:*=ProvisionedThroughputExceededException",
    ),
    (
        "com.amazonaws.AmazonServiceException",
        "Too fast (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ThrottlingException; Request ID: X)",
        "dynamodb:*=ThrottlingException",
    ),
    ("ReadTimeoutError", 'Read timeout on endpoint URL: "https://dynamodb.eu-west-1.amazonaws.com/"', "dynamodb:*=timeout"),
    ("EndpointConnectionError", 'Could not connect to the endpoint URL: "https://sqs.us-east-1.amazonaws.com/"', "sqs:*=timeout"),
    ("ReadTimeoutError", 'Read timeout on endpoint URL: "https://b.s3.eu-west-1.amazonaws.com/k"', "s3:*=timeout"),
    ("NoSuchBucket", "The specified bucket does not exist", "s3:*=NoSuchBucket"),
    ("ReadTimeoutError", "HTTPSConnectionPool(host='example.com', port=443): Read timed out.", None),
    ("TooManyRequestsException", "Rate Exceeded.", None),
    ("ThrottlingException", "Rate exceeded", "*:*=ThrottlingException"),
    ("AccessDeniedException", "You may not do that", "*:*=AccessDeniedException"),
    ("KeyError", "'customer_id'", None),
    ("Sandbox.Timedout", "Error: Task timed out after 3.00 seconds", None),
    ("Runtime.ImportModuleError", "Unable to import module 'app'", None),
    ("ClientError", of_botocore("ValidationException", "PutItem"), None),
]  # fmt: skip


@pytest.mark.parametrize(("error_type", "message", "expected"), CASES)
def test_a_failure_that_aws_made_proposes_its_fault(error_type: str, message: str, expected: str | None) -> None:
    """The call and the error are read from what the SDK wrote; a failure that AWS did not make proposes nothing."""
    fault = proposed_fault(Failure(error_type=error_type, message=message))
    assert (f"{fault.call}={fault.error}" if fault else None) == expected


def test_the_words_of_aws_are_kept() -> None:
    """The error that is injected says what the recorded one said, so that it is the same failure."""
    fault = proposed_fault(
        Failure(error_type="ClientError", message=of_botocore("Throttling", "Scan", "Rate exceeded"))
    )
    assert fault is not None
    assert fault.message == "Rate exceeded"


def test_a_stack_of_node_tells_client_and_operation() -> None:
    """The SDK for JavaScript names neither in the message, but both in its frames."""
    frames = (
        Frame(module="index.mjs", function="handler"),
        Frame(
            module="node_modules/@aws-sdk/client-eventbridge/dist-cjs/index.js",
            function="de_PutEventsCommandError",
            owner="library",
        ),
    )
    fault = proposed_fault(Failure(error_type="ThrottlingException", message="Rate exceeded", frames=frames))
    assert fault is not None
    assert fault.call == "events:PutEvents"


@pytest.mark.parametrize("text", [expected for _, _, expected in CASES if expected])
def test_what_is_proposed_can_be_given(text: str) -> None:
    """`--fault` takes what was proposed, and AWS has such a call."""
    fault = fault_of_text(text, where="--fault")
    assert known_faults([fault]) == (fault,)


def test_a_glob_is_quoted_for_the_shell() -> None:
    """The option can be pasted into a shell as it is shown."""
    throttled = fault_of_text("dynamodb:PutItem=ThrottlingException", where="")
    assert fault_option(throttled) == "--fault dynamodb:PutItem=ThrottlingException"
    assert fault_option(fault_of_text("sqs:*=timeout", where="")) == "--fault 'sqs:*=timeout'"


@pytest.mark.parametrize("service", sorted(OPERATIONS_OF_ONE_SERVICE))
def test_the_operations_of_a_service_are_its_own(service: str) -> None:
    """Each operation in the table is one that botocore knows for that service."""
    from replay.targets.aws.service_models import service_model

    assert set(OPERATIONS_OF_ONE_SERVICE[service].split()) <= set(service_model(service).operation_names)


@given(st.text(), st.text())
def test_any_failure_is_read_without_an_error(error_type: str, message: str) -> None:
    """Whatever a message holds, a proposal is one that can be given to `--fault`, or none."""
    fault = proposed_fault(Failure(error_type=error_type, message=message))
    assert fault is None or (fault.error and ":" in fault.call)
