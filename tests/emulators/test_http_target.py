"""The `http` target on real servers: the request arrives as it was, and verdicts are those of the local target."""

import base64
import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.cli.command_line import make_project
from tests.emulators.server import Server
from tests.targets.http_events import http_api, rest_api

pytestmark = pytest.mark.emulator

HANDLER = """\
import json


def handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path.endswith("/raise"):
        return {"statusCode": 200, "body": json.loads(event["body"])["customer_id"]}
    if path.endswith("/unwell"):
        return {"statusCode": 503, "body": "mine"}
    return {"statusCode": 201, "headers": {"x-told": "yes"}, "body": event["body"]}
"""
ROLE = "arn:aws:iam::000000000000:role/told"


@pytest.fixture
def function(lambda_server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    return deployed(lambda_server, monkeypatch)


def deployed(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("app.py", HANDLER)
    client: Any = boto3.client("lambda")
    name = f"web-{uuid.uuid4().hex[:8]}"
    client.create_function(
        FunctionName=name, Runtime="python3.13", Handler="app.handler", Role=ROLE, Timeout=5, Code={"ZipFile": archive.getvalue()}
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


def replayed(*words: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "replay.cli.main", *words], check=False, capture_output=True, text=True, env=os.environ
    )
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def verdicts(told: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {
        each["fixture"]: (each["verdict"], each["status"], each["error"] and each["error"]["type"], each["signature"])
        for each in told
        if each["type"] == "outcome"
    }


def judged(project: Path, of: Any, url: str, function: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Record requests, and replay them here and there; two fail, one of them in the function's own words."""
    body = json.dumps({"id": 1}).encode()
    section = f'[tool.replay.targets.web]\nkind = "http"\nurl = "{url}"\nfunction = "{function}"\nlog_wait_s = 5\n'
    events = [of("POST", f"/a/{what}", "q=1%202", [("x-a", "1")], body) for what in ("raise", "echo")]
    monkeypatch.chdir(make_project(project, HANDLER, *events, settings=section))
    replayed("record", "files", "events.jsonl", "--function", "f", "--json")
    return verdicts(replayed("run", "--json")), verdicts(replayed("run", "--target", "web", "--json"))


def test_verdicts_through_a_rest_api_are_the_local_ones(
    lambda_server: Server, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP tells that the function failed, and its log on LocalStack how: status, error, signature and verdict as here."""
    here, there = judged(tmp_path, rest_api, rest_url(lambda_server, function), function, monkeypatch)
    assert there == here
    assert sorted(each[0] for each in there.values()) == ["fixed", "reproduced"]


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


def test_an_http_api_gets_the_request_too(
    ministack_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Payload format 2.0, on MiniStack, whose log has no error: the answer is the function's, and its failure is one."""
    function = deployed(ministack_server, monkeypatch)
    here, there = judged(tmp_path, http_api, http_url(ministack_server, function), function, monkeypatch)
    assert {each[1] for each in there.values()} == {each[1] for each in here.values()} == {"failed", "succeeded"}
