"""Requests to AWS, read as the calls that they are."""

import json
from io import BytesIO
from urllib.parse import urlencode

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from replay.targets.child.aws_requests import AwsRequest


def environ(method="POST", path="/", *, service="", query="", body=b"", headers=None, region="eu-west-1"):
    scope = f"AWS4-HMAC-SHA256 Credential=AKIA/20260101/{region}/{service}/aws4_request, Signature=x"
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in (headers or {}).items()}
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "RAW_URI": f"{path}?{query}" if query else path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "127.0.0.1:8000",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": named.pop("HTTP_CONTENT_TYPE", ""),
        "wsgi.input": BytesIO(body),
        **({"HTTP_AUTHORIZATION": scope} if service else {}),
        **named,
    }


def form(**parameters):
    return {"body": urlencode(parameters).encode(), "headers": {"Content-Type": "application/x-www-form-urlencoded"}}


def target(name, **parameters):
    return {
        "body": json.dumps(parameters).encode(),
        "headers": {"X-Amz-Target": name, "Content-Type": "application/x-amz-json-1.0"},
    }


CASES = {
    "json": (
        environ(service="dynamodb", **target("DynamoDB_20120810.GetItem", TableName="t", Key={"id": {"B": "AP8="}})),
        ("dynamodb", "GetItem", {"TableName": "t", "Key": {"id": {"B": "AP8="}}}),
    ),
    "another service of that signature": (
        environ(service="dynamodb", **target("DynamoDBStreams_20120810.ListStreams", TableName="t")),
        ("dynamodbstreams", "ListStreams", {"TableName": "t"}),
    ),
    "query": (
        environ(service="sns", **form(Action="Publish", TopicArn="arn", Message="ü & <")),
        ("sns", "Publish", {"TopicArn": "arn", "Message": "ü & <"}),
    ),
    "an older client": (
        environ(service="sqs", path="/123456789012/q", **form(Action="SendMessage", QueueUrl="http://127.0.0.1:8000/123456789012/q", MessageBody="b")),
        ("sqs", "SendMessage", {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "MessageBody": "b"}),
    ),
    "a queue in China": (
        environ(service="sqs", region="cn-north-1", **target("AmazonSQS.PurgeQueue", QueueUrl="http://127.0.0.1:8000/123456789012/q")),
        ("sqs", "PurgeQueue", {"QueueUrl": "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q"}),
    ),
    "rest-json": (
        environ("POST", "/2015-03-31/functions/other/invocations", service="lambda", body=b"{}", headers={"X-Amz-Invocation-Type": "Event"}),
        ("lambda", "Invoke", {"FunctionName": "other", "InvocationType": "Event", "Payload": "e30="}),
    ),
    "rest-xml": (
        environ("PUT", "/bucket/a%20b", service="s3", body=b"x", query="x-id=PutObject"),
        ("s3", "PutObject", {"Bucket": "bucket", "Key": "a b", "Body": {"size_bytes": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}),
    ),
    "a part": (
        environ("PUT", "/bucket/key", service="s3", query="partNumber=1&uploadId=u"),
        ("s3", "UploadPart", {"Bucket": "bucket", "Key": "key", "PartNumber": 1, "UploadId": "u"}),
    ),
    "a copy": (
        environ("PUT", "/bucket/key", service="s3", headers={"x-amz-copy-source": "other/key"}),
        ("s3", "CopyObject", {"Bucket": "bucket", "Key": "key", "CopySource": "other/key"}),
    ),
    "chunked": (
        environ("PUT", "/bucket/key", service="s3", body=b"3;chunk-signature=a\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\n", headers={"Content-Encoding": "aws-chunked"}),
        ("s3", "PutObject", {"Bucket": "bucket", "Key": "key", "Body": {"size_bytes": 5, "sha256": "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c"}}),
    ),
    "presigned": (
        environ("GET", "/bucket/key", query="X-Amz-Credential=AKIA%2F20260101%2Feu-west-1%2Fs3%2Faws4_request"),
        ("s3", "GetObject", {"Bucket": "bucket", "Key": "key"}),
    ),
    "cbor": (
        environ("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", service="monitoring", body=b"\xa0", headers={"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}),
        ("cloudwatch", "PutMetricData", {}),
    ),
    "cbor that says something": (
        environ("POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData", service="monitoring", body=b"\xbf\x69StartTime\xc1\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00\x6cLabelOptions\xf6\x6dMaxDatapoints\x18\x64\xff", headers={"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}),
        ("cloudwatch", "GetMetricData", {"StartTime": "1970-01-01T00:00:01.500000+00:00", "MaxDatapoints": 100}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_a_call(name):
    """Service, operation and parameters, by every protocol and way of signing."""
    given_environ, (service, operation, parameters) = CASES[name]
    request = AwsRequest(dict(given_environ, **{"wsgi.input": BytesIO(given_environ["wsgi.input"].getvalue())}))
    assert (request.service, request.operation) == (service, operation)
    assert request.parameters() == parameters


@pytest.mark.parametrize(
    "unknown",
    [
        environ(),
        environ("GET", "/anything"),
        environ(service="nosuchservice"),
        environ(service="s3", method="PATCH", path="/bucket"),
        environ(service="sns", **form(Action="")),
    ],
)
def test_what_names_no_call_is_none(unknown):
    """A request without a signature, or without an operation, is nobody's call."""
    assert not AwsRequest(unknown).is_call


def test_the_body_is_put_back():
    """Whoever answers reads the same body, also of a request that came in chunks and without its length."""
    there = environ(service="dynamodb", **target("DynamoDB_20120810.ListTables"))
    AwsRequest(there)
    assert there["wsgi.input"].read() == b"{}"
    chunked = {**environ(service="sns", **form(Action="ListTopics")), "wsgi.input_terminated": True}
    del chunked["CONTENT_LENGTH"]
    assert AwsRequest(chunked).operation == "ListTopics"
    assert (chunked["CONTENT_LENGTH"], chunked["wsgi.input"].read()) == ("17", b"Action=ListTopics")


@given(
    body=st.binary(max_size=60),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
    service=st.sampled_from(["s3", "sqs", "dynamodb", "lambda", "monitoring", "x"]),
    method=st.sampled_from(["GET", "POST", "PUT"]),
)
def test_hostile_requests_are_read_or_not(body, path, service, method):
    """Whatever a process sends, its names are texts; a body that cannot be read raises at most where that is caught."""
    request = AwsRequest(environ(method, f"/{path.partition('?')[0]}", service=service, body=body))
    assert isinstance(request.service, str)
    assert isinstance(request.operation, str)


def test_answers_are_read():
    """A result, an error, and the size of a stream that only the function reads."""
    request = AwsRequest(environ(service="dynamodb", **target("DynamoDB_20120810.ListTables")))
    assert request.result(200, {}, b'{"TableNames": ["a"]}') == {"TableNames": ["a"]}
    error = b'{"__type": "com.amazonaws#ThrottlingException", "message": "slow"}'
    assert request.result(400, {}, error) == ("ThrottlingException", "slow")
    stream = AwsRequest(environ("GET", "/bucket/key", service="s3"))
    assert stream.result(200, {"ETag": '"e"', "Content-Length": "5"}, b"12345") == {
        "ETag": '"e"', "Metadata": {}, "Body": {"size_bytes": 5},
    }  # fmt: skip


def test_attempts_of_one_call_have_one_id():
    """The SDK numbers its attempts; the header is where we look for it."""
    sent = []
    client = boto3.client(
        "dynamodb", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b", config=Config(retries={"total_max_attempts": 1})
    )  # fmt: skip
    client.meta.events.register_first("before-send", lambda request, **_: sent.append(request.headers) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        client.list_tables()
    call_id = sent[0]["amz-sdk-invocation-id"].decode()
    assert AwsRequest(environ(service="dynamodb", headers={"amz-sdk-invocation-id": call_id})).call_id == call_id
