"""A project whose functions get events of every shape: its template, its handlers, and an event of each with a word in it."""

import base64
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from replay.cli.main import main
from tests.cli.command_line import RUNTIME, Result
from tests.emulators.server import Server

PROJECT = Path(__file__).parents[2]
HANDLER = """\
import base64
import json
import time


def do(word):
    if word == "raise":
        raise KeyError("customer_id")
    if word == "late":
        time.sleep(60)
    return word


def told(record):
    if "Sns" in record:
        return record["Sns"]["Message"]
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    if "dynamodb" in record:
        return record["dynamodb"]["NewImage"]["do"]["S"]
    if "s3" in record:
        return record["s3"]["object"]["key"].rpartition("/")[2]
    return record["body"]


def handler(event, context):
    print(json.dumps(event))
    if "detail" in event:
        return do(event["detail"]["do"])
    if "Records" in event:
        failed = [number(record) for record in event["Records"] if do(told(record)) == "report"]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    return {"statusCode": 200, "body": do(event["body"])}


def number(record):
    inner = record.get("kinesis") or record.get("dynamodb")
    return inner.get("sequenceNumber") or inner["SequenceNumber"] if inner else record["messageId"]
"""
TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: RUNTIME, CodeUri: src, Handler: app.handler, Timeout: 2}
Resources:
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: NAME-dead}}
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: NAME-orders
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}
  News: {Type: AWS::SNS::Topic, Properties: {TopicName: NAME-news}}
  Failures: {Type: AWS::SNS::Topic, Properties: {TopicName: NAME-failures}}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: NAME-bus}}
  Clicks: {Type: AWS::Kinesis::Stream, Properties: {Name: NAME-clicks, ShardCount: 1}}
  Carts:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: NAME-carts
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
  Uploads: {Type: AWS::S3::Bucket, Properties: {BucketName: NAME-uploads}}
  Failed: {Type: AWS::S3::Bucket, Properties: {BucketName: NAME-failed}}
  Topic:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: NAME-topic
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
      Events: {In: {Type: SNS, Properties: {Topic: !Ref News}}}
  OnBus:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: NAME-bus
      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SNS, Destination: !Ref Failures}}}
      Events: {In: {Type: EventBridgeRule, Properties: {EventBusName: !Ref Bus, Pattern: {source: [shop.orders]}}}}
  Stream:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: NAME-stream
      Events:
        In:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Clicks.Arn
            StartingPosition: TRIM_HORIZON
            FunctionResponseTypes: [ReportBatchItemFailures]
            MaximumRetryAttempts: 0
            DestinationConfig: {OnFailure: {Destination: !GetAtt Failed.Arn}}
  OnTable:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: NAME-table
      Events:
        In:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Carts.StreamArn
            StartingPosition: TRIM_HORIZON
            FunctionResponseTypes: [ReportBatchItemFailures]
            MaximumRetryAttempts: 0
            DestinationConfig: {OnFailure: {Destination: !GetAtt Dead.Arn}}
  OnBucket:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: NAME-bucket
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
      Events: {In: {Type: S3, Properties: {Bucket: !Ref Uploads, Events: ["s3:ObjectCreated:*"]}}}
  Url:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: NAME-url, FunctionUrlConfig: {AuthType: NONE}}
  Both:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: NAME-both
      Events:
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn, FunctionResponseTypes: [ReportBatchItemFailures]}}
        Topic: {Type: SNS, Properties: {Topic: !Ref News}}
        Api: {Type: Api, Properties: {Path: /orders, Method: post}}
"""
SETTINGS = """\
[project]
name = "shop"
version = "0"
[tool.replay]
template = "template.yaml"
[tool.replay.targets.localstack]
maximum_retry_attempts = 0
batch_size = 1
[tool.replay.targets.found]
kind = "localstack"
make = false
"""
_ACCOUNT = "123456789012"


def lead_to(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every client, and LocalStack's own tools, talk to *server*."""
    known = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server.url,
        "LOCALSTACK_HOST": server.url.removeprefix("http://"),
    }
    for name, value in known.items():
        monkeypatch.setenv(name, value)


def make_shop(folder: Path, template: str = TEMPLATE) -> str:
    """Write the project, whose names no other test has; give what they begin with."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text(HANDLER)
    (folder / "template.yaml").write_text(template.replace("NAME", name).replace("RUNTIME", RUNTIME))
    (folder / "pyproject.toml").write_text(SETTINGS)
    return name


def record(folder: Path, function: str, *events: Mapping[str, Any]) -> None:
    """Keep events as fixtures of a function."""
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    replay("record", "files", "events.jsonl", "--function", function)


def replay(*words: str) -> Result:
    """Call our command line in this process, which is quicker; what runs here, on a mocked AWS, gets one of its own."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stop:
        main(words)
    code = stop.value.code
    return Result(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


def outcomes(*words: str) -> dict[str, tuple[Any, ...]]:
    """Run fixtures; give what was told of each: verdict, status, error, signature, and what became of its records."""
    done = replay("run", "--json", *words) if "--target" in words else _run_here(*words)
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    found = {each["fixture"]: each for each in documents if "fixture" in each}
    assert found, done.stderr
    return {
        name: (
            each["verdict"],
            each.get("status"),
            (each.get("error") or {}).get("type"),
            each.get("signature"),
            each.get("dispositions"),
            *each.get("notes", ()),
        )
        for name, each in found.items()
    }


def here_and_there(*words: str) -> tuple[dict[str, tuple[Any, ...]], dict[str, tuple[Any, ...]]]:
    """
    Run fixtures here, in a process of its own, and meanwhile as *words* say; give the outcomes of both.

    The run here pins failures that are not known yet, perhaps after the other one has judged them: what makes two
    verdicts the same is the signature beside them.
    """
    with ThreadPoolExecutor() as beside:
        here = beside.submit(outcomes)
        there = outcomes(*words)
        return here.result(), there


def _run_here(*words: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "replay.cli.main", "run", "--json", *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        timeout=240,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def event(shape: str, name: str, word: str, *more: str) -> dict[str, Any]:
    """Write the event of a *shape*, as the shop *name* gets it, that says *word*; a batch says *more* in further records."""
    if shape == "bus":
        event = {"version": "0", "id": str(uuid.uuid4()), "detail-type": "Order", "source": "shop.orders"}
        return event | {"account": _ACCOUNT, "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": [],
                        "detail": {"do": word}}  # fmt: skip
    if shape in {"api", "url"}:
        return _request(shape, word)
    return {"Records": [_RECORDS[shape](name, each, number) for number, each in enumerate((word, *more), start=1)]}


def _queue(name: str, word: str, _: int) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1"}
    return {
        "messageId": str(uuid.uuid4()), "body": word, "attributes": attributes, "messageAttributes": {},
        "eventSource": "aws:sqs", "eventSourceARN": f"arn:aws:sqs:us-east-1:{_ACCOUNT}:{name}-orders",
    }  # fmt: skip


def _topic(name: str, word: str, _: int) -> dict[str, Any]:
    arn = f"arn:aws:sns:us-east-1:{_ACCOUNT}:{name}-news"
    message = {"Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": arn, "Subject": None}
    message |= {"Message": word, "Timestamp": "2026-01-01T00:00:00.000Z", "MessageAttributes": {}}
    return {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": f"{arn}:1", "Sns": message}


def _stream(name: str, word: str, number: int) -> dict[str, Any]:
    data = base64.b64encode(word.encode()).decode()
    return {
        "eventSource": "aws:kinesis", "eventID": f"shardId-000000000000:{number}", "eventName": "aws:kinesis:record",
        "eventSourceARN": f"arn:aws:kinesis:us-east-1:{_ACCOUNT}:stream/{name}-clicks",
        "kinesis": {"partitionKey": word, "sequenceNumber": f"{number}", "data": data},
    }  # fmt: skip


def _table(name: str, word: str, number: int) -> dict[str, Any]:
    change = {"Keys": {"id": {"S": word}}, "NewImage": {"id": {"S": word}, "do": {"S": word}}}
    return {
        "eventSource": "aws:dynamodb", "eventName": "INSERT", "eventID": f"{number}",
        "eventSourceARN": f"arn:aws:dynamodb:us-east-1:{_ACCOUNT}:table/{name}-carts/stream/2026-01-01T00:00:00.000",
        "dynamodb": change | {"SequenceNumber": f"{number}", "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }  # fmt: skip


def _bucket(name: str, word: str, _: int) -> dict[str, Any]:
    s3 = {"bucket": {"name": f"{name}-uploads"}, "object": {"key": f"in/{word}", "size": 1}}
    return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-01-01T00:00:00Z", "s3": s3}


_RECORDS = {"queue": _queue, "topic": _topic, "stream": _stream, "table": _table, "bucket": _bucket}


def _request(shape: str, word: str) -> dict[str, Any]:
    headers = {"content-type": "text/plain"}
    if shape == "url":
        http = {"method": "POST", "path": "/orders", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "x"}
        domain = {"domainName": "abc.lambda-url.us-east-1.on.aws", "stage": "$default", "routeKey": "$default"}
        return {"version": "2.0", "routeKey": "$default", "rawPath": "/orders", "rawQueryString": "", "body": word,
                "headers": headers, "requestContext": {"http": http, **domain}, "isBase64Encoded": False}  # fmt: skip
    context = {"stage": "Prod", "path": "/Prod/orders", "resourcePath": "/orders", "httpMethod": "POST"}
    context |= {"apiId": "abc", "domainName": "abc.execute-api.us-east-1.amazonaws.com", "identity": {}}
    return {"resource": "/orders", "path": "/orders", "httpMethod": "POST", "headers": headers, "body": word,
            "multiValueHeaders": {name: [value] for name, value in headers.items()}, "pathParameters": None,
            "queryStringParameters": None, "requestContext": context, "isBase64Encoded": False}  # fmt: skip
