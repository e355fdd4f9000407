"""The runner on shapes and logs, on made-up folders: a wrong label, a lost line or a wrong event must not pass."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.truth import labels
from tests.truth.runner import Results, judge_folder

_NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "<uuid:1>",
    "TopicArn": "arn:<partition>:sns:<region>:111111111111:<resource:1>",
    "Message": {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}}}]},
    "Timestamp": "date",
    "UnsubscribeURL": "<domain>/?SubscriptionArn=arn",
}
_RECORD = {
    "version": "1.0",
    "timestamp": "date",
    "requestContext": {
        "requestId": "<uuid:1>",
        "functionArn": "arn:f",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": {"n": 1},
    "responsePayload": {
        "errorMessage": "no",
        "errorType": "E",
        "stackTrace": ['  File "/var/task/a.py", line 1, in b\n    c\n'],
    },
}

_PIPE_RECORD = {
    "context": {"partnerResourceArn": "arn:aws:pipes:us-east-1:111111111111:pipe/p", "condition": "RetryAttemptsExhausted"},
    "version": "1.0",
    "timestamp": "2026-01-01T00:00:00.000Z",
    "KinesisBatchInfo": {
        "shardId": "s", "startSequenceNumber": "1", "endSequenceNumber": "1", "batchSize": 1,
        "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z", "approximateArrivalOfLastRecord": "2026-01-01T00:00:00Z",
        "streamArn": "arn:aws:kinesis:us-east-1:111111111111:stream/s",
    },
}  # fmt: skip
_TOO_LARGE = {name: value for name, value in _RECORD.items() if name != "requestPayload"}
_BUS = {
    "version": "0",
    "id": "1",
    "detail-type": "Order",
    "source": "lambda",
    "account": "1",
    "time": "t",
    "region": "r",
}

_STREAM_RECORD = {
    "version": "1.0",
    "timestamp": "2026-01-01T00:00:00Z",
    "requestContext": {
        "requestId": "r",
        "functionArn": "arn:f",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 2,
    },
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "DDBStreamBatchInfo": {
        "shardId": "s",
        "startSequenceNumber": "1",
        "endSequenceNumber": "2",
        "batchSize": 2,
        "streamArn": "arn:aws:dynamodb:us-east-1:111111111111:table/t/stream/2026-01-01T00:00:00.000",
    },
}


def _message(body: Any, **members: Any) -> dict[str, Any]:
    return {"Messages": [{"Body": body, "MessageId": "<uuid:2>", "ReceiptHandle": "<handle>", **members}]}


def _judge(folder: Path, category: str, name: str, content: Any) -> Results:
    file = f"{category}/{name}"
    (folder / category).mkdir()
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / file).write_text(text, encoding="utf-8")
    index = [{"id": file, "category": category, "file": file}]
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return judge_folder(folder)


def _recorded(content: Any) -> dict[str, Any]:
    return {"made-up": {"recorded-date": "", "recorded-content": content}}


@pytest.mark.parametrize(
    ("category", "name", "content"),
    [
        ("sample-events", "orders__sqsEvent.json", {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "x"}]}),
        ("sample-events", "sqs__Template.json", '{"Records": [{"eventSource": "aws:sqs", "messageId": "{{{id}}}", "body": {{{n}}}}]}'),
        ("sample-events", "workmail__WorkMail.json", {"summaryVersion": "1", "flowDirection": "INBOUND", "envelope": {}}),
        ("sample-events", "authorizer-request-api-gateway-websocket.json", {"requestContext": {"connectionId": "c"}}),
        ("sample-events", "appsync-lambda-authorizer-request.json", {"authorizationToken": "t", "requestContext": {"apiId": "a"}}),
        ("sample-events", "apigw_rest_event.json", {
            "version": "1.0", "httpMethod": "GET", "requestContext": {"resourceId": None, "stage": "$default"}}),
        ("sample-events", "apigw-response.json", {"statusCode": 200, "body": ""}),
        ("sample-events", "a-name-that-says-nothing.json", {"n": 1}),
        ("sample-events", "lambda_destination_event.json", _RECORD),
        ("sample-events", "dynamoStreamLambdaInvocation.json", {**_STREAM_RECORD}),
        ("sample-events", "user_pool_verify_auth_challenge_response.json", {
            "version": "1", "userPoolId": "p", "triggerSource": "VerifyAuthChallengeResponse_Authentication",
            "region": "r", "userName": "u", "callerContext": {}, "request": {}, "response": {}}),
        ("sample-events", "cognito-define-auth-challenge-response.json", {
            "version": "1", "userPoolId": "p", "triggerSource": "DefineAuthChallenge_Authentication",
            "region": "r", "userName": "u", "callerContext": {}, "request": {}, "response": {"issueTokens": True}}),
        ("sample-events", "java__sqs-receive-message.json", {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "x"}]}),
        ("sample-events", "msk__in-objects.json", {"eventSource": "aws:kafka", "records": {"t-0": {"0": {"topic": "t"}}}}),
        ("sqs", "pipe.json", _recorded({"messages": _message(_PIPE_RECORD)})),
        ("sqs", "too-large.json", _recorded({"messages": _message(
            {**_TOO_LARGE, "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}})})),
        ("sqs", "answer-of-text.json", _recorded({"messages": _message({**_RECORD, "responsePayload": "no"})})),
        ("eventbridge", "source-lambda.json", _recorded({"event": {**_BUS, "detail": {"n": 1}, "resources": []}})),
        ("eventbridge", "of-a-queue.json", _recorded({"event": {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "x"}]}})),
        ("sns", "in-a-queue.json", _recorded({"messages": _message(_NOTIFICATION)})),
        ("sqs", "plain.json", _recorded({"messages": _message("text", Attributes={"SentTimestamp": "1"})})),
        ("sns", "destination.json", _recorded({"messages": _message({**_NOTIFICATION, "Message": _RECORD})})),
        ("sns", "dead-letter.json", _recorded({"messages": _message({**_NOTIFICATION, "Message": {"n": 1}, "MessageAttributes": {
            "RequestID": {"Type": "String", "Value": "<request-id:1>"}, "ErrorMessage": {"Type": "String", "Value": "no"},
            "ErrorCode": {"Type": "Number", "Value": "200"}}})})),
        ("eventbridge", "redriven.json", _recorded({"messages": _message(_RECORD, Attributes={"DeadLetterQueueSourceArn": "arn:q"})})),
        ("eventbridge", "destination.json", _recorded({"messages": _message(_RECORD)})),
        ("cloudwatch-logs", "one-behind-the-other.json", json.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s",
                                                                      "logEvents": []}) * 2),
        ("lambda-logs", "fn_timeout.txt", "2026-01-01T00:00:03.000Z 0a1b2c3d-1111-4222-8333-444455556666 Task timed out after 3.00 seconds\n"),
    ],
)  # fmt: skip
def test_passes_what_agrees(tmp_path: Path, category: str, name: str, content: Any) -> None:
    """Shapes that are what their names say pass, a template is filled first, and a name that says nothing is no fault."""
    results = _judge(tmp_path, category, name, content)
    assert [each.status for each in results.verdicts] == ["passed"], results.verdicts


@pytest.mark.parametrize(
    ("category", "name", "content"),
    [
        ("sample-events", "sqsEvent.json", {"Records": [{"eventSource": "aws:sns", "Sns": {"Message": "x"}}]}),
        ("sample-events", "s3-batch-response.json", {"invocationSchemaVersion": "1.0", "job": {"id": "1"}, "tasks": []}),
        ("sample-events", "kinesis-event.json", "{not json"),
        ("sns", "no-topic.json", _recorded({"messages": _message({"Type": "Notification", "TopicArn": "arn", "Message": "x"})})),
        ("lambda-logs", "fn_oom.txt", "[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n"),
        ("lambda-logs", "fn_timeout.txt", "it took a long time\n"),
    ],
)  # fmt: skip
def test_fails_what_disagrees(tmp_path: Path, category: str, name: str, content: Any) -> None:
    """A file that is something else than its name says fails its case."""
    results = _judge(tmp_path, category, name, content)
    assert [each.status for each in results.verdicts] == ["failed"]


def test_leaves_out_what_holds_no_event(tmp_path: Path) -> None:
    """What an API answered is left out, with the reason."""
    results = _judge(tmp_path, "sqs", "refused.json", _recorded({"Error": {"Code": "InvalidParameterValue"}}))
    assert [each.status for each in results.verdicts] == ["left out"]
    assert "API answered" in results.verdicts[0].lines[0]


def test_fails_a_failure_that_is_told_otherwise(tmp_path: Path) -> None:
    """A trace that nobody can read is a difference, for its frames are missing."""
    report = {**_RECORD["responsePayload"], "stackTrace": ["no frame"]}  # type: ignore[dict-item]  # it is a dict
    results = _judge(
        tmp_path, "sqs", "record.json", _recorded({"messages": _message({**_RECORD, "responsePayload": report})})
    )
    assert [each.status for each in results.verdicts] == ["failed"]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("jdk.internal.reflect.DirectMethodHandleAccessor.invoke(Unknown Source)", "passed"),
        ("java.lang.reflect.Method.invoke(Native Method)", "passed"),
        ("at lambda_method1(Closure, Stream, ILambdaContext)", "passed"),
        ("--- End of stack trace from previous location ---", "passed"),
        ("at Shop.Orders.Function.Price(Order order) in /src/Function.cs:line 41 or so", "failed"),
        ("shop.Handler.go(Handler.java:12) or so", "failed"),
        ("", "failed"),
    ],
)
def test_only_lines_that_name_a_place_must_be_frames(tmp_path: Path, line: str, status: str) -> None:
    """A line of which nobody knows the file is rightly no frame; one that names a place, and is not read, is a difference."""
    report = {"errorMessage": "no", "errorType": "E", "stackTrace": ["shop.Handler.go(Handler.java:12)", line]}
    results = _judge(
        tmp_path, "sqs", "record.json", _recorded({"messages": _message({**_RECORD, "responsePayload": report})})
    )
    assert [each.status for each in results.verdicts] == [status]


def test_a_pattern_is_no_event(tmp_path: Path) -> None:
    """What a rule looks for has the members of an event, with lists in the place of texts: it is what an API answered."""
    pattern = {"source": ["shop"], "detail-type": ["OrderPlaced"], "detail": {"n": [1]}}
    results = _judge(tmp_path, "eventbridge", "rule.json", _recorded({"rule": {"EventPattern": pattern}}))
    assert [each.status for each in results.verdicts] == ["left out"]


def test_a_code_of_the_users_own_is_no_dead_letter(tmp_path: Path) -> None:
    """Attributes that only have the names of a dead letter's make a message."""
    named = {name: {"DataType": "String", "StringValue": "1001"} for name in ("RequestID", "ErrorCode", "ErrorMessage")}
    content = _recorded({"messages": _message("text", MessageAttributes=named)})
    results = _judge(tmp_path, "sqs", "own.json", content)
    assert [each.status for each in results.verdicts] == ["passed"], results.verdicts


def test_every_label_names_a_shape_that_is_there() -> None:
    """A label for a shape that no envelope has could never be met."""
    from replay.payloads.envelopes.registry import envelopes

    named = {shape for _, shapes in labels.SAMPLES for shape in shapes} | set(labels.KINDS)
    assert named - {"messages"} <= {each.name for each in envelopes()}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("cloud_formation_custom_resource_event", "cloudformation-resource"),
        ("customResourceCreate", "cloudformation-resource"),
        ("code_commit_event", "codecommit-event"),
        ("code_pipeline_job", "codepipeline-job"),
        ("active_mq_event", "mq-event"),
        ("rabbit_mq", "mq-event"),
        ("api_gateway_v2_web_socket_event", "websocket-api"),
        ("vpc_lattice_v2_request", "vpc-lattice"),
        ("cloud_front_event", "cloudfront-event"),
        ("sqs-receive-message", "messages"),
        ("receive_message", "messages"),
        ("api_gateway_v2_web_socket_response", "unknown"),
        ("lambda-function-url-request", "function-url"),
        ("lambda-function-urls-request", "function-url"),
        ("apigw-v2-request", "http-api"),
        ("apigw-v2-get-iam", "http-api"),
        ("orders__apigw-v2-no-body", "http-api"),
        ("apigw-v2-custom-authorizer-v1-request", "api-authorizer"),
        ("apigw-v2-websocket-connect", "websocket-api"),
        ("apigw-request", "rest-api"),
        ("api_gateway_proxy_event.appsec_event", "rest-api"),
        ("api-gateway-v1", "rest-api"),
        ("appsync-event-cognito-authorizer", "appsync-resolver"),
        ("appSyncAuthorizerEvent", "api-authorizer"),
        ("cognito-event-userpools-create-auth-challenge-response", "cognito-trigger"),
        ("dynamo_ddb_stream_record", "unknown"),
        ("scheduler_event", "eventbridge-event"),
        ("cloudwatchevents-stepfunctionsexecutionstatuschange-failed", "eventbridge-event"),
        ("mq_event", "mq-event"),
        ("codepipline-event", "codepipeline-job"),
        ("application-load-balancer-event", "load-balancer"),
        ("kinesis-streams-as-source", "firehose-transformation"),
    ],
)
def test_a_name_is_read_however_it_is_spelled(name: str, shape: str) -> None:
    """Other tools write the words of a name with hyphens, with underscores, or together."""
    label = labels.label_of_sample(f"sample-events/tool/{name}.json")
    assert label is not None
    assert label.shapes == (shape,)
