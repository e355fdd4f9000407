"""
What AWS must allow for queries, and for reading objects here.

Source: Athena User Guide, "Example IAM permissions policies for workgroups", "Access from Athena to databases and
tables in the Glue Data Catalog", "Control access to Amazon S3 from Athena".
"""

from collections.abc import Iterator, Sequence

from replay.sources.permissions import ANY, AwsPlace, Permission

Places = Sequence[tuple[str, str]]
"""Buckets, each with a prefix of keys."""

_QUERIES = ("StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution")


def querying(at: AwsPlace, *, workgroup: str, database: str, table: str, results: Places) -> Iterator[Permission]:
    """Declare what queries need: the workgroup, the catalog, the data, and the place of results."""
    group = (at.arn("athena", f"workgroup/{workgroup}"),)
    yield Permission(
        actions=("athena:GetWorkGroup",),
        resources=group,
        why="see the workgroup's limit and where results go",
        optional=True,  # the source opens without it, and says so
    )
    queries = tuple(f"athena:{each}" for each in _QUERIES)
    yield Permission(actions=queries, resources=group, why="run queries in the workgroup, and stop them")
    yield Permission(
        actions=("athena:GetTableMetadata",),
        resources=(at.arn("athena", "datacatalog/*"),),
        why="know the columns of a table",
        optional=True,
    )
    named = ("catalog", f"database/{database}", f"table/{database}/{table}")
    yield Permission(
        actions=("glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"),
        resources=tuple(at.arn("glue", each) for each in named),
        why="let Athena find the table",
    )
    yield Permission(
        actions=("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
        resources=tuple(at.bucket_arn(bucket) for bucket, _ in results),
        why="let Athena find the place of results",
    )
    yield Permission(
        actions=("s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"),
        resources=tuple(at.bucket_arn(bucket, f"{prefix}*") for bucket, prefix in results),
        why="let Athena write results, and read them",
    )
    yield from reading(at, [(ANY, "")])


def reading(at: AwsPlace, places: Places) -> Iterator[Permission]:
    """Declare what reading objects needs."""
    buckets = tuple(at.bucket_arn(bucket) for bucket, _ in places)
    objects = tuple(at.bucket_arn(bucket, f"{prefix}*") for bucket, prefix in places)
    yield Permission(actions=("s3:ListBucket",), resources=buckets, why="list the data")
    yield Permission(actions=("s3:GetObject",), resources=objects, why="read the data")
