"""
Athena as MiniStack runs it, on DuckDB: tables of our own statements, queries, pages, failures; and the local engine.

MiniStack has no `json_extract_scalar`, reads no partition projection and invents what was scanned: conditions with
paths are proved on DuckDB (tests/sources/test_athena_pushdown.py), projection on the statement, limits and states with
a stand-in of the API (tests/sources/test_athena.py).
"""

import gzip
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from replay.cli.main import cli
from replay.errors import SourceError
from replay.payloads.captures import Capture
from replay.payloads.event_patterns import compile_pattern
from replay.sources.athena import AthenaOptions, AthenaSource
from tests.emulators.server import Server
from tests.sources.log_samples import failed_in_json, good_in_json, request_id

pytestmark = pytest.mark.emulator

EVENTS = [{"id": f"A-{number}", "amount": number, "note": None if number % 2 else ""} for number in range(2_401)]


@pytest.fixture
def database(ministack_server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of its own, on MiniStack, which every client here now talks to."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack_server.url)
    name = f"db_{uuid.uuid4().hex[:8]}"
    boto3.client("glue").create_database(DatabaseInput={"Name": name})
    boto3.client("s3").create_bucket(Bucket=bucket_of(name))
    return name


def bucket_of(database: str) -> str:
    return database.replace("_", "-")


def put_log(database: str, lines: Sequence[str]) -> None:
    """Write a log of two days, packed."""
    client = boto3.client("s3")
    for day, part in ((20, lines[: len(lines) // 2]), (21, lines[len(lines) // 2 :])):
        body = gzip.compress("".join(f"{line.rstrip()}\n" for line in part).encode())
        client.put_object(Bucket=bucket_of(database), Key=f"logs/dt=2026-11-{day}/part.gz", Body=body)


def make_table(database: str, *options: str) -> str:
    """Run the statement that `replay athena-ddl` prints."""
    url = f"s3://{bucket_of(database)}/logs/"
    printed = CliRunner().invoke(cli, ["athena-ddl", url, "--name", "logs", "--database", database, *options])
    assert printed.exit_code == 0, printed.output
    client = boto3.client("athena")
    started = client.start_query_execution(
        QueryString=printed.stdout, ResultConfiguration={"OutputLocation": f"s3://{bucket_of(database)}/ddl/"}
    )
    status: dict[str, Any] = {"State": "RUNNING"}
    while status["State"] in {"QUEUED", "RUNNING"}:
        time.sleep(0.05)
        status = client.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]["Status"]
    assert status["State"] == "SUCCEEDED", status
    return printed.stdout


def recorded(database: str, where: Any = None, **options: Any) -> list[Capture]:
    place = {"database": database, "output_location": f"s3://{bucket_of(database)}/results/"}
    given = options if options.get("engine") == "duckdb" else place | options
    with AthenaSource(AthenaOptions(**given)).open() as recording:
        recording.matching(compile_pattern(where) if where else None)
        return list(recording.captures())


def bodies(found: list[Capture]) -> list[str]:
    return sorted(each.body for each in found)


def test_a_table_of_lines_gives_each_event_exactly(database: str) -> None:
    """Over several pages each line comes once, byte for byte; both engines give the same."""
    lines = [json.dumps(event) for event in EVENTS]
    put_log(database, lines)
    make_table(database)
    by_athena = recorded(database, table=f"{database}.logs", event_at="line")
    by_duckdb = recorded(database, engine="duckdb", path=(f"s3://{bucket_of(database)}/logs/",))
    assert bodies(by_athena) == bodies(by_duckdb) == sorted(lines)


def test_a_condition_goes_with_the_query(database: str) -> None:
    """What of the pattern needs no path is decided there, and gives what the local engine gives."""
    put_log(database, [json.dumps(event) for event in EVENTS])
    make_table(database)
    where = {"id": [{"suffix": "-1234"}]}
    by_athena = recorded(database, where, table=f"{database}.logs", event_at="line")
    by_duckdb = recorded(database, where, engine="duckdb", path=(f"s3://{bucket_of(database)}/logs/",), event_at="line")
    assert bodies(by_athena) == bodies(by_duckdb) == [json.dumps(EVENTS[1_234])]


def test_a_query_is_taken_as_it_is(database: str) -> None:
    """A query over a table of members gives its rows; NULL is no event, nor is an empty text."""
    put_log(database, [json.dumps(event) for event in EVENTS[:10]])
    statement = make_table(database, "--columns", "fields")
    assert "`amount` bigint" in statement
    query = "SELECT id, amount, note FROM logs WHERE amount > 6 AND dt = '2026-11-21'"
    found = recorded(database, query=query, event_at="$")
    assert [json.loads(each.body) for each in found] == [
        {"id": "A-7", "amount": 7},
        {"id": "A-8", "amount": 8, "note": ""},
        {"id": "A-9", "amount": 9},
    ]
    assert recorded(database, query="SELECT note AS event FROM logs") == []


def test_lines_of_a_log_are_joined(database: str) -> None:
    """A log of a function in a table: its failed requests come with their events, over both days."""
    lines = [line for n in range(40) for line in (failed_in_json(n, {"n": n}) if n in {3, 30} else good_in_json(n))]
    put_log(database, lines)
    make_table(database)
    found = recorded(database, table=f"{database}.logs")
    assert {each.origin.identity: json.loads(each.body) for each in found} == {
        request_id(3): {"n": 3},
        request_id(30): {"n": 30},
    }


@pytest.mark.parametrize("query", ["SELECT nope FROM logs", "SELECT * FROM nowhere", "SELECT FROM WHERE"])
def test_a_query_that_fails_is_told(database: str, query: str) -> None:
    """The state FAILED comes with the reason that the engine gives."""
    put_log(database, ["{}"])
    make_table(database)
    with pytest.raises(SourceError) as caught:
        recorded(database, query=query)
    assert caught.value.what.startswith("the query failed after scanning 0 B: ")


def test_an_unknown_table_and_no_output_location_are_told(database: str) -> None:
    """MiniStack's catalog says nothing of a table that is not there, so the query does; no place is told before it."""
    with pytest.raises(SourceError, match="does not exist"):
        recorded(database, table=f"{database}.nope")
    with pytest.raises(SourceError, match="no place for the results"):
        AthenaSource(AthenaOptions(query="SELECT 1")).open()
