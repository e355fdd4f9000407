"""`replay doctor --source` writes the least policy that a recording needs, and checks it without touching anything."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from replay.diagnosis.finding import Finding
from replay.diagnosis.source_permissions import AskedFor, Caller, caller_of, check_permissions, policy
from replay.sources.files import FilesOptions, FilesSource
from replay.sources.permissions import AwsPlace, Permission
from replay.sources.registry import source_names
from replay.sources.sqs import SqsSource
from replay.sources.sqs_options import SqsOptions
from tests.cli.command_line import CommandLine

QUEUE = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
ROLE = "arn:aws:iam::111122223333:role/ci/recorder"
SESSION = "arn:aws:sts::111122223333:assumed-role/recorder/session"
READ = Permission(actions=("sqs:ReceiveMessage",), resources=(QUEUE,), why="read messages")
LIST = Permission(actions=("lambda:ListEventSourceMappings",), why="warn of live consumers", optional=True)
FIND = Permission(actions=("sqs:GetQueueUrl",), resources=(QUEUE,), why="find the queue", opened=True)


def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # type: ignore[call-overload]  # any


def statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    assert document["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = document["Statement"]
    return found


def actions_on(document: dict[str, Any], resource: str) -> set[str]:
    return {action for each in statements(document) if resource in each["Resource"] for action in each["Action"]}


# The policy


def test_a_policy_is_one_that_iam_takes() -> None:
    """Statements have names of letters and digits, each once, and every permission is in one of them."""
    document = policy([READ, LIST, FIND])
    names = [each["Sid"] for each in statements(document)]
    assert len(set(names)) == len(names) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9]{1,128}", name) for name in names)
    assert actions_on(document, QUEUE) == {"sqs:ReceiveMessage", "sqs:GetQueueUrl"}
    assert actions_on(document, "*") == {"lambda:ListEventSourceMappings"}


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Be nobody, in a region, in an empty project."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("nowhere")
def test_what_is_asked_for_is_in_the_policy(replay_: CommandLine) -> None:
    """Draining and moving need more; what the options name stands in the ARNs, and what nobody knows is `*`."""
    bare = json.loads(replay_("doctor", "--source", "sqs", "--queue", QUEUE).stdout)
    assert not any("sqs:DeleteMessage" in each["Action"] for each in statements(bare))
    told = replay_("doctor", "--source", "sqs", "--queue", QUEUE, "--drain", "--drain-to", "park", "--no-enrich")
    document = json.loads(told.stdout)
    assert {"sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"} <= actions_on(document, QUEUE)
    assert "sqs:SendMessage" in actions_on(document, "arn:aws:sqs:eu-west-1:*:park")
    assert not any(action.startswith("logs:") for each in statements(document) for action in each["Action"])


@pytest.mark.usefixtures("nowhere")
def test_the_configuration_names_what_the_command_line_does_not(replay_: CommandLine, tmp_path: Path) -> None:
    """A source with a name has its options; buckets of claim checks and the function's log group are in the policy."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.replay.sources.poison]\nkind = "sqs"\nqueue = "orders-dlq"\nregion = "eu-west-1"\nfunction = "orders"\n'
        '[tool.replay.claim_checks]\nbuckets = ["orders-payloads"]\n'
        '[tool.replay.functions.orders]\nhandler = "app.handler"\nlog_group = "/shop/orders"\n'
    )
    document = json.loads(replay_("doctor", "--source", "poison").stdout)
    assert "sqs:ReceiveMessage" in actions_on(document, "arn:aws:sqs:eu-west-1:*:orders-dlq")
    assert actions_on(document, "arn:aws:s3:::orders-payloads/*") == {"s3:GetObject"}
    group = "arn:aws:logs:eu-west-1:*:log-group:/shop/orders:*"
    assert {"logs:FilterLogEvents", "logs:GetLogEvents"} <= actions_on(document, group)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("kind", "arn", "resource", "needed"),
    [
        (
            "kinesis",
            "arn:aws:kinesis:us-east-1:123456789012:stream/clicks",
            "arn:aws:kinesis:eu-west-1:*:stream/clicks",
            {"kinesis:DescribeStreamSummary", "kinesis:GetShardIterator", "kinesis:GetRecords"},
        ),
        (
            "dynamodb",
            "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
            "arn:aws:dynamodb:eu-west-1:*:table/orders/stream/*",
            {"dynamodb:GetShardIterator", "dynamodb:GetRecords"},
        ),
    ],
)
def test_the_streams_of_the_function_are_in_the_policy(
    replay_: CommandLine, tmp_path: Path, kind: str, arn: str, resource: str, needed: set[str]
) -> None:
    """A dead-letter queue may hold failure records, whose records are then read again: with these calls and no others."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.replay.functions.orders]\nhandler = "app.handler"\n'
        f'event_source = {{ kind = "{kind}", arn = "{arn}" }}\n'
    )
    document = json.loads(replay_("doctor", "--source", "sqs", "--queue", QUEUE, "--function", "orders").stdout)
    assert actions_on(document, resource) == needed
    role = "lambda:GetFunctionConfiguration"
    assert (role in actions_on(document, "arn:aws:lambda:eu-west-1:*:function:orders")) == (kind == "kinesis")


@pytest.mark.usefixtures("nowhere")
def test_traces_are_looked_for_by_the_name_in_the_template(replay_: CommandLine, tmp_path: Path) -> None:
    """`--function orders` means OrdersFunction, so the log that a stack makes of that name is in the policy."""
    properties = "Runtime: python3.12, Handler: app.handler, Code: ."
    function = f"OrdersFunction: {{Type: AWS::Lambda::Function, Properties: {{{properties}}}}}"
    (tmp_path / "template.yaml").write_text(f"Resources:\n  {function}\n")
    document = json.loads(replay_("doctor", "--source", "xray", "--function", "orders").stdout)
    made = "arn:aws:logs:eu-west-1:*:log-group:/aws/lambda/*-OrdersFunction-*:*"
    assert actions_on(document, made) == {"logs:FilterLogEvents", "logs:GetLogEvents"}


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("name", source_names())
def test_every_source_has_a_policy(replay_: CommandLine, name: str) -> None:
    """Without any option the policy is for all of its kind; or the one option that is needed is named."""
    told = replay_("doctor", "--source", name, "--function", "orders")
    if told.exit_code == 2:
        assert "expected:" in told.stderr
        assert told.stdout == ""
    else:
        statements(json.loads(told.stdout))


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--source", "sq"), "there is no source 'sq'"),
        (("--source", "sqs", "--queu", "x"), "No such option '--queu'"),
        (("--queue", "x"), "No such option: --queue"),
        (("x",), "No such argument: x"),
    ],
)
def test_a_mistake_is_told(replay_: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    """What is no option of the source, or is given without one, is refused before anything is asked."""
    told = replay_("doctor", *arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert words in told.stderr


@pytest.mark.usefixtures("nowhere")
def test_json_is_one_line_each(replay_: CommandLine) -> None:
    """With --json the policy and the findings are documents on stdout."""
    told = replay_("doctor", "--source", "files", "--json")
    assert [each["type"] for each in told.documents] == ["policy", "finding"]
    assert told.documents[1]["what"] == "nothing of AWS is needed"
    assert told.exit_code == 0


# The check


def checked(*permissions: Permission, caller: Caller, iam: Any = None, source: Any = None) -> list[Finding]:
    asked = AskedFor(source=source or FilesSource(FilesOptions(path=())), named=source is not None)
    return list(check_permissions(asked, permissions, caller, lambda _: iam))


def test_iam_is_asked_what_the_role_may_do() -> None:
    """The role behind a session is simulated, page by page (moto cannot simulate, so botocore's Stubber answers)."""
    iam = client("iam")
    role = {"Path": "/ci/", "RoleName": "recorder", "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": ROLE,
            "CreateDate": "2026-01-01T00:00:00Z"}  # fmt: skip
    about_read = {"PolicySourceArn": ROLE, "ActionNames": ["sqs:ReceiveMessage"], "ResourceArns": [QUEUE]}
    about_list = {"PolicySourceArn": ROLE, "ActionNames": ["lambda:ListEventSourceMappings"], "ResourceArns": ["*"]}
    denied = {"EvalActionName": "sqs:ReceiveMessage", "EvalResourceName": QUEUE, "EvalDecision": "implicitDeny"}
    allowed = {"EvalActionName": "lambda:ListEventSourceMappings", "EvalResourceName": "*", "EvalDecision": "allowed"}
    with Stubber(iam) as stubbed:
        stubbed.add_response("get_role", {"Role": role}, {"RoleName": "recorder"})
        simulate = "simulate_principal_policy"
        stubbed.add_response(simulate, {"EvaluationResults": [], "IsTruncated": True, "Marker": "m"}, about_read)
        stubbed.add_response(simulate, {"EvaluationResults": [denied]}, {**about_read, "Marker": "m"})
        stubbed.add_response(simulate, {"EvaluationResults": [allowed]}, about_list)
        found = checked(READ, LIST, caller=Caller(at=AwsPlace(), arn=SESSION), iam=iam)
        stubbed.assert_no_pending_responses()
    assert [each.level for each in found] == ["problem", "ok"]
    assert found[0].what == f"not allowed: sqs:ReceiveMessage on {QUEUE}; needed to read messages"


@pytest.mark.parametrize("optional", [True, False])
def test_what_is_optional_is_no_problem(optional: bool) -> None:
    """A permission without which recording goes on is a note."""
    iam = client("iam")
    each = Permission(actions=("xray:BatchGetTraces",), why="look up traces", optional=optional)
    denied = {"EvalActionName": "xray:BatchGetTraces", "EvalResourceName": "*", "EvalDecision": "explicitDeny"}
    with Stubber(iam) as stubbed:
        stubbed.add_response("simulate_principal_policy", {"EvaluationResults": [denied]})
        (found,) = checked(each, caller=Caller(at=AwsPlace(), arn=ROLE), iam=iam)
    assert found.level == ("note" if optional else "problem")


def test_without_simulation_opening_the_source_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where IAM may not be asked, what opening needs is known to be there, and of the rest it is said that it is not."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    iam = client("iam")
    with mock_aws(), Stubber(iam) as stubbed:
        boto3.client("sqs").create_queue(QueueName="orders-dlq")
        stubbed.add_client_error("simulate_principal_policy", "AccessDenied", "no", 403)
        source = SqsSource(SqsOptions(queue="orders-dlq"))
        found = checked(FIND, READ, caller=Caller(at=AwsPlace(), arn=ROLE), iam=iam, source=source)
    assert [each.level for each in found] == ["ok", "note"]
    assert found[0].what == "sqs:GetQueueUrl: allowed, as the source could be opened"
    assert found[1].what.startswith("sqs:ReceiveMessage: could not be checked: AWS denied iam:SimulatePrincipalPolicy")


def test_a_source_that_cannot_be_opened_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that is not there is told, with what to do."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        source = SqsSource(SqsOptions(queue="orders-dlq"))
        caller = Caller(at=AwsPlace(), arn=ROLE, on_aws=False)
        found = checked(FIND, caller=caller, source=source)
    assert [each.level for each in found] == ["problem", "note"]
    assert "there is no such queue" in found[0].what


def test_aws_is_asked_who_we_are() -> None:
    """Account and region of the caller stand in the ARNs; who has no credentials gets `*` and the reason."""
    with mock_aws():
        caller = caller_of(client)
    assert (caller.at.region, caller.at.account_id) == ("eu-west-1", "123456789012")
    sts = client("sts")
    with Stubber(sts) as stubbed:
        stubbed.add_client_error("get_caller_identity", "ExpiredToken", "x", 403)
        caller = caller_of(lambda _: sts)
    assert (caller.at.account_id, caller.why) == ("*", "the AWS credentials have expired")
