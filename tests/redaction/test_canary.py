"""Five hundred secrets in every position of every envelope, log and error: none is anywhere on disk or in any output."""

import base64
import gzip
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from tests.cli.command_line import make_command_line, make_project, message
from tests.redaction.labelled_corpus import STRUCTURED, Labelled, in_base64, readable

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
ECHOING = """
import contextlib, json, logging
clients = {}
def client(name):
    import boto3
    return clients.get(name) or clients.setdefault(name, boto3.client(name))
def handler(event, context):
    print(json.dumps(event))
    with contextlib.suppress(Exception):
        client("events").put_events(Entries=[{"Source": "f", "DetailType": "refused", "Detail": json.dumps(event)}])
        client("sqs").send_message(QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/none", MessageBody=json.dumps(event))
    logging.getLogger().error("refused %s", event)
    raise ValueError(json.dumps(event)[:700])
"""
Position = Callable[[str, str], Any]


def _sqs(text: str, number: str, **changed: Any) -> dict[str, Any]:
    return {"Records": [{
        "messageId": number, "receiptHandle": f"AQEB{in_base64(text * 3)}", "body": "{}", "attributes": {"SentTimestamp": "1763683200000"},
        "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": QUEUE, "awsRegion": "eu-west-1", **changed,
    }]}  # fmt: skip


def _attribute(text: str) -> dict[str, Any]:
    return {"stringValue": text, "stringListValues": [], "binaryListValues": [], "dataType": "String"}


def _sns(text: str, number: str, **changed: Any) -> dict[str, Any]:
    topic = "arn:aws:sns:eu-west-1:123456789012:orders"
    sns = {"Type": "Notification", "MessageId": number, "TopicArn": topic, "Subject": None, "Message": "m", "Timestamp": "2026-11-20T10:15:30.000Z",
           "SignatureVersion": "1", "Signature": "c2ln", "SigningCertUrl": "https://sns.eu-west-1.amazonaws.com/a.pem",
           "UnsubscribeUrl": "https://sns.eu-west-1.amazonaws.com/?x=1", "MessageAttributes": {}, **changed}  # fmt: skip
    return {
        "Records": [
            {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": f"{topic}:{number}", "Sns": sns}
        ]
    }


def _destination(text: str, number: str, **changed: Any) -> dict[str, Any]:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    return {
        "version": "1.0", "timestamp": "2026-11-20T10:15:30.000Z",
        "requestContext": {"requestId": number, "functionArn": f"{arn}:$LATEST", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": {"order": number}, "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "refused", "errorType": "ValueError", "requestId": number, "stackTrace": []}, **changed,
    }  # fmt: skip


def _stream(kind: str, record: dict[str, Any], number: str) -> dict[str, Any]:
    arn = f"arn:aws:{kind}:eu-west-1:123456789012:{'stream/orders' if kind == 'kinesis' else 'table/orders/stream/2026-01-01T00:00:00.000'}"
    return {"Records": [{"eventID": f"shardId-000000000000:{number}", "eventName": "INSERT", "eventVersion": "1.0", "eventSource": f"aws:{kind}",
                         "awsRegion": "eu-west-1", "eventSourceARN": arn, kind: record}]}  # fmt: skip


def _http(text: str, number: str, **changed: Any) -> dict[str, Any]:
    context = {"accountId": "123456789012", "apiId": "a1b2c3d4e5", "requestId": number, "stage": "$default", "http": {
        "method": "POST", "path": "/orders", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "curl/8"}}  # fmt: skip
    return {"version": "2.0", "routeKey": "$default", "rawPath": "/orders", "rawQueryString": "", "headers": {}, "requestContext": context,
            "body": "", "isBase64Encoded": False, **changed}  # fmt: skip


POSITIONS: dict[str, Position] = {
    "sqs body": lambda text, number: _sqs(text, number, body=f"refused {text} again"),
    "sqs body of JSON": lambda text, number: _sqs(text, number, body=json.dumps({"order": {"note": text, "lines": [text]}})),
    "sqs body of SNS": lambda text, number: _sqs(
        text, number, body=json.dumps(_sns(text, number, Message=json.dumps({"a": text}))["Records"][0]["Sns"])
    ),
    "sqs attribute": lambda text, number: _sqs(text, number, messageAttributes={"note": _attribute(text)}),
    "sqs binary attribute": lambda text, number: _sqs(
        text, number, messageAttributes={"raw": {"binaryValue": in_base64(text), "dataType": "Binary", "stringListValues": [], "binaryListValues": []}}
    ),
    "sqs group": lambda text, number: _sqs(text, number, attributes={"SentTimestamp": "1763683200000", "MessageGroupId": text}),
    "sns message": lambda text, number: _sns(text, number, Message=text, Subject=f"about {text}"[:90]),
    "sns attribute": lambda text, number: _sns(text, number, MessageAttributes={"note": {"Type": "String", "Value": text}}),
    "destination error": lambda text, number: _destination(
        text, number, responsePayload={"errorMessage": f"no {text}", "errorType": "ValueError", "requestId": number, "stackTrace": [f"  File \"/var/task/app.py\", line 3, in handler\n    raise ValueError('{text}')\n"]},
    ),
    "destination request": lambda text, number: _destination(text, number, requestPayload={"note": text, "at": [text]}),
    "eventbridge": lambda text, number: {
        "version": "0", "id": number, "detail-type": "Order", "source": "shop", "account": "123456789012", "time": "2026-11-20T10:15:30Z",
        "region": "eu-west-1", "resources": [text], "detail": {"note": f"<{text}>", text: 1},
    },
    "kinesis": lambda text, number: _stream(
        "kinesis", {"kinesisSchemaVersion": "1.0", "partitionKey": text, "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                    "data": in_base64(json.dumps({"note": text})), "approximateArrivalTimestamp": 1763683200.0}, number),
    "kinesis of gzip": lambda text, number: _stream(
        "kinesis", {"kinesisSchemaVersion": "1.0", "partitionKey": "p", "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                    "data": base64.b64encode(gzip.compress(text.encode())).decode(), "approximateArrivalTimestamp": 1763683200.0}, number),
    "dynamodb": lambda text, number: _stream(
        "dynamodb", {"ApproximateCreationDateTime": 1763683200, "Keys": {"id": {"S": text}}, "NewImage": {"id": {"S": text}, "notes": {"L": [{"S": text}]}},
                     "SequenceNumber": "111", "SizeBytes": 26, "StreamViewType": "NEW_AND_OLD_IMAGES"}, number),
    "s3": lambda text, number: {"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": "2026-11-20T10:15:30.000Z",
        "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "A"}, "requestParameters": {"sourceIPAddress": "192.0.2.7"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"}, "s3": {"s3SchemaVersion": "1.0", "configurationId": "c",
        "bucket": {"name": "uploads", "arn": "arn:aws:s3:::uploads"}, "object": {"key": f"in/{quote(text, safe='')}", "size": 1, "sequencer": number}}}]},
    "http": lambda text, number: _http(
        text, number, headers={"x-note": text}, rawQueryString=f"q={quote(text, safe='')}", queryStringParameters={"q": text},
        body=in_base64(f"note={quote(text, safe='')}"), isBase64Encoded=True,
    ),
    "logs subscription": lambda text, number: {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/f", "logStream": number, "subscriptionFilters": ["f"],
        "logEvents": [{"id": "1", "timestamp": 1763683200000, "message": f"[ERROR] {text}"}]}).encode())).decode()}},
    "unknown": lambda text, number: {"number": number, text: [text, {"deep": [json.dumps({"a": json.dumps([text])})]}]},
}  # fmt: skip


def _planted() -> list[tuple[list[Labelled], Any]]:
    """Give events with the secrets in them; what comes in records has several, of one position."""
    random, kinds = Random("canary"), list(STRUCTURED.values())
    drawn = [kinds[number % len(kinds)](random) for number in range(500)]
    events: list[tuple[list[Labelled], Any]] = []
    for place, position in enumerate(POSITIONS.values()):
        secrets = drawn[place :: len(POSITIONS)]
        made = [
            (each, position(each.text, str(uuid.UUID(int=1_000 * place + n + 1)))) for n, each in enumerate(secrets)
        ]
        if "Records" not in made[0][1]:
            events += [([labelled], event) for labelled, event in made]
            continue
        for start in range(0, len(made), 7):
            several = made[start : start + 7]
            records = [record for _, event in several for record in event["Records"]]
            events.append(([labelled for labelled, _ in several], {"Records": records}))
    return events


def _forms(secret: str) -> set[str]:
    inner = in_base64(secret).rstrip("=")[:-1]
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        inner,
        quote(secret, safe=""),
        quote(secret),
    }


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Labelled]:
    """Give the secrets that lie in the files which are recorded, and then are gone."""
    monkeypatch.chdir(make_project(tmp_path, ECHOING))
    monkeypatch.delenv("REPLAY_REDACTION_KEY", raising=False)
    events = _planted()
    Path("events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for _, event in events))
    labels = [labelled for several, _ in events for labelled in several]
    assert len(labels) == 500
    error = {"DataType": "String", "StringValue": "{}"}
    letters = [
        message(1_000 + number, json.dumps({"note": labelled.text}), {
            "RequestID": {**error, "StringValue": str(uuid.UUID(int=number))}, "ErrorCode": {"DataType": "Number", "StringValue": "200"},
            "ErrorMessage": {**error, "StringValue": f"no {labelled.text}"[:1_000]}, "note": {**error, "StringValue": labelled.text},
        }) for number, labelled in enumerate(labels[::12])
    ]  # fmt: skip
    Path("letters.json").write_text(json.dumps({"Messages": letters}))
    return labels


def test_no_canary_is_left(
    planted: list[Labelled], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After record, list, show, run, reports, JUnit and pytest, with and without `REPLAY_DEBUG`, no secret is found."""
    call = make_command_line(capsys)
    outputs = []
    for commands in (
        ("record", "files", "events.jsonl", "--function", "f", "--all", "--json", "--no-verify"),
        ("record", "files", "letters.json", "--function", "f", "--all"),
    ):  # fmt: skip
        result = call(*commands)
        assert result.exit_code == 0, result.stderr
        outputs.append(result)
    for name in ("events.jsonl", "letters.json"):
        Path(name).unlink()
    folders = sorted(Path("fixtures/f").glob("*--*"))
    assert len(folders) > 200
    ids = [folder.name.rpartition("--")[2] for folder in folders]
    monkeypatch.setenv("REPLAY_DEBUG", "1")
    outputs += [call("list"), call("list", "--json"), call("run", "--no-pin", "--json", "--junit", "junit.xml")]
    monkeypatch.delenv("REPLAY_DEBUG")
    outputs += [call("show", number, *flags) for number in ids[::40] for flags in ((), ("--json",), ("--event",))]
    outputs += [call("run", *ids[::8]), call("scan"), call("redact", "*", "--dry-run")]
    told = [result.stdout + result.stderr for result in outputs] + [_pytest(ids[::8])]
    written = {str(path): path.read_bytes().decode(errors="replace") for path in Path().rglob("*") if path.is_file()}
    assert len(written) > 400
    events = [readable(text) for path, text in written.items() if path.endswith("event.json")]
    everything = "\n".join([*told, *written, *written.values(), *events])
    assert [secret for secret, _ in planted if any(form in everything for form in _forms(secret))] == []


def _pytest(ids: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vv", "--junitxml=pytest.xml", "--replay-red", "-k", " or ".join(ids)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 1, done.stdout[-2000:]
    return done.stdout + done.stderr
