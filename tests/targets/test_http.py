"""The `http` target: a request as the event tells it, to the host of the configuration; and what its answer is."""

import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from moto import mock_aws

from replay.delivery.attempt import Attempt, Reply
from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetError
from replay.functions.function import Function
from replay.payloads.failures import Failure
from replay.targets import http
from replay.targets.http import HttpTarget
from replay.targets.http_parts.failure_log import FailureLog
from replay.targets.registry import find_target
from tests.cli.command_line import make_command_line, make_project
from tests.targets.http_events import HOST, function_url, http_api, load_balancer, rest_api
from tests.targets.http_server import NotingServer, Seen, answer_of, noting_server

REST_FAILED = answer_of(502, '{"message": "Internal server error"}', "x-amzn-ErrorType: InternalServerErrorException")


@pytest.fixture
def server() -> Iterator[NotingServer]:
    with noting_server() as served:
        yield served


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_DEFAULT_REGION", "eu-west-1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(http, "_FIRST_PAUSE_S", 0.001)


def sent(server: NotingServer, event: Any, base: str = "", **options: Any) -> Reply:
    with HttpTarget(Function(name="orders", handler="", code=Path()), url=server.url + base, **options) as target:
        target.begin()
        return target.invoke(Attempt(payload=json.dumps(event)))


def test_the_request_arrives_as_it_was(server: NotingServer) -> None:
    """Method, path, query, headers of several values, cookies and a binary body, behind the stage of the url."""
    headers = [("X-A", "1"), ("X-A", "zwei ü"), ("Cookie", "a=1; b=2"), ("Accept-Encoding", "br")]
    sent(server, rest_api("PUT", "/a//b%2B+c", "q=1%202&q=3", headers, b"\x00\xff"), "/staging/")
    (seen,) = server.seen
    assert seen.line == "PUT /staging/a//b%2B+c?q=1%202&q=3 HTTP/1.1"
    assert (seen.values("x-a"), seen.values("cookie"), seen.body) == (["1", "zwei ü"], ["a=1; b=2"], b"\x00\xff")
    assert (seen.values("accept-encoding"), seen.values("content-length")) == (["br"], ["2"])
    assert seen.values("host") == [server.url.removeprefix("http://")]


@pytest.mark.parametrize("of", [rest_api, http_api, function_url, load_balancer])
def test_the_host_is_never_the_captured_one(server: NotingServer, of: Any) -> None:
    """No word of the captured host reaches the server, wherever in the event it stands."""
    assert sent(server, of(headers=[("Authorization", "captured-secret"), ("X-Amz-Security-Token", "captured-secret")])).succeeded  # fmt: skip
    told = str(server.seen)
    assert HOST not in told
    assert "captured-secret" not in told


REPORT = {"errorMessage": "'id'", "errorType": "KeyError", "requestId": "r", "stackTrace": ['  File "/var/task/app.py", line 3, in handler\n    event["id"]\n']}  # fmt: skip


@pytest.mark.parametrize(
    ("event", "body"),
    [
        (http_api(), REPORT),
        (rest_api(), {"message": json.dumps(REPORT)}),
        (load_balancer(), {"message": f"Lambda error: {json.dumps(REPORT)}"}),
    ],
)
def test_an_emulator_reports_the_failure_itself(server: NotingServer, event: Any, body: Any) -> None:
    """In the way of an HTTP API, a REST API and a load balancer of MiniStack: the error with its trace; no log is needed."""
    server.answer = lambda _: answer_of(502, json.dumps(body))
    reply = sent(server, event)
    assert reply.failure is not None
    assert (reply.status, reply.failure.error_type, reply.failure.message) == ("raised", "KeyError", "'id'")
    assert [each.function for each in reply.failure.frames] == ["handler"]


def test_on_aws_such_an_answer_is_the_functions_own(server: NotingServer) -> None:
    """Beyond this machine a function that answers so itself has not raised that error: which it was, nobody says."""
    server.answer = lambda _: answer_of(502, json.dumps(REPORT))
    with HttpTarget(Function(name="orders", handler="", code=Path()), url=server.url) as target:
        target.__dict__["_is_here"] = False
        reply = target.invoke(Attempt(payload=json.dumps(http_api())))
    assert reply.failure is not None
    assert (reply.status, reply.failure.error_type) == ("raised", "")


def test_a_path_does_not_leave_the_stage(server: NotingServer) -> None:
    """The stage of the url was checked, and another one was not: a captured path that climbs out of it is not sent."""
    with pytest.raises(InvalidEvent, match="leads out of /staging"):
        sent(server, rest_api(path="/../production/orders"), "/staging")
    assert server.seen == []
    assert sent(server, rest_api(path="/a/../orders"), "/staging").succeeded


def test_an_emulator_is_told_by_the_host_what_is_meant(server: NotingServer) -> None:
    """The name in the header `Host` is that of the target's section, while the connection goes to the url."""
    name = "abc.lambda-url.us-east-1.localhost.localstack.cloud:4566"
    sent(server, function_url("GET", "/orders"), host=name)
    (seen,) = server.seen
    assert dict(seen.headers)["Host"] == name


def test_the_answer_is_the_functions(server: NotingServer) -> None:
    """Status code, headers and body are what the function returned, in the form that each event source reads."""
    server.answer = lambda _: answer_of(
        404, "no", "Content-Type: text/plain", "Set-Cookie: a=1", "Set-Cookie: b=2", "Date: x"
    )
    cookies = ["a=1", "b=2"]
    for event, headers in (
        (rest_api(), {"multiValueHeaders": {"Content-Type": ["text/plain"], "Set-Cookie": cookies}}),
        (http_api(), {"headers": {"Content-Type": "text/plain"}, "cookies": cookies}),
        (function_url(), {"headers": {"Content-Type": "text/plain"}, "cookies": cookies}),
        (load_balancer(), {"multiValueHeaders": {"Content-Type": ["text/plain"], "Set-Cookie": cookies}}),
        (load_balancer(several=False), {"headers": {"Content-Type": "text/plain", "Set-Cookie": "a=1, b=2"}}),
    ):
        reply = sent(server, event)
        assert (reply.status, reply.failure) == ("returned", None)
        assert json.loads(reply.payload or "") == {"statusCode": 404, **headers, "body": "no", "isBase64Encoded": False}
    server.answer = lambda _: answer_of(200, b"\xff")
    assert json.loads(sent(server, http_api()).payload or "")["isBase64Encoded"] is True


def test_no_redirect_is_followed(server: NotingServer) -> None:
    """A redirect is an answer: following it would send the event to a host that nobody has named."""
    with noting_server() as elsewhere:
        server.answer = lambda _: answer_of(302, "", f"Location: {elsewhere.url}/")
        reply = sent(server, rest_api())
        assert elsewhere.seen == []
    assert json.loads(reply.payload or "")["statusCode"] == 302


@pytest.mark.parametrize(
    ("event", "answer", "status"),
    [
        (rest_api(), REST_FAILED, "raised"),
        (rest_api(), answer_of(504, '{"message": "Endpoint request timed out"}'), "timed_out"),
        (http_api(), answer_of(500, '{"message":"Internal Server Error"}'), "raised"),
        (http_api(), answer_of(503, '{"message":"Service Unavailable"}'), "timed_out"),
        (function_url(), answer_of(502, "Internal Server Error"), "raised"),
        (load_balancer(), answer_of(502, "<html><h1>502 Bad Gateway</h1></html>"), "raised"),
        (load_balancer(), answer_of(504, "<html><h1>504 Gateway Time-out</h1></html>"), "timed_out"),
        (rest_api(), answer_of(503, '{"error": "customer 4711 is not known"}'), "raised"),
        (http_api(), answer_of(500, '{"message":"Internal Server Error","detail":"mine"}'), "raised"),
    ],
)
def test_a_failure_is_told_without_an_error(server: NotingServer, event: Any, answer: bytes, status: str) -> None:
    """AWS's own answer for a function that failed, and any 5xx of the function: a failure, and none is made up for it."""
    server.answer = lambda _: answer
    reply = sent(server, event)
    assert (reply.status, reply.payload) == (status, None)
    assert reply.failure is not None
    assert reply.failure.error_type == ""
    assert "which error it was, HTTP does not tell" in reply.failure.message
    assert "4711" not in reply.failure.message
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("event", "answer", "hint"),
    [
        (rest_api(), answer_of(403, '{"message":"Missing Authentication Token"}', "x-amzn-ErrorType: MissingAuthenticationTokenException"), "stage"),
        (rest_api(), answer_of(500, '{"message": "Internal server error"}', "x-amzn-ErrorType: InternalServerErrorException"), "throttled"),
        (http_api(), answer_of(404, '{"message":"Not Found"}'), "route"),
        (http_api(), answer_of(401, '{"message":"Unauthorized"}'), "iam"),
        (function_url(), answer_of(403, '{"Message":"Forbidden"}', "x-amzn-ErrorType: AccessDeniedException"), "iam"),
        (load_balancer(), answer_of(503, "<html><h1>503 Service Temporarily Unavailable</h1></html>"), "log"),
    ],
)  # fmt: skip
def test_where_the_function_was_not_asked_nothing_is_judged(
    server: NotingServer, event: Any, answer: bytes, hint: str
) -> None:
    """An answer that AWS gives without asking the function says nothing of it: it could not run."""
    server.answer = lambda _: answer
    with pytest.raises(TargetError, match="the function was not asked") as caught:
        sent(server, event)
    assert hint in caught.value.hint


def test_throttling_is_waited_for(server: NotingServer) -> None:
    """A throttled request did not run, and is tried again; an endless throttle is a reply, and no error."""
    throttled = answer_of(429, '{"message":"Too Many Requests"}', "x-amzn-ErrorType: TooManyRequestsException")
    answers = [throttled, throttled, answer_of(200, "done")]
    server.answer = lambda _: answers.pop(0)
    assert sent(server, rest_api()).succeeded
    server.answer = lambda _: throttled
    reply = sent(server, rest_api())
    assert reply.status == "throttled"
    assert reply.failure is not None


def test_a_lost_answer_is_no_reason_to_send_again(server: NotingServer) -> None:
    """Where the connection breaks, or no answer comes in time, nobody knows whether it ran: told, and sent once."""
    server.answer = lambda _: None
    with pytest.raises(TargetError, match="broke before") as caught:
        sent(server, rest_api("POST"))
    assert "may have run" in caught.value.hint
    assert len(server.seen) == 1
    ended = threading.Event()
    server.answer = lambda _: ended.wait(5) and None
    with pytest.raises(TargetError, match=r"within 0\.1 s"):
        sent(server, rest_api("POST"), timeout_s=0.1)
    ended.set()
    assert len(server.seen) == 2


def test_where_nobody_listens() -> None:
    """A host that cannot be reached, or that has no name, is told with the url."""
    for url in ("http://127.0.0.1:9", "https://127.0.0.1:9"):
        with pytest.raises(TargetError, match="cannot be reached"):
            sent(NotingServer(url=url), rest_api())


def certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that no authority has signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "told")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    written = folder / "told.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    written.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*plain))
    return written


def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate of nobody's is not trusted, and nothing is sent; one that `AWS_CA_BUNDLE` knows is."""
    written = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(written)
    with noting_server(tls=context) as server:
        with pytest.raises(TargetError, match="certificate cannot be trusted"):
            sent(server, rest_api())
        assert server.seen == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(written))
        assert sent(server, rest_api()).succeeded


def signature_of(seen: Seen, *, secret: str, service: str, region: str) -> str:
    """Sign what was seen as AWS's reference says it. Source: IAM user guide, "Create a signed AWS API request"."""
    method, target, _ = seen.line.split(" ")
    path, _, query = target.partition("?")
    names = seen.values("authorization")[0].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    lines = [f"{name}:{','.join(' '.join(value.split()) for value in seen.values(name))}\n" for name in names]
    canonical = "\n".join((
        method, quote(path, safe="/-_.~"), "&".join(sorted(query.split("&"))), "".join(lines), ";".join(names),
        hashlib.sha256(seen.body).hexdigest(),
    ))  # fmt: skip
    (moment,) = seen.values("x-amz-date")
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def test_a_request_is_signed_afresh(server: NotingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `auth = "iam"` the signature is right for what arrived, by the credentials of today; the captured one is gone."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-today")
    captured = [
        ("Authorization", "AWS4-HMAC-SHA256 Credential=old"),
        ("X-Amz-Date", "20200101T000000Z"),
        ("X-A", "1"),
        ("X-A", "2"),
    ]
    sent(server, rest_api("POST", "/a%2Bb/c", "b=2&a=1%202", captured, b"{}"), "/staging", auth="iam")
    (seen,) = server.seen
    (authorization,) = seen.values("authorization")
    assert "Credential=AKID/" in authorization
    assert "/eu-west-1/execute-api/aws4_request" in authorization
    assert seen.values("x-amz-security-token") == ["token-of-today"]
    expected = signature_of(seen, secret="secret", service="execute-api", region="eu-west-1")
    assert authorization.endswith(f"Signature={expected}")
    sent(server, rest_api())
    assert server.seen[-1].values("authorization") == []


def test_without_credentials_nothing_is_sent(server: NotingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What IAM shall authorise and nobody can sign is told before it is sent."""
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda _: None)
    with pytest.raises(AwsError, match="none were found"):
        sent(server, rest_api(), auth="iam")
    assert server.seen == []


def test_headers_of_the_environment_are_added(server: NotingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the API wants comes from the environment, never from the fixture; one that is not set is told by name."""
    monkeypatch.setenv("STAGING_KEY", "k")
    event = rest_api(headers=[("X-Api-Key", "captured"), ("X-Tenant", "captured")])
    sent(server, event, headers_from_environment={"x-api-key": "STAGING_KEY", "X-Tenant": "STAGING_KEY"})
    assert (server.seen[0].values("x-api-key"), server.seen[0].values("x-tenant")) == (["k"], ["k"])
    with pytest.raises(ConfigurationError, match="NOT_SET is not set"):
        sent(server, event, headers_from_environment={"x": "NOT_SET"})


def test_an_event_of_another_kind_is_not_sent(server: NotingServer) -> None:
    """A queue's event is no request."""
    with pytest.raises(InvalidEvent):
        sent(server, {"Records": [{"eventSource": "aws:sqs", "body": "x"}]})
    assert server.seen == []


@pytest.mark.parametrize(
    "url", ["", "orders", "ftp://host", "https://", "https://user:secret@host/", "https://host/?a=1", "https://ho st/", "http://[", "https://h:x"],
)  # fmt: skip
def test_a_url_that_cannot_be_used(url: str) -> None:
    """It is told as the configuration's mistake; a password in it is not shown."""
    with pytest.raises(ConfigurationError) as caught:
        HttpTarget(Function(name="orders", handler="", code=Path()), url=url)
    assert "secret" not in str(caught.value)


def test_is_named_on_the_command_line(tmp_path: Path) -> None:
    """`http:https://HOST/STAGE` names the url, colons and all."""
    named = find_target("http:https://h:8443/dev", {}, root=tmp_path)
    assert (named.kind, named.options["url"]) == ("http", "https://h:8443/dev")
    with pytest.raises(ConfigurationError):
        find_target("t", {"t": {"kind": "http", "url": "https://h", "auth": "basic"}}, root=tmp_path)


def test_one_api_serves_several_functions(
    server: NotingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fixtures of two functions go to one API in one run; the ledger knows each, and each is judged."""
    replay_ = make_command_line(capsys)
    monkeypatch.chdir(
        make_project(tmp_path, "def handler(event, context): return event['x']\n", rest_api("POST", "/a"))
    )
    for function in ("f", "g"):
        assert replay_("record", "files", "events.jsonl", "--function", function).exit_code == 0
    told = replay_("run", "--target", f"http:{server.url}", "--json")
    assert {each["function"] for each in told.documents[:-1]} == {"f", "g"}
    assert told.documents[-1]["verdicts"] == {"fixed": 2}
    assert len(server.seen) == 2


@pytest.fixture
def logs() -> Iterator[Any]:
    """CloudWatch Logs, with the log group of the function behind the url."""
    with mock_aws():
        client: Any = boto3.client("logs", region_name="eu-west-1")
        client.create_log_group(logGroupName="/aws/lambda/orders")
        client.create_log_stream(logGroupName="/aws/lambda/orders", logStreamName="s")
        yield client


def failing(client: Any, *request_ids: str) -> Callable[[Seen], bytes]:
    """Answer as a REST API does whose function failed, and write what its log says of each of these requests."""

    def answer(_: Seen) -> bytes:
        now = int(datetime.now(UTC).timestamp() * 1000)
        trace = "[ERROR] KeyError: 'customer_id'\nTraceback (most recent call last):\n\u00a0\u00a0File \"/var/task/app.py\", line 2, in handler\n\u00a0\u00a0\u00a0\u00a0return event['customer_id']\n"  # fmt: skip
        lines = [
            (now + 13 * place + after, line)
            for place, number in enumerate(request_ids)
            for after, line in (
                (0, f"START RequestId: {number} Version: $LATEST\n"),
                (12, trace),
                (12, f"END RequestId: {number}\n"),
                (
                    12,
                    f"REPORT RequestId: {number}\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t\n",
                ),
            )
        ]
        client.put_log_events(
            logGroupName="/aws/lambda/orders",
            logStreamName="s",
            logEvents=[{"timestamp": at_ms, "message": line} for at_ms, line in lines],
        )
        return REST_FAILED

    return answer


ONE, TWO = "b2c3d4e5-0000-4000-8000-000000000001", "b2c3d4e5-0000-4000-8000-000000000002"


def test_the_functions_log_tells_how_it_failed(server: NotingServer, logs: Any) -> None:
    """With the function named, its log gives error, frames and memory, as good as those of an invocation."""
    server.answer = failing(logs, ONE)
    reply = sent(
        server, rest_api(), function="arn:aws:lambda:eu-west-1:123456789012:function:orders:blue", log_wait_s=2.0
    )
    failure = reply.failure
    assert failure is not None
    assert (failure.error_type, failure.message, failure.observed) == ("KeyError", "'customer_id'", "logs")
    assert [frame.module for frame in failure.frames] == ["app.py"]
    assert reply.memory_mb == 64


def test_it_says_how_a_failure_could_be_seen(server: NotingServer) -> None:
    """Without the function's name a failure has no error: a note says what would tell it, and only then."""
    with HttpTarget(Function(name="orders", handler="", code=Path()), url=server.url) as target:
        target.invoke(Attempt(payload=json.dumps(rest_api())))
        assert target.notes == ()
        server.answer = lambda _: REST_FAILED
        target.invoke(Attempt(payload=json.dumps(rest_api())))
        assert any("function = NAME" in note for note in target.notes)


def test_a_5xx_of_its_own_is_not_looked_for(server: NotingServer, logs: Any) -> None:
    """The function has answered: to Lambda that is no failed invocation, and another's failure is not taken for it."""
    written = failing(logs, ONE)

    def answer(seen: Seen) -> bytes:
        written(seen)
        return answer_of(503, "mine")

    server.answer = answer
    reply = sent(server, rest_api(), function="orders", log_wait_s=30.0)
    assert reply.failure is not None
    assert reply.failure.error_type == ""


def test_a_failure_that_may_be_anothers_is_not_taken(server: NotingServer, logs: Any) -> None:
    """Two failed at the same time, and nothing says which is ours: it is told that the error was not seen."""
    server.answer = failing(logs, ONE, TWO)
    with HttpTarget(
        Function(name="orders", handler="", code=Path()), url=server.url, function="orders", log_wait_s=0.2
    ) as target:
        reply = target.invoke(Attempt(payload=json.dumps(rest_api())))
        assert reply.failure is not None
        assert reply.failure.error_type == ""
        assert any("was not seen" in note for note in target.notes)


def test_two_at_once_are_not_told_apart(server: NotingServer, logs: Any) -> None:
    """While another request of ours is under way, a failure in the log may be that one's: it is taken for nobody's."""
    failing(logs, ONE)(Seen("", [], b""))
    failed = Reply(status="raised", failure=Failure(error_type="", message="502"))
    log = FailureLog(lambda: logs, "/aws/lambda/orders", code=Path(), wait_s=0.1)
    with log.watching() as first, log.watching():
        assert first.reply_behind(failed, request_id="") is failed
    with log.watching() as alone:
        told = alone.reply_behind(failed, request_id="")
    assert told is failed, "it was seen before, and is older than this request"


def test_a_function_url_tells_the_request_by_its_id(server: NotingServer, logs: Any) -> None:
    """Its answer has Lambda's own request id: of two failures ours is known."""
    written = failing(logs, ONE, TWO)

    def answer(seen: Seen) -> bytes:
        written(seen)
        return answer_of(502, "Internal Server Error", f"x-amzn-RequestId: {TWO}")

    server.answer = answer
    reply = sent(server, function_url(), function="orders", log_wait_s=2.0)
    assert reply.failure is not None
    assert (reply.failure.error_type, reply.failure.request_id) == ("KeyError", TWO)
