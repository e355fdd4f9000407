"""What AWS must allow so that more is known of events than their source tells; all of it may be missing."""

from collections.abc import Iterator, Sequence

from replay.payloads.event_sources import EventSource
from replay.readers.lambda_insights import LOG_GROUP
from replay.readers.logs import default_log_group
from replay.sources.permissions import AwsPlace, Permission

_STREAM_ACTIONS = {
    "kinesis": ("DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords"),
    "dynamodb": ("DescribeStream", "GetShardIterator", "GetRecords"),
}


def enrichment_permissions(name: str, log_group: str | None, at: AwsPlace) -> Iterator[Permission]:
    """List what looking up failures needs: logs, measures and traces."""
    groups = (log_group or default_log_group(name), LOG_GROUP)
    yield Permission(
        actions=("logs:FilterLogEvents", "logs:GetLogEvents"),
        resources=tuple(at.arn("logs", f"log-group:{group}:*") for group in groups),
        why="look up how events failed",
        optional=True,
    )
    if log_group is None:
        yield Permission(
            actions=("logs:DescribeLogGroups",), why="find a log group that its stack named", optional=True
        )
    yield Permission(actions=("xray:BatchGetTraces",), why="look up traces", optional=True)


def stream_permissions(sources: Sequence[EventSource], at: AwsPlace) -> Iterator[Permission]:
    """List what reading again the records needs that a failure record of a stream only names."""
    for service, actions in _STREAM_ACTIONS.items():
        names = [_stream_name(each.arn) for each in sources if each.kind == service and each.arn]
        resources = tuple(dict.fromkeys(at.arn(service, name) for name in names if "/" in name))
        if resources:
            named = tuple(f"{service}:{action}" for action in actions)
            yield Permission(
                actions=named, resources=resources, why="read again what failure records of streams name", optional=True
            )


def _stream_name(arn: str) -> str:
    """Give what an ARN says behind the account: a template knows no account, nor the label of a table's stream."""
    name = arn.split(":", 5)[-1]
    return "/".join([*name.split("/")[:2], "stream", "*"]) if name.startswith("table/") else name


def claim_check_permissions(buckets: Sequence[str], at: AwsPlace) -> Iterator[Permission]:
    """List what fetching payloads from the allowed *buckets* needs."""
    if buckets:
        objects = tuple(at.bucket_arn(bucket, "*") for bucket in buckets)
        yield Permission(
            actions=("s3:GetObject",), resources=objects, why="fetch payloads that events point to", optional=True
        )
