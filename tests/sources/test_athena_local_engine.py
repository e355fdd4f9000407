"""The local engine: the same queries and patterns over objects and files, on this machine."""

import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import zstandard
from moto import mock_aws

from replay.errors import ConfigurationError, SourceError
from replay.fixtures.store import Store
from replay.payloads.captures import Capture
from replay.payloads.event_patterns import compile_pattern
from replay.recorder import record
from replay.redaction.redactor import Redactor
from replay.sources.athena import AthenaOptions, AthenaSource
from replay.sources.athena_parts.local_engine import LocalEngine
from replay.sources.s3_log_parts.log_objects import Window, files_lister
from tests.sources.log_samples import failed_in_json, good_in_json

EVENTS = [{"id": f"A-{number}", "amount": number, "detail": {"ok": number % 2 == 0}} for number in range(100)]
LINES = [json.dumps(event) for event in EVENTS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log of three hours: plain, gzip and Zstandard."""
    parts = [LINES[:40], LINES[40:70], LINES[70:]]
    packed = [str.encode, lambda text: gzip.compress(text.encode()), lambda text: zstandard.compress(text.encode())]
    for hour, (lines, pack) in enumerate(zip(parts, packed, strict=True)):
        path = tmp_path / "2026" / "11" / "21" / f"0{hour}" / "part"
        path.parent.mkdir(parents=True)
        path.write_bytes(pack("\n".join(lines) + "\n"))  # type: ignore[operator]  # three kinds of callables
    return tmp_path


def recorded(path: Path | str, where: Any = None, *, notes: list[str] | None = None, **options: Any) -> list[Capture]:
    with AthenaSource(AthenaOptions(engine="duckdb", path=(str(path),), **options)).open() as recording:
        recording.matching(compile_pattern(where) if where else None)
        found = list(recording.captures())
    if notes is not None:
        notes += recording.notes
    return found


def ids(found: list[Capture]) -> list[str]:
    return [json.loads(each.body)["id"] for each in found]


def test_every_line_is_an_event_exactly(folder: Path) -> None:
    """Without a query each line of each object comes as it is, whatever it is packed with."""
    assert [each.body for each in recorded(folder)] == LINES


def test_a_pattern_leaves_out_lines_in_the_engine(folder: Path) -> None:
    """With --event-at the pattern is decided in DuckDB, so that other lines never become captures."""
    found = recorded(folder, {"amount": [{"numeric": [">=", 98]}]}, event_at="line")
    assert ids(found) == ["A-98", "A-99"]
    assert ids(recorded(folder, {"id": ["A-7"]}, rows="events")) == ["A-7"]


@pytest.mark.parametrize(
    "where",
    [
        {"amount": [{"numeric": [">", 90]}]},
        {"id": [{"prefix": "A-1"}], "detail": {"ok": [True]}},
        {"$or": [{"id": ["A-3"]}, {"detail": {"ok": [{"exists": False}]}}]},
        {"gone": [{"exists": False}], "amount": [0, 50.0]},
    ],
)
def test_a_recording_is_the_same_whoever_filters(folder: Path, tmp_path: Path, where: dict[str, Any]) -> None:
    """What the engine leaves out is what the recorder would have skipped: the fixtures are the same."""
    kept = {}
    for rows in ("events", None):  # without saying that rows are events, all of them come here
        store = Store(tmp_path / f"fixtures-{rows}")
        source = AthenaSource(AthenaOptions(engine="duckdb", path=(str(folder / "2026"),), rows=rows))
        summary = record(source, store=store, function="f", redact=Redactor(), where=where, keep_all=True)
        kept[rows] = sorted(store.load(each).event_text for each in store.references_of("f"))
        assert len(kept[rows]) == summary.written
        assert summary.seen == (100 if rows is None else summary.seen)
    assert kept["events"] == kept[None]
    assert 0 < len(kept[None]) < 100


@pytest.mark.parametrize(
    "query",
    [
        "SELECT line FROM logs WHERE json_extract_scalar(line, '$.id') = 'A-42'",
        "SELECT line AS event, id FROM logs WHERE id = 'A-42'",
        """WITH hit AS (SELECT * FROM logs WHERE regexp_like(line, '"A-42"')) SELECT line FROM hit ORDER BY 1""",
        """SELECT line FROM logs WHERE json_extract_scalar(line, '$["amount"]') = '42'""",
        """SELECT line FROM "logs" WHERE TRY_CAST(amount AS double) = 42 AND strpos("$path", 'part') > 0""",
    ],
)
def test_queries_see_lines_and_their_members(folder: Path, query: str) -> None:
    """A query of Athena over a table of lines, or of members, finds the same here."""
    assert [each.body for each in recorded(folder, query=query)] == [LINES[42]]


def test_members_that_only_later_objects_have_can_be_asked_for(folder: Path) -> None:
    """Every line of every object tells what members there are, not only the first ones."""
    last = folder / "2026" / "11" / "21" / "03" / "part"
    last.parent.mkdir()
    last.write_text("{}\n" * 1_500 + '{"id": "late", "class": "KeyError"}\n', encoding="utf-8")
    assert ids(recorded(folder, query="SELECT line FROM logs WHERE class = 'KeyError'")) == ["late"]


def test_a_member_that_no_line_has_is_told_with_another_way(folder: Path) -> None:
    """The error's hint says which members are columns, and what reads the others."""
    with pytest.raises(SourceError) as caught:
        recorded(folder, query="SELECT line FROM logs WHERE nope = 'x'")
    assert "one of each member that any line has" in caught.value.hint
    assert "json_extract_scalar(line, '$.member')" in caught.value.hint


def test_members_that_differ_in_case_are_one_column(tmp_path: Path) -> None:
    """Whichever spelling a line has, the column has its value, as in a table of a catalog."""
    lines = ['{"id": "1", "level": "error"}', '{"id": "2", "Level": "error"}', '{"id": "3", "LEVEL": "info"}']
    (tmp_path / "log").write_text("\n".join(lines), encoding="utf-8")
    query = "SELECT line FROM logs WHERE Level = 'error' ORDER BY id"
    assert ids(recorded(tmp_path, query=query, rows="events")) == ["1", "2"]


def test_lines_that_the_engine_cannot_read_are_told(tmp_path: Path) -> None:
    """A query does not see the members of a line with half a surrogate pair: a note says how many, and what does."""
    lines = ['{"event": {"n": 1}}', '{"event": {"n": "cut \\ud83d"}}', "START RequestId: 1"]
    (tmp_path / "log").write_text("\n".join(lines), encoding="utf-8")
    notes: list[str] = []
    assert len(recorded(tmp_path, query="SELECT event FROM logs WHERE event IS NOT NULL", notes=notes)) == 1
    (told,) = [note for note in notes if "DuckDB cannot read" in note]
    assert told.startswith("1 line ")
    assert "--event-at '$.event'" in told
    assert [each.body for each in recorded(tmp_path, event_at="$.event")] == ['{"n": 1}', '{"n": "cut \\ud83d"}']


def test_the_line_itself_gives_the_event_of_a_query_exactly(tmp_path: Path) -> None:
    """DuckDB writes a member anew; --event-at with the column of the whole line keeps numbers as they are written."""
    (tmp_path / "log").write_text('{"level": "error", "event": {"n": 1.10}}\n', encoding="utf-8")
    query = "SELECT line FROM logs WHERE level = 'error'"
    assert [each.body for each in recorded(tmp_path, query=query, event_at="$.event")] == ['{"n": 1.10}']


@pytest.mark.parametrize(
    ("column", "moment"),
    [
        ("from_iso8601_timestamp(sent)", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("from_unixtime(1795168800)", datetime(2026, 11, 20, 10, tzinfo=UTC)),
    ],
)
def test_times_with_a_zone_can_be_selected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, moment: datetime
) -> None:
    """They come as text, in the order asked for, also where pytz, which DuckDB's package wants, is not installed."""
    monkeypatch.setitem(sys.modules, "pytz", None)
    lines = [json.dumps({"n": number, "sent": "2026-11-20T10:00:00+01:00"}) for number in range(3)]
    (tmp_path / "log").write_text("\n".join(lines), encoding="utf-8")
    query = f"SELECT line AS event, {column} AS timestamp, [{column}] AS event FROM logs ORDER BY n DESC; "
    found = recorded(tmp_path, query=query, event_at="event")
    assert [each.body for each in found] == lines[::-1]
    assert {each.sent_at for each in found} == {moment}


@pytest.mark.parametrize("key", ["order[id]", "a]", "[", "a[0]"])
def test_brackets_in_the_name_of_a_member_are_no_places_of_a_list(tmp_path: Path, key: str) -> None:
    """A pattern over such a member finds in the engine what it finds here."""
    lines = [json.dumps({"event": {key: value}}) for value in ("x", "y", "x y")]
    (tmp_path / "log").write_text("\n".join(lines), encoding="utf-8")
    assert [each.body for each in recorded(tmp_path, {key: ["x"]}, event_at="$.event")] == [json.dumps({key: "x"})]


def test_a_condition_that_duckdb_refuses_is_told() -> None:
    """What DuckDB says of the condition of a pattern is an error of ours, as that of a query is."""
    listers = [files_lister(__file__)]
    engine = LocalEngine(listers, None, table="logs", window=Window(), most_bytes=10**6)
    with pytest.raises(SourceError, match="DuckDB does not take the query"):
        list(engine.select(("logs",), (), "nope = 1"))
    engine.close()


def test_the_table_is_called_as_the_user_says(folder: Path) -> None:
    """--table names the table that a query speaks of."""
    found = recorded(folder, query="SELECT line FROM \"orders\" WHERE id = 'A-1'", table="orders")
    assert ids(found) == ["A-1"]


def test_only_folders_of_the_time_are_read(folder: Path) -> None:
    """--since and --until leave out objects by their keys, an hour wider."""
    options = AthenaOptions(engine="duckdb", path=(str(folder),))
    with AthenaSource(options).open() as recording:
        recording.within(None, datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
        assert len(list(recording.captures())) == 40


def test_objects_of_a_bucket_are_fetched_by_our_own_client(folder: Path) -> None:
    """S3 needs no extension of DuckDB: the same objects give the same events."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="app-logs")
        for path in sorted(folder.rglob("part")):
            client.put_object(Bucket="app-logs", Key=f"logs/{path.relative_to(folder)}", Body=path.read_bytes())
        notes: list[str] = []
        found = recorded("s3://app-logs/logs/", region="us-east-1", notes=notes)
    assert [each.body for each in found] == LINES
    assert len(notes) == 1
    assert notes[0].startswith("DuckDB read ")


def test_lines_of_a_log_are_joined_here_too(tmp_path: Path) -> None:
    """A log of a function gives its failed request with the event, as `s3-logs` does."""
    lines = [line for n in range(20) for line in (failed_in_json(n, {"n": n}) if n == 3 else good_in_json(n))]
    (tmp_path / "log").write_text("".join(lines), encoding="utf-8")
    (found,) = recorded(tmp_path)
    assert json.loads(found.body) == {"n": 3}
    assert found.failure is not None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nope FROM logs",
        "SELECT * FROM nowhere",
        "SELECT FROM",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
    ],
)
def test_a_query_that_cannot_run_is_told_and_no_file_is_opened(folder: Path, query: str) -> None:
    """DuckDB's own words say what is wrong; a query reaches nothing but the lines."""
    with pytest.raises(SourceError) as caught:
        recorded(folder, query=query)
    assert caught.value.what.startswith("DuckDB does not take the query: ")
    assert caught.value.what.isprintable()
    assert "root:" not in caught.value.what


def test_values_that_an_error_quotes_are_not_shown(tmp_path: Path) -> None:
    """A cast that fails says so, without the value that nobody has redacted."""
    (tmp_path / "log").write_text('{"mail": "jane@example.com"}\n', encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        recorded(tmp_path, query="SELECT CAST(mail AS integer) AS event FROM logs")
    assert "ConversionException, of a value in the lines" in caught.value.what
    assert "jane" not in str(caught.value)


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    """A gzip without its end, and bytes that are no UTF-8, take nothing else with them."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"\n".join(b'{"id": "%d"}' % n for n in range(5_000)))[:-2_000])
    (tmp_path / "b").write_bytes(b'{"id": "\xff"}\n\n{"id": "good"}\r\n')
    notes: list[str] = []
    found = ids(recorded(tmp_path, notes=notes))
    assert found[-2:] == ["\ufffd", "good"]
    assert "0" in found
    assert f"1 time, first in {tmp_path / 'a.gz'}: it is not whole gzip: the end is missing" in notes
    assert any("not UTF-8" in note for note in notes)


def test_an_empty_folder_and_a_missing_one_are_told(tmp_path: Path) -> None:
    """Nothing to read is an error, not an empty success."""
    with pytest.raises(SourceError):
        recorded(tmp_path)
    with pytest.raises(SourceError):
        recorded(tmp_path / "nothing")


def test_no_database_is_left(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary database is removed, also when a query fails or the recording is left."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    recorded(folder, query="SELECT line FROM logs")
    with pytest.raises(SourceError):
        recorded(folder, query="SELECT nope FROM logs")
    with AthenaSource(
        AthenaOptions(engine="duckdb", path=(str(folder),), query="SELECT line FROM logs")
    ).open() as left:
        next(iter(left.captures()))
    assert list(temporary.iterdir()) == []


def test_without_the_package_the_error_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigurationError) as caught:
        recorded(folder, query="SELECT line FROM logs")
    assert caught.value.hint == 'pip install "event-replay[duckdb]"'
