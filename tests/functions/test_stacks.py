"""Plain CloudFormation: functions, event sources, resources, and what a template does wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import TemplateError
from replay.functions.deployment import Deployment
from replay.functions.stacks import build_function, read_stack
from replay.payloads.event_sources import EventSource
from tests.functions.templates import function, stack

FUNCTION = "F: {Type: AWS::Lambda::Function, Properties: {Handler: app.handler, Runtime: python3.12, Code: src}}"


def test_a_function_with_aws_defaults(tmp_path: Path) -> None:
    """What the template leaves out is as Lambda has it."""
    found = function(tmp_path, f"Resources:\n  {FUNCTION}")
    assert (found.timeout_s, found.memory_mb, found.environment, found.layers) == (3, 128, {}, ())
    assert (found.event_sources, found.resources, found.region) == ((), (), "us-east-1")


def test_an_event_source_mapping(tmp_path: Path) -> None:
    """A mapping belongs to the function that it names by Ref, ARN or alias, and to no other."""
    read = f"""
        Resources:
          {FUNCTION}
          G: {{Type: AWS::Lambda::Function, Properties: {{Handler: a.b, Code: src, FunctionName: g}}}}
          Q:
            Type: AWS::SQS::Queue
            Properties: {{RedrivePolicy: '{{"deadLetterTargetArn": "arn:dlq", "maxReceiveCount": "5"}}'}}
          M: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: !GetAtt F.Arn, EventSourceArn: !GetAtt Q.Arn, BatchSize: "4"}}}}
          N: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: 'g:live', EventSourceArn: 'arn:aws:mq:us-east-1:1:broker:b'}}}}
          O: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: !Ref G, SelfManagedEventSource: {{}}, Topics: [t]}}}}
        """
    arn = "arn:aws:sqs:us-east-1:123456789012:local-Q"
    assert function(tmp_path, read).event_sources == (
        EventSource(kind="sqs", arn=arn, batch_size=4, max_receive_count=5, dead_letter_queue="arn:dlq"),
    )
    assert [source.kind for source in function(tmp_path, read, "G").event_sources] == ["mq", "kafka"]


def test_everything_else_that_names_a_function(tmp_path: Path) -> None:
    """Subscriptions, notifications, rules, schedules, APIs, URLs, target groups and state machines are triggers."""
    found = function(
        tmp_path,
        f"""
        Resources:
          {FUNCTION}
          A: {{Type: AWS::SNS::Topic, Properties: {{Subscription: [{{Protocol: lambda, Endpoint: !GetAtt F.Arn}}, {{Protocol: email, Endpoint: x@example.com}}]}}}}
          B: {{Type: AWS::SNS::Subscription, Properties: {{TopicArn: !Ref A, Protocol: lambda, Endpoint: !GetAtt F.Arn}}}}
          C: {{Type: AWS::S3::Bucket, Properties: {{NotificationConfiguration: {{LambdaConfigurations: [{{Function: !GetAtt F.Arn}}]}}}}}}
          D: {{Type: AWS::ApiGateway::Method, Properties: {{Integration: {{Uri: !Sub "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${{F.Arn}}/invocations"}}}}}}
          E: {{Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {{TargetType: lambda, Targets: [{{Id: !GetAtt F.Arn}}]}}}}
          G: {{Type: AWS::StepFunctions::StateMachine, Properties: {{DefinitionString: !Sub '{{"Resource": "${{F.Arn}}"}}'}}}}
          H: {{Type: AWS::Lambda::Url, Properties: {{TargetFunctionArn: !Ref F}}}}
        """,
    )
    assert [(source.kind, source.arn) for source in found.event_sources] == [
        ("sns", "arn:aws:sns:us-east-1:123456789012:local-A"),
        ("s3", "arn:aws:s3:::local-c"),
        ("apigateway", None),
        ("alb", None),
        ("stepfunctions", "arn:aws:states:us-east-1:123456789012:stateMachine:local-G"),
        ("function_url", None),
    ]


def test_wrong_shapes_are_no_crash(tmp_path: Path) -> None:
    """Properties of other shapes than AWS's are passed over, as far as the function does not need them."""
    found = function(
        tmp_path,
        f"""
        Resources:
          {FUNCTION}
          A: {{Type: AWS::SNS::Topic, Properties: {{Subscription: none}}}}
          B: {{Type: AWS::S3::Bucket, Properties: [1]}}
          C: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: 5, EventSourceArn: [x], FilterCriteria: 1}}}}
          D: {{Type: AWS::Events::Rule, Properties: {{Targets: {{Arn: x}}}}}}
          E: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: F, EventSourceArn: 'arn:aws:sqs:x', BatchSize: many}}}}
          G: null
        """,
    )
    assert found.event_sources == (EventSource(kind="sqs", arn="arn:aws:sqs:x"),)


@pytest.mark.parametrize(
    ("properties", "what", "hint"),
    [
        ("Code: src", "the function F has no Handler", '[tool.replay.functions.F] handler = "module.function"'),
        ("Handler: a.b", "the code of F is not in a folder here", '[tool.replay.functions.F] code = "src"'),
        ("Handler: a.b, Code: {ZipFile: 'x = 1'}", "the code of F is inline in the template", 'code = "src"'),
        ("Handler: a.b, Code: nowhere", "the code of F is not there: nowhere", 'code = "src"'),
        ("Handler: a.b, Code: src, Timeout: soon", "Timeout of F is not a number", ""),
        ("Handler: a.b, Code: src, MemorySize: [1]", "MemorySize of F is not a number", ""),
    ],
)
def test_a_function_that_cannot_be_run_is_said(tmp_path: Path, properties: str, what: str, hint: str) -> None:
    """Each is one error with the resource's line, raised for this function only."""
    read = f"Resources:\n  G: {{Type: AWS::Lambda::Function, Properties: {{Handler: a.b, Code: src}}}}\n  F: {{Type: AWS::Lambda::Function, Properties: {{{properties}}}}}\n"
    with pytest.raises(TemplateError) as error:
        function(tmp_path, read)
    assert error.value.what == what
    assert error.value.where.endswith("template.yaml:3 (F)")
    assert hint in error.value.hint
    assert function(tmp_path, read, "G").handler == "a.b"


def test_a_timeout_of_unknown_value_is_the_default(tmp_path: Path) -> None:
    """A parameter that only the deployment knows does not keep a function from running."""
    found = function(
        tmp_path,
        """
        Parameters: {T: {Type: String}}
        Resources: {F: {Type: AWS::Lambda::Function, Properties: {Handler: a.b, Code: src, Timeout: !Ref T}}}
        """,
    )
    assert found.timeout_s == 3


def test_environment_values_are_text(tmp_path: Path) -> None:
    """Lambda's environment is text; what the template writes otherwise is written as JSON has it."""
    found = function(
        tmp_path,
        """
        Resources:
          F:
            Type: AWS::Lambda::Function
            Properties: {Handler: a.b, Code: src, Environment: {Variables: {N: 1, B: true, L: [1], T: x, Z: null}}}
        """,
    )
    assert found.environment == {"N": "1", "B": "true", "L": "[1]", "T": "x"}


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("Resources: [1]", "the section Resources is not a mapping", "template.yaml"),
        ("Resources:\n  Q: {Properties: {}}", "the resource Q has no Type", "template.yaml:2 (Q)"),
        ("Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt Q.QueueName}}", "Q depends on itself: Q -> Q", "template.yaml:2 (Q)"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_resolved_is_said(tmp_path: Path, text: str, what: str, where: str) -> None:
    """A broken section, a resource without a type and a name that is its own are errors with their place."""
    with pytest.raises(TemplateError) as error:
        stack(tmp_path, text)
    assert error.value.what == what
    assert error.value.where.endswith(where)


def test_a_long_chain_of_names_is_no_recursion_error(tmp_path: Path) -> None:
    """Five hundred names, each after the next, end in an answer or in an error of ours."""
    lines = [
        f"  Q{n}: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !GetAtt Q{n + 1}.QueueName}}}}" for n in range(500)
    ]
    with pytest.raises(TemplateError, match="nested too deep"):
        stack(tmp_path, "Resources:\n" + "\n".join(lines))


def test_a_mapping_without_resources_has_no_functions(tmp_path: Path) -> None:
    """Some other YAML file that happens to be called template.yaml is no template of functions."""
    assert stack(tmp_path, "hello: world").functions == {}


_TYPES = [
    "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Alias",
    "AWS::Lambda::LayerVersion", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::SNS::Subscription", "AWS::S3::Bucket",
    "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Integration",
    "AWS::Lambda::Url", "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::StepFunctions::StateMachine",
    "Custom::S3BucketNotifications", "AWS::Serverless::Function", "AWS::Serverless::LayerVersion", "AWS::Serverless::Api",
    "AWS::Serverless::StateMachine", "AWS::Serverless::Application", "X",
]  # fmt: skip
_KEYS = [
    "FunctionName", "Handler", "Code", "CodeUri", "Content", "ContentUri", "Runtime", "Timeout", "Layers", "Environment",
    "Variables", "Events", "EventSourceArn", "BatchSize", "FilterCriteria", "Filters", "Pattern", "RedrivePolicy",
    "QueueName", "FifoQueue", "Subscription", "Protocol", "Endpoint", "NotificationConfiguration",
    "LambdaConfigurations", "Targets", "Target", "Arn", "uri", "DefinitionString", "DefinitionSubstitutions",
    "DefinitionUri", "ImageConfig", "Command", "PackageType", "DestinationConfig", "OnFailure", "Type", "Properties",
    "Queue", "Ref", "Fn::GetAtt", "Fn::Sub", "Fn::If",
]  # fmt: skip
_VALUES = st.recursive(
    st.sampled_from(["R0", "R1", "R1.Arn", "src", "a.b", "lambda", "Image", "SQS", "${R0.Arn}", "arn:aws:sqs:x:y:z", "", 0, 7, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
_RESOURCES = st.fixed_dictionaries(
    {"Type": st.sampled_from(_TYPES)},
    optional={
        "Properties": st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6) | _VALUES,
        "Condition": _VALUES,
        "Metadata": _VALUES,
    },
)


@given(
    st.lists(_RESOURCES | _VALUES, min_size=1, max_size=4),
    st.fixed_dictionaries(
        {"Transform": st.sampled_from(["AWS::Serverless-2016-10-31", None])},
        optional={"Globals": _VALUES, "Parameters": _VALUES, "Conditions": _VALUES, "Mappings": _VALUES},
    ),
)
def test_no_template_crashes(
    tmp_path_factory: pytest.TempPathFactory, resources: list[object], sections: dict[str, object]
) -> None:
    """Whatever a template's resources look like, each function is read or refused as a template."""
    root = tmp_path_factory.getbasetemp() / "any"
    (root / "src").mkdir(parents=True, exist_ok=True)
    path = root / "template.json"
    path.write_text(json.dumps({**sections, "Resources": {f"R{n}": item for n, item in enumerate(resources)}}))
    refusals: list[str] = []
    try:
        read = read_stack(path, Deployment())
    except TemplateError as error:
        refusals.append(error.where)
    else:
        for logical_id in read.functions:
            try:
                assert build_function(read, logical_id).handler
            except TemplateError as error:
                refusals.append(error.where)
    assert all(str(path) in where for where in refusals)
