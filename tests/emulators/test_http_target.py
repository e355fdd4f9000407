"""The `http` target on real servers: the request arrives as it was, and verdicts are those of the local target."""

import base64
import io
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from tests.cli.command_line import make_project
from tests.emulators.environments import install
from tests.emulators.localstack import ENVIRONMENT
from tests.emulators.localstack_shop import here_and_there, replay
from tests.emulators.ministack import bootstrap
from tests.emulators.server import Server
from tests.targets.http_events import function_url, http_api, load_balancer, rest_api

pytestmark = pytest.mark.emulator

HANDLER = """\
import json
import time


def handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path.endswith("/late"):
        time.sleep(60)
    if path.endswith("/raise"):
        return {"statusCode": 200, "body": json.loads(event["body"])["customer_id"]}
    if path.endswith("/unwell"):
        return {"statusCode": 503, "body": "mine"}
    return {"statusCode": 201, "headers": {"x-told": "yes"}, "body": event["body"]}
"""
ROLE = "arn:aws:iam::000000000000:role/told"
TIMEOUT_S = 2


@pytest.fixture
def function(lambda_server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    return deployed(lambda_server, monkeypatch)


def deployed(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("app.py", HANDLER)
        member = zipfile.ZipInfo("bootstrap")
        member.external_attr = 0o755 << 16
        written.writestr(member, bootstrap(install(ENVIRONMENT)))
    client: Any = boto3.client("lambda")
    name = f"web-{uuid.uuid4().hex[:8]}"
    client.create_function(
        FunctionName=name, Runtime="provided.al2023" if server.name == "ministack" else "python3.13",
        Handler="app.handler", Role=ROLE, Timeout=TIMEOUT_S, Code={"ZipFile": archive.getvalue()},
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return name


def rest_url(server: Server, function: str) -> str:
    """Make a REST API whose every path is the function's."""
    client: Any = boto3.client("apigateway")
    arn = boto3.client("lambda").get_function_configuration(FunctionName=function)["FunctionArn"]
    api = client.create_rest_api(name=function)["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    proxy = client.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    client.put_method(restApiId=api, resourceId=proxy, httpMethod="ANY", authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    client.put_integration(
        restApiId=api, resourceId=proxy, httpMethod="ANY", type="AWS_PROXY", integrationHttpMethod="POST", uri=uri
    )
    client.create_deployment(restApiId=api, stageName="dev")
    return f"{server.url}/_aws/execute-api/{api}/dev"


def http_url(server: Server, function: str) -> str:
    """Make an HTTP API whose every path is the function's."""
    client: Any = boto3.client("apigatewayv2")
    arn = boto3.client("lambda").get_function_configuration(FunctionName=function)["FunctionArn"]
    api = client.create_api(Name=function, ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    client.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{integration}")
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return f"{server.url}/_aws/execute-api/{api}/$default"


def judged(
    project: Path, of: Any, url: str, function: str, monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[Any, Any]:
    """Record requests, and replay them here and there; of the *words* each path ends with one."""
    body = json.dumps({"id": 1}).encode()
    section = f'[tool.replay.targets.web]\nkind = "http"\nurl = "{url}"\nfunction = "{function}"\nlog_wait_s = 5\n'
    headers = [("x-a", "1"), ("content-type", "application/json")]
    events = [of("POST", f"/a/{what}", "q=1%202", headers, body) for what in words]
    monkeypatch.chdir(make_project(project, HANDLER, *events, settings=f"timeout_s = {TIMEOUT_S}\n{section}"))
    replay("record", "files", "events.jsonl", "--function", "f", "--json")
    return here_and_there("--target", "web")


def function_url_of(server: Server, function: str) -> str:
    """Make a function URL, which the server knows by the header Host; give the section's value of `url` and `host`."""
    client: Any = boto3.client("lambda")
    made = client.create_function_url_config(FunctionName=function, AuthType="NONE")["FunctionUrl"]
    return f'{server.url}"\nhost = "{urlsplit(made).netloc}'


@pytest.mark.parametrize(("of", "url_of"), [(rest_api, rest_url), (function_url, function_url_of)])
def test_verdicts_on_localstack_are_the_local_ones(
    lambda_server: Server, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: Any, url_of: Any
) -> None:
    """
    Through a REST API and a function URL, HTTP tells that the function failed, and its log how.

    Status, error, signature and verdict of success, error and timeout are those of a run here.
    """
    url = url_of(lambda_server, function)
    here, there = judged(tmp_path, of, url, function, monkeypatch, "raise", "late", "echo")
    assert there == here
    assert sorted(each[0] for each in there.values()) == ["fixed", "reproduced", "reproduced"]
    assert {each[1] for each in there.values()} == {"failed", "timed_out", "succeeded"}


def test_an_answer_through_a_rest_api_is_the_functions(
    lambda_server: Server, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status code, header and body, also of bytes; a 5xx of the function's own is a failure."""
    from replay.delivery.attempt import Attempt
    from replay.functions.function import Function
    from replay.targets.http import HttpTarget

    url = rest_url(lambda_server, function)
    with HttpTarget(Function(name=function, handler="", code=tmp_path), url=url) as target:
        sent = json.dumps(rest_api("PUT", "/a/b%2Bc", "q=1%202&q=3", [("x-a", "1")], "ü".encode()))
        reply = target.invoke(Attempt(payload=sent))
        answer = json.loads(reply.payload or "")
        assert (reply.status, answer["statusCode"], answer["multiValueHeaders"]["x-told"]) == ("returned", 201, ["yes"])
        assert answer["body"] in {"ü", base64.b64encode("ü".encode()).decode()}
        unwell = target.invoke(Attempt(payload=json.dumps(rest_api("GET", "/unwell"))))
        assert unwell.failure is not None
        assert (unwell.status, unwell.failure.error_type) == ("raised", "")


def balancer_url(server: Server, function: str) -> str:
    """Make a load balancer whose every path is the function's."""
    client: Any = boto3.client("elbv2")
    arn = boto3.client("lambda").get_function_configuration(FunctionName=function)["FunctionArn"]
    group = client.create_target_group(Name=function, TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    client.register_targets(TargetGroupArn=group, Targets=[{"Id": arn}])
    balancer = client.create_load_balancer(Name=function, Subnets=["subnet-a", "subnet-b"])["LoadBalancers"][0]
    forward = {"Type": "forward", "TargetGroupArn": group}
    client.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[forward]
    )
    return f'{server.url}"\nhost = "{function}.alb.localhost'


@pytest.mark.parametrize(
    ("of", "url_of"),
    [(http_api, http_url), (rest_api, rest_url), (function_url, function_url_of), (load_balancer, balancer_url)],
)
def test_requests_on_ministack(
    ministack_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: Any, url_of: Any
) -> None:
    """
    An HTTP API, a REST API, a function URL and a load balancer: success, error and timeout with the verdicts of a run here.

    The function runs under AWS's own runtime client, whose report of its error MiniStack gives as the answer.
    """
    function = deployed(ministack_server, monkeypatch)
    here, there = judged(
        tmp_path, of, url_of(ministack_server, function), function, monkeypatch, "raise", "late", "echo"
    )
    assert there == here
    assert {each[1] for each in there.values()} == {"failed", "timed_out", "succeeded"}
