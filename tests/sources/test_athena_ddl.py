"""The statement that makes a table of a log: its layout told from keys, its columns from lines, and nothing unquoted."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.cli.main import cli
from replay.errors import AwsError, ConfigurationError, ReplayError, SourceError
from replay.sources.athena_parts.create_table import create_table, fields_of
from replay.sources.athena_parts.table_layouts import LAYOUTS, Layout, layout_of, named_layout
from replay.sources.athena_parts.table_statement import table_statement

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="app-logs")
        yield client


def statement(client: Any, prefix: str, **options: Any) -> str:
    given_ = {"name": "orders_logs", "database": None, "by_fields": False, "layout": None, "since": None} | options
    return table_statement(lambda: client, "app-logs", prefix, now=NOW, **given_)


def test_the_whole_statement_for_what_firehose_writes(s3: Any) -> None:
    """The default of Firehose: one column of lines, partitions by the hour from the first that is there."""
    for key in ("logs/2026/03/01/07/a.gz", "logs/2026/11/21/08/b.gz"):
        s3.put_object(Bucket="app-logs", Key=key, Body=b"x")
    assert statement(s3, "logs", database="ops") == (
        "CREATE EXTERNAL TABLE `ops`.`orders_logs` (\n"
        "  `line` string\n"
        ")\n"
        "PARTITIONED BY (\n"
        "  `datehour` string\n"
        ")\n"
        "STORED AS TEXTFILE\n"
        "LOCATION 's3://app-logs/logs/'\n"
        "TBLPROPERTIES (\n"
        "  'projection.enabled' = 'true',\n"
        "  'projection.datehour.type' = 'date',\n"
        "  'projection.datehour.format' = 'yyyy/MM/dd/HH',\n"
        "  'projection.datehour.range' = '2026/03/01/07,NOW',\n"
        "  'projection.datehour.interval' = '1',\n"
        "  'projection.datehour.interval.unit' = 'HOURS',\n"
        "  'storage.location.template' = 's3://app-logs/logs/${datehour}/'\n"
        ")"
    )


@pytest.mark.parametrize(
    ("keys", "names", "template"),
    [
        (["l/2026/11/21/a"], ["day"], "l/${day}/"),
        (["l/2026/11/a"], ["month"], "l/${month}/"),
        (["l/dt=2026-11-21/a"], ["dt"], "l/dt=${dt}/"),
        (["l/dt=2026-11-21-08/a"], ["dt"], "l/dt=${dt}/"),
        (["l/date=2026-11-21/hour=08/a"], ["date", "hour"], "l/date=${date}/hour=${hour}/"),
        (["l/year=2026/month=11/day=21/hour=08/a"], ["year", "month", "day", "hour"],
         "l/year=${year}/month=${month}/day=${day}/hour=${hour}/"),
        (["l/app/2026/11/21/08/a", "l/app/2026/11/22/09/b"], ["datehour"], "l/app/${datehour}/"),
        (["l/a", "l/b"], [], ""),
    ],
)  # fmt: skip
def test_layouts_are_told_from_keys(keys: list[str], names: list[str], template: str) -> None:
    """Each usual way to lay objects in folders becomes partition keys and a template of locations."""
    layout = layout_of(keys, "l/", None, NOW)
    assert [key.name for key in layout.keys] == names
    assert layout.template == template


@pytest.mark.parametrize("prefix", ["", "AWSLogs/", "AWSLogs/111122223333/CloudTrail/"])
def test_cloudtrail_names_every_account_and_region(s3: Any, prefix: str) -> None:
    """`AWSLogs/…` is projected by account, region and day, as far as the prefix leaves them open; digests are left out."""
    for account, region in (
        ("111122223333", "eu-west-1"),
        ("111122223333", "us-east-1"),
        ("444455556666", "ap-south-1"),
    ):
        key = f"AWSLogs/{account}/CloudTrail/{region}/2026/11/21/x.json.gz"
        s3.put_object(Bucket="app-logs", Key=key, Body=b"x")
    s3.put_object(Bucket="app-logs", Key="AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/21/d.gz", Body=b"x")
    made = statement(s3, prefix)
    assert "'projection.day.range' = '2026/11/21,NOW'" in made
    if prefix.endswith("CloudTrail/"):
        assert "`account`" not in made
        assert "'projection.region.values' = 'eu-west-1,us-east-1'" in made
    else:
        assert "'projection.account.values' = '111122223333,444455556666'" in made
        assert "'projection.region.values' = 'ap-south-1,eu-west-1,us-east-1'" in made
        assert "s3://app-logs/AWSLogs/${account}/CloudTrail/${region}/${day}/" in made


def test_members_become_columns(s3: Any) -> None:
    """Types hold all values seen; names that a catalog cannot have are mapped; what is nested is text."""
    lines = [
        {"id": 1, "detail-type": "Order", "amount": 1, "ok": True, "detail": {"a": 1}, "both": 1, "none": None},
        {"id": 2, "detail-type": "Order", "amount": 1.5, "ok": None, "both": "x", "big": 2**70, "2nd": "y"},
    ]
    body = gzip.compress("\n".join(map(json.dumps, lines)).encode())
    s3.put_object(Bucket="app-logs", Key="logs/dt=2026-11-21/a.gz", Body=body)
    made = statement(s3, "logs/", by_fields=True)
    columns = made[made.index("(") + 1 : made.index(")")].replace("\n", "").split(",")
    assert [each.strip() for each in columns] == [
        "`id` bigint", "`detail_type` string", "`amount` double", "`ok` boolean", "`detail` string", "`both` string",
        "`none` string", "`big` string", "`_2nd` string",
    ]  # fmt: skip
    assert "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'" in made
    assert "'mapping.detail_type' = 'detail-type'" in made
    assert "'mapping._2nd' = '2nd'" in made


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_that_is_said_needs_no_bucket(layout: str) -> None:
    """With --layout no object is looked at, and no account is needed."""

    def no_client() -> Any:
        raise AssertionError

    options: dict[str, Any] = {"name": "t", "database": None, "by_fields": False, "since": NOW, "now": NOW}
    made = table_statement(no_client, "b", "p", layout=layout, **options)
    assert made.startswith("CREATE EXTERNAL TABLE `t` (")
    assert ("projection.enabled" in made) == (layout != "none")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"layout": "weekly"}, "there is no such layout"),
        ({"name": "Orders Logs"}, "that is no name for Athena"),
        ({"name": "x`; DROP TABLE y"}, "that is no name for Athena"),
        ({"database": "a.b"}, "that is no name for Athena"),
        ({"by_fields": True}, "no members were found in the lines of the first object"),
    ],
)
def test_what_cannot_be_meant_is_refused(s3: Any, options: dict[str, Any], what: str) -> None:
    """Names, layouts and lines that make no table are told as such."""
    s3.put_object(Bucket="app-logs", Key="logs/a", Body=b"plain text")
    with pytest.raises(ConfigurationError) as caught:
        statement(s3, "logs/", **options)
    assert caught.value.what == what


def test_objects_in_several_ways_make_no_table() -> None:
    """Two applications with their own folders need two tables: the error names both."""
    with pytest.raises(ConfigurationError) as caught:
        layout_of(["l/app/2026/11/21/a", "l/web/2026/11/21/a"], "l/", None, NOW)
    assert "'l/app/${day}/', 'l/web/${day}/'" in caught.value.expected


def test_no_objects_and_no_bucket_are_told(s3: Any) -> None:
    """An empty prefix and a bucket that is not there are errors that say so."""
    with pytest.raises(SourceError):
        statement(s3, "nothing/")
    with pytest.raises(AwsError):
        table_statement(
            lambda: s3, "no-such-bucket", "", name="t", database=None, by_fields=False, layout=None, since=None, now=NOW
        )


@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=3), st.text(min_size=1, max_size=8))
def test_nothing_leaves_its_quotes(folder: str, members: list[str], name: str) -> None:
    """Whatever folders and members are called: a statement has balanced quotes and one statement's words, or is refused."""
    try:
        layout = layout_of([f"{folder}/2026/11/21/x"], "", None, NOW)
        made = create_table(name, "bucket", layout, fields=fields_of([json.dumps(dict.fromkeys(members, 1))]))
    except ReplayError:
        return
    assert made.count("'") % 2 == made.count("`") % 2 == 0
    assert ";" not in made
    assert "\\" not in made
    assert all(quoted.isprintable() for quoted in made.splitlines())


def test_the_default_begin_of_a_named_layout_is_three_years_ago() -> None:
    """Without --since and without objects, three years are projected."""
    layout = named_layout("yyyy/MM/dd", "p/", None, NOW)
    assert layout.keys[0].projection["range"] == "2023/11/22,NOW"
    assert named_layout("none", "p/", None, NOW) == Layout(location="p/")


def test_the_command_prints_the_statement_and_nothing_else() -> None:
    """What is on standard output can be given to Athena as it is."""
    done = CliRunner().invoke(
        cli, ["athena-ddl", "s3://app-logs/logs", "--name", "t", "--layout", "dt=yyyy-MM-dd", "--since", "2026-11-01"]
    )
    assert done.exit_code == 0
    assert done.stdout.startswith("CREATE EXTERNAL TABLE `t` (")
    assert "'projection.dt.range' = '2026-11-01,NOW'" in done.stdout
    assert done.stdout.endswith("\n)\n")
    assert done.stderr == ""


def test_the_command_wants_a_place_in_s3() -> None:
    """A path of this machine is no place for a table."""
    done = CliRunner().invoke(cli, ["athena-ddl", "logs/here", "--name", "t"])
    assert isinstance(done.exception, ConfigurationError)
    assert done.exception.what == "that is no place in S3"
