"""SAM templates, read through AWS's own translator."""

import logging
from pathlib import Path

import pytest

from replay.errors import TemplateError
from replay.payloads.event_sources import EventSource
from tests.functions.templates import function, sam, stack, write

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"


def test_globals_and_properties_make_a_function(tmp_path: Path) -> None:
    """Globals count where the function says nothing, and both environments are merged."""
    (tmp_path / "other").mkdir()
    template = """
        Globals:
          Function: {Timeout: 10, Runtime: python3.13, CodeUri: src/, Environment: {Variables: {A: a, B: b}}}
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties: {Handler: app.handler, MemorySize: 512, Environment: {Variables: {B: c, N: 5, T: true}}}
          G:
            Type: AWS::Serverless::Function
            Properties: {Handler: app.other, CodeUri: other, FunctionName: named, Timeout: 3}
        """
    found = sam(tmp_path, template)
    assert (found.name, found.handler, found.code) == ("F", "app.handler", tmp_path / "src")
    assert (found.runtime, found.timeout_s, found.memory_mb) == ("python3.13", 10, 512)
    assert found.environment == {"A": "a", "B": "c", "N": "5", "T": "true"}
    assert found.template == tmp_path / "template.yaml"
    other = sam(tmp_path, template, "G")
    assert (other.name, other.code, other.timeout_s, other.memory_mb) == ("named", tmp_path / "other", 3, 128)


def test_code_is_the_templates_folder_when_nothing_says_otherwise(tmp_path: Path) -> None:
    """Without a CodeUri the code lies beside the template, as `sam build` has it."""
    found = sam(
        tmp_path,
        "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python3.12}}}",
    )
    assert found.code == tmp_path


@pytest.mark.parametrize("code", ["../up/src", "a b/ü%41", "./src/"])
def test_paths_come_back_from_the_translator_as_they_were(tmp_path: Path, code: str) -> None:
    """Any path survives the detour through the S3 address that the translator wants."""
    folder = tmp_path / "project"
    (folder / code).mkdir(parents=True)
    found = sam(
        folder,
        f"""
        Parameters: {{Code: {{Type: String, Default: '{code}'}}}}
        Resources:
          F: {{Type: AWS::Serverless::Function, Properties: {{Handler: a.b, Runtime: python3.12, CodeUri: !Ref Code}}}}
        """,
    )
    assert found.code == (folder / code).resolve()


def _function(events: str = "", **properties: str) -> str:
    more = "\n".join(f"      {key}: {value}" for key, value in properties.items())
    return f"""
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.12
      CodeUri: src
      Events: {events or "{}"}
{more}
  Q:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders
      VisibilityTimeout: 90
      RedrivePolicy: {{deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: 4}}
  D: {{Type: AWS::SQS::Queue, Properties: {{QueueName: orders-dlq}}}}
  T: {{Type: AWS::SNS::Topic, Properties: {{TopicName: topic}}}}
  B: {{Type: AWS::S3::Bucket, Properties: {{BucketName: bucket}}}}
"""


def test_an_sqs_event_with_its_queue(tmp_path: Path) -> None:
    """All settings of the mapping, and those of the queue, become one event source."""
    event = """{Q: {Type: SQS, Properties: {
        Queue: !GetAtt Q.Arn, BatchSize: 50, MaximumBatchingWindowInSeconds: 20, ScalingConfig: {MaximumConcurrency: 7},
        FunctionResponseTypes: [ReportBatchItemFailures],
        FilterCriteria: {Filters: [{Pattern: '{"body": {"a": [1]}}'}]}}}}"""
    assert sam(tmp_path, _function(event, ReservedConcurrentExecutions="2")).event_sources == (
        EventSource(
            kind="sqs",
            arn=QUEUE,
            batch_size=50,
            maximum_batching_window_s=20,
            maximum_concurrency=7,
            report_batch_item_failures=True,
            filter_criteria=('{"body": {"a": [1]}}',),
            visibility_timeout_s=90,
            max_receive_count=4,
            dead_letter_queue="arn:aws:sqs:us-east-1:123456789012:orders-dlq",
            reserved_concurrency=2,
        ),
    )


def test_a_fifo_queue_outside_the_template(tmp_path: Path) -> None:
    """A queue that is only an ARN still tells whether it is FIFO."""
    (source,) = sam(
        tmp_path, _function("{Q: {Type: SQS, Properties: {Queue: 'arn:aws:sqs:eu-west-1:111111111111:x.fifo'}}}")
    ).event_sources
    assert (source.fifo, source.max_receive_count, source.dead_letter_queue) == (True, None, None)


def test_streams(tmp_path: Path) -> None:
    """Kinesis and DynamoDB events keep their retry settings and where failures go."""
    event = """{K: {Type: Kinesis, Properties: {
        Stream: 'arn:aws:kinesis:us-east-1:123456789012:stream/s', StartingPosition: LATEST, BatchSize: 9,
        BisectBatchOnFunctionError: true, MaximumRetryAttempts: 3, MaximumRecordAgeInSeconds: 120,
        ParallelizationFactor: 2, TumblingWindowInSeconds: 30,
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt D.Arn}}}},
        X: {Type: DynamoDB, Properties: {
        Stream: 'arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2020', StartingPosition: TRIM_HORIZON}}}"""
    assert sam(tmp_path, _function(event)).event_sources == (
        EventSource(
            kind="kinesis",
            arn="arn:aws:kinesis:us-east-1:123456789012:stream/s",
            batch_size=9,
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=3,
            maximum_record_age_s=120,
            parallelization_factor=2,
            tumbling_window_s=30,
            on_failure="arn:aws:sqs:us-east-1:123456789012:orders-dlq",
        ),
        EventSource(kind="dynamodb", arn="arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2020"),
    )


@pytest.mark.parametrize(
    ("event", "source"),
    [
        ("SNS, Properties: {Topic: !Ref T}", EventSource(kind="sns", arn="arn:aws:sns:us-east-1:123456789012:topic")),
        ("S3, Properties: {Bucket: !Ref B, Events: 's3:ObjectCreated:*'}", EventSource(kind="s3", arn="arn:aws:s3:::bucket")),
        ("EventBridgeRule, Properties: {Pattern: {source: [a]}}", EventSource(kind="eventbridge", arn="arn:aws:events:us-east-1:123456789012:rule/local-FE")),
        ("Schedule, Properties: {Schedule: rate(1 day)}", EventSource(kind="schedule", arn="arn:aws:events:us-east-1:123456789012:rule/local-FE")),
        ("ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}", EventSource(kind="schedule", arn="arn:aws:scheduler:us-east-1:123456789012:schedule/default/FE")),
        ("Api, Properties: {Path: /x, Method: get}", EventSource(kind="apigateway")),
        ("HttpApi", EventSource(kind="httpapi", payload_format_version="2.0")),
        ("HttpApi, Properties: {Path: /x, Method: get, PayloadFormatVersion: '1.0'}", EventSource(kind="httpapi", payload_format_version="1.0")),
        ("MSK, Properties: {Stream: 'arn:aws:kafka:us-east-1:1:cluster/c', Topics: [t], StartingPosition: LATEST}", EventSource(kind="kafka", arn="arn:aws:kafka:us-east-1:1:cluster/c")),
    ],
    ids=lambda value: value.split(",")[0] if isinstance(value, str) else "",
)  # fmt: skip
def test_every_other_kind_of_event(tmp_path: Path, event: str, source: EventSource) -> None:
    """Push events, schedules and APIs are found by what SAM makes of them."""
    assert sam(tmp_path, _function(f"{{E: {{Type: {event}}}}}")).event_sources == (source,)


def test_an_alias_leads_to_its_function(tmp_path: Path) -> None:
    """With AutoPublishAlias the mapping and the URL name the alias; they are the function's all the same."""
    event = "{Q: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}}"
    url = "{AuthType: NONE}"
    found = sam(tmp_path, _function(event, AutoPublishAlias="live", FunctionUrlConfig=url))
    assert {source.kind for source in found.event_sources} == {"sqs", "function_url"}


def test_asynchronous_settings(tmp_path: Path) -> None:
    """EventInvokeConfig and the dead-letter queue hold for pushed events and for asynchronous invocations."""
    found = sam(
        tmp_path,
        _function(
            "{S: {Type: SNS, Properties: {Topic: !Ref T}}, Q: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}}",
            DeadLetterQueue="{Type: SQS, TargetArn: !GetAtt D.Arn}",
            EventInvokeConfig="""{MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 90, DestinationConfig: {
                OnSuccess: {Type: SQS, Destination: !GetAtt Q.Arn}, OnFailure: {Type: SNS, Destination: !Ref T}}}""",
        ),
    )
    settings = {
        "dead_letter_queue": "arn:aws:sqs:us-east-1:123456789012:orders-dlq",
        "maximum_retry_attempts": 1,
        "maximum_event_age_s": 90,
        "on_success": QUEUE,
        "on_failure": "arn:aws:sns:us-east-1:123456789012:topic",
    }
    by_kind = {source.kind: source for source in found.event_sources}
    assert by_kind["sns"] == EventSource(kind="sns", arn="arn:aws:sns:us-east-1:123456789012:topic", **settings)
    assert by_kind["async"] == EventSource(kind="async", **settings)
    assert by_kind["sqs"].maximum_retry_attempts is None


def test_layers_of_the_template(tmp_path: Path) -> None:
    """A layer that the template declares is a folder here; one that is an ARN is not."""
    (tmp_path / "layer").mkdir()
    found = sam(
        tmp_path,
        """
        Resources:
          L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer/}}
          F:
            Type: AWS::Serverless::Function
            Properties:
              Handler: a.b
              Runtime: python3.12
              CodeUri: src
              Layers: ['arn:aws:lambda:us-east-1:017000801446:layer:Powertools:1', !Ref L]
        """,
    )
    assert found.layers == (tmp_path / "layer",)


def test_resources_are_resolved_and_named(tmp_path: Path) -> None:
    """What the mocked AWS creates has the very name that the environment tells the function."""
    found = sam(
        tmp_path,
        """
        Resources:
          T: {Type: AWS::Serverless::SimpleTable}
          Q: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true, RedrivePolicy: {deadLetterTargetArn: !GetAtt D.Arn}}}
          D: {Type: AWS::SQS::Queue, Condition: Never}
          F:
            Type: AWS::Serverless::Function
            Properties:
              Handler: a.b
              Runtime: python3.12
              CodeUri: src
              Environment: {Variables: {T: !Ref T, Q: !Ref Q, NONE: !Ref AWS::NoValue}}
        Conditions: {Never: !Equals [a, b]}
        """,
    )
    resources = {resource.logical_id: resource for resource in found.resources}
    assert found.environment["T"] == resources["T"].properties["TableName"] == "local-T"
    assert resources["T"].type == "AWS::DynamoDB::Table"
    assert resources["Q"].properties["QueueName"] == "local-Q.fifo"
    assert found.environment["Q"].endswith("/local-Q.fifo")
    assert resources["Q"].properties["RedrivePolicy"] == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:local-D"
    }
    assert "NONE" not in found.environment
    assert {"D", "F"} & resources.keys() == set()


def test_a_container_image(tmp_path: Path) -> None:
    """The command of an image is the handler, and its Docker context the code."""
    found = sam(
        tmp_path,
        """
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties: {PackageType: Image, ImageConfig: {Command: [app.handler]}}
            Metadata: {DockerContext: ./src, Dockerfile: Dockerfile}
        """,
    )
    assert (found.handler, found.code) == ("app.handler", tmp_path / "src")


def test_local_definitions_are_embedded(tmp_path: Path) -> None:
    """A state machine and an API whose definition is a file beside the template are read with it."""
    write(
        tmp_path, '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Fn}", "End": true}}}', "states.json"
    )
    found = sam(
        tmp_path,
        """
        Resources:
          M:
            Type: AWS::Serverless::StateMachine
            Properties:
              Name: flow
              Role: arn:aws:iam::123456789012:role/r
              DefinitionUri: states.json
              DefinitionSubstitutions: {Fn: !GetAtt F.Arn}
          A: {Type: AWS::Serverless::Api, Properties: {StageName: p, DefinitionUri: not-there.yaml}}
          F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python3.12, CodeUri: src}}
        """,
    )
    machine = next(item for item in found.resources if item.type == "AWS::StepFunctions::StateMachine")
    assert '"StartAt"' in str(machine.properties).replace("'", '"')
    assert found.event_sources == (
        EventSource(kind="stepfunctions", arn="arn:aws:states:us-east-1:123456789012:stateMachine:flow"),
    )


def test_an_application_of_the_repository_asks_nobody(tmp_path: Path) -> None:
    """A nested application needs no call to AWS (the tests' sockets are closed), and its outputs are placeholders."""
    found = sam(
        tmp_path,
        """
        Resources:
          App:
            Type: AWS::Serverless::Application
            Properties: {Location: {ApplicationId: 'arn:aws:serverlessrepo:us-east-1:1:applications/x', SemanticVersion: 1.0.0}}
          F:
            Type: AWS::Serverless::Function
            Properties:
              Handler: a.b
              Runtime: python3.12
              CodeUri: src
              Policies: [AmazonSQSFullAccess, SQSSendMessagePolicy: {QueueName: q}]
              Environment: {Variables: {URL: !GetAtt App.Outputs.Url}}
        """,
    )
    assert found.environment == {"URL": "local-App-Outputs-Url"}


def test_parameters_reach_the_translator(tmp_path: Path) -> None:
    """A given parameter decides conditions and values."""
    template = """
        Parameters: {Stage: {Type: String, Default: dev}}
        Conditions: {Prod: !Equals [!Ref Stage, prod]}
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties:
              Handler: a.b
              Runtime: python3.12
              CodeUri: src
              FunctionName: !Sub "orders-${Stage}"
              Timeout: !If [Prod, 30, 5]
        """
    assert [sam(tmp_path, template).name, sam(tmp_path, template).timeout_s] == ["orders-dev", 5]
    given = sam(tmp_path, template, parameters={"Stage": "prod"})
    assert [given.name, given.timeout_s] == ["orders-prod", 30]


def test_loops_are_written_out_first(tmp_path: Path) -> None:
    """`Fn::ForEach` over functions makes one function a round."""
    read = stack(
        tmp_path,
        """
        Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
        Resources:
          Fn::ForEach::Functions:
            - Name
            - [Orders, Returns]
            - ${Name}Function:
                Type: AWS::Serverless::Function
                Properties: {Handler: !Sub "${Name}.handler", Runtime: python3.12, CodeUri: src}
        """,
    )
    assert list(read.functions) == ["OrdersFunction", "ReturnsFunction"]
    assert read.functions["ReturnsFunction"].properties["Handler"] == "Returns.handler"


@pytest.mark.parametrize(
    ("resources", "what", "where"),
    [
        ("  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: src, Runtime: python3.12}}", "Handler", "template.yaml:3 (F)"),
        ("  F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python3.12, Events: {Q: {Type: SQS}}}}", "Queue", "template.yaml:3 (F)"),
        ("  F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python3.12, Events: [1]}}", "", "template.yaml"),
        ("  F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python3.12, CodeUri: 5}}", "CodeUri", "template.yaml:3 (F)"),
        ("  F: nothing", "Resources", "template.yaml"),
        ("  F: {Type: AWS::Serverless::Function, Properties: }", "", "template.yaml"),
    ],
)  # fmt: skip
def test_what_sam_refuses_is_said_with_its_place(tmp_path: Path, resources: str, what: str, where: str) -> None:
    """A template that SAM would refuse is one error of ours with the resource's line."""
    with pytest.raises(TemplateError) as error:
        sam(tmp_path, f"Resources:\n{resources}\n")
    assert what in error.value.what
    assert where in error.value.where
    assert "sam validate" in error.value.expected


def test_the_translator_says_nothing_on_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its complaints about metrics nobody asked for do not reach the user."""
    with caplog.at_level(logging.WARNING):
        sam(tmp_path, _function())
        with pytest.raises(TemplateError):
            sam(tmp_path, "Resources: {F: {Type: AWS::Serverless::Function}}")
    assert caplog.messages == []


def test_a_missing_code_folder_is_said(tmp_path: Path) -> None:
    """A CodeUri that is not there, or is a file, is an error when its function is asked for."""
    with pytest.raises(TemplateError, match="the code of F is not there: sorce") as error:
        sam(tmp_path, _function().replace("CodeUri: src", "CodeUri: sorce"))
    assert error.value.where.endswith("template.yaml:4 (F)")
    (tmp_path / "code.zip").touch()
    with pytest.raises(TemplateError, match="is a file"):
        sam(tmp_path, _function().replace("CodeUri: src", "CodeUri: code.zip"))


@pytest.mark.parametrize("code", ["CodeUri: s3://bucket/key", "InlineCode: 'x = 1'"])
def test_code_that_is_no_folder_here_is_said(tmp_path: Path, code: str) -> None:
    """Code in S3 or inside the template cannot be run; the error says what to configure."""
    with pytest.raises(TemplateError) as error:
        sam(tmp_path, _function().replace("CodeUri: src", code))
    assert '[tool.replay.functions.F] code = "src"' in error.value.hint


def test_a_function_of_another_language(tmp_path: Path) -> None:
    """Runtime and handler are given as they are, whatever the language."""
    found = function(
        tmp_path,
        """
        Resources:
          F: {Type: AWS::Lambda::Function, Properties: {Handler: index.handler, Runtime: nodejs20.x, Code: src}}
        """,
    )
    assert (found.runtime, found.handler) == ("nodejs20.x", "index.handler")
