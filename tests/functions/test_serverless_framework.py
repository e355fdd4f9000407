"""serverless.yml, read simply: functions, settings, events and the variables that can be known."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import FunctionError, TemplateError
from replay.functions.catalog import build_catalog
from replay.functions.deployment import Deployment
from replay.functions.function import Function
from replay.functions.stacks import read_stack
from replay.payloads.event_sources import EventSource
from tests.functions.templates import write

SERVICE = """
    service: shop
    provider:
      name: aws
      runtime: python3.13
      stage: ${opt:stage, 'dev'}
      region: eu-west-1
      environment: {TABLE: '${self:custom.table}', TOKEN: '${env:TOKEN}', REGION: '${aws:region}'}
    custom:
      table: ${self:service}-${sls:stage}-orders
      settings: {batch: 7}
    functions:
      place-order:
        handler: src/app.handler
        timeout: 12
        memorySize: 512
        environment: {EXTRA: x, QUEUE: !Ref Queue}
        events:
          - sqs:
              arn: !GetAtt Queue.Arn
              batchSize: ${self:custom.settings.batch}
              functionResponseType: ReportBatchItemFailures
              filterPatterns: [{body: {kind: [order]}}]
          - http: GET /orders
          - httpApi: {path: /x, method: get}
          - schedule: rate(1 day)
          - eventBridge: {pattern: {source: [shop]}}
          - sns: arn:aws:sns:eu-west-1:123456789012:topic
          - s3: {bucket: uploads, event: s3:ObjectCreated:*}
          - stream: {type: kinesis, arn: 'arn:aws:kinesis:eu-west-1:1:stream/s', bisectBatchOnFunctionError: true}
          - alexaSkill: amzn1
      plain: {handler: src/plain.handler, name: its-own-name}
    resources:
      Resources:
        Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: 'orders-${self:provider.stage}', RedrivePolicy: {deadLetterTargetArn: x, maxReceiveCount: 2}}}
    """


def get(root: Path, name: str, text: str = SERVICE, **parameters: str) -> Function:
    write(root, text, "serverless.yml")
    return build_catalog(root=root, settings={}, templates=[], parameters=parameters).get(name)


@pytest.mark.parametrize("name", ["place-order", "placeOrder", "shop-dev-place-order"])
def test_a_function_with_its_settings(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own settings count before the provider's, and it is found by its key or by its name at AWS."""
    monkeypatch.setenv("TOKEN", "secret of this machine")
    found = get(tmp_path, name)
    assert (found.name, found.handler, found.code) == ("shop-dev-place-order", "src/app.handler", tmp_path)
    assert (found.runtime, found.timeout_s, found.memory_mb, found.region) == ("python3.13", 12, 512, "eu-west-1")
    assert found.environment == {
        "TABLE": "shop-dev-orders",
        "TOKEN": "local-TOKEN",
        "REGION": "us-east-1",
        "EXTRA": "x",
        "QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dev",
    }


def test_defaults_of_the_framework(tmp_path: Path) -> None:
    """Six seconds and 1,024 MB, where Lambda itself would give three and 128."""
    found = get(tmp_path, "its-own-name")
    assert (found.timeout_s, found.memory_mb, found.event_sources) == (6, 1024, ())


def test_events(tmp_path: Path) -> None:
    """The events that Lambda knows become event sources in their order; another one is passed over."""
    queue, *others = get(tmp_path, "place-order").event_sources
    assert queue == EventSource(
        kind="sqs",
        arn="arn:aws:sqs:eu-west-1:123456789012:orders-dev",
        batch_size=7,
        report_batch_item_failures=True,
        filter_criteria=('{"body": {"kind": ["order"]}}',),
        max_receive_count=2,
        dead_letter_queue="x",
    )
    assert [source.kind for source in others] == [
        "apigateway", "httpapi", "schedule", "eventbridge", "sns", "s3", "kinesis",
    ]  # fmt: skip
    assert others[-1].bisect_batch_on_function_error


def test_options_are_parameters(tmp_path: Path) -> None:
    """`opt:stage` is what `[tool.replay] parameters` says."""
    assert get(tmp_path, "place-order", stage="prod").environment["TABLE"] == "shop-prod-orders"


@pytest.mark.parametrize(
    "variables",
    [
        "{a: '${self:custom.a}'}",
        "{a: '${self:custom.b}', b: 'x${self:custom.a}'}",
        "{a: '${self:custom.b}${self:custom.b}', b: 'x${self:custom.a}'}",
        "{a: [" + ", ".join(["'${self:custom.b}'"] * 200) + "], b: [" + ", ".join(["'${self:service}'"] * 200) + "]}",
    ],
)
def test_variables_in_a_ring_are_refused(tmp_path: Path, variables: str) -> None:
    """A variable that asks for itself, or that grows without end, is an error of the template."""
    text = (
        f"service: s\ncustom: {variables}\nfunctions: {{f: {{handler: a.b, environment: {{X: '${{self:custom.a}}'}}}}}}"
    )
    with pytest.raises(TemplateError, match="depends on itself"):
        get(tmp_path, "f", text)


def test_a_service_without_functions_has_none(tmp_path: Path) -> None:
    """Functions that only a file elsewhere holds are not there; nothing crashes."""
    with pytest.raises(FunctionError, match="there is no function 'f'"):
        get(
            tmp_path,
            "f",
            "service: s\nfunctions: ${file(functions.yml)}\nresources: ['${file(r.yml)}', {Resources: {}}]",
        )


_TEXTS = [
    "${self:a}",
    "${self:b}x",
    "${opt:stage, self:c}",
    "${env:X, 'd'}",
    "${sls:stage}",
    "${file(x):y}",
    "${",
    "plain",
    "",
    5,
    None,
    True,
]
_KEYS = ["a", "b", "c", "handler", "events", "sqs", "arn", "name", "stage", "Resources", "Fn::GetAtt", "environment", "pattern"]  # fmt: skip
_PARTS = st.recursive(
    st.sampled_from(_TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {"service": _PARTS, "functions": _PARTS},
        optional={"provider": _PARTS, "resources": _PARTS, "a": _PARTS, "b": _PARTS, "c": _PARTS},
    )
)
def test_no_service_crashes(tmp_path_factory: pytest.TempPathFactory, service: dict[str, object]) -> None:
    """Whatever a service says, its functions are read or refused as a template."""
    path = tmp_path_factory.getbasetemp() / "service.json"
    path.write_text(json.dumps(service))
    try:
        place = str(read_stack(path, Deployment()).document.path)
    except TemplateError as error:
        place = error.where
    assert str(path) in place
