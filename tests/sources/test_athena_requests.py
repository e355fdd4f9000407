"""The requests that Athena gets, held against AWS's own model by botocore's Stubber: no emulator has bytes or limits."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from replay.errors import SourceError, SourceRefused
from replay.sources.athena_parts.queries import AthenaEngine, Place
from tests.sources.athena_results import FakeAthena, column_info, data

STARTED = {
    "QueryString": "SELECT 1",
    "ClientRequestToken": ANY,
    "WorkGroup": "ops",
    "QueryExecutionContext": {"Database": "logs", "Catalog": "AwsDataCatalog"},
    "ResultConfiguration": {"OutputLocation": "s3://results/"},
}
PLACE = Place(workgroup="ops", database="logs", catalog="AwsDataCatalog", output_location="s3://results/")
ID = {"QueryExecutionId": "q"}


@pytest.fixture
def stubbed() -> Iterator[Stubber]:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    with Stubber(boto3.client("athena", region_name="eu-west-1", **keys)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def engine(stubbed: Stubber, limit: int | None = None, wait: Any = lambda _: None) -> AthenaEngine:
    return AthenaEngine(stubbed.client, PLACE, max_scan_bytes=limit, wait=wait)


def expect(stubbed: Stubber, *states: tuple[str, int], stopped: bool = False, reason: str = "") -> None:
    """Expect a query to be started and polled through these states, each with the bytes scanned until then."""
    stubbed.add_response("start_query_execution", ID, STARTED)
    for state, scanned in states:
        execution = {
            "Status": {"State": state, "StateChangeReason": reason},
            "Statistics": {"DataScannedInBytes": scanned},
            "StatementType": "DML",
        }
        stubbed.add_response("get_query_execution", {"QueryExecution": execution}, ID)
    if stopped:
        stubbed.add_response("stop_query_execution", {}, ID)


def test_a_query_runs_to_its_end_and_its_pages_are_followed(stubbed: Stubber) -> None:
    """Queued, running, succeeded; then pages by their tokens. Stubber: emulators have no bytes scanned."""
    expect(stubbed, ("QUEUED", 0), ("RUNNING", 4_000_000), ("SUCCEEDED", 9_000_000))
    for token, following, rows in (("", "t1", [["a"], ["1"]]), ("t1", "t2", [["2"]]), ("t2", "", [[None]])):
        asked = {**ID, "MaxResults": 1_000} | ({"NextToken": token} if token else {})
        result = {"Rows": [data(row) for row in rows], "ResultSetMetadata": {"ColumnInfo": column_info(["a"])}}
        answer = {"ResultSet": result} | ({"NextToken": following} if following else {})
        stubbed.add_response("get_query_results", answer, asked)
    made = engine(stubbed)
    assert list(made.run("SELECT 1")) == [("1",), ("2",), (None,)]
    assert list(made.notes()) == ["Athena scanned 9 MB for query q"]


def test_beyond_the_limit_the_query_is_stopped(stubbed: Stubber) -> None:
    """The poll that shows more than --max-scan is the last one. Stubber: emulators have no bytes scanned."""
    expect(stubbed, ("RUNNING", 5), ("RUNNING", 11), stopped=True)
    made = engine(stubbed, limit=10)
    with pytest.raises(SourceRefused):
        made.run("SELECT 1")
    made.close()
    assert made.scanned_bytes == 11


def test_ctrl_c_stops_the_query_once(stubbed: Stubber) -> None:
    """Interrupted while it waits, it stops what runs. Stubber: emulators end a query before it can be cancelled."""
    expect(stubbed, ("RUNNING", 5), stopped=True)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    made = engine(stubbed, wait=interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.run("SELECT 1")
    made.close()


def test_a_query_that_others_cancelled_is_not_stopped_again(stubbed: Stubber) -> None:
    """CANCELLED, as by the workgroup's own limit, is an end with a reason. Stubber: emulators have no such limit."""
    expect(stubbed, ("RUNNING", 5), ("CANCELLED", 7), reason="Bytes scanned limit was exceeded")
    with pytest.raises(SourceError, match="cancelled after scanning 7 B: Bytes scanned limit"):
        engine(stubbed).run("SELECT 1")


def test_a_stop_that_comes_too_late_hides_nothing(stubbed: Stubber) -> None:
    """Where the query ended by itself meanwhile, AWS refuses the stop; the error is still the one that counts."""
    expect(stubbed, ("RUNNING", 11))
    stubbed.add_client_error("stop_query_execution", "InvalidRequestException", "it has ended", expected_params=ID)
    with pytest.raises(SourceRefused):
        engine(stubbed, limit=10).run("SELECT 1")


def test_waits_grow_and_stay_short(stubbed: Stubber) -> None:
    """A long query is asked for less and less often, at most every three seconds: the limit is watched so closely."""
    waited: list[float] = []
    expect(stubbed, *[("RUNNING", 0)] * 12, ("SUCCEEDED", 0))
    engine(stubbed, wait=waited.append).run("SELECT 1")
    assert waited == sorted(waited)
    assert waited[0] < 0.5
    assert waited[-1] == 3.0


def test_the_settings_of_the_workgroup_and_of_a_table_are_read(stubbed: Stubber) -> None:
    """GetWorkGroup and GetTableMetadata are asked as AWS's model has them. Stubber: MiniStack reads no projection."""
    settings = {"ResultConfiguration": {"OutputLocation": "s3://x/"}, "BytesScannedCutoffPerQuery": 10_000_000}
    group = {"WorkGroup": {"Name": "ops", "State": "ENABLED", "Configuration": settings}}
    stubbed.add_response("get_work_group", group, {"WorkGroup": "ops"})
    table = {
        "Name": "t",
        "Columns": [{"Name": "event", "Type": "string"}],
        "PartitionKeys": [{"Name": "dt", "Type": "string"}],
        "Parameters": {"projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd"},
    }
    asked = {"CatalogName": "AwsDataCatalog", "DatabaseName": "logs", "TableName": "t"}
    stubbed.add_response("get_table_metadata", {"TableMetadata": table}, asked)
    made = engine(stubbed)
    made.check()
    event, key = made.columns_of(("t",))
    assert (event.name, event.is_partition) == ("event", False)
    assert (key.name, key.is_partition, key.date_format) == ("dt", True, "yyyy-MM-dd")
    assert list(made.notes()) == ["workgroup ops itself ends a query that scans more than 10 MB"]


def engine_of(fake: FakeAthena, **limits: int) -> AthenaEngine:
    return AthenaEngine(fake, Place(), wait=lambda _: None, **limits)


def test_the_limit_is_for_all_queries_of_a_recording() -> None:
    """What the first query has scanned counts when the second one runs."""
    engine = engine_of(FakeAthena(scanned=[600]), max_scan_bytes=1_000)
    engine.run("SELECT 1")
    engine._client.scanned = [500, 600]
    with pytest.raises(SourceRefused, match=r"had scanned 1\.1 KB"):
        engine.run("SELECT 2")
    assert engine.scanned_bytes == 1_100


def test_each_query_has_a_token_of_its_own() -> None:
    """Under a token that Athena has seen it answers with the query of then."""
    fake = FakeAthena()
    engine = engine_of(fake)
    engine.run("SELECT 1")
    engine.run("SELECT 2")
    first, second = (call["ClientRequestToken"] for call in fake.called("StartQueryExecution"))
    assert first != second


def test_a_first_row_that_is_no_header_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulators leave the names out: then nothing is taken away."""
    fake = FakeAthena(rows=[("a",), ("b",)])
    monkeypatch.setattr(fake, "names", ("event",))
    whole = fake.get_query_results

    def without_header(**arguments: Any) -> Any:
        answer = whole(**arguments)
        del answer["ResultSet"]["Rows"][0]
        return answer

    monkeypatch.setattr(fake, "get_query_results", without_header)
    assert list(engine_of(fake).run("SELECT 1")) == [("a",), ("b",)]
