"""`replay export`: events as JSON Lines, redacted ones only, in a file or in S3, whole or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, FixtureError, TargetRefused
from replay.export import export_fixtures, export_to_bucket, plan_bucket_export
from replay.payloads.exact_json import parse
from replay.project import open_project, select_fixtures
from replay.targets.corpus_parts import buckets
from replay.targets.corpus_parts.buckets import OwnedBucket, S3Place, place_of_uri
from replay.targets.corpus_parts.item_lines import item_line
from replay.targets.corpus_parts.uploads import upload_lines
from replay.targets.guard_rails import deployed
from replay.targets.guard_rails.options import DeployedOptions
from tests.cli.command_line import CommandLine, make_command_line, make_project

ACCOUNT = "123456789012"
REGION = "eu-west-1"
EVENTS = ({"id": 1, "big": 12345678901234567890123}, {"id": 2, "who": "x"}, {"id": 3})
SECTION = f'[tool.replay.targets.corpus]\nkind = "s3"\nbucket = "corpus"\naccount_id = "{ACCOUNT}"\n'


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return make_command_line(capsys)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replay_: CommandLine) -> Path:
    monkeypatch.chdir(make_project(tmp_path, "def handler(event, context): return event['x']\n", *EVENTS))
    assert replay_("record", "files", "events.jsonl", "--function", "f").exit_code == 0
    return tmp_path


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket beyond this machine."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for module in (buckets, deployed):
        monkeypatch.setattr(module, "is_on_this_machine", lambda _: False)
    with mock_aws():
        client: Any = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket="corpus", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


def configured(root: Path, section: str = SECTION) -> None:
    with (root / "pyproject.toml").open("a") as file:
        file.write(section)


def lines(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_file_has_a_line_for_each_fixture(project: Path, replay_: CommandLine) -> None:
    """Each line names its fixture and holds its event token for token; the place is on stdout."""
    told = replay_("export", "--out", "corpus.jsonl")
    assert (told.exit_code, told.stdout) == (0, "corpus.jsonl\n")
    assert "3 events" in told.stderr
    written = (project / "corpus.jsonl").read_bytes()
    fixtures = {str(each) for each in open_project(project).store.references()}
    assert {line["fixture"] for line in lines(written)} == fixtures
    assert sorted((line["event"] for line in lines(written)), key=lambda event: event["id"]) == list(EVENTS)
    assert b"12345678901234567890123" in written
    one = min(fixtures)
    assert replay_("export", one, "--out", "one.jsonl", "--json").documents == [
        {"type": "summary", "place": "one.jsonl", "events": 1, "size_bytes": (project / "one.jsonl").stat().st_size, "left_out": 0}
    ]  # fmt: skip


@given(value=st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), indent=st.sampled_from([None, 1]))  # fmt: skip
def test_a_line_is_one_line(value: Any, indent: int | None) -> None:
    """However an event is written, its line has one line break, at its end, and means the same."""
    line = item_line("orders/a", json.dumps(value, indent=indent))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert b"\r" not in line
    assert parse(line) == {"fixture": "orders/a", "event": value}


def test_half_a_surrogate_pair_is_told() -> None:
    """No UTF-8 file can hold it; as an escape it goes through."""
    assert item_line("a/b", '"\\ud800"')
    with pytest.raises(FixtureError, match="surrogate"):
        item_line("a/b", '"\ud800"')


def test_what_is_not_redacted_stays_here(project: Path, replay_: CommandLine) -> None:
    """An event that somebody has put a real address into is left out, told by name without its value: exit code 2."""
    path = next((project / "fixtures").rglob("event.json"))
    path.write_text('{"mail": "grace.hopper@navy.mil"}')
    told = replay_("export", "--out", "corpus.jsonl")
    assert told.exit_code == 2
    assert "replay redact" in told.stderr
    assert "hopper" not in told.stderr
    written = (project / "corpus.jsonl").read_bytes()
    assert len(lines(written)) == 2
    assert b"hopper" not in written


def test_a_fixture_that_cannot_be_read_is_told(project: Path, replay_: CommandLine) -> None:
    """The others are written all the same: exit code 2."""
    next((project / "fixtures").rglob("fixture.json")).write_text("{")
    told = replay_("export", "--out", "corpus.jsonl")
    assert (told.exit_code, len(lines((project / "corpus.jsonl").read_bytes()))) == (2, 2)


def test_a_file_is_there_whole_or_not_at_all(
    project: Path, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where writing breaks off, an older file stays as it was, and nothing else is left."""
    (project / "corpus.jsonl").write_text("old")
    monkeypatch.setattr("replay.export.item_line", lambda *_: 1 / 0)
    assert replay_("export", "--out", "corpus.jsonl").exit_code == 2
    assert (project / "corpus.jsonl").read_text() == "old"
    assert not list(project.glob(".*.part"))
    monkeypatch.undo()
    monkeypatch.chdir(project)
    assert replay_("export", "--out", "no-folder/x.jsonl").exit_code == 2


def test_an_object_is_written_behind_the_guard_rails(project: Path, s3: Any, replay_: CommandLine) -> None:
    """With the account in the configuration: planned, agreed to, written under a name of its own below the prefix."""
    configured(project)
    planned = replay_("export", "--s3", "s3://corpus/replays", "--dry-run")
    assert planned.exit_code == 0
    for fact in ("3 events", "arn:aws:s3:::corpus", ACCOUNT, "s3://corpus/replays/replay-"):
        assert fact in planned.stderr
    refused = replay_("export", "--s3", "s3://corpus/replays")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert "Contents" not in s3.list_objects_v2(Bucket="corpus")
    told = replay_("export", "--s3", "s3://corpus/replays", "--yes")
    assert told.exit_code == 0, told.stderr
    place = told.stdout.strip()
    (written,) = s3.list_objects_v2(Bucket="corpus")["Contents"]
    assert place == f"s3://corpus/{written['Key']}"
    assert written["Key"].startswith("replays/replay-")
    assert len(lines(s3.get_object(Bucket="corpus", Key=written["Key"])["Body"].read())) == 3
    assert replay_("export", "--s3", "s3://corpus/a/b.jsonl", "--yes").stdout == "s3://corpus/a/b.jsonl\n"


def test_without_an_account_nothing_is_written(project: Path, s3: Any, replay_: CommandLine) -> None:
    """Beyond this machine a section must say in which account the bucket is, before S3 is asked whether it is there."""
    for bucket in ("corpus", "no-such-bucket"):
        told = replay_("export", "--s3", f"s3://{bucket}/x", "--yes")
        assert told.exit_code == 2
        assert "nothing says in which account" in told.stderr
    assert "Contents" not in s3.list_objects_v2(Bucket="corpus")


@pytest.mark.parametrize(
    ("tags", "account", "why"),
    [({}, "999988887777", "credentials are those of account"), ({"stage": "prod"}, ACCOUNT, "tag stage='prod'")],
)
def test_the_guard_rails_hold(project: Path, s3: Any, tags: dict[str, str], account: str, why: str) -> None:
    """Another account and production in a tag: refused, and nothing is written; also from Python."""
    configured(project, SECTION.replace(ACCOUNT, account))
    if tags:
        s3.put_bucket_tagging(
            Bucket="corpus", Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
        )
    with pytest.raises(TargetRefused, match=why):
        plan_bucket_export(open_project(project), "s3://corpus/x")


def test_every_request_names_the_owner(s3: Any) -> None:
    """S3 itself refuses a bucket of another account that has the name; tags that may not be read are a refusal. On the request."""
    bucket = OwnedBucket("corpus", DeployedOptions(account_id=ACCOUNT, region=REGION))
    owned = {"Bucket": "corpus", "ExpectedBucketOwner": ACCOUNT}
    with Stubber(bucket.client) as stub:
        stub.add_response("head_bucket", {"BucketRegion": REGION}, owned)
        stub.add_client_error("get_bucket_tagging", "AccessDenied", http_status_code=403, expected_params=owned)
        with pytest.raises(TargetRefused, match="tags may not be read"):
            bucket.checked()
        stub.add_client_error("head_bucket", "403", http_status_code=403, expected_params=owned)
        with pytest.raises(AwsError):
            bucket.checked()
        stub.add_response("head_bucket", {"BucketRegion": "us-east-1"}, owned)
        with pytest.raises(TargetRefused, match="the bucket is in us-east-1"):
            bucket.checked()
        stub.add_response(
            "put_object", {}, {**owned, "Key": "k", "Body": b"1\n", "ContentType": "application/x-ndjson"}
        )
        upload_lines(bucket, "k", [b"1\n"])
        stub.assert_no_pending_responses()


def test_a_large_object_goes_in_parts(s3: Any) -> None:
    """Of any size in bounded memory: what arrives is what was given, and no upload is left open."""
    bucket = OwnedBucket("corpus", DeployedOptions(account_id=ACCOUNT, region=REGION))
    line = b"x" * (1024 * 1024 - 1) + b"\n"
    written = upload_lines(bucket, "large", (line for _ in range(12)), part_bytes=5 * 1024 * 1024)
    assert (written.lines, written.size_bytes) == (12, 12 * 1024 * 1024)
    found = s3.get_object(Bucket="corpus", Key="large")
    assert found["Body"].read() == line * 12
    assert found["ETag"].endswith('-3"')
    upload_lines(bucket, "even", (line for _ in range(10)), part_bytes=5 * 1024 * 1024)
    assert s3.head_object(Bucket="corpus", Key="even")["ContentLength"] == 10 * 1024 * 1024
    upload_lines(bucket, "empty", [])
    assert s3.head_object(Bucket="corpus", Key="empty")["ContentLength"] == 0


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ZeroDivisionError])
def test_an_upload_that_breaks_off_is_aborted(s3: Any, raised: type[BaseException]) -> None:
    """Also by Ctrl-C: no object, and no parts that S3 would keep and charge for."""
    bucket = OwnedBucket("corpus", DeployedOptions(account_id=ACCOUNT, region=REGION))

    def broken() -> Iterator[bytes]:
        yield b"x" * (5 * 1024 * 1024)
        raise raised

    with pytest.raises(raised):
        upload_lines(bucket, "large", broken(), part_bytes=5 * 1024 * 1024)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="corpus")
    assert "Contents" not in s3.list_objects_v2(Bucket="corpus")


def test_places_in_s3() -> None:
    """`s3://BUCKET/PREFIX`, slashes at its ends left alone; what is none is told."""
    assert place_of_uri("s3://my-bucket", where="x") == S3Place(bucket="my-bucket")
    assert str(place_of_uri("s3://my-bucket/a/b/", where="x").below("c")) == "s3://my-bucket/a/b/c"
    for wrong in (
        "",
        "s3://",
        "https://x",
        "s3://UPPER/x",
        "s3://a/b",
        "s3://bucket/\x1b[2J",
        "s3://bucket/" + "x" * 2000,
    ):
        with pytest.raises(ConfigurationError, match="no place in S3"):
            place_of_uri(wrong, where="--s3")


def test_what_is_asked_for_must_make_sense(project: Path, replay_: CommandLine) -> None:
    """One of --s3 and --out, and a target only where there is an account."""
    for words in ((), ("--out", "a", "--s3", "s3://corpus/x"), ("--out", "a", "--target", "local"), ("--s3", "s3://corpus/x", "--target", "local")):  # fmt: skip
        assert replay_("export", *words).exit_code == 2


def test_one_call_of_python_does_it(project: Path, s3: Any) -> None:
    """To a file, and to a bucket that its user has seen the plan of; beyond this machine not without."""
    opened = open_project(project)
    references = select_fixtures(opened)
    assert export_fixtures(opened, references, "corpus.jsonl").events == 3
    configured(project)
    opened = open_project(project)
    with pytest.raises(TargetRefused, match="nobody has agreed"):
        export_fixtures(opened, references, "s3://corpus/x.jsonl")
    plan = plan_bucket_export(opened, "s3://corpus/x.jsonl")
    assert export_fixtures(opened, references, "s3://corpus/x.jsonl", plan=plan).place == "s3://corpus/x.jsonl"


def test_python_is_no_way_around(project: Path, s3: Any) -> None:
    """What a caller has planned is checked again when it is written."""
    configured(project)
    opened = open_project(project)
    export = plan_bucket_export(opened, "s3://corpus/x.jsonl")
    s3.put_bucket_tagging(Bucket="corpus", Tagging={"TagSet": [{"Key": "stage", "Value": "live"}]})
    with pytest.raises(TargetRefused, match="looks like production"):
        export_to_bucket(opened, select_fixtures(opened), export)
