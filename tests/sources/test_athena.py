"""The source `athena`: queries run, followed, limited and stopped; rows read exactly; events found in them."""

import json
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, ReplayError, SourceError, SourceRefused
from replay.payloads.captures import Capture
from replay.payloads.event_patterns import compile_pattern
from replay.sources.athena import AthenaOptions, AthenaSource
from replay.sources.athena_parts import queries
from replay.sources.athena_parts.byte_sizes import byte_size, shown_bytes
from replay.sources.athena_parts.sql_text import check_reads_only, identifier, literal, table_name
from replay.sources.base import Recording
from replay.sources.permissions import AwsPlace
from tests.sources.athena_results import FakeAthena, queue_results
from tests.sources.log_samples import failed_in_json, good_in_json, request_id

QUERY = "SELECT event FROM failed"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_FIRST_WAIT_S", 0)


def recording(fake: FakeAthena, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Recording:
    """Open the source with a stand-in of Athena's API behind it: a query by default."""
    fake.meta = type("Meta", (), {"endpoint_url": "http://127.0.0.1:1"})  # type: ignore[attr-defined]  # as a client has
    monkeypatch.setattr("replay.sources.aws_options.aws_client", lambda *_, **__: fake)
    given_ = options if {"query", "table"} & options.keys() else {"query": QUERY, **options}
    return AthenaSource(AthenaOptions(**given_)).open()


def recorded(fake: FakeAthena, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Capture]:
    with recording(fake, monkeypatch, **options) as opened:
        return list(opened.captures())


def bodies(captures: Sequence[Capture]) -> list[str]:
    return [capture.body for capture in captures]


# Queries


def test_a_query_runs_in_the_workgroup_with_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workgroup, database, catalog and output location go with the query, once, under a token of its own."""
    fake = FakeAthena(rows=[('{"n":1}',)])
    place = {"workgroup": "ops", "database": "logs", "catalog": "Cat", "output_location": "s3://results/here/"}
    assert bodies(recorded(fake, monkeypatch, **place)) == ['{"n":1}']
    (started,) = fake.called("StartQueryExecution")
    assert len(started.pop("ClientRequestToken")) >= 32
    assert started == {
        "QueryString": QUERY,
        "WorkGroup": "ops",
        "QueryExecutionContext": {"Database": "logs", "Catalog": "Cat"},
        "ResultConfiguration": {"OutputLocation": "s3://results/here/"},
    }


def test_it_is_polled_until_it_ends_and_told_what_it_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that AWS bills are a note of the summary."""
    fake = FakeAthena(rows=[("{}",)], scanned=[0, 1_000, 2_500_000])
    opened = recording(fake, monkeypatch)
    with opened:
        list(opened.captures())
    assert len(fake.called("GetQueryExecution")) == 3
    assert opened.notes == ["Athena scanned 2.5 MB for query q-1"]
    assert not fake.called("StopQueryExecution")


@pytest.mark.parametrize("rows", [0, 1, 2, 998, 999, 1_000, 1_999, 3_500])
def test_pages_are_read_to_the_end_without_the_header(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """The first page begins with the names of the columns; every row comes once, however many pages there are."""
    texts = [json.dumps({"n": number}) for number in range(rows)]
    fake = FakeAthena(rows=[(text,) for text in texts])
    assert bodies(recorded(fake, monkeypatch)) == texts
    assert all(call["MaxResults"] == 1_000 for call in fake.called("GetQueryResults"))


def test_ten_million_rows_do_not_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages stream: of a result of ten million rows as many are read as are taken, and none is held."""

    class Many(Sequence[Sequence[str]]):
        def __len__(self) -> int:
            return 10_000_000

        def __getitem__(self, number: Any) -> Any:
            return (f'{{"n":{number},"x":"{"y" * 200}"}}',)

    fake = FakeAthena(rows=Many())
    with recording(fake, monkeypatch) as opened:
        captures = opened.captures()
        for _ in range(2_000):
            next(captures)
        fake.calls.clear()
        tracemalloc.start()
        for _ in range(10_000):
            next(captures)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(fake.called("GetQueryResults")) <= 11
    assert peak < 8_000_000


@given(st.lists(st.text(max_size=30), max_size=5))
def test_texts_are_exact(texts: list[str]) -> None:
    """An event is what the column holds, byte for byte, whatever JSON it is."""
    events = [f' {{"a" : {json.dumps(text)}, "n": 1.50}}' for text in texts]
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert bodies(recorded(FakeAthena(rows=[(event,) for event in events]), monkeypatch)) == events


def test_null_is_no_event_and_neither_is_an_empty_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A NULL, an empty text, and what is no JSON are counted; they make no fixture."""
    fake = FakeAthena(rows=[(None,), ("",), ("not json",), ("{}",)])
    with recording(fake, monkeypatch) as opened:
        assert bodies(list(opened.captures())) == ["{}"]
    assert "3 rows without an event: NULL, empty, or no JSON" in opened.notes


def test_zero_rows_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that finds nothing has still cost something."""
    fake = FakeAthena(rows=[], scanned=[5_000])
    with recording(fake, monkeypatch) as opened:
        assert list(opened.captures()) == []
    assert opened.notes == ["Athena scanned 5 KB for query q-1"]


# What a query may cost


def test_a_query_that_scans_too_much_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond --max-scan the query is stopped while it runs, and the error says what was spent."""
    fake = FakeAthena(rows=[("{}",)], scanned=[1_000, 9_000_000_000, 12_000_000_000, 13_000_000_000])
    with recording(fake, monkeypatch, max_scan="10GB") as opened, pytest.raises(SourceRefused) as caught:
        list(opened.captures())
    assert caught.value.what == "the query had scanned 12 GB, more than it may, and was stopped"
    assert fake.called("StopQueryExecution") == [{"QueryExecutionId": "q-1"}]
    assert len(fake.called("GetQueryExecution")) == 3
    assert opened.notes[0] == "Athena scanned 12 GB for query q-1"


def test_a_query_that_ended_beyond_the_limit_is_used_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two polls a query may end above the limit: it is paid for, so its rows are taken."""
    fake = FakeAthena(rows=[("{}",)], scanned=[11_000_000_000])
    with recording(fake, monkeypatch, max_scan="10GB") as opened:
        assert len(list(opened.captures())) == 1
    assert "that is more than --max-scan 10 GB: it ended before it was stopped" in opened.notes


@pytest.mark.parametrize(("own", "told"), [(5_000_000_000, True), (50_000_000_000, False), (None, False)])
def test_a_lower_limit_of_the_workgroup_is_told(monkeypatch: pytest.MonkeyPatch, own: int | None, told: bool) -> None:
    """The lower of the two limits holds: AWS's own, which cannot be exceeded, is said where it is the lower one."""
    settings = {"ResultConfiguration": {"OutputLocation": "s3://r/"}, "BytesScannedCutoffPerQuery": own}
    with recording(FakeAthena(workgroup=settings), monkeypatch, max_scan="10GB") as opened:
        list(opened.captures())
    assert ("workgroup primary itself ends a query that scans more than 5 GB" in opened.notes) == told


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("gone")])
def test_a_query_nobody_waits_for_is_stopped(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Ctrl-C, and any error, ends the query: what still runs is billed."""
    fake = FakeAthena(scanned=[7] * 100)

    def interrupted(_: float) -> None:
        raise error

    monkeypatch.setattr(queries.AthenaEngine.__init__, "__kwdefaults__", {"max_scan_bytes": None, "wait": interrupted})
    with pytest.raises(type(error)), recording(fake, monkeypatch) as opened:
        list(opened.captures())
    assert fake.called("StopQueryExecution") == [{"QueryExecutionId": "q-1"}]
    assert opened.notes == [
        "Athena scanned 7 B for query q-1",
        "query q-1 was stopped; what it had scanned until then is billed",
    ]


def test_values_that_an_error_quotes_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Athena's reason may quote data, which nobody has redacted, only its code is told."""
    fake = FakeAthena(state="FAILED", reason="INVALID_CAST_ARGUMENT: Cannot cast 'jane@example.com' to BIGINT")
    with recording(fake, monkeypatch) as opened, pytest.raises(SourceError) as caught:
        list(opened.captures())
    assert "INVALID_CAST_ARGUMENT (the rest may quote data" in caught.value.what
    assert "jane" not in str(caught.value)


# What goes wrong


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        ("FAILED", "SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved", "Column 'x' cannot be resolved"),
        ("FAILED", "TABLE_NOT_FOUND: Table 'awsdatacatalog.d.t' does not exist", "TABLE_NOT_FOUND"),
        ("FAILED", "", "Athena gives no reason"),
        ("FAILED", "Access denied when writing to location: s3://r/q.csv", "could not read or write in S3"),
        ("FAILED", "Permission denied on S3 path: s3://data/x", "could not read or write in S3"),
        ("CANCELLED", "Bytes scanned limit was exceeded", "cancelled after scanning 10 B: Bytes scanned limit"),
        ("CANCELLED", "", "the query was cancelled after scanning 10 B"),
    ],
)
def test_a_query_that_does_not_succeed_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, state: str, reason: str, told: str
) -> None:
    """FAILED and CANCELLED are errors with Athena's own words, on one printable line."""
    fake = FakeAthena(state=state, reason=reason and f"{reason}\n\x1b[31m")
    with recording(fake, monkeypatch) as opened, pytest.raises(SourceError) as caught:
        list(opened.captures())
    assert told in caught.value.what
    assert caught.value.what.isprintable()
    assert caught.value.hint
    assert "q-1" in caught.value.where


@pytest.mark.parametrize(
    ("operation", "code", "message", "kind", "told"),
    [
        ("GetWorkGroup", "InvalidRequestException", "WorkGroup nope is not found.", AwsError, "there is no such workgroup"),
        ("StartQueryExecution", "InvalidRequestException", "line 1:1: mismatched input 'SELEC'", SourceError, "mismatched"),
        ("StartQueryExecution", "InvalidRequestException", "No output location provided.", SourceError, "no place for"),
        ("StartQueryExecution", "InvalidRequestException", "Unable to verify/create output bucket r", SourceError, "in S3"),
        ("StartQueryExecution", "TooManyRequestsException", "slow", AwsError, "throttling"),
        ("GetQueryResults", "AccessDeniedException", "not allowed", AwsError, "AWS denied athena:GetQueryResults"),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, operation: str, code: str, message: str, kind: type[ReplayError], told: str
) -> None:
    """A workgroup that is not there, a query that cannot be read, a result that may not: each in words of its own."""
    fake = FakeAthena(refuses={operation: (code, message)})
    with pytest.raises(kind) as caught, recording(fake, monkeypatch) as opened:
        list(opened.captures())
    assert told in caught.value.what


def test_no_output_location_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the workgroup nor the user says where results go: nothing is started."""
    fake = FakeAthena(workgroup={"ResultConfiguration": {}})
    with pytest.raises(SourceError) as caught:
        recording(fake, monkeypatch)
    assert caught.value.hint == "add --output-location s3://BUCKET/PREFIX/"
    assert not fake.called("StartQueryExecution")


def test_settings_of_the_workgroup_that_win_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workgroup that enforces its settings ignores --output-location; a disabled one is refused."""
    settings = {"EnforceWorkGroupConfiguration": True, "ResultConfiguration": {"OutputLocation": "s3://r/"}}
    with recording(FakeAthena(workgroup=settings), monkeypatch, output_location="s3://x/") as opened:
        list(opened.captures())
    assert "workgroup primary enforces its own settings: --output-location has no effect" in opened.notes
    with pytest.raises(SourceError, match="disabled"):
        recording(FakeAthena(workgroup={"State": "DISABLED"}), monkeypatch)


def test_a_workgroup_that_may_not_be_seen_does_not_stop_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without athena:GetWorkGroup the query runs, and a note says what was not seen."""
    fake = FakeAthena(rows=[("{}",)], refuses={"GetWorkGroup": ("AccessDeniedException", "no")})
    with recording(fake, monkeypatch) as opened:
        assert len(list(opened.captures())) == 1
    assert opened.notes[0].startswith("the settings of workgroup primary were not seen: AWS denied athena:GetWorkGroup")


# Tables


def table(*columns: tuple[str, str], keys: Sequence[tuple[str, str]] = (), **parameters: str) -> dict[str, Any]:
    return {
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
        "PartitionKeys": [{"Name": name, "Type": kind} for name, kind in keys],
        "Parameters": {name.replace("__", "."): value for name, value in parameters.items()},
    }


def asked_for(fake: FakeAthena) -> str:
    query: str = fake.called("StartQueryExecution")[-1]["QueryString"]
    return query


def test_a_table_is_asked_for_by_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is quoted, and what is nested is asked for as JSON, which is what its text would not be."""
    told = table(("event", "struct<a:int>"), ('we"ird', "string"), keys=[("dt", "string")])
    fake = FakeAthena(["event", 'we"ird', "dt"], [('{"a":1}', "x", "2026-11-21")], table=told)
    (capture,) = recorded(fake, monkeypatch, table='my-db."failed events"')
    assert capture.body == '{"a":1}'
    assert asked_for(fake) == (
        'SELECT json_format(CAST("event" AS JSON)) AS "event", "we""ird", "dt" FROM "my-db"."failed events"'
    )
    assert fake.called("GetTableMetadata") == [
        {"CatalogName": "AwsDataCatalog", "DatabaseName": "my-db", "TableName": "failed events"}
    ]


def test_as_much_of_where_as_sql_can_tell_goes_with_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pattern of a table with a known column becomes a condition; that of a query is only held here."""
    pattern = compile_pattern({"detail": {"id": ["A-1"]}})
    fake = FakeAthena(["event"], [], table=table(("event", "string")))
    with recording(fake, monkeypatch, table="d.t") as opened:
        opened.matching(pattern)
        list(opened.captures())
    assert """json_extract_scalar("event", '$["detail"]["id"]') = 'A-1'""" in asked_for(fake)
    fake = FakeAthena(["event"], [])
    with recording(fake, monkeypatch) as opened:
        opened.matching(pattern)
        list(opened.captures())
    assert asked_for(fake) == QUERY


def test_rows_that_may_be_lines_are_all_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event and its failure may be two lines: no row is left out where that may be, and a note says so."""
    fake = FakeAthena(["message"], [], table=table(("message", "string")))
    with recording(fake, monkeypatch, table="d.t") as opened:
        opened.matching(compile_pattern({"a": ["x"]}))
        list(opened.captures())
    assert "WHERE" not in asked_for(fake)
    assert "all rows were asked for, as they may be lines of a log: --event-at names the column" in opened.notes


def test_envelopes_of_other_packages_make_every_row_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another package would unwrap from a row, SQL cannot know: all of them are asked for, and a note says why."""
    monkeypatch.setattr("replay.sources.athena_parts.recording.entry_points", lambda group: [group])
    fake = FakeAthena(["event"], [], table=table(("event", "string")))
    with recording(fake, monkeypatch, table="d.t") as opened:
        opened.matching(compile_pattern({"a": ["x"]}))
        list(opened.captures())
    assert "WHERE" not in asked_for(fake)
    assert any("envelopes of other packages" in note for note in opened.notes)


@pytest.mark.parametrize(
    ("keys", "parameters", "condition"),
    [
        (("datehour", "string"), {"projection__datehour__type": "date", "projection__datehour__format": "yyyy/MM/dd/HH"},
         """"datehour" >= '2026/11/20/23' AND "datehour" <= '2026/11/21/10'"""),
        (("dt", "string"), {"projection__dt__type": "date", "projection__dt__format": "yyyy-MM-dd"},
         """"dt" >= '2026-11-20' AND "dt" <= '2026-11-21'"""),
        (("year", "string"), {},
         """(TRY_CAST("year" AS integer) > 2026 OR (TRY_CAST("year" AS integer) = 2026)) AND (TRY_CAST("year" AS integer) < 2026 OR (TRY_CAST("year" AS integer) = 2026))"""),
    ],
)  # fmt: skip
def test_only_partitions_of_the_time_are_read(
    monkeypatch: pytest.MonkeyPatch, keys: tuple[str, str], parameters: dict[str, str], condition: str
) -> None:
    """--since and --until become a condition on the keys, an hour wider: other partitions cost nothing."""
    fake = FakeAthena(["event", keys[0]], [], table=table(("event", "string"), keys=[keys], **parameters))
    with recording(fake, monkeypatch, table="d.t") as opened:
        opened.within(datetime(2026, 11, 21, 0, 30, tzinfo=UTC), datetime(2026, 11, 21, 9, tzinfo=UTC))
        list(opened.captures())
    assert asked_for(fake).endswith(f" WHERE {condition}")


def test_keys_without_a_known_time_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition key of unknown form prunes nothing, and a note says that everything was read."""
    fake = FakeAthena(["event", "dt"], [], table=table(("event", "string"), keys=[("dt", "string")]))
    with recording(fake, monkeypatch, table="d.t") as opened:
        opened.within(datetime(2026, 11, 21, tzinfo=UTC), None)
        list(opened.captures())
    assert "WHERE" not in asked_for(fake)
    assert any("every partition was asked for" in note for note in opened.notes)


def test_an_unknown_table_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog's own no becomes an error that names the table."""
    fake = FakeAthena(refuses={"GetTableMetadata": ("MetadataException", "EntityNotFoundException: Table nope")})
    with recording(fake, monkeypatch, table="logs.nope") as opened, pytest.raises(ConfigurationError) as caught:
        list(opened.captures())
    assert caught.value.what == "the data catalog has no such table"


def test_a_catalog_that_may_not_be_read_is_asked_by_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without athena:GetTableMetadata the columns come from a query that reads no row."""
    fake = FakeAthena(["event"], [("{}",)], refuses={"GetTableMetadata": ("AccessDeniedException", "no")})
    assert bodies(recorded(fake, monkeypatch, table="d.t")) == ["{}"]
    first, second = [call["QueryString"] for call in fake.called("StartQueryExecution")]
    assert (first, second) == ('SELECT * FROM "d"."t" LIMIT 0', 'SELECT "event" FROM "d"."t"')


# Events in rows


@pytest.mark.parametrize(
    ("names", "row", "option", "event"),
    [
        (["id", "event"], ("1", '{"a":1}'), None, '{"a":1}'),
        (["anything"], ('{"a":1}',), None, '{"a":1}'),
        (["id", "body"], ("1", '{"a":1}'), None, '{"a":1}'),
        (["ID", "Payload"], ("1", '{"a": 1}'), "payload", '{"a": 1}'),
        (["id", "message"], ("1", '{"request": {"a": 1.50}}'), "$.request", '{"a": 1.50}'),
        (["id", "message"], ("1", '{"request": "{\\"a\\":1}"}'), "message.request", '{"a":1}'),
        (["x", "y"], ("1", '{"r": [{"a":1}]}'), "y.r[0]", '{"a": 1}'),
        (["log.event", "y"], ('{"a":1}', "1"), "log.event", '{"a":1}'),
        (["a", "b"], ("1", None), "$", '{"a": "1"}'),
        (["source", "detail", "detail-type"], ("s", '{"a":1}', "t"), None,
         '{"source": "s", "detail": {"a":1}, "detail-type": "t"}'),
        (["source", "detail", "detail_type"], ("s", "text", "t"), "$",
         '{"source": "s", "detail": "text", "detail-type": "t"}'),
    ],
)  # fmt: skip
def test_the_event_of_a_row(
    monkeypatch: pytest.MonkeyPatch, names: list[str], row: tuple[Any, ...], option: str | None, event: str
) -> None:
    """One obvious column, a named one, a place inside one, or the whole row."""
    assert bodies(recorded(FakeAthena(names, [row]), monkeypatch, event_at=option)) == [event]


@pytest.mark.parametrize(
    ("names", "types", "option", "what"),
    [
        (["a", "b"], [], None, "it is not known which column holds the event"),
        (["body", "detail"], [], None, "several columns could hold the event"),
        (["a", "b"], [], "c", "there is no such column"),
        (["a", "b"], [], "$.x", "it is not known which column holds the event"),
        (["event"], ["row(a integer)"], None, "the values of this column are no JSON: they come as text such as {a=1}"),
    ],
)
def test_an_event_that_is_not_found_lists_the_columns(
    monkeypatch: pytest.MonkeyPatch, names: list[str], types: list[str], option: str | None, what: str
) -> None:
    """Where no column is obvious, the error names all of them."""
    fake = FakeAthena(names, [["x"] * len(names)], types=types)
    with recording(fake, monkeypatch, event_at=option) as opened, pytest.raises(ConfigurationError) as caught:
        list(opened.captures())
    assert caught.value.what == what
    assert names[0] in f"{caught.value.expected} {caught.value.where}"


def test_a_row_of_a_crawled_table_becomes_json_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers and booleans keep their kind, nested columns are JSON, NULLs and partition keys are left out."""
    columns = [
        ("id", "bigint"),
        ("ok", "boolean"),
        ("ratio", "double"),
        ("items", "array<struct<n:int>>"),
        ("note", "string"),
        ("gone", "string"),
    ]
    told = table(*columns, keys=[("dt", "string")])
    row = ("7", "true", "1.5E2", '[{"n":1}]', "5", None, "2026-11-21")
    fake = FakeAthena([name for name, _ in columns] + ["dt"], [row], table=told)
    (capture,) = recorded(fake, monkeypatch, table="d.t", event_at="$")
    assert capture.body == '{"id": 7, "ok": true, "ratio": 1.5E2, "items": [{"n":1}], "note": "5"}'


def test_other_columns_tell_of_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Request id, error and time beside the event become what is known of its failure."""
    names = ["event", "requestid", "error_type", "error_message", "timestamp"]
    row = ('{"a":1}', request_id(1), "KeyError", "'a'", "2026-11-21 08:00:00.123")
    (capture,) = recorded(FakeAthena(names, [row]), monkeypatch)
    assert capture.failure is not None
    assert (capture.failure.error_type, capture.failure.message) == ("KeyError", "'a'")
    assert capture.failure.request_id == request_id(1)
    assert capture.sent_at == datetime(2026, 11, 21, 8, 0, 0, 123_000, UTC)


def test_an_event_says_itself_when_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a column of the time, that of the event counts; epoch milliseconds are read too."""
    event = '{"detail-type": "x", "source": "y", "time": "2026-11-21T08:00:00Z"}'
    zoned = "2026-11-21 08:00:00.000 UTC"
    fake = FakeAthena(["event", "ts"], [(event, None), ("{}", "1795248000000"), ("[]", zoned)])
    first, second, third = recorded(fake, monkeypatch)
    assert third.sent_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert first.sent_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert second.sent_at == datetime.fromtimestamp(1795248000, UTC)


TRACE = ['  File "/var/task/app.py", line 36, in parse\n    x = d["a"]\n']
HELD = "Traceback (most recent call last):\n" + TRACE[0] + "KeyError: 'a'\n"


@pytest.mark.parametrize(
    ("name", "value"), [("stack_trace", json.dumps(TRACE)), ("stackTrace", json.dumps(TRACE)), ("stacktrace", HELD)]
)
def test_a_trace_that_is_a_list_tells_where_it_failed(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A column with Lambda's own list of places tells the same failure as the text of the traceback does."""
    names = ["event", "error_type", "error_message", name]
    (capture,) = recorded(FakeAthena(names, [("{}", "KeyError", "'a'", value)]), monkeypatch)
    assert capture.failure is not None
    assert [(frame.function, frame.line) for frame in capture.failure.frames] == [("parse", 36)]
    assert capture.failure.stack == HELD


def test_a_list_beside_the_event_in_its_json_is_a_trace_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON around the event has the list as it is; the error's type is taken from it where nothing else tells it."""
    trace = ["RangeError: too many", "    at ship (/var/task/app.js:9:1)"]
    around = {"level": "error", "message": "too many", "stackTrace": trace, "event": {"n": 1}}
    (capture,) = recorded(FakeAthena(["line"], [(json.dumps(around),)]), monkeypatch, event_at="$.event")
    assert capture.failure is not None
    assert (capture.failure.error_type, capture.failure.message) == ("RangeError", "too many")
    assert [(frame.function, frame.line) for frame in capture.failure.frames] == [("ship", 9)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1.7951688E9", datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        ("1.7951688001E12", datetime(2026, 11, 20, 10, 0, 0, 100_000, UTC)),
        ("1795168800", datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        ("1795168800.123", datetime(2026, 11, 20, 10, 0, 0, 123_000, UTC)),
        ("1795168800123", datetime(2026, 11, 20, 10, 0, 0, 123_000, UTC)),
        ("1795168800123000", datetime(2026, 11, 20, 10, 0, 0, 123_000, UTC)),
        ("1795168800123000000", datetime(2026, 11, 20, 10, 0, 0, 123_000, UTC)),
        ("2026-11-20 10:00:00.000 Europe/Berlin", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-07-20 10:00:00.000 Europe/Berlin", datetime(2026, 7, 20, 8, tzinfo=UTC)),
        ("2026-11-20 10:00:00.000 +01:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20 10:00:00.000 UTC", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20 10:00:00+01", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("20261120", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20 10:00:00.000 Nowhere/Atall", None),
        ("2026-11-20 10:00:00.000 America", None),
        ("9.9E99", None),
        ("5", None),
    ],
)
def test_a_time_is_read_in_every_type_of_athena(
    monkeypatch: pytest.MonkeyPatch, text: str, moment: datetime | None
) -> None:
    """Epoch numbers of any unit and type, offsets and named zones are times; what is none leaves the time unknown."""
    (capture,) = recorded(FakeAthena(["event", "timestamp"], [("{}", text)]), monkeypatch)
    assert capture.sent_at == moment


def test_a_key_of_partitions_may_be_a_member_of_an_eventbridge_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of EventBridge's events that is partitioned by their source gives events with it; other keys stay out."""
    columns = [("id", "string"), ("detail-type", "string"), ("detail", "struct<a:int>")]
    keys = [("source", "string"), ("region", "string"), ("dt", "string")]
    names = [name for name, _ in columns + keys]
    row = ("i", "Order", '{"a":1}', "shop", "us-east-1", "2026-11-20")
    (capture,) = recorded(FakeAthena(names, [row], table=table(*columns, keys=keys)), monkeypatch, table="d.t")
    assert json.loads(capture.body) == {
        "id": "i",
        "detail-type": "Order",
        "detail": {"a": 1},
        "source": "shop",
        "region": "us-east-1",
    }


def test_lines_of_a_log_are_joined_by_their_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are lines: a failed request is found, and its event, logged rows away, is put to it."""
    lines = [
        line
        for number in range(50)
        for line in (failed_in_json(number, {"n": number}) if number == 7 else good_in_json(number))
    ]
    lines.append(lines.pop(lines.index(failed_in_json(7, {"n": 7})[1])))
    found = recorded(FakeAthena(["@message"], [(line,) for line in lines]), monkeypatch)
    assert [json.loads(each.body) for each in found] == [{"n": 7}]
    assert found[0].origin.identity == request_id(7)
    assert found[0].failure is not None


def test_a_failure_without_its_event_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed request that logged no event makes no fixture, and is named."""
    lines = failed_in_json(3, {"n": 3})
    del lines[1]
    with recording(FakeAthena(["message"], [(line,) for line in lines]), monkeypatch, rows="lines") as opened:
        assert list(opened.captures()) == []
    assert any("1 failed request has no event" in note for note in opened.notes)


# Options


@pytest.mark.parametrize(
    "options",
    [
        {"query": "SELECT 1", "table": "d.t"},
        {"query": "DROP TABLE x"},
        {"query": "INSERT INTO x SELECT 1"},
        {"query": "-- SELECT\nUNLOAD (SELECT 1) TO 's3://x/'"},
        {"query": ""},
        {"table": "a.b.c.d"},
        {"table": "a..b"},
        {"table": "d.t", "max_scan": "much"},
        {"table": "d.t", "max_scan": "0GB"},
        {"table": "d.t", "engine": "presto"},
        {"table": "d.t", "rows": "pairs"},
        {"table": "d.t", "path": ("s3://b/x",)},
        {"table": "d.t", "event_at": "$.*"},
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    """Options that contradict each other, and queries that would change something."""
    with pytest.raises(ConfigurationError):
        AthenaOptions(**options)


@pytest.mark.parametrize("options", [{}, {"engine": "duckdb"}])
def test_rows_must_be_named_to_be_read(options: dict[str, Any]) -> None:
    """Without a query, table or path nothing is opened; for permissions no rows need be named."""
    source = AthenaSource(AthenaOptions(**options))
    with pytest.raises(SourceError, match="it is not said"):
        source.open()
    named = {action for each in source.permissions(AwsPlace()) for action in each.actions}
    assert ("athena:StartQueryExecution" in named) == (not options)


def test_permissions_name_what_the_options_name() -> None:
    """The policy is as narrow as the options: this workgroup, this table, this place of results."""
    options = AthenaOptions(table="ops.failures", workgroup="team", output_location="s3://results/here/")
    place = AwsPlace(region="eu-west-1", account_id="111122223333")
    resources = {each for permission in AthenaSource(options).permissions(place) or () for each in permission.resources}
    assert {
        "arn:aws:athena:eu-west-1:111122223333:workgroup/team",
        "arn:aws:glue:eu-west-1:111122223333:database/ops",
        "arn:aws:glue:eu-west-1:111122223333:table/ops/failures",
        "arn:aws:s3:::results/here/*",
    } <= resources


@pytest.mark.parametrize("query", ["select 1", " -- a\n/* b */ (WITH a AS (SELECT 1) SELECT * FROM a)", "VALUES 1"])
def test_queries_that_read_are_taken(query: str) -> None:
    """Comments and brackets before the first word do not matter."""
    check_reads_only(query)


@given(st.text(), st.text())
def test_quotes_cannot_be_left(name: str, value: str) -> None:
    """Whatever stands in a name or a text, it ends where its quotes end."""
    assert identifier(name)[1:-1].replace('""', "").count('"') == 0
    assert literal(value)[1:-1].replace("''", "").count("'") == 0
    if name and "`" not in name:
        assert table_name(identifier(name)) == (name,)


@pytest.mark.parametrize(
    ("text", "size"),
    [("10GB", 10**10), ("1.5 tb", 1_500_000_000_000), ("500", 500), ("1GiB", 2**30), ("3MB", 3_000_000)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    """By thousands, or by 1,024 where that is written."""
    assert byte_size(text, option="--max-scan") == size


def test_sizes_are_shown_shortly() -> None:
    """Three digits are enough for eyes."""
    assert [shown_bytes(each) for each in (0, 999, 1_000, 12_345_678, 10**13)] == [
        "0 B",
        "999 B",
        "1 KB",
        "12.3 MB",
        "10 TB",
    ]


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


def test_the_calls_are_those_that_boto3_knows(moto: None) -> None:
    """Against moto, which runs no query but knows the API: rows that were queued there are recorded."""
    queue_results(["event"], [('{"a": 1}',), (None,)])
    options = AthenaOptions(query=QUERY, output_location="s3://results/", region="us-east-1")
    with AthenaSource(options).open() as opened:
        assert bodies(list(opened.captures())) == ['{"a": 1}']
    assert boto3.client("athena", region_name="us-east-1").list_query_executions()["QueryExecutionIds"]


@pytest.mark.parametrize(
    ("options", "database", "tables"),
    [
        ({"query": "SELECT event FROM other.failures", "database": "ops"}, "database/*", "table/*/*"),
        ({"table": "failures", "database": "ops"}, "database/ops", "table/ops/failures"),
        ({"table": "other.failures", "database": "ops"}, "database/other", "table/other/failures"),
    ],
)
def test_the_policy_allows_every_database_that_a_query_may_name(
    options: dict[str, Any], database: str, tables: str
) -> None:
    """A table is in the one database that is told; a query may name tables of others than --database."""
    needed = AthenaSource(AthenaOptions(**options)).permissions(AwsPlace(region="eu-west-1", account_id="1" * 12))
    (glue,) = [each for each in needed if "glue:GetTable" in each.actions]
    assert [arn.partition(":" + "1" * 12 + ":")[2] for arn in glue.resources] == ["catalog", database, tables]


def test_that_the_source_opens_says_nothing_of_seeing_the_workgroup() -> None:
    """Without GetWorkGroup a query runs all the same: that the source opened must not be told as proof of it."""
    needed = AthenaSource(AthenaOptions(table="ops.t")).permissions(AwsPlace(region="eu-west-1", account_id="1" * 12))
    (seen,) = [each for each in needed if "athena:GetWorkGroup" in each.actions]
    assert seen.optional
    assert not seen.opened
