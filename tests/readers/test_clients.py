"""Every way in which AWS says no becomes one error that says what to do now."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import botocore.exceptions as raised
import pytest
from botocore.exceptions import ClientError
from botocore.loaders import JSONFileLoader
from botocore.stub import Stubber
from moto import mock_aws

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors, error_code
from replay.readers.clients import aws_client, aws_session, localstack_session


def _refused(code: str, message: str = "no", operation: str = "ReceiveMessage") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _translated(error: Exception) -> AwsError:
    with pytest.raises(AwsError) as caught, aws_errors(where="queue orders-dlq", service="sqs"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("ExpiredToken", "the AWS credentials have expired"),
        ("ExpiredTokenException", "the AWS credentials have expired"),
        ("RequestExpired", "the AWS credentials have expired"),
        ("InvalidClientTokenId", "AWS does not know these credentials"),
        ("UnrecognizedClientException", "AWS does not know these credentials"),
        ("SignatureDoesNotMatch", "AWS does not know these credentials"),
        ("ThrottlingException", "AWS is throttling our requests, and retries did not help"),
        ("RequestThrottled", "AWS is throttling our requests, and retries did not help"),
        ("ServiceUnavailable", "AWS could not answer, and retries did not help"),
    ],
)
def test_what_aws_refuses_is_told_with_its_code_place_and_next_step(code: str, what: str) -> None:
    """The words are ours, the code is AWS's, and a next step is always given."""
    error = _translated(_refused(code))
    assert (error.what, error.code, error.where) == (what, code, "queue orders-dlq")
    assert error.hint


def test_a_denied_action_is_named_with_its_resource() -> None:
    """The one permission that is missing, and on what, as the policy needs it."""
    said = (
        "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: sqs:receivemessage on resource: "
        "arn:aws:sqs:eu-west-1:111122223333:orders-dlq because no identity-based policy allows the action"
    )
    error = _translated(_refused("AccessDenied", said))
    assert error.what == "AWS denied sqs:ReceiveMessage"
    assert error.expected == (
        "a policy that allows sqs:ReceiveMessage on arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
    )


def test_a_denied_key_is_named_although_another_call_met_it() -> None:
    """An encrypted queue fails for want of a KMS permission: that one is named, not the SQS call."""
    said = "User: arn:aws:iam::1:user/dev is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:x:1:key/k."
    error = _translated(_refused("AccessDeniedException", said))
    assert error.what == "AWS denied kms:Decrypt"
    assert error.expected.endswith("on arn:aws:kms:x:1:key/k")


def test_a_denial_without_details_names_the_call() -> None:
    """When AWS says nothing more, the action is that of the call that was made."""
    assert _translated(_refused("AccessDeniedException", "Access Denied")).what == "AWS denied sqs:ReceiveMessage"


def test_an_unknown_refusal_keeps_aws_own_words() -> None:
    """What we have no words for is passed on, with the operation."""
    error = _translated(_refused("KmsDisabled", "The key is disabled."))
    assert error.what == "AWS refused ReceiveMessage: The key is disabled."
    assert error.code == "KmsDisabled"


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "NoSuchBucket", "StateMachineDoesNotExist"])
def test_what_is_not_there_is_looked_for_by_its_name(code: str) -> None:
    """The next step is to look at the name, region and account, and not at an API reference."""
    told = _translated(_refused(code, "Function not found: orders-staging"))
    assert "Function not found: orders-staging" in str(told)
    assert "check the name, the region" in told.hint


def test_what_aws_says_is_made_harmless() -> None:
    """Control characters and length of a message of others never reach the terminal."""
    error = _translated(_refused("Odd", "a\x1b[31mb\nc" + "x" * 5_000))
    assert "\x1b" not in error.what
    assert "\n" not in error.what
    assert len(error.what) < 400


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (raised.NoCredentialsError(), "no AWS credentials were found"),
        (raised.PartialCredentialsError(provider="env", cred_var="x"), "the AWS credentials are incomplete"),
        (
            raised.CredentialRetrievalError(provider="process", error_msg="x"),
            "the AWS credentials could not be fetched",
        ),
        (raised.UnauthorizedSSOTokenError(), "the AWS sign-in is missing or has expired"),
        (raised.SSOTokenLoadError(error_msg="x"), "the AWS sign-in is missing or has expired"),
        (raised.TokenRetrievalError(provider="sso", error_msg="x"), "the AWS sign-in is missing or has expired"),
        (raised.LoginRefreshRequired(), "the AWS sign-in is missing or has expired"),
        (raised.NoRegionError(), "no AWS region is set"),
        (raised.InvalidRegionError(region_name="eu west"), "that is no AWS region"),
        (raised.EndpointConnectionError(endpoint_url="http://localhost:4566"), "the endpoint cannot be reached"),
        (raised.ConnectTimeoutError(endpoint_url="http://localhost:4566"), "the endpoint cannot be reached"),
        (raised.ReadTimeoutError(endpoint_url="http://localhost:4566"), "the endpoint did not answer in time"),
        (raised.ConnectionClosedError(endpoint_url="http://localhost:4566"), "the connection to the endpoint broke"),
        (raised.ProxyConnectionError(proxy_url="http://proxy"), "the proxy cannot be reached"),
        (raised.SSLError(endpoint_url="https://x", error="x"), "the TLS connection could not be made"),
        (raised.ParamValidationError(report="Missing"), "AWS would not take these parameters"),
        (
            raised.ConfigParseError(path="/x"),
            "AWS cannot be asked with this configuration: Unable to parse config file: /x",
        ),
    ],
)
def test_what_boto3_raises_itself_is_told_with_the_next_step(error: Exception, what: str) -> None:
    """Credentials, sign-in, region, network: each has its own words and a next step."""
    told = _translated(error)
    assert told.what == what
    assert told.hint
    assert told.where.startswith("queue orders-dlq")
    assert "boto" not in told.what + told.hint


@pytest.mark.parametrize(
    ("service", "operation", "named"),
    [
        ("sqs", "get_queue_url", {"QueueName": "orders-dlq"}),
        ("logs", "describe_log_groups", {}),
        ("sts", "get_caller_identity", {}),
    ],
)
def test_a_web_page_is_no_answer(service: str, operation: str, named: dict[str, str]) -> None:
    """Behind a wrong port a web server says yes to everything: it is told, and not taken for an empty answer."""
    with _web_server(b"\n<!DOCTYPE html><html><body>Welcome<br></body></html>") as url:
        client = aws_client(service, region="eu-west-1", endpoint_url=url)
        with pytest.raises(AwsError, match="a web page was answered") as caught:
            getattr(client, operation)(**named)
    assert url in caught.value.where
    assert "--endpoint-url" in caught.value.hint


def test_an_object_that_is_a_web_page_is_read() -> None:
    """What a bucket holds is not an answer about it."""
    page = b"<html></html>"
    with _web_server(page) as url:
        client = aws_client("s3", region="eu-west-1", endpoint_url=url)
        assert client.get_object(Bucket="logs", Key="index.html")["Body"].read() == page


@contextmanager
def _web_server(page: bytes) -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        do_POST = do_GET  # noqa: N815 - as http.server wants it

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_endpoint_that_cannot_be_reached_is_named() -> None:
    """The most common mistake with emulators is a wrong port: the URL is shown."""
    told = _translated(raised.EndpointConnectionError(endpoint_url="http://localhost:4566"))
    assert "http://localhost:4566" in told.where


def test_a_refused_parameter_is_not_shown() -> None:
    """boto3 quotes the value that it does not take, which may be a payload: it is left out."""
    told = _translated(raised.ParamValidationError(report="Invalid type for MessageBody, value: hunter2"))
    assert "hunter2" not in str(told)


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), KeyboardInterrupt()])
def test_what_is_not_awss_goes_through(error: BaseException) -> None:
    """Bugs and Ctrl-C are not dressed up as an answer of AWS."""
    with pytest.raises(type(error)) as caught, aws_errors():
        raise error
    assert caught.value is error


def test_error_code_reads_any_exception() -> None:
    """The code of an exception that has none is empty."""
    assert error_code(_refused("OverLimit")) == "OverLimit"
    assert error_code(raised.NoRegionError()) == ""


# Clients


def test_an_unknown_profile_suggests_the_near_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A misspelt profile is told with the profiles that there are."""
    config = tmp_path / "config"
    config.write_text("[profile staging]\nregion=eu-west-1\n[profile prod]\nregion=eu-west-1\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(AwsError) as caught:
        aws_session(profile="stagin")
    assert caught.value.what == "there is no AWS profile 'stagin'"
    assert caught.value.expected == "one of prod, staging"
    assert caught.value.hint == "did you mean staging?"


def test_no_region_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any region the client is not made, and the error says how to set one."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(AwsError) as caught:
        aws_client("sqs")
    assert caught.value.what == "no AWS region is set"
    assert "--region" in caught.value.hint


def test_an_endpoint_that_is_no_url_is_told() -> None:
    """A forgotten scheme is a mistake of the user's, not a traceback."""
    for endpoint in ("localhost:4566", "localstack:http", "nowhere"):
        with pytest.raises(AwsError, match="that is no endpoint URL"):
            aws_client("sqs", endpoint_url=endpoint)


def test_the_endpoint_variable_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AWS_ENDPOINT_URL` is enough to reach an emulator; an endpoint given in so many words goes before it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4999")
    assert aws_client("sqs").meta.endpoint_url == "http://127.0.0.1:4999"
    assert aws_client("sqs", endpoint_url="http://127.0.0.1:5000").meta.endpoint_url == "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [("localstack", "http://localhost:4566"), ("localstack:4999", "http://localhost:4999")],
)
def test_localstack_needs_neither_region_nor_credentials(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, expected: str
) -> None:
    """The word `localstack` stands for LocalStack on this machine, reached as its users reach it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    client = aws_client("sqs", endpoint_url=endpoint)
    assert client.meta.endpoint_url == expected
    assert client.meta.region_name == "us-east-1"


def test_a_localstack_session_is_localstack_clients_own() -> None:
    """The session is that of localstack-client, so its variables and defaults hold."""
    session: Any = localstack_session(host="localhost:4777", region="eu-west-1")
    assert type(session).__module__ == "localstack_client.session"
    assert session.client("sqs").meta.endpoint_url == "http://localhost:4777"


def test_a_client_waits_longer_than_the_longest_poll() -> None:
    """Timeouts and retries outlast a long poll of 20 s, and the connections are as many as the threads."""
    config = aws_client("sqs", max_pool_connections=17).meta.config
    assert config.read_timeout > 20
    assert config.max_pool_connections == 17
    assert config.retries["total_max_attempts"] >= 3


@pytest.mark.parametrize("checked", [True, False])
def test_boto3_checks_parameters_unless_it_need_not(checked: bool) -> None:
    """Left out where it takes its time thousands of times: then AWS says it, and the call is made."""
    client = aws_client(
        "sqs", region="eu-west-1", endpoint_url="http://127.0.0.1:1", max_attempts=1, checks_parameters=checked
    )
    with pytest.raises(raised.EndpointConnectionError if not checked else raised.ParamValidationError):
        client.receive_message(QueueUrl="http://127.0.0.1:1/q", MaxNumberOfMessages="ten")


def test_a_call_is_translated_where_it_is_made() -> None:
    """The errors of a real client's call come out in our words."""
    client = aws_client("sqs")
    with Stubber(client) as stub:
        stub.add_client_error("list_queues", "ExpiredToken")
        with pytest.raises(AwsError, match="have expired"), aws_errors(service="sqs"):
            client.list_queues()


@pytest.mark.parametrize(
    "code", ["SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignatureException", "InvalidToken"]
)
def test_a_quoted_request_is_not_shown(code: str) -> None:
    """AWS may quote the canonical request, which holds the session token."""
    error = _translated(
        _refused(code, "The Canonical String should have been 'x-amz-security-token:FwoGZXIvYXdzEXAMPLE'")
    )
    assert error.what == "AWS does not know these credentials"
    assert "FwoGZXIvYXdz" not in str(error)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"])
@pytest.mark.parametrize(
    ("given", "host", "url"),
    [
        ("http://127.0.0.1:4777", "", "http://127.0.0.1:4777"),
        ("localstack:4999", "elsewhere:1", "http://localhost:4999"),
        ("localstack", "", "http://localhost:4566"),
        ("localstack", "box", "http://box:4566"),
        ("localstack", "box:4777", "http://box:4777"),
    ],
)
def test_an_endpoint_that_is_given_wins(
    variable: str, given: str, host: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands on the command line is where the calls go, whatever the environment says."""
    monkeypatch.setenv(variable, "http://from-the-environment:1")
    monkeypatch.setenv("LOCALSTACK_HOST", host)
    assert aws_client("sqs", region="eu-west-1", endpoint_url=given).meta.endpoint_url == url
    assert aws_client("sqs", region="eu-west-1").meta.endpoint_url == "http://from-the-environment:1"


def test_localstack_is_asked_in_the_region_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """LocalStack keeps its queues by region, too."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert aws_client("sqs", endpoint_url="localstack").meta.region_name == "eu-west-3"


def test_a_localstack_host_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL in LOCALSTACK_HOST is a common mistake."""
    monkeypatch.setenv("LOCALSTACK_HOST", "http://box:4566")
    with pytest.raises(AwsError, match="no host") as caught:
        aws_client("sqs", endpoint_url="localstack")
    assert "LOCALSTACK_HOST" in caught.value.where


def test_a_role_is_assumed_once_for_all_clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile with MFA asks for its code once: AWS takes each code once, and leases run out meanwhile."""
    config = tmp_path / "config"
    config.write_text(
        "[profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = s\n"
        "[profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/dev\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\nregion = eu-west-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    asked: list[str] = []
    with mock_aws(config={"core": {"mock_credentials": False}}):
        keys = set()
        for service in ("sqs", "lambda", "logs"):
            session = aws_session(profile="mfa")
            provider = session.get_component("credential_provider").get_provider("assume-role")
            provider._prompter = lambda prompt: asked.append(prompt) or "111111"
            credentials = session.create_client(service)._request_signer._credentials
            keys.add(credentials.get_frozen_credentials().access_key)
    assert len(asked) == 1
    assert len(keys) == 1


def test_what_botocore_knows_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second client of a service reads no file of botocore's data."""
    first = aws_client("sqs", region="eu-west-1")
    read: list[str] = []
    load_file = JSONFileLoader.load_file

    def noted(loader: Any, file_path: str) -> Any:
        found = load_file(loader, file_path)
        read.extend([file_path] if found is not None else [])
        return found

    monkeypatch.setattr(JSONFileLoader, "load_file", noted)
    second = aws_client("sqs", region="us-east-1")
    assert read == []
    assert (first.meta.region_name, second.meta.region_name) == ("eu-west-1", "us-east-1")
