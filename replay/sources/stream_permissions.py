"""What AWS must allow to read a stream, and to read again what a failure record of its mapping names."""

from collections.abc import Iterator

from replay.readers.streams import kind_of_arn
from replay.sources.permissions import ANY, AwsPlace, Permission

_SHARDS = ("kinesis:ListShards",)
_TABLE_SHARDS = ("dynamodb:DescribeStream",)
BATCH = {
    "kinesis": ("kinesis:DescribeStreamSummary", "kinesis:GetShardIterator", "kinesis:GetRecords"),
    "dynamodb": ("dynamodb:GetShardIterator", "dynamodb:GetRecords"),
}
"""What reading the records again that a failure record names asks AWS for."""


def batch_permissions(at: AwsPlace, function: str = ANY, *, optional: bool) -> Iterator[Permission]:
    """List what reading failed batches of any stream needs; `optional` where failure records are not all there is."""
    why = "read again the records of failed batches"
    kinesis, table = at.arn("kinesis", "stream/*"), at.arn("dynamodb", "table/*/stream/*")
    yield Permission(actions=BATCH["kinesis"], resources=(kinesis,), why=f"{why} of Kinesis", optional=optional)
    yield Permission(actions=BATCH["dynamodb"], resources=(table,), why=f"{why} of tables", optional=optional)
    yield role_permission(at, function)


def range_permissions(at: AwsPlace, stream: str | None, table: str | None, function: str = ANY) -> Iterator[Permission]:
    """List what reading a range of *stream* or *table* needs, each a name or an ARN."""
    if stream and kind_of_arn(stream) != "dynamodb":
        arn = stream if stream.startswith("arn:") else at.arn("kinesis", f"stream/{stream}")
        yield Permission(actions=(*BATCH["kinesis"], *_SHARDS), resources=(arn,), why="read a Kinesis stream")
        yield role_permission(at, function)
        return
    name = (table or ANY).partition("table/")[2] or table or ANY
    arn = stream or at.arn("dynamodb", f"table/{name}/stream/*")
    actions = (*BATCH["dynamodb"], *_TABLE_SHARDS)
    yield Permission(actions=actions, resources=(arn,), why="read the stream of a table")
    if table:
        yield Permission(actions=("dynamodb:ListStreams",), why="find the latest stream of a table")


def role_permission(at: AwsPlace, function: str = ANY) -> Permission:
    """Say what naming the role of a function needs."""
    named = function if function.startswith("arn:") else at.arn("lambda", f"function:{function}")
    why = "name the role of the function in records of Kinesis, as AWS does"
    return Permission(actions=("lambda:GetFunctionConfiguration",), resources=(named,), why=why, optional=True)
