"""Whatever leads boto3 where: of one target no service is asked on AWS while another is asked on an emulator."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.errors import TargetRefused
from replay.functions.function import Function
from replay.targets.carrier import Carrier
from replay.targets.guard_rails import deployed
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.guard_rails.one_place import Asked, place_of, refuse_two_places
from replay.targets.guard_rails.plan import Plan, plan_lines
from replay.targets.http import HttpTarget
from replay.targets.kinesis import KinesisTarget
from replay.targets.lambda_ import LambdaTarget
from replay.targets.s3 import S3Target
from replay.targets.sns import SnsTarget
from replay.targets.sqs import SqsTarget
from replay.targets.stepfunctions_map import StepFunctionsMapTarget
from tests.targets.deployed_aws import ACCOUNT, REGION, deployed_aws

MOTO_ACCOUNT = "123456789012"
EMULATOR = "http://127.0.0.1:9"
"""Where nobody listens: who asks there fails in another way than by a refusal."""

Lead = Callable[[str, str], None]
FUNCTION = Function(name="orders", handler="a.b", code=Path())


@pytest.fixture
def lead(monkeypatch: pytest.MonkeyPatch) -> Lead:
    """Lead one service (`SQS`, `CLOUDWATCH_LOGS`) to a URL by its own variable; names of other machines are unknown."""
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_DEFAULT_REGION", REGION)):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    look_up = socket.getaddrinfo

    def look_up_here(host: Any, *arguments: Any, **known: Any) -> Any:
        if host not in {"127.0.0.1", "localhost"}:
            raise socket.gaierror
        return look_up(host, *arguments, **known)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    return lambda service, url: monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)


@pytest.fixture
def _aws(lead: Lead) -> Iterator[None]:
    """A function, a queue it consumes, and a topic, on AWS as moto plays it: its endpoints are those of AWS."""
    with mock_aws():
        role = boto3.client("iam").create_role(RoleName="told", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        client: Any = boto3.client("lambda")
        client.create_function(
            FunctionName="orders", Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": b"x"}
        )
        sqs: Any = boto3.client("sqs")
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        client.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
        topic = boto3.client("sns").create_topic(Name="orders")["TopicArn"]
        boto3.client("sns").subscribe(
            TopicArn=topic, Protocol="lambda", Endpoint=f"arn:aws:lambda:{REGION}:{MOTO_ACCOUNT}:function:orders"
        )
        boto3.client("kinesis").create_stream(StreamName="orders", ShardCount=1)
        location: Any = {"LocationConstraint": REGION}
        boto3.client("s3").create_bucket(Bucket="orders", CreateBucketConfiguration=location)
        yield


MAP = {"place": "s3://orders/x", "role": f"arn:aws:iam::{MOTO_ACCOUNT}:role/told"}
TARGETS: dict[str, Callable[[], Deployed]] = {
    "lambda": lambda: LambdaTarget(FUNCTION, account_id=MOTO_ACCOUNT),
    "lambda-event": lambda: LambdaTarget(FUNCTION, account_id=MOTO_ACCOUNT, invocation="Event"),
    "sqs": lambda: SqsTarget(queue="orders", account_id=MOTO_ACCOUNT),
    "sns": lambda: SnsTarget(topic="orders", account_id=MOTO_ACCOUNT),
    "kinesis": lambda: KinesisTarget(stream="orders", account_id=MOTO_ACCOUNT),
    "map": lambda: StepFunctionsMapTarget(FUNCTION, account_id=MOTO_ACCOUNT, **MAP),
}


def plan_of(name: str) -> None:
    """Ask all that a plan asks of a target: where it leads, who is asking, and where ends are looked for."""
    target = TARGETS[name]()
    target.checked_destination()
    if isinstance(target, Carrier) and not target.answers:
        target.watches(FUNCTION)


@pytest.mark.usefixtures("_aws")
def test_all_on_aws_is_not_refused() -> None:
    """Where nothing leads elsewhere, every target may be planned, and no plan speaks of another endpoint."""
    for name, target in TARGETS.items():
        plan_of(name)
        assert not target().checked_destination().emulated_at


@pytest.mark.usefixtures("_aws")
@pytest.mark.parametrize(
    ("name", "service"),
    [
        *((name, service) for name in TARGETS for service in ("STS", "IAM")),
        ("lambda-event", "CLOUDWATCH_LOGS"), ("lambda-event", "CLOUDWATCH"),
        ("sqs", "LAMBDA"), ("sqs", "CLOUDWATCH_LOGS"),
        ("sns", "LAMBDA"), ("sns", "CLOUDWATCH_LOGS"),
        ("kinesis", "LAMBDA"), ("map", "S3"), ("map", "SFN"),
    ],
)  # fmt: skip
def test_an_emulator_says_nothing_of_a_target_on_aws(name: str, service: str, lead: Lead) -> None:
    """Account, alias, consumers, log: each is asked where the target is, or the plan is refused before anything is."""
    lead(service, EMULATOR)
    with pytest.raises(TargetRefused, match="would be asked on this machine") as caught:
        plan_of(name)
    assert f"AWS_ENDPOINT_URL_{service}" in caught.value.hint


@pytest.mark.usefixtures("_aws")
@pytest.mark.parametrize(("name", "service"), [("lambda", "iam"), ("sqs", "sts"), ("sns", "cloudwatch_logs")])
def test_the_profile_may_lead_there_too(
    name: str, service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The services of ~/.aws/config count like variables: what counts is whom boto3 asks in the end."""
    config = tmp_path / "config"
    config.write_text(f"[default]\nservices = here\n[services here]\n{service} =\n  endpoint_url = {EMULATOR}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(TargetRefused, match="would be asked on this machine"):
        plan_of(name)


@pytest.mark.usefixtures("_aws")
def test_an_emulator_elsewhere_is_none_either(lead: Lead) -> None:
    """`http://localstack:4566` in a network of containers is no AWS, although it is not on this machine."""
    lead("STS", "http://localstack.invalid:4566")
    with pytest.raises(TargetRefused, match=r"STS would be asked on localstack\.invalid"):
        plan_of("lambda")


@pytest.mark.usefixtures("_aws")
def test_what_is_ignored_leads_nowhere(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    """With AWS_IGNORE_CONFIGURED_ENDPOINT_URLS boto3 asks AWS, and so nothing is refused."""
    for service in ("STS", "IAM", "LAMBDA", "CLOUDWATCH_LOGS"):
        lead(service, EMULATOR)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    for name in TARGETS:
        plan_of(name)


@pytest.mark.usefixtures("_aws")
def test_other_services_may_be_anywhere(lead: Lead) -> None:
    """DynamoDB Local on this machine hinders nobody who sends to a function on AWS."""
    lead("DYNAMODB", EMULATOR)
    plan_of("lambda")
    plan_of("sqs")


@pytest.mark.usefixtures("_aws")
def test_a_function_here_makes_no_state_machine_on_aws(lead: Lead) -> None:
    """What is on this machine has no guard rails: from there nothing leads into an account that nobody has checked."""
    with deployed_aws() as here:
        lead("LAMBDA", here.url)
        with pytest.raises(TargetRefused, match="Lambda is on this machine, and SFN would be asked on AWS"):
            plan_of("map")


@pytest.mark.usefixtures("_aws")
def test_a_bucket_here_tells_nobody_on_aws(lead: Lead) -> None:
    """An emulator's bucket may name any queue: with S3's own variable alone no client is made that sends to AWS."""
    target = S3Target(bucket="orders", how="notification")
    lead("S3", EMULATOR)
    target.clients("s3")
    with pytest.raises(TargetRefused, match="S3 is on this machine, and SQS would be asked on AWS"):
        target.clients.sending("sqs")


@pytest.mark.usefixtures("_aws")
@pytest.mark.parametrize("service", ["API_GATEWAY", "STS", "IAM"])
def test_an_emulator_says_nothing_of_a_url_on_aws(service: str, lead: Lead) -> None:
    """Behind a host of AWS is what AWS says is there."""
    made = boto3.client("apigateway").create_rest_api(name="orders")["id"]
    url = f"https://{made}.execute-api.{REGION}.amazonaws.com/test"
    HttpTarget(FUNCTION, url=url, account_id=MOTO_ACCOUNT).checked_destination()
    lead(service, "http://localstack.invalid:4566")
    with pytest.raises(TargetRefused, match=r"would be asked on localstack\.invalid"):
        HttpTarget(FUNCTION, url=url, account_id=MOTO_ACCOUNT).checked_destination()


def test_one_emulator_for_all_is_one_place(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services of one emulator, or of several on this machine, vouch for each other; nothing is asked twice for that."""
    with deployed_aws() as here:
        monkeypatch.setenv("AWS_ENDPOINT_URL", here.url)
        lead("IAM", here.url.replace("127.0.0.1", "localhost"))
        monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
        found = LambdaTarget(FUNCTION, account_id=ACCOUNT).checked_destination()
        assert found.account_aliases == ("shop-staging",)
        assert f"  at {here.url}, which is none of AWS's endpoints" in plan_lines(Plan(events=1, destinations=(found,)))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://sqs.eu-west-1.amazonaws.com", "AWS"),
        ("https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com", "AWS"),
        ("https://sqs.cn-north-1.amazonaws.com.cn", "AWS"),
        ("https://sqs.eu-west-1.api.aws", "AWS"),
        ("http://localhost:4566", "this machine"),
        ("http://10.0.0.7:4566", "10.0.0.7"),
    ],
)
def test_where_an_endpoint_is(url: str, place: str) -> None:
    """AWS is all of AWS, with its private endpoints too; loopback is this machine; all else is a place of its own."""
    assert place_of(url) == place


@pytest.mark.usefixtures("lead")
def test_names_below_one_host_are_one_emulator() -> None:
    """Emulators tell services and buckets by names before their own; a name that only ends alike is another host."""
    whole, part = Asked.at("SQS", "http://box.invalid:4566"), Asked.at("S3", "http://s3.box.invalid:4566")
    refuse_two_places(whole, part)
    refuse_two_places(part, whole)
    with pytest.raises(TargetRefused):
        refuse_two_places(whole, Asked.at("S3", "http://mailbox.invalid"))
