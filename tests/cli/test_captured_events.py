"""`replay run --events`: captured events that are no fixtures, here and against a target that answers."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine

HANDLER = """\
def handler(event, context):
    if "Records" in event:
        return {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in event["Records"] if "bad" in each["body"]]}
    return event["order"]
"""
SECRET = "AKIAIOSFODNN7EXAMPLE-jane.doe@example.com"


@pytest.fixture
def folder(project: Callable[..., Path]) -> Path:
    return project(HANDLER)


def write(path: Path, *events: object) -> str:
    path.write_text("".join(f"{event if isinstance(event, str) else json.dumps(event)}\n" for event in events))
    return path.name


def test_each_is_judged_by_itself(folder: Path, replay_: CommandLine) -> None:
    """What succeeds is fine, what fails is not, grouped by its failure with places that can be run again: exit code 1."""
    place = write(folder / "events.jsonl", {"order": 1}, {}, {"order": 2}, {"x": 1})
    told = replay_("run", "--events", place)
    assert told.exit_code == 1
    assert "4 events" in told.stdout
    assert "2 succeeded, 2 failed" in told.stdout
    assert told.stdout.count("KeyError: 'order'") == 1
    assert "replay run --events events.jsonl:2" in told.stdout
    one = replay_("run", "--events", "events.jsonl:2", "--json")
    assert (one.exit_code, one.documents[0]["event"], one.documents[0]["verdict"]) == (1, "events.jsonl:2", "failed")
    assert replay_("run", "--events", "events.jsonl:3").exit_code == 0


def test_an_event_is_delivered_as_its_source_would(folder: Path, replay_: CommandLine) -> None:
    """A message of a queue that the function reports as failed has failed, although nothing was raised."""
    records = [
        {
            "messageId": str(number),
            "body": body,
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:1:q",
        }
        for number, body in enumerate(("good", "bad"))
    ]
    settings = folder / "pyproject.toml"
    settings.write_text(settings.read_text() + 'event_source = { kind = "sqs", report_batch_item_failures = true }\n')
    told = replay_("run", "--events", write(folder / "events.jsonl", {"Records": records}), "--json")
    assert told.documents[0]["status"] == "partially_failed", told.stderr
    assert (told.exit_code, told.documents[0]["verdict"]) == (1, "failed")


def test_nothing_of_an_event_is_told(folder: Path, replay_: CommandLine, tmp_path: Path) -> None:
    """Captured events are not redacted: neither stdout nor stderr nor any file of ours has a word of them."""
    place = write(folder / "events.jsonl", {"x": SECRET}, f'{{"x": "{SECRET}"', {"order": SECRET})
    for words in ((), ("--json",)):
        told = replay_("run", "--events", place, *words)
        assert told.exit_code == 2
        assert SECRET not in told.stdout + told.stderr
    (folder / "app.py").write_text("def handler(event, context):\n    raise ValueError(event['x'])\n")
    told = replay_("run", "--events", f"{place}:1", "--json")
    assert told.documents[0]["error"]["type"] == "ValueError"
    assert SECRET not in told.stdout + told.stderr
    assert not [path for path in tmp_path.rglob(".replay/**/*") if path.is_file() and SECRET in path.read_text()]


def test_a_folder_is_read_in_order_and_packed(folder: Path, replay_: CommandLine) -> None:
    """JSON Lines by their names, other files left alone."""
    (folder / "captured").mkdir()
    write(folder / "captured" / "b.jsonl", {"order": 3})
    write(folder / "captured" / "a.ndjson", {"order": 1}, {"order": 2})
    write(folder / "captured" / "notes.txt", "none")
    told = replay_("run", "--events", "captured", "--json")
    assert told.exit_code == 0, told.stderr
    assert [each["event"] for each in told.documents[:-1]] == [
        "captured/a.ndjson:1", "captured/a.ndjson:2", "captured/b.jsonl:1"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--events", "nowhere.jsonl"), "no such file"),
        (("--events", "empty.jsonl"), "there are no events"),
        (("--events", "s3://No_Bucket/x"), "no place in S3"),
        (("--events", "events.jsonl", "f/*"), "PATTERN"),
        (("--events", "events.jsonl", "--red"), "--red"),
        (("--events", "events.jsonl", "--junit", "x.xml"), "--junit"),
        (("--events", "events.jsonl", "--where", "{}"), "--where"),
        (("--events", "events.jsonl", "--dry-run"), "--dry-run"),
        (("--events", "events.jsonl", "--rate", "5/s"), "--rate"),
        (("--events", "events.jsonl", "--target", "local", "--target", "process"), "--target"),
        (("--events", "events.jsonl", "--target", "sqs:orders"), "gives no answer"),
        (("--function", "f"), "--events"),
    ],
)
def test_what_cannot_be_meant_is_refused(folder: Path, replay_: CommandLine, words: tuple[str, ...], said: str) -> None:
    """Options of fixtures, places without events, and targets that give no answer: exit code 2, before anything runs."""
    write(folder / "events.jsonl", {"order": 1})
    write(folder / "empty.jsonl", "", " ")
    (folder / "fixtures").mkdir(exist_ok=True)
    told = replay_("run", *words)
    assert told.exit_code == 2
    assert said in told.stderr


def test_whose_events_they_are_must_be_known(folder: Path, replay_: CommandLine) -> None:
    """With several functions somebody says it; what was exported from another function's fixture is not sent."""
    settings = folder / "pyproject.toml"
    settings.write_text(settings.read_text() + '\n[tool.replay.functions.g]\nhandler = "app.handler"\n')
    place = write(
        folder / "events.jsonl", {"order": 1}, '{"fixture":"g/x--11112222","event":{"order": 2}}',
        '{"fixture":"f/x--11112222","event":{"order": 3}}',
    )  # fmt: skip
    asked = replay_("run", "--events", place)
    assert asked.exit_code == 2
    assert "--function" in asked.stderr
    told = replay_("run", "--events", place, "--function", "f", "--json")
    assert told.documents[-1]["verdicts"] == {"succeeded": 2, "error": 1}
    assert "exported from a fixture of 'g'" in told.stderr


def test_many_ways_to_fail_are_counted(folder: Path, replay_: CommandLine) -> None:
    """However many ways there are, only so many are kept, and the others counted."""
    from replay.reports import event_groups

    (folder / "app.py").write_text(
        "def handler(event, context):\n    raise type('E' + 'x' * event['n'], (Exception,), {})()\n"
    )
    place = write(folder / "events.jsonl", *({"n": number} for number in range(6)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_groups, "_MOST_GROUPS", 4)
        told = replay_("run", "--events", place, "--json")
    assert told.documents[-1]["other_failures"] == 2
    assert len(told.documents[-1]["failures"]) == 4
    assert told.documents[-1]["verdicts"] == {"failed": 6}
