"""What is deployed to LocalStack for a run: the template, its code apart, and waits that nobody wants shortened."""

import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import TargetError
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.project import open_project
from replay.targets.localstack_parts.deployable import deployable
from replay.targets.localstack_parts.made_stack import zipped
from replay.targets.localstack_parts.ways_in import WayIn, rounded_numbers, source_name

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"


def sqs_event(body: str, arn: str = QUEUE) -> Event:
    return Event(text=json.dumps({"Records": [{"eventSourceARN": arn, "body": body}]}), kind="sqs")


def test_a_template_is_deployed_as_it_is_but_for_its_waits() -> None:
    """Functions, queues and mappings are the template's; code is apart, and messages are hidden as short as may be."""
    function = open_project(Path(__file__).parents[3]).catalog.get("orders")
    found = deployable(function)
    resources = found.template["Resources"]
    assert found.code.keys() == {"OrdersFunction", "OrdersBatchFunction"}
    assert all((folder / "app.py").is_file() for folder in found.code.values())
    assert resources["OrdersQueue"]["Properties"]["VisibilityTimeout"] == 10  # the function's timeout, instead of 60
    assert min(found.named["AWS::SQS::Queue"]) == "orders"
    assert "orders" in found.functions
    written = json.loads(found.with_code("b", dict.fromkeys(found.code, "k.zip")))
    assert "Transform" not in written
    assert written["Resources"]["OrdersFunction"]["Properties"]["Code"] == {"S3Bucket": "b", "S3Key": "k.zip"}
    chosen = deployable(function, visibility_timeout_s=2, batch_size=1).template["Resources"]
    assert chosen["OrdersQueue"]["Properties"]["VisibilityTimeout"] == 2
    assert chosen["OrdersFunctionOrders"]["Properties"]["BatchSize"] == 1


def test_without_a_template_the_configuration_is_deployed(tmp_path: Path) -> None:
    """The function and the queue that triggers it, with its dead-letter queue and its mapping's settings."""
    source = EventSource(
        kind="sqs", arn=QUEUE, max_receive_count=2, report_batch_item_failures=True, filter_criteria=('{"body": []}',)
    )
    function = Function(name="orders", handler="app.handler", code=tmp_path, event_sources=(source,))
    resources = deployable(function).template["Resources"]
    assert resources["Function"]["Properties"]["FunctionName"] == "orders"
    assert resources["Source0"]["Properties"]["QueueName"] == "orders"
    assert resources["Source0"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 2
    mapping = resources["Mapping0"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["FilterCriteria"] == {"Filters": [{"Pattern": '{"body": []}'}]}


TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Slow:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      CodeUri: .
      Handler: app.handler
      Timeout: 40
      Events: {In: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn}}}
  Quick:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.12, CodeUri: ., Handler: app.handler, FunctionName: quick,
                 EventInvokeConfig: {MaximumRetryAttempts: 1}}
  Orders: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "orders-${AWS::Region}", VisibilityTimeout: 300}}
  Dead: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 7}}
"""


def test_each_queue_waits_for_its_own_function(tmp_path: Path) -> None:
    """A queue hides a message as long as its consumer may run, whichever function is replayed; others stay as they are."""
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "pyproject.toml").write_text('[tool.replay]\ntemplate = "template.yaml"\n')
    quick = open_project(tmp_path).catalog.get("quick")
    found = deployable(quick)
    resources = found.template["Resources"]
    assert resources["Orders"]["Properties"]["VisibilityTimeout"] == 40
    assert resources["Dead"]["Properties"]["VisibilityTimeout"] == 7
    assert found.named["AWS::SQS::Queue"] == ["orders-us-east-1"]  # resolved: what it will really be called
    slow = open_project(tmp_path).catalog.get("Slow")
    assert resources["Slow"]["Properties"]["FunctionName"] == slow.name  # CloudFormation would invent one


def test_asynchronous_retries_are_as_few_as_asked_for(tmp_path: Path) -> None:
    """Where the template says nothing of them, and where it does."""
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "pyproject.toml").write_text('[tool.replay]\ntemplate = "template.yaml"\n')
    function = open_project(tmp_path).catalog.get("quick")
    resources = deployable(function, maximum_retry_attempts=0).template["Resources"].values()
    told = [each["Properties"] for each in resources if each["Type"] == "AWS::Lambda::EventInvokeConfig"]
    assert [each["MaximumRetryAttempts"] for each in told] == [0, 0]
    assert sorted(each["FunctionName"]["Ref"] for each in told) == ["Quick", "Slow"]
    as_it_is = deployable(function).template["Resources"].values()
    assert [each["Properties"]["MaximumRetryAttempts"] for each in as_it_is if "InvokeConfig" in each["Type"]] == [1]


def test_what_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    """A bucket's notification needs a template; and code that is not there cannot be deployed."""
    function = Function(name="f", handler="a.b", code=tmp_path, event_sources=(EventSource(kind="s3"),))
    with pytest.raises(TargetError, match="made from a template only"):
        deployable(function)
    gone = Function(name="f", handler="a.b", code=tmp_path / "gone", event_sources=(EventSource(kind="sqs"),))
    with pytest.raises(TargetError, match="the code of Function is not there"):
        deployable(gone)


def test_code_is_zipped_without_what_no_function_runs(tmp_path: Path) -> None:
    """Folders of tools and caches stay here; a file that is an archive already goes as it is."""
    for name in ("app.py", "pkg/mod.py", "__pycache__/app.pyc", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    archive = zipped(tmp_path)
    assert sorted(zipfile.ZipFile(io.BytesIO(archive)).namelist()) == ["app.py", "pkg/mod.py"]
    (tmp_path / "built.zip").write_bytes(b"PK")
    assert zipped(tmp_path / "built.zip") == b"PK"


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_that_localstack_would_change_is_seen(number: Decimal) -> None:
    """Whatever a number is: it is let through where a double says the same, and only there."""
    text = str(number)
    body = f'{{"total": {text}}}'
    if text.lstrip("-").isdecimal():
        same = True
    else:
        try:
            same = Decimal(repr(float(text))) == number
        except (OverflowError, ArithmeticError):
            same = False
    assert (rounded_numbers(sqs_event(body)) == "") is same


@pytest.mark.parametrize("body", ["not json {{{", '"1.00000000000000000000001"', "{}", '{"a": 12345678901234567890}'])
def test_what_is_no_number_of_json_stays_as_it_is(body: str) -> None:
    """Text, strings and whole numbers of any size pass a JSON parser unchanged."""
    assert rounded_numbers(sqs_event(body)) == ""


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (sqs_event("x").text, "orders"),
        (json.dumps({"Records": [{"Sns": {"TopicArn": "arn:aws:sns:eu-west-1:1:shop"}}]}), "shop"),
        (json.dumps({"Records": [{"eventSourceARN": "arn:aws:dynamodb:r:1:table/carts/stream/2026"}]}), "carts"),
        (json.dumps({"Records": [{"eventSourceARN": "arn:aws:kinesis:r:1:stream/clicks"}]}), "clicks"),
        (json.dumps({"Records": [{"s3": {"bucket": {"name": "inbox"}}}]}), "inbox"),
        ("not json", ""),
        ('{"Records": [7]}', ""),
    ],
)
def test_an_event_names_what_it_came_from(event: str, name: str) -> None:
    """The name is the same there as in production, whatever account and region are."""
    assert source_name(Event(text=event)) == name


def test_a_way_is_known_by_the_same_name() -> None:
    """By ARN or plain name, as the services list them."""
    for resource in (QUEUE, "orders"):
        assert WayIn(kind="sqs", target="sqs", option="queue", resource=resource).name == "orders"
