"""A stream with a batch that failed, and requests that were traced, for the pages about them."""

import json
import time
from pathlib import Path
from typing import Any

import boto3

from tests.enrichment.lambda_log import LambdaLog
from tests.sources.traced_requests import trace

PAGES = ("sources-stream.md", "sources-xray.md")
_CLICKS = ('{"page": "/", "ms": 12}', '{"page": "/cart"}', '{"page": "/pay", "ms": 40}')


def prepare(folder: Path, environment: dict[str, str]) -> None:
    """Make the stream `clicks` with its failure record in a queue and a file, the table `orders`, and two traces."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    where = {"endpoint_url": environment["AWS_ENDPOINT_URL"], "region_name": environment["AWS_DEFAULT_REGION"], **keys}
    failure = _failed_clicks(boto3.client("kinesis", **where))
    (folder / "failure.json").write_text(failure, encoding="utf-8")
    sqs = boto3.client("sqs", **where)
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="clicks-failures")["QueueUrl"], MessageBody=failure)
    _changed_orders(boto3.client("dynamodb", **where))
    _traced(boto3.client("logs", **where), boto3.client("xray", **where))


def _failed_clicks(client: Any) -> str:
    client.create_stream(StreamName="clicks", ShardCount=1)
    put = [client.put_record(StreamName="clicks", Data=each.encode(), PartitionKey="k") for each in _CLICKS]
    arn = client.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]["StreamARN"]
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    function = "arn:aws:lambda:us-east-1:123456789012:function:clicks"
    context = {"requestId": "0a1b2c3d-1111-4222-8333-444455556666", "functionArn": function,
               "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3}  # fmt: skip
    batch = {"shardId": put[0]["ShardId"], "startSequenceNumber": put[0]["SequenceNumber"],
             "endSequenceNumber": put[-1]["SequenceNumber"], "approximateArrivalOfFirstRecord": now,
             "approximateArrivalOfLastRecord": now, "batchSize": len(put), "streamArn": arn}  # fmt: skip
    answer = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    told = {"requestContext": context, "responseContext": answer, "version": "1.0", "timestamp": now}
    return json.dumps({**told, "KinesisBatchInfo": batch})


def _changed_orders(client: Any) -> None:
    client.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.put_item(TableName="orders", Item={"id": {"S": "A-1"}, "total": {"N": "19.90"}})


def _traced(logs: Any, xray: Any) -> None:
    log = LambdaLog(logs, at_ms=int(time.time() * 1000) - 60_000)
    event = json.dumps({"Records": [{"messageId": "m-1", "body": '{"order_id": "A-1"}', "eventSource": "aws:sqs"}]})
    for line in (f"event: {event}\n", "[INFO] working\n"):
        start_s, error = log.at_ms / 1000, "ConditionalCheckFailedException: The conditional request failed"
        request_id = log.invoke(line, error=error)
        documents = trace(request_id, start_s=start_s, error=error)
        xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(each) for each in documents])
