"""Events of every service: known by their shape, kept byte for byte, and handed over by a family that takes them."""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.deliver import deliver
from replay.payloads.envelopes.cloudwatch_logs import unpacked
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.envelopes.lambda_event import event_shape_of_value, event_source_of
from replay.payloads.envelopes.registry import envelopes, unwrap
from replay.payloads.event_sources import EventSource
from tests.payloads.envelopes.aws_shapes import SOURCE_QUEUE, TOPIC, notification, saved, text_of

LOG = {
    "messageType": "DATA_MESSAGE",
    "owner": "111122223333",
    "logGroup": "/aws/lambda/orders",
    "logStream": "2026/01/01/[$LATEST]0",
    "subscriptionFilters": ["all"],
    "logEvents": [{"id": "1", "timestamp": 1767225600000, "message": "héllo"}],
}
PACKED = base64.b64encode(gzip.compress(text_of(LOG).encode(), mtime=0)).decode()
BUS = {"version": "0", "source": "shop", "detail-type": "OrderPlaced", "detail": {"n": 1}}
RULE = "arn:aws:events:eu-west-1:111122223333:rule/nightly"
SCHEDULE = "arn:aws:scheduler:eu-west-1:111122223333:schedule/default/nightly"
PROXY = {"httpMethod": "GET", "path": "/", "resource": "/", "requestContext": {"stage": "prod"}}
URL = {"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": {"method": "GET", "path": "/"}}
RECORD = {"recordId": "1", "data": "eA=="}
MACHINE = {"Execution": {"Id": "arn:e"}, "StateMachine": {"Id": "arn:m"}}
TOKEN = {"type": "TOKEN", "authorizationToken": "t", "methodArn": "arn:x"}
DISCONNECT = {"requestContext": {"connectionId": "c", "eventType": "DISCONNECT"}}
RESOLVED = {"arguments": {}, "identity": None, "source": {}, "info": {"fieldName": "orders"}}
RESOURCE = {"RequestType": "Create", "StackId": "arn:s", "LogicalResourceId": "R", "ResponseURL": "https://x"}
CLOSED = {"Records": [], "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:02:00Z"}, "state": {"n": 2},
          "shardId": "shardId-000000000000", "isFinalInvokeForWindow": True, "isWindowTerminatedEarly": False}  # fmt: skip

EVENTS: list[tuple[str, str, Any]] = [
    ("sqs-event", "sqs", {"Records": [{"eventSource": "aws:sqs", "eventSourceARN": SOURCE_QUEUE, "messageId": "1", "body": "x",
                                       "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}}]}),
    ("sns-event", "sns", {"Records": [{"EventSource": "aws:sns", "Sns": {"TopicArn": TOPIC, "Message": "x"}}]}),
    ("sns-event", "sns", {"Records": [{"Sns": {"TopicArn": TOPIC, "Message": "x", "MessageId": "1"}}]}),
    ("s3-notification", "s3", {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"arn": "arn:aws:s3:::b"}}}]}),
    ("s3-test-event", "s3", {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b", "RequestId": "1"}),
    ("s3-batch", "direct", {"invocationSchemaVersion": "1.0", "invocationId": "1", "job": {"id": "1"}, "tasks": [{}]}),
    ("s3-object-lambda", "direct", {"xAmzRequestId": "1", "getObjectContext": {}, "userRequest": {"url": "/"}}),
    ("kinesis-event", "kinesis", {"Records": [{"eventSource": "aws:kinesis", "eventID": "s:1",
                                               "kinesis": {"data": "eA==", "sequenceNumber": "1", "partitionKey": "p"}}]}),
    ("dynamodb-event", "dynamodb", {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "1"}}]}),
    ("kinesis-event", "kinesis", CLOSED | {"eventSourceARN": "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks"}),
    ("dynamodb-event", "dynamodb", CLOSED | {"eventSourceARN": "arn:aws-cn:dynamodb:cn-north-1:111122223333:table/t/stream/1"}),
    ("kafka-event", "kafka", {"eventSource": "SelfManagedKafka", "records": {"t-0": [{"topic": "t", "partition": 0, "offset": 1}]}}),
    ("kafka-event", "direct", {"eventSource": "aws:kafka", "records": {"t-0": {"0": {"topic": "t"}}}}),
    ("mq-event", "mq", {"eventSource": "aws:rmq", "rmqMessagesByQueue": {"q::/": [{"data": "eA=="}]}}),
    ("mq-event", "mq", {"eventSource": "aws:mq", "messages": [{"messageID": "1", "data": "eA=="}]}),
    ("documentdb-event", "direct", {"eventSource": "aws:docdb", "events": [{"event": {}}]}),
    ("eventbridge-event", "eventbridge", BUS | {"replay-name": "again"}),
    ("eventbridge-event", "schedule", {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "resources": [RULE]}),
    ("eventbridge-event", "schedule", {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}", "resources": [SCHEDULE]}),
    ("rest-api", "apigateway", PROXY),
    ("rest-api", "apigateway", PROXY | {"version": "1.0", "requestContext": {"stage": "prod", "resourceId": "a1b2c3"}}),
    ("http-api", "httpapi", {"version": "2.0", "requestContext": {"http": {"method": "GET"}}}),
    ("http-api", "httpapi", PROXY | {"version": "1.0"}),
    ("http-api", "httpapi", PROXY | {"version": "1.0", "requestContext": {"stage": "$default", "resourceId": None}}),
    ("http-api", "httpapi", PROXY | {"version": "1.0", "requestContext": {"stage": "$default", "resourceId": "ANY /orders"}}),
    ("http-api", "httpapi", PROXY | {"version": "1.0", "requestContext": {"stage": "$default", "resourceId": "$default"}}),
    ("function-url", "function_url", {"version": "2.0", "requestContext": URL}),
    ("load-balancer", "alb", {"httpMethod": "GET", "requestContext": {"elb": {"targetGroupArn": "arn:t"}}}),
    ("websocket-api", "apigateway", DISCONNECT),
    ("api-authorizer", "direct", TOKEN),
    ("api-authorizer", "direct", PROXY | {"type": "REQUEST", "methodArn": "arn:x"}),
    ("api-authorizer", "direct", {"version": "2.0", "type": "REQUEST", "routeArn": "arn:x", "requestContext": {"http": {}}}),
    ("api-authorizer", "direct", {"authorizationToken": "t", "requestContext": {"apiId": "a", "queryString": "{}"}}),
    ("vpc-lattice", "direct", {"raw_path": "/", "method": "GET", "headers": {}}),
    ("vpc-lattice", "direct", {"version": "2.0", "path": "/", "requestContext": {"serviceNetworkArn": "arn:n"}}),
    ("cognito-trigger", "direct", {"triggerSource": "PreSignUp_SignUp", "userPoolId": "p", "request": {}}),
    ("cognito-trigger", "direct", {"eventType": "SyncTrigger", "identityPoolId": "p", "datasetRecords": {}}),
    ("config-rule", "async", {"invokingEvent": "{}", "configRuleName": "r", "resultToken": "t"}),
    ("codepipeline-job", "async", {"CodePipeline.job": {"id": "1"}}),
    ("codedeploy-hook", "async", {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x"}),
    ("codecommit-event", "async", {"Records": [{"eventSource": "aws:codecommit", "codecommit": {}}]}),
    ("cloudformation-resource", "async", RESOURCE),
    ("cloudformation-resource", "direct", {name: value for name, value in RESOURCE.items() if name != "ResponseURL"}),
    ("cloudwatch-alarm", "async", {"source": "aws.cloudwatch", "alarmArn": "arn:a", "alarmData": {}}),
    ("cloudwatch-alarm", "async", {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "alarmData": {}}),
    ("cloudwatch-dashboard", "direct", {"widgetContext": {"dashboardName": "d"}}),
    ("cloudwatch-logs", "async", {"awslogs": {"data": PACKED}}),
    ("ses-event", "async", {"Records": [{"eventSource": "aws:ses", "ses": {"mail": {}}}]}),
    ("step-functions-task", "stepfunctions", MACHINE),
    ("step-functions-task", "stepfunctions", {"Payload": {"_datadog": MACHINE}}),
    ("step-functions-task", "stepfunctions", {"Error": "KeyError", "Cause": "{}"}),
    ("firehose-transformation", "direct", {"invocationId": "1", "deliveryStreamArn": "arn:d", "records": [RECORD]}),
    ("kinesis-analytics", "direct", {"invocationId": "1", "applicationArn": "arn:a", "records": [RECORD]}),
    ("secret-rotation", "direct", {"Step": "createSecret", "SecretId": "arn:s", "ClientRequestToken": "t"}),
    ("lex-bot", "direct", {"invocationSource": "DialogCodeHook", "bot": {}, "currentIntent": {}}),
    ("connect-flow", "direct", {"Name": "ContactFlowEvent", "Details": {"ContactData": {}, "Parameters": {}}}),
    ("connect-flow", "direct", {"InvocationMetadata": {"CampaignContext": {}}, "Items": {"CustomerProfiles": []}}),
    ("workmail-message", "direct", {"summaryVersion": "2019-07-28", "flowDirection": "INBOUND", "envelope": {}}),
    ("alexa-request", "direct", {"version": "1.0", "context": {"System": {}}, "request": {"type": "LaunchRequest"}}),
    ("alexa-request", "direct", {"version": "1.0", "request": {"type": "IntentRequest", "requestId": "r"},
                                 "session": {"new": True, "application": {"applicationId": "amzn1.ask.skill.1"}}}),
    ("alexa-request", "direct", {"directive": {"header": {"namespace": "Alexa", "payloadVersion": "3"}}}),
    ("iot-device", "async", {"serialNumber": "1", "clickType": "SINGLE", "batteryVoltage": "2000mV"}),
    ("iot-device", "async", {"deviceEvent": {}, "deviceInfo": {}, "placementInfo": {}}),
    ("iot-device", "async", {"eventType": "THING_EVENT", "eventId": "1", "operation": "CREATED", "thingName": "T"}),
    ("iot-device", "async", {"eventType": "THING_GROUP_HIERARCHY_EVENT", "eventId": "2", "operation": "ADDED"}),
    ("iot-device", "direct", {"httpContext": {}, "mqttContext": {}, "tlsContext": {}, "token": "t"}),
    ("iot-device", "direct", {"token": "t", "protocolData": {"http": {}}, "connectionMetadata": {"id": "1"}}),
    ("bedrock-agent", "direct", {"messageVersion": "1.0", "agent": {}, "actionGroup": "g", "sessionId": "1"}),
    ("ground-truth", "direct", {"labelingJobArn": "arn:j", "dataObject": {}}),
    ("client-vpn", "direct", {"connection-id": "c", "endpoint-id": "e", "username": "u"}),
    ("transfer-login", "direct", {"username": "u", "password": "p", "protocol": "SFTP", "serverId": "s"}),
    ("chime-bot", "direct", {"Sender": {"SenderId": "u"}, "Discussion": {"DiscussionId": "d"}, "EventType": "Invite"}),
    ("appsync-resolver", "direct", RESOLVED),
    ("appsync-resolver", "direct", [RESOLVED, RESOLVED]),
    ("appsync-resolver", "direct", {"info": {"fieldName": "orders", "parentTypeName": "Query"}, "args": {}}),
    ("appsync-resolver", "direct", {"version": "2017-02-28", "operation": "Invoke", "payload": {}}),
    ("cloudfront-event", "direct", {"Records": [{"cf": {"config": {}, "response": {"status": "200"}}}]}),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "kind", "event"), EVENTS)
def test_an_event_is_known_kept_and_handed_over(shape: str, kind: str, event: Any) -> None:
    """The shape says who hands it over; the text stays as it was; that event source's family delivers it."""
    text = f"\n {json.dumps(event, indent=1)}\n"
    envelope, unwrapped = unwrap(saved(text))
    assert (envelope.name, unwrapped.event.kind, unwrapped.event_source.kind) == (shape, kind, kind)
    assert unwrapped.event.text == text
    answer = {"statusCode": 200} if kind in {"apigateway", "httpapi", "function_url", "alb"} else None
    report = deliver(unwrapped.event, lambda event, context: answer, unwrapped.event_source)
    assert report.invocations


_MEMBERS = sorted(
    {(name, json.dumps(value)) for _, _, event in EVENTS if isinstance(event, dict) for name, value in event.items()}
)


@given(
    st.lists(st.sampled_from([*_MEMBERS, ("order", "1"), ("", '""'), ("Records", "[]"), ("source", "{}")]), max_size=6)
)
def test_asking_only_some_shapes_finds_what_asking_all_finds(members: list[tuple[str, str]]) -> None:
    """Whatever members of AWS's events a body has, its envelope is the first of all that would know it."""
    body = saved(json.dumps({name: json.loads(value) for name, value in members}))
    assert unwrap(body)[0] is next(envelope for envelope in envelopes() if envelope.detect(body))


class _Whole(EventShape):
    """A shape that counts an event's members."""

    name = "whole"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        return EventSource() if len(event) == 1 else None


class _Without(EventShape):
    """A shape that is known by what is missing."""

    name = "without"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        return None if "detail" in event else EventSource()


class _Listed(EventShape):
    """A shape that takes members as they are there."""

    name = "listed"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        return EventSource() if any(name.startswith("x-") for name in event) else None


class _Chosen(EventShape):
    """A shape that asks for one member, and for another only if that is there."""

    name = "chosen"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        return EventSource() if "a" in event and event["b"] else None


class _Indexed(EventShape):
    """A shape that is sure of a member."""

    name = "indexed"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        return EventSource() if event["a"] else None


def test_what_a_shape_looks_at_decides_when_it_is_asked() -> None:
    """A shape that looks at an event as a whole, or for what is missing, is asked of every event."""
    assert [kind().known_by for kind in (_Whole, _Without, _Listed, _Indexed)] == [None] * 4
    assert _Chosen().known_by == {"a"}


def test_every_shape_has_an_example_here() -> None:
    """A new shape is told here how it is known, and which family takes it."""
    assert {each.name for each in envelopes() if isinstance(each, EventShape)} == {shape for shape, _, _ in EVENTS}


@pytest.mark.parametrize(("shape", "kind", "event"), EVENTS)
def test_no_two_shapes_are_alike(shape: str, kind: str, event: Any) -> None:
    """Every event has one shape: which is asked first decides nothing."""
    claimed = [each.name for each in envelopes() if isinstance(each, EventShape) and each.source_of(event) is not None]
    assert claimed == [shape]
    found = event_shape_of_value(event)
    assert found is not None
    assert found.name == shape


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": 200, "headers": {}, "body": "x", "isBase64Encoded": False},
        {"principalId": "u", "policyDocument": {"Statement": []}},
        {"batchItemFailures": [{"itemIdentifier": "1"}]},
        {"records": [{"recordId": "1", "result": "Ok", "data": "eA=="}]},
        {"invocationSchemaVersion": "1.0", "invocationId": "1", "results": []},
        {"Status": "SUCCESS", "StackId": "arn:s", "LogicalResourceId": "R", "RequestId": "1"},
        {"dialogAction": {"type": "Close"}},
        {"jobId": "1"},
        {"Error": "x", "Cause": "y", "order": 1},
        {"source": "shop", "detail": {}},
        {"arguments": {}, "order": 1},
        {"info": {"fieldName": "total"}, "order": 1},
        {"summaryVersion": "1", "envelope": {}},
        {"order": {"bot": {}, "invocationSource": "x"}},
        {"": []},
        {"": {}},
        CLOSED,
        CLOSED | {"eventSourceARN": "the clicks"},
        CLOSED | {"eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:orders"},
        {"request": {"type": "refund"}, "session": {"application": {"applicationId": "shop"}}},
        [RESOLVED, {"order": 1}],
        [],
    ],
)
def test_answers_and_the_users_own_payloads_are_unknown(value: Any) -> None:
    """A wrong guess would deliver an event by rules that never held for it."""
    assert unwrap(saved(text_of(value)))[0].name == "unknown"
    assert event_source_of(text_of(value)) is None


# CloudWatch Logs


def test_log_events_are_looked_into() -> None:
    """Which log the events are of is told, and they stay packed as they were."""
    _, unwrapped = unwrap(saved(text_of({"awslogs": {"data": PACKED}})))
    assert unwrapped.details["log_group"] == "/aws/lambda/orders"
    assert unwrapped.envelopes == ("cloudwatch-logs", "cloudwatch-logs")


def test_log_events_without_their_group_are_log_events() -> None:
    """What a tool has unpacked may name neither group nor stream."""
    bare = {name: LOG[name] for name in ("messageType", "logEvents")}
    envelope, unwrapped = unwrap(saved(text_of(bare)))
    assert (envelope.name, unwrapped.event.kind) == ("cloudwatch-logs", "async")


def test_log_events_that_were_unpacked_are_packed_for_the_function() -> None:
    """From a delivery stream they come unpacked; the function's data unpacks to the very same text."""
    text = json.dumps(LOG, indent=2)
    _, unwrapped = unwrap(saved(text))
    assert unpacked(json.loads(unwrapped.event.text)["awslogs"]["data"]) == text
    assert unwrapped.details["log_stream"] == LOG["logStream"]


@pytest.mark.parametrize(
    "data",
    [
        "", "!", "eA==", PACKED[:-8], base64.b64encode(gzip.compress(b"\xff")).decode(),
        base64.b64encode(gzip.compress(bytes(17 * 1024 * 1024), 9)).decode(),
    ],
    ids=["empty", "no base64", "not packed", "cut", "no text", "bomb"],
)  # fmt: skip
def test_log_events_that_cannot_be_unpacked_stay_as_they_are(data: str) -> None:
    """They may be what made the function fail: the event is kept, and the details say that nobody could look inside."""
    text = text_of({"awslogs": {"data": data}})
    envelope, unwrapped = unwrap(saved(text))
    assert envelope.name == "cloudwatch-logs"
    assert unwrapped.event.text == text
    assert "awslogs_data" in unwrapped.details


def test_log_events_may_be_packed_by_zlib() -> None:
    """Some tools leave out gzip's header."""
    assert unpacked(base64.b64encode(zlib.compress(b"{}")).decode()) == "{}"


def test_a_message_of_a_queue_event_is_looked_into() -> None:
    """A function's event that carries something tells what; only the first record is looked into."""
    record = {
        "eventSource": "aws:sqs",
        "body": notification(text_of(BUS)),
        "messageAttributes": {"x": {"dataType": "String"}},
    }
    _, unwrapped = unwrap(saved(text_of({"Records": [record]})))
    assert unwrapped.envelopes == ("sqs-event", "sns-notification", "eventbridge-event")
    assert unwrapped.details["envelopes"] == list(unwrapped.envelopes)
