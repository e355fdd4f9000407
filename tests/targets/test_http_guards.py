"""The `http` target's guard rails: nothing is sent to a host before AWS has said what is behind it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from replay.delivery.attempt import Attempt
from replay.errors import AwsError, TargetRefused
from replay.functions.function import Function
from replay.readers.clients import aws_client
from replay.targets import http
from replay.targets.guard_rails import clients, deployed
from replay.targets.guard_rails.destination import Destination
from replay.targets.http import HttpTarget
from tests.targets.http_events import rest_api
from tests.targets.http_server import NotingServer, noting_server

ACCOUNT = "123456789012"
REGION = "eu-west-1"


@pytest.fixture(autouse=True)
def _beyond(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take every host for one beyond this machine."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(http, "is_on_this_machine", lambda _: False)
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        yield


def destination(url: str, **options: Any) -> Destination:
    known = {"account_id": ACCOUNT, **options}
    return HttpTarget(Function(name="orders", handler="", code=Path()), url=url, **known).checked_destination()


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def rest(name: str = "orders", **tags: str) -> str:
    return str(client("apigateway").create_rest_api(name=name, tags=tags)["id"])


def url_of(api: str, stage: str = "staging", region: str = REGION) -> str:
    return f"https://{api}.execute-api.{region}.amazonaws.com/{stage}"


def test_an_api_is_asked_for_by_its_id() -> None:
    """Account, region and tags of a REST API and of an HTTP API are AWS's own; the stage is part of the name."""
    api = rest(team="orders")
    found = destination(url_of(api))
    assert found.arn == f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/staging"
    assert found.tags == {"team": "orders", "name": "orders"}
    assert (found.caller_account_id, found.on_this_machine) == (ACCOUNT, False)
    http_api = client("apigatewayv2").create_api(Name="orders", ProtocolType="HTTP", Tags={"team": "b"})["ApiId"]
    assert destination(f"https://{http_api}.execute-api.{REGION}.amazonaws.com").tags == {"team": "b", "name": "orders"}


def test_without_an_account_nobody_is_asked() -> None:
    """Beyond this machine the configuration must say the account, before AWS is asked whether there is such an API."""
    for api in (rest(), "abcdef1234"):
        with pytest.raises(TargetRefused, match="nothing says in which account"):
            destination(url_of(api), account_id="")


def test_another_account_is_refused() -> None:
    """Credentials of another account than the configured one send nothing."""
    with pytest.raises(TargetRefused, match=f"credentials are those of account {ACCOUNT}"):
        destination(url_of(rest()), account_id="999988887777")


def test_an_api_that_is_not_in_the_account_is_refused() -> None:
    """The name says nothing of the account: an API that AWS does not show to the caller is nobody's."""
    with pytest.raises(TargetRefused, match="your account has no API abcdef1234"):
        destination(url_of("abcdef1234"))


def test_an_api_of_another_region_is_refused() -> None:
    """The region of the host counts, and one that the configuration says otherwise is a contradiction."""
    with pytest.raises(TargetRefused, match=f"its ARN is of us-east-1, and the target's region is {REGION}"):
        destination(url_of(rest(), region="us-east-1"), region=REGION)


@pytest.mark.parametrize(
    ("api", "stage"),
    [({"name": "orders-prod"}, "v1"), ({"Environment": "production"}, "v1"), ({}, "prod")],
    ids=["its name", "a tag", "the stage"],
)
def test_what_looks_like_production_is_refused(api: dict[str, str], stage: str) -> None:
    """The API's name, a tag or the stage is enough; only `production = true` lets it through."""
    url = url_of(rest(**api), stage)
    with pytest.raises(TargetRefused, match="looks like production"):
        destination(url)
    assert destination(url, production=True).account_id == ACCOUNT


def test_what_leaves_this_machine_is_encrypted() -> None:
    """Plain HTTP is for this machine."""
    with pytest.raises(TargetRefused, match="encrypted"):
        destination(url_of(rest()).replace("https:", "http:"))


def test_a_name_of_which_nobody_knows_what_it_is() -> None:
    """A host of the user's own is refused, but for one that is a custom domain name of API Gateway in the account."""
    with pytest.raises(TargetRefused, match="nobody can tell in which account"):
        destination("https://api.example.com/")
    client("apigateway").create_domain_name(domainName="api.example.com", tags={"stage": "test"})
    found = destination("https://api.example.com/")
    assert (found.account_id, found.tags) == (ACCOUNT, {"stage": "test"})
    client("apigateway").create_domain_name(domainName="api.live.example.com")
    with pytest.raises(TargetRefused, match="looks like production"):
        destination("https://api.live.example.com/")


def test_a_permission_that_is_missing_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not look at the API does not send to it; proved with an answer of botocore's Stubber."""
    denied = client("apigateway")
    monkeypatch.setattr(clients, "aws_client", lambda service, **asked: denied if service == "apigateway" else aws_client(service, **asked))  # fmt: skip
    with Stubber(denied) as stub:
        stub.add_client_error("get_rest_api", "AccessDeniedException", http_status_code=403)
        with pytest.raises(AwsError, match=r"denied apigateway:GetRestApi"):
            destination(url_of("abcdef1234"))


def test_a_function_url_must_be_its_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells nothing of its function: that is named, and AWS must say that this URL is its own."""
    url = "https://abc123.lambda-url.eu-west-1.on.aws/"
    stubbed = client("lambda")
    monkeypatch.setattr(clients, "aws_client", lambda service, **asked: stubbed if service == "lambda" else aws_client(service, **asked))  # fmt: skip
    with pytest.raises(TargetRefused, match="does not say whose it is"):
        destination(url)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"
    for its_own, tags in ((False, {}), (True, {"stage": "test"}), (True, {"stage": "prod"}), (True, None)):
        with Stubber(stubbed) as stub:
            told = {"FunctionUrl": url if its_own else url.replace("abc", "xyz"), "FunctionArn": f"{arn}:blue", "AuthType": "NONE", "CreationTime": "x", "LastModifiedTime": "x"}  # fmt: skip
            stub.add_response("get_function_url_config", told, {"FunctionName": "orders"})
            if tags is None:
                stub.add_client_error("list_tags", "AccessDeniedException", http_status_code=403)
            elif its_own:
                stub.add_response("list_tags", {"Tags": tags}, {"Resource": arn})
            if tags == {"stage": "test"}:
                assert destination(url, function="orders").tags == tags
            else:
                with pytest.raises(TargetRefused, match=r"not the function URL|looks like production|tags may not"):
                    destination(url, function="orders")
            stub.assert_no_pending_responses()
    monkeypatch.undo()


def test_a_load_balancer_is_found_by_its_name() -> None:
    """Its DNS name leads to its ARN and tags; one that is not in the account is refused."""
    ec2, elb = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]
    tags = [{"Key": "stage", "Value": "test"}]
    made = elb.create_load_balancer(Name="orders", Subnets=subnets, Tags=tags)["LoadBalancers"][0]
    found = destination(f"https://{made['DNSName'].split('.')[0]}.{REGION}.elb.amazonaws.com".lower())
    assert (found.arn, found.tags) == (made["LoadBalancerArn"], {"stage": "test"})
    with pytest.raises(TargetRefused, match="no such load balancer"):
        destination(f"https://other-1.{REGION}.elb.amazonaws.com")


def test_nothing_is_sent_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entering the target checks it: behind a refusal no request was made."""
    with noting_server() as server:
        target = _target(server, account_id="")
        with pytest.raises(TargetRefused), target:
            target.invoke(Attempt(payload=json.dumps(rest_api())))
        assert server.seen == []


def _target(server: NotingServer, **options: Any) -> HttpTarget:
    return HttpTarget(Function(name="orders", handler="", code=Path()), url=server.url, **options)


def test_a_name_of_its_own_in_the_host_header_is_for_this_machine() -> None:
    """Beyond it nobody could tell where the request leads: what was checked is the host of the url."""
    with pytest.raises(TargetRefused, match="for this machine only"):
        destination(url_of(rest()), host="orders.example.com")
