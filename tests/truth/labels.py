"""
What each shape of AWS's is called here, by what its recording or its sample file is named and holds: one list to review.

A sample's label comes of its name alone, never of what the project makes of it. A name that says nothing has no label;
then only what is true of every shape is judged.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KINDS: Mapping[str, tuple[str, ...]] = {
    "sqs-event": ("sqs",),
    "sqs-message": ("sqs",),
    "sns-event": ("sns",),
    "s3-notification": ("s3",),
    "s3-test-event": ("s3",),
    "kinesis-event": ("kinesis",),
    "dynamodb-event": ("dynamodb",),
    "kafka-event": ("kafka",),
    "mq-event": ("mq",),
    "eventbridge-event": ("eventbridge", "schedule"),
    "rest-api": ("apigateway",),
    "websocket-api": ("apigateway",),
    "http-api": ("httpapi",),
    "function-url": ("function_url",),
    "load-balancer": ("alb",),
    "step-functions-task": ("stepfunctions",),
    "cloudwatch-logs": ("async",),
    "cloudwatch-alarm": ("async",),
    "ses-event": ("async",),
    "codecommit-event": ("async",),
    "codepipeline-job": ("async",),
    "codedeploy-hook": ("async",),
    "config-rule": ("async",),
    "cloudformation-resource": ("async", "direct"),
    "iot-device": ("async", "direct"),
    "lambda-destination": ("async",),
    "stream-failure": ("kinesis", "dynamodb", "kafka"),
    "unknown": ("unknown",),
}
"""Which event source hands a shape over. All others are waited for: `direct`."""

SAMPLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    # What a function answers, and what is no event but a part of one.
    (r"cloud[-_]?front", ("cloudfront-event",)),
    (r"appsync-identity|appsync.*response", ("unknown",)),
    (r"appsync[-_]*authorizer|lambda-auth(?:orizer)?-request", ("api-authorizer",)),
    (r"appsync", ("appsync-resolver",)),
    # An event of Cognito holds the answer to it, and may be named by that.
    (r"cognito|user_?pool|auth[-_]?challenge", ("cognito-trigger",)),
    (
        r"^(?!api[-_]gateway).*appsec_event|response|batchsubmitjob|batchgetjob|event-record|stream_record|_span",
        ("unknown",),
    ),
    (r"cloudtrail", ("unknown", "eventbridge-event")),
    (r"sqs-api-event|receive[-_]?message", ("messages",)),
    (r"lambda[-_]?invocation", ("stream-failure",)),
    (r"lambda[-_]?destination", ("lambda-destination",)),
    # Names that hold the name of another shape.
    (r"transferfamily|transfer-family", ("transfer-login",)),
    (r"(?:^|[-_])iot", ("iot-device",)),
    (r"config[-_a-z]*rule|config__|config_event|config-event", ("config-rule",)),
    (r"alexa", ("alexa-request",)),
    (r"clientvpn", ("client-vpn",)),
    (r"kinesis[-_]*analytics", ("kinesis-analytics",)),
    (r"firehose|kinesis-(?:apachelog|syslog)|as-source", ("firehose-transformation",)),
    (r"ses[-_]|sesevent|__ses|simple-email", ("ses-event",)),
    (r"apigw-v2-request|apigatewayproxyv2|api_gateway_http|http_?-?api|apigw_http|sam-http", ("http-api",)),
    (
        r"authorizer.*api[-_]gateway|api[-_]gateway.*authorizer",
        ("api-authorizer", "rest-api", "http-api", "websocket-api"),
    ),
    (r"authorizer|custom-auth|apigw_auth", ("api-authorizer",)),
    (r"web[-_]?socket", ("websocket-api",)),
    (r"(?:^|[-_])alb|elb_event|load[-_]balancer", ("load-balancer",)),
    (r"lambda-?urls?|function[-_]?urls?", ("function-url",)),
    (r"vpc[-_]?lattice", ("vpc-lattice",)),
    # Java's and Python's libraries read payload format 1.0 of an HTTP API by the class of REST APIs, and name it so.
    (r"apigatewayproxy|apigatewaye?schema|apigw_rest", ("rest-api", "http-api")),
    (r"(?:^|__)apigw-v2-", ("http-api",)),
    (r"apigw|api_gateway|apigateway|api-gateway", ("rest-api",)),
    # Queues, topics and buckets; what came through a queue is the queue's.
    (r"sqs", ("sqs-event",)),
    (r"alarm-sns|sns", ("sns-event",)),
    (r"s3-test-event|s3testevent", ("s3-test-event",)),
    (r"s3[-_]*batch|batch[-_]?invocation", ("s3-batch",)),
    (r"s3-object-lambda|s3_object_lambda|s3objectevent", ("s3-object-lambda",)),
    (
        r"event-?bridge|schedule[dr]|cloudwatch[-_]?events?(?![a-z])|state-?change|autoscaling|codebuild|ecr-|ecs-",
        ("eventbridge-event",),
    ),
    (r"codedeploy-(?:instance|deployment)|codepipeline[-_](?:execution|action|cloudwatch)", ("eventbridge-event",)),
    (r"rekognition|s3[-_]|s3event|__s3", ("s3-notification",)),
    # Streams and brokers.
    (r"kafka|msk", ("kafka-event",)),
    (r"active[-_]?mq|rabbit[-_]?mq|(?:^|[-_])mq[-_]", ("mq-event",)),
    (r"kinesis", ("kinesis-event",)),
    (r"dynamo", ("dynamodb-event",)),
    (r"documentdb", ("documentdb-event",)),
    # Everything else, by the service's name.
    (r"cloudwatch[-_a-z]*alarm|cloudwatch_metric_alarm", ("cloudwatch-alarm",)),
    (r"cloudwatch[-_]?dashboard", ("cloudwatch-dashboard",)),
    (r"cloudwatch[-_]?logs?", ("cloudwatch-logs",)),
    (r"code[-_]?pipe?line", ("codepipeline-job",)),
    (r"codedeploy", ("codedeploy-hook",)),
    (r"code[-_]?commit", ("codecommit-event",)),
    (r"cloud[-_]?formation|custom[-_]?resource", ("cloudformation-resource",)),
    (r"step_?-?functions?|^states\.", ("step-functions-task",)),
    (r"secret", ("secret-rotation",)),
    (r"lex", ("lex-bot",)),
    (r"connect", ("connect-flow",)),
    (r"bedrock", ("bedrock-agent",)),
    (r"sagemaker", ("ground-truth",)),
    (r"chime", ("chime-bot",)),
    (r"work-?mail", ("workmail-message",)),
)
"""The first pattern that is found in a sample's name (its tool's folder left aside, in lower case) says its shapes."""


FAILED_LOGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(?:^|[-_])oom(?:[-_.]|$)|out_?-?of_?-?memory", ("out_of_memory", "exited")),
    (r"time_?-?d?_?-?out", ("timed_out",)),
)
"""What became of the failed request of a log whose file is named so; a process that was killed may not show its memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a shape must be detected as: one of `shapes`, handed over by one of `kinds`."""

    shapes: tuple[str, ...]
    kinds: tuple[str, ...]


IN_NO_LISTS = Label(shapes=("kafka-event",), kinds=("direct",))
"""A Kafka event whose records AWS did not write: no mapping hands it over, for its records cannot be told apart."""

SENT_ON = Label(shapes=("sqs-event",), kinds=KINDS["sqs-event"])
"""What is named as messages are that a queue gives, and holds none, are those that a function gets."""


def label_of_sample(file: str) -> Label | None:
    """Label a file of sample-events, or give None where its name says nothing."""
    name = file.rpartition("/")[2].lower()
    for pattern, shapes in SAMPLES:
        if re.search(pattern, name):
            return Label(shapes=shapes, kinds=tuple(kind for shape in shapes for kind in KINDS.get(shape, ("direct",))))
    return None


def failed_in_log(file: str) -> tuple[str, ...] | None:
    """Say how the request of a log failed, or give None where the file's name does not tell."""
    name = file.rpartition("/")[2].lower()
    return next((statuses for pattern, statuses in FAILED_LOGS if re.search(pattern, name)), None)


def recorded_shape(value: Mapping[str, Any]) -> str | None:
    """Name what an object inside a recording is, by the members that AWS documents; None where it is something else."""
    return next((shape for shape, is_it in _RECORDED if is_it(value)), None)


def _has_texts(value: Mapping[str, Any], *names: str) -> bool:
    """A pattern has the members of its events, with lists in the place of texts."""
    return all(isinstance(value.get(name), str) for name in names)


def _is_of_destination(value: Mapping[str, Any]) -> bool:
    return str(value.get("detail-type")).startswith("Lambda Function Invocation Result")


def _is_record(value: Mapping[str, Any]) -> bool:
    """Say whether it is the record of an invocation, as a destination gets it; what was too large is left out."""
    context = value.get("requestContext")
    return isinstance(context, dict) and _has_texts(context, "condition", "functionArn") and "responseContext" in value


def _source_of_records(value: Mapping[str, Any]) -> Any:
    records = value.get("Records")
    first = records[0] if isinstance(records, list) and records else None
    return first.get("eventSource") if isinstance(first, dict) else None


_RECORDED: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("sns-event", lambda value: value.get("Type") == "Notification" and "UnsubscribeUrl" in value),
    ("sns-notification", lambda value: value.get("Type") == "Notification" and "TopicArn" in value),
    ("lambda-destination", lambda value: value.get("source") == "lambda" and _is_of_destination(value)),
    ("eventbridge-event", lambda value: "detail" in value and _has_texts(value, "source", "detail-type")),
    ("stream-failure", lambda value: bool({"KinesisBatchInfo", "DDBStreamBatchInfo", "KafkaBatchInfo"} & value.keys())),
    ("lambda-destination", lambda value: "requestPayload" in value or _is_record(value)),
    ("s3-notification", lambda value: value.get("eventSource") == "aws:s3" and "s3" in value),
    ("s3-test-event", lambda value: value.get("Event") == "s3:TestEvent"),
    ("cloudwatch-logs", lambda value: value.get("messageType") in ("DATA_MESSAGE", "CONTROL_MESSAGE")),
    ("sqs-event", lambda value: _source_of_records(value) == "aws:sqs"),
    ("kinesis-event", lambda value: _source_of_records(value) == "aws:kinesis"),
    ("dynamodb-event", lambda value: _source_of_records(value) == "aws:dynamodb"),
    ("http-api", lambda value: value.get("version") == "2.0" and {"routeKey", "requestContext"} <= value.keys()),
    ("rest-api", lambda value: {"httpMethod", "resource", "requestContext"} <= value.keys()),
    ("cloudwatch-logs", lambda value: "awslogs" in value),
)
"""In this order: what an object of a recording is, and how it is known."""


def recorded_message(message: Mapping[str, Any]) -> str:
    """
    Name the envelope that a recorded message of a queue, or a notification, is opened by.

    *message* has its `Body` or `Message` parsed, and the `MessageAttributes` of either spelling. What a redrive policy
    moved is a message; else a record of a failure is looked for, also in a notification.
    """
    attributes = message.get("Attributes")
    redriven = isinstance(attributes, dict) and "DeadLetterQueueSourceArn" in attributes
    named = message.get("MessageAttributes")
    names = set(named) if isinstance(named, dict) else set()
    if isinstance(named, dict) and not _is_status(named.get("ErrorCode")):
        names.discard("ErrorCode")
    body = message.get("Body", message.get("Message"))
    shape = recorded_shape(body) if isinstance(body, dict) else None
    outermost = "sqs-message" if "Body" in message else "sns-notification"
    if redriven:
        return outermost
    for letter, wanted in _DEAD_LETTERS:
        if wanted <= names:
            return letter
    if shape == "sns-notification":
        inner = recorded_message(body or {})
        return outermost if inner == "sns-notification" else inner
    return shape if shape in {"lambda-destination", "stream-failure"} else outermost


def _is_status(attribute: Any) -> bool:
    """Lambda's `ErrorCode` is an HTTP status; a user's own is anything."""
    told = attribute.get("StringValue", attribute.get("Value")) if isinstance(attribute, dict) else None
    return re.fullmatch("[1-5][0-9]{2}", str(told)) is not None


_DEAD_LETTERS: tuple[tuple[str, set[str]], ...] = (
    ("lambda-dead-letter", {"RequestID", "ErrorCode", "ErrorMessage"}),
    ("eventbridge-dead-letter", {"RULE_ARN", "TARGET_ARN", "ERROR_CODE"}),
    ("scheduler-dead-letter", {"SCHEDULE_ARN", "TARGET_ARN", "ERROR_CODE"}),
)
"""The message attributes that AWS documents for each kind of dead letter."""
