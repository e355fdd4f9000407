"""What every source keeps to, whoever wrote it: one suite over all that are registered."""

import base64
import dataclasses
import json
import re
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from moto import mock_aws

from replay.errors import ConfigurationError
from replay.fixtures.store import Store
from replay.payloads.captures import Capture
from replay.recorder import Progress, record
from replay.redaction.redactor import Redactor
from replay.sources import registry
from replay.sources.advance import Advance
from replay.sources.base import Consumed, Recording, Settlement, Source
from replay.sources.permissions import AwsPlace
from replay.sources.registry import source_class, source_names
from tests.enrichment.lambda_log import LambdaLog
from tests.sources.archives import ARCHIVE, make_archive, replays_as_on_aws
from tests.sources.athena_results import queue_results
from tests.sources.log_samples import failed_in_text
from tests.sources.traced_requests import put_trace

BODIES = ['{"n": 1}', '{"n": 2.50}', '{"n": 3, "n": 4}']


def _sqs(folder: Path) -> dict[str, Any]:
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="contract")["QueueUrl"]
    for body in BODIES:
        client.send_message(QueueUrl=url, MessageBody=body)
    return {"queue": "contract", "wait_s": 0, "concurrency": 1}


def _files(folder: Path) -> dict[str, Any]:
    path = folder / "events.jsonl"
    path.write_text("\n".join(BODIES), encoding="utf-8")
    return {"path": (str(path),)}


def _cloudwatch_logs(folder: Path) -> dict[str, Any]:
    began = datetime.now(UTC) - timedelta(minutes=10)
    log = LambdaLog(boto3.client("logs"), at_ms=int(began.timestamp() * 1000))
    for body in BODIES:
        log.invoke(f"event: {body}\n", error="KeyError: 'a'")
    return {"function": "orders", "function_timeout_s": 3.0}


def _s3_logs(folder: Path) -> dict[str, Any]:
    client = boto3.client("s3")
    client.create_bucket(Bucket="app-logs")
    for number, body in enumerate(BODIES):
        lines = "".join(failed_in_text(number, f"event: {body}"))
        client.put_object(Bucket="app-logs", Key=f"2026/11/21/0{number}/a", Body=lines.encode())
    return {"bucket": "app-logs"}


def _eventbridge_archive(folder: Path) -> dict[str, Any]:
    make_archive(BODIES)
    return {"archive": ARCHIVE, "settle_s": 0, "wait_s": 0}


def _athena(folder: Path) -> dict[str, Any]:
    queue_results(["event"], [(body,) for body in BODIES], times=5)
    return {"query": "SELECT event FROM failed", "output_location": "s3://results/"}


def _stream(folder: Path) -> dict[str, Any]:
    client = boto3.client("kinesis")
    client.create_stream(StreamName="clicks", ShardCount=2)
    for number, body in enumerate(BODIES):
        client.put_record(StreamName="clicks", Data=body.encode(), PartitionKey=f"key-{number}")
    return {"stream": "clicks", "function": "orders"}


def _xray(folder: Path) -> dict[str, Any]:
    log = LambdaLog(boto3.client("logs"), at_ms=int(time.time() * 1000) - 600_000)
    for body in BODIES:
        put_trace(log, f"event: {body}\n", error="KeyError: 'a'")
    return {"function": "orders", "function_timeout_s": 3.0, "filter": ""}


_PREPARED = {
    "athena": _athena,
    "sqs": _sqs,
    "files": _files,
    "s3-logs": _s3_logs,
    "cloudwatch-logs": _cloudwatch_logs,
    "eventbridge-archive": _eventbridge_archive,
    "stream": _stream,
    "xray": _xray,
}
"""For each source of ours: how to make three events for it, and the options that find them. A new source adds a line."""


@pytest.fixture(params=source_names())
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    with mock_aws(), replays_as_on_aws():
        kind = source_class(request.param)
        yield kind(kind.options(**_PREPARED[request.param](tmp_path)))


def test_it_gives_each_event_once_with_an_identity_for_ever(source: Source) -> None:
    """Every capture has its own identity, the same in the next recording, and names its source and place."""
    found = [_recorded(source) for _ in range(2)]
    for captures in found:
        assert sorted(map(_prepared_body, captures)) == sorted(BODIES)
        assert len({capture.origin.identity for capture in captures}) == len(BODIES)
        assert {capture.origin.source for capture in captures} == {source.name}
        assert all(capture.origin.place for capture in captures)
    first, second = ({(capture.origin.arn, capture.origin.identity) for capture in captures} for captures in found)
    assert first == second


def _prepared_body(capture: Capture) -> str:
    """Give the body that was prepared: the detail of a bus's event, as moto writes it, or the data of a record."""
    if capture.origin.source == "stream":
        (told,) = json.loads(capture.body)["Records"]
        return base64.b64decode(told["kinesis"]["data"]).decode()
    if capture.origin.source != "eventbridge-archive":
        return capture.body
    detail = json.loads(capture.body)["detail"]
    return next(body for body in BODIES if json.loads(body) == detail)


def _recorded(source: Source) -> list[Capture]:
    with source.open() as recording:
        return list(recording.captures())


def test_it_consumes_nothing_by_default(source: Source) -> None:
    """Settling a capture as kept leaves it where it was, unless the user has asked for more."""
    with source.open() as recording:
        assert not recording.consumes
        for capture in recording.captures():
            recording.settle([Settlement(capture=capture, kept=True, changed=False)])
    assert recording.consumed() == Consumed()
    assert len(_recorded(source)) == len(BODIES)


def test_it_may_be_left_at_any_moment(source: Source) -> None:
    """Closed after the first capture, or before it, or twice, it gives everything again the next time."""
    source.open().close()
    with source.open() as recording:
        next(iter(recording.captures()))
    recording.close()
    assert len(_recorded(source)) == len(BODIES)


def test_ctrl_c_leaves_what_is_done_and_the_next_recording_goes_on(source: Source, tmp_path: Path) -> None:
    """Interrupted after the first capture, its fixture is whole; recorded again it is known, and the rest is added."""
    store = Store(tmp_path / "fixtures")

    def interrupt(to: Progress) -> None:
        if to.seen:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"store": store, "function": "orders", "redact": Redactor()}
    first = record(source, progress=interrupt, **options)
    assert (first.interrupted, first.written) == (True, 1)
    second = record(source, **options)
    assert (second.written, second.duplicates) == (len(BODIES) - 1, 1)
    third = record(source, **options)
    assert (third.written, third.duplicates) == (0, len(BODIES))
    assert len(store.references_of("orders")) == len(BODIES)


def test_it_declares_what_aws_must_allow(source: Source) -> None:
    """Permissions are declared, or none on purpose; actions and resources are such as a policy can have."""
    declared = source.permissions(AwsPlace(region="eu-west-1", account_id="111122223333"))
    assert declared is not None
    assert "permissions" in vars(type(source)), "declared by the source's own file"
    for each in declared:
        assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9*]+", action) for action in each.actions)
        assert all(re.fullmatch(r"\*|arn:aws:[a-z0-9-]+:\S*", resource) for resource in each.resources)
        assert each.why
        assert each.why[0].islower()


def test_its_total_is_a_count_or_unknown(source: Source) -> None:
    """The progress bar gets a number, or None."""
    with source.open() as recording:
        assert recording.total() in {None, len(BODIES)}


def test_it_says_how_far_it_is(source: Source) -> None:
    """Whoever waits is told: how many there are, or what the source goes through, never backwards, to its end at most."""
    told: list[Advance] = []
    with source.open() as recording:
        recording.advanced = told.append
        total = recording.total()
        list(recording.captures())
    assert told or total is not None
    assert all(each.doing and each.doing.isprintable() for each in told)
    assert all(0 <= each.done <= each.total for each in told if each.total is not None)
    for doing in {each.doing for each in told}:
        done = [each.done for each in told if each.doing == doing]
        assert done == sorted(done)


def test_notes_are_sentences_for_people(source: Source) -> None:
    """Notes are single printable lines."""
    with source.open() as recording:
        list(recording.captures())
    assert all(note.isprintable() for note in recording.notes)


@pytest.mark.parametrize("name", source_names())
def test_its_options_can_become_a_command_line(name: str) -> None:
    """Options are one frozen dataclass of scalars and tuples, each with words of help."""
    kind = source_class(name)
    assert kind.name == name
    assert kind.summary
    assert kind.options.__dataclass_params__.frozen  # type: ignore[attr-defined]  # what dataclasses leave behind
    hints = typing.get_type_hints(kind.options)
    for field in dataclasses.fields(kind.options):
        assert field.metadata["help"], field.name
        plain = set(typing.get_args(hints[field.name]) or (hints[field.name],))
        assert plain <= {str, int, float, bool, Path, type(None), ...}, field.name


# The registry


def test_all_files_that_declare_a_name_are_sources() -> None:
    """Each source of ours is found by itself, and files that only help one are not."""
    assert source_names() == tuple(sorted(_PREPARED))


def test_listing_names_imports_no_source() -> None:
    """Looking up what there is costs no boto3 and no source module."""
    code = (
        "import sys, replay.sources.registry as r; r.source_names();"
        "print([m for m in sys.modules if m.startswith('replay.sources.') or m == 'boto3'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "replay.sources.sqs'" not in done.stdout
    assert "boto3" not in done.stdout


def test_an_unknown_source_suggests_the_near_one() -> None:
    """A misspelt source is told with those that there are."""
    with pytest.raises(ConfigurationError) as caught:
        source_class("file")
    assert caught.value.expected == f"one of {', '.join(source_names())}"
    assert caught.value.hint == "did you mean files?"


class _Elsewhere(Source):
    """A source of another package."""

    name: ClassVar[str] = "elsewhere"
    summary: ClassVar[str] = "events from elsewhere"
    options: ClassVar[type[Any]] = dict

    def __init__(self, options: Any) -> None:
        pass

    def open(self) -> Recording:
        raise NotImplementedError


class _Entry:
    def __init__(self, loaded: object) -> None:
        self.name, self.value, self._loaded = "elsewhere", "package:thing", loaded

    def load(self) -> object:
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


def test_another_package_adds_a_source_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third party's source stands beside ours."""
    monkeypatch.setattr(registry, "_entry_points", lambda: {"elsewhere": _Entry(_Elsewhere)})
    assert source_names() == tuple(sorted({*_PREPARED, "elsewhere"}))
    assert source_class("elsewhere") is _Elsewhere


@pytest.mark.parametrize("loaded", [ImportError("x"), object(), int])
def test_a_broken_package_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch, loaded: object) -> None:
    """A third party's module that cannot be imported, or holds no source, is one clear error."""
    monkeypatch.setattr(registry, "_entry_points", lambda: {"elsewhere": _Entry(loaded)})
    with pytest.raises(ConfigurationError) as caught:
        source_class("elsewhere")
    assert "package:thing" in str(caught.value)


def test_every_source_has_its_preparation() -> None:
    """A new source file fails here until it says how to make events for it."""
    assert _PREPARED.keys() == set(source_names())
    assert all(json.loads(body) for body in BODIES)
