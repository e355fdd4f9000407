"""What AWS must allow so that more is known of events than their source tells; all of it may be missing."""

from collections.abc import Iterator, Sequence

from replay.payloads.event_sources import EventSource
from replay.readers.lambda_insights import LOG_GROUP
from replay.readers.logs import default_log_group
from replay.sources.permissions import AwsPlace, Permission
from replay.sources.stream_permissions import BATCH, role_permission


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


def stream_permissions(sources: Sequence[EventSource], name: str, at: AwsPlace) -> Iterator[Permission]:
    """List what reading again the records needs that a failure record of a stream of the function *name* only names."""
    for service, actions in BATCH.items():
        streams = [_stream_name(each.arn) for each in sources if each.kind == service and each.arn]
        resources = tuple(dict.fromkeys(at.arn(service, stream) for stream in streams if "/" in stream))
        if resources:
            why = "read again what failure records of streams name"
            yield Permission(actions=actions, resources=resources, why=why, optional=True)
            if service == "kinesis":
                yield role_permission(at, name)


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
