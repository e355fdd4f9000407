"""Faults against what AWS has, and the answers that AWS gives."""

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from replay.errors import ConfigurationError
from replay.payloads.aws_calls import Fault
from replay.targets.aws.error_answer import error_answer, is_known_error
from replay.targets.aws.known_faults import known_faults, unknown_errors
from replay.targets.aws.service_models import service_model


def known(call, error="ThrottlingException"):
    return known_faults([Fault(call=call, error=error)])[0].call


@pytest.mark.parametrize(
    ("call", "canonical"),
    [
        ("dynamodb:PutItem", "dynamodb:PutItem"),
        ("DynamoDB:putitem", "dynamodb:putitem"),
        ("states:StartExecution", "stepfunctions:StartExecution"),
        ("monitoring:*", "cloudwatch:*"),
        ("eventbridge:PutEvents", "events:PutEvents"),
        ("*:Get*", "*:Get*"),
        ("s3:*Object", "s3:*Object"),
    ],
)
def test_services_have_several_names(call, canonical):
    """A call is understood by botocore's name of the service, by IAM's, and in any casing."""
    assert known(call) == canonical


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("dynamdb:PutItem", "dynamodb:PutItem"),
        ("dynamodb:PutIem", "dynamodb:PutItem"),
        ("stats:StartExecution", "states:StartExecution"),
        ("s3:ListBucket", "s3:ListObjectsV2"),
        ("lambda:InvokeFunction", "lambda:Invoke"),
        ("zzz*:PutItem", "aws SERVICE help"),
    ],
)
def test_a_misspelled_call_says_what_was_meant(call, hint):
    """A service or operation that there is not is a mistake of the user's, with the nearest one that there is."""
    with pytest.raises(ConfigurationError) as caught:
        known(call)
    assert hint in caught.value.hint


def test_an_error_that_aws_does_not_give_is_told():
    """A code that neither the model nor the common errors have is said to be unknown; `timeout` is ours."""
    faults = [
        Fault(call="dynamodb:PutItem", error="ProvisionedThroughputExceededException"),
        Fault(call="dynamodb:PutItem", error="OutOfCheese"),
        Fault(call="sqs:*", error="timeout"),
        Fault(call="*:*", error="OutOfCheese"),
        Fault(call="s3:*", latency_s=1),
    ]
    assert unknown_errors(known_faults(faults)) == [
        "fault dynamodb:PutItem: AWS is not known to answer 'OutOfCheese' there; it is given with status 400"
    ]


ANSWERS = [
    ("dynamodb", "PutItem", "ProvisionedThroughputExceededException", 400),
    ("dynamodb", "PutItem", "AccessDeniedException", 400),
    ("dynamodb", "PutItem", "InternalServerError", 500),
    ("sqs", "SendMessage", "AWS.SimpleQueueService.NonExistentQueue", 400),
    ("sqs", "SendMessage", "AccessDenied", 403),
    ("events", "PutEvents", "InternalException", 500),
    ("ssm", "GetParameter", "ParameterNotFound", 400),
    ("secretsmanager", "GetSecretValue", "ResourceNotFoundException", 400),
    ("lambda", "Invoke", "TooManyRequestsException", 429),
    ("lambda", "Invoke", "AccessDeniedException", 403),
    ("s3", "GetObject", "AccessDenied", 403),
    ("s3", "GetObject", "NoSuchKey", 404),
    ("s3", "PutObject", "SlowDown", 503),
    ("sns", "Publish", "AuthorizationError", 403),
    ("sns", "Publish", "Throttling", 400),
    ("sns", "Publish", "InternalError", 500),
    ("ec2", "DescribeInstances", "RequestLimitExceeded", 503),
    ("sesv2", "SendEmail", "TooManyRequestsException", 429),
    ("apigatewaymanagementapi", "PostToConnection", "GoneException", 410),
    ("stepfunctions", "StartExecution", "ExecutionAlreadyExists", 400),
]


@pytest.mark.parametrize(("service", "operation", "code", "status"), ANSWERS)
def test_an_answer_is_read_by_the_sdk_as_that_error(service, operation, code, status):
    """In its service's own protocol, with the status of the model or of the common errors, the SDK reads the code."""
    model = service_model(service).operation_model(operation)
    protocol = service_model(service).resolved_protocol
    answer = error_answer(model, code, "why <&> ü", protocol=protocol, method="POST")
    parsed = read(answer, protocol, model)
    assert (answer.status, parsed["Code"], parsed["Message"]) == (status, code, "why <&> ü")


@pytest.mark.parametrize("protocol", ["query", "json", "smithy-rpc-v2-cbor"])
def test_each_protocol_of_a_service_has_its_answer(protocol):
    """CloudWatch speaks three protocols, and is understood in each."""
    model = service_model("cloudwatch").operation_model("PutMetricData")
    answer = error_answer(model, "Throttling", "Rate exceeded", protocol=protocol, method="POST")
    parsed = read(answer, protocol, model)
    assert (answer.status, parsed["Code"], parsed["Message"]) == (400, "Throttling", "Rate exceeded")


def read(answer, protocol, model):
    headers = {name.lower(): value for name, value in answer.headers.items()}
    response = {"status_code": answer.status, "headers": headers, "body": answer.body, "context": {}}
    return create_parser(protocol).parse(response, model.output_shape)["Error"]


def test_head_has_no_body():
    """S3 answers HEAD without a body, so the SDK knows the status only."""
    model = service_model("s3").operation_model("HeadObject")
    answer = error_answer(model, "AccessDenied", "Access Denied", protocol="rest-xml", method="HEAD")
    assert (answer.status, answer.body) == (403, b"")


def test_every_error_of_the_models_has_a_status():
    """For the services that functions use most, each error that the model lists gives a status from 400 to 599."""
    for service in (
        "dynamodb",
        "sqs",
        "sns",
        "s3",
        "events",
        "lambda",
        "ssm",
        "secretsmanager",
        "kinesis",
        "stepfunctions",
    ):
        model = service_model(service)
        operation = model.operation_model(model.operation_names[0])
        for shape in model.error_shapes:
            answer = error_answer(operation, shape.error_code, "", protocol=model.resolved_protocol, method="POST")
            assert 400 <= answer.status < 600
            assert is_known_error(operation, shape.name)


def test_client_error_is_what_the_sdk_raises():
    """The parsed answer is what botocore makes its exception of."""
    model = service_model("dynamodb").operation_model("PutItem")
    answer = error_answer(model, "ThrottlingException", "slow", protocol="json", method="POST")
    error = ClientError({"Error": read(answer, "json", model)}, "PutItem")
    assert str(error) == "An error occurred (ThrottlingException) when calling the PutItem operation: slow"
