"""What `replay run` says before it sends: of fixtures in packs, of a run that is gone on with, of how long it takes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

import replay
from replay.demonstration.embedded_aws import embedded_aws
from replay.deployed_replay import plan_replay
from replay.deployed_replay.ledgers import how_far
from replay.fixtures import pack_catalog, segments
from replay.fixtures.packed_puts import put_packed
from replay.ledger.ledger import Ledger
from replay.payloads.event_sources import EventSource
from replay.replayer import Pace, deployed_run
from tests.cli.command_line import CommandLine
from tests.fixtures.samples import sample
from tests.targets.deployed_aws import ACCOUNT, REGION, Answer, DeployedAws, all_led_to_it

HANDLER = "def handler(event, context):\n    return event['customer_id']\n"
STAGING = f'[tool.replay.targets.staging]\nkind = "lambda"\nfunction = "orders"\naccount_id = "{ACCOUNT}"\n'
FAILED = Answer(payload={"errorMessage": "no", "errorType": "KeyError", "stackTrace": []}, function_error="Unhandled")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedAws]:
    """Lambda, STS and IAM on loopback; the function fails for each event."""
    with all_led_to_it(monkeypatch, lambda _: FAILED) as served:
        yield served


@pytest.fixture
def recorded(project: Callable[..., Path], replay_: CommandLine) -> Callable[..., list[str]]:
    """Give a function that records so many fixtures of `f`, and gives their names."""

    def record(count: int) -> list[str]:
        project(HANDLER, *({"id": number} for number in range(count)), settings=STAGING)
        assert replay_("record", "files", "events.jsonl", "--function", "f", "--all").exit_code == 0
        return list(map(str, replay.select_fixtures(replay.open_project())))

    return record


@pytest.mark.usefixtures("aws")
def test_a_plan_unpacks_each_piece_of_a_pack_once(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names say nothing of where fixtures lie: a plan reads them as they lie, and holds one piece of them at a time."""
    root = project(HANDLER, settings=STAGING)
    monkeypatch.setattr(segments, "CHUNK_BYTES", 20_000)
    opened = replay.open_project()
    put_packed(opened.store, [sample(str(number)) for number in range(100)], durable=False)
    unpacked: list[Any] = []
    lines_of = pack_catalog.lines_of
    monkeypatch.setattr(pack_catalog, "lines_of", lambda file, chunk: unpacked.append(chunk) or lines_of(file, chunk))
    opened = replay.open_project()
    references = replay.select_fixtures(opened)
    plan = plan_replay(opened, references, target="staging", pace=Pace(speed=10.0))
    assert (plan.events, plan.with_pseudonyms, plan.failures) == (100, 100, {"KeyError": 100})
    assert len(unpacked) == len(set(unpacked)) > 5
    assert [each.name for each in opened.store.as_stored(references)] != sorted(each.name for each in references)
    assert root.is_dir()


@pytest.mark.usefixtures("aws")
def test_what_lies_in_folders_is_planned_with_the_rest(recorded: Any) -> None:
    """Folders and packs beside each other: every fixture is read, and counted once."""
    names = recorded(3)
    opened = replay.open_project()
    put_packed(opened.store, [sample(str(number), function="f") for number in range(5)], durable=False)
    references = replay.select_fixtures(opened)
    stored = list(map(str, opened.store.as_stored(references)))
    assert sorted(stored) == sorted(map(str, references))
    assert stored[:3] == names
    plan = plan_replay(opened, references, target="staging")
    assert (plan.events, plan.failures) == (8, {"KeyError": 5, "failure not known yet": 3})


@pytest.mark.usefixtures("aws")
def test_a_plan_to_go_on_says_what_is_left(recorded: Any, replay_: CommandLine) -> None:
    """Of six two have a verdict and one was under way: three are left, and the time is that of the three."""
    names = recorded(6)
    with Ledger.begin(Path.cwd(), command="run", target="staging", chosen=names, rate_per_s=0.5) as ledger:
        ledger.sent(names[:3])
        ledger.acknowledged(names[:3])
        for each in names[:2]:
            ledger.observed(each, verdict="failed", as_expected=False)
    told = replay_("run", "--resume", "last", "--dry-run")
    assert told.exit_code == 0
    assert f"going on with {ledger.run}: 3 of 6 events left to send" in told.stderr
    assert "  2 events have their verdicts: not sent again" in told.stderr
    assert "  1 event was under way, and acknowledged: not sent again, and told as not run" in told.stderr
    assert "     3  failure not known yet" in told.stderr
    assert "at most 30/m: sending takes at least 4 s" in told.stderr
    (plan,) = replay_("run", "--resume", "last", "--dry-run", "--json").documents
    counts = {name: plan[name] for name in ("events", "done", "under_way", "resumed", "least_duration_s")}
    assert counts == {"events": 3, "done": 2, "under_way": 1, "resumed": ledger.run, "least_duration_s": 4}


@pytest.mark.usefixtures("aws")
def test_how_far_a_run_is_that_gets_no_answers(project: Callable[..., Path]) -> None:
    """An end that nobody has seen is looked for; of an event in parts all must be acknowledged, or the rest is sent."""
    project(HANDLER, settings=STAGING)
    opened = replay.open_project()
    with Ledger.begin(Path.cwd(), command="run", target="queue", chosen=()) as ledger:
        sent = ["f/done", "f/unseen", "f/seen-later", "f/whole#1", "f/whole#2", "f/part#1", "f/part#2", "f/lost"]
        ledger.sent(sent)
        ledger.acknowledged([each for each in sent if each not in {"f/part#2", "f/lost"}])
        for key, verdict in (("done", "fixed"), ("unseen", "unobserved"), ("seen-later", "unobserved")):
            ledger.observed(f"f/{key}", verdict=verdict, as_expected=True)
        ledger.observed("f/seen-later", verdict="fixed", as_expected=True)
    far = how_far(opened, "last")
    names = ("done", "seen-later", "unseen", "whole", "part", "lost", "never")
    assert [name for name in names if far.is_done(f"f/{name}")] == ["done", "seen-later"]
    assert [name for name in names if far.is_under_way(f"f/{name}")] == ["unseen", "whole"]
    assert [name for name in names if far.is_left(f"f/{name}")] == ["part", "lost", "never"]


@pytest.mark.usefixtures("aws")
def test_a_new_run_resumes_nothing(recorded: Any, replay_: CommandLine) -> None:
    """Without --resume all are to be sent, whatever other runs have done."""
    recorded(2)
    assert replay_("run", "--target", "staging").exit_code != 2
    (plan,) = replay_("run", "--target", "staging", "--dry-run", "--json").documents
    assert (plan["events"], plan["done"], plan["under_way"], plan["resumed"]) == (2, 0, 0, None)


def test_the_plan_of_captured_events_says_what_is_left_too(
    aws: DeployedAws, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """Events that are no fixtures are counted the same way, and what the plan says is left is what is sent."""
    project(HANDLER, *({"id": number} for number in range(20)), settings=STAGING)
    stopped = replay_("run", "--target", "staging", "--events", "events.jsonl", "--max-errors", "3")
    assert stopped.exit_code == 1
    (plan,) = replay_("run", "--resume", "last", "--dry-run", "--json").documents
    assert plan["done"] == len(aws.invocations) < 20
    assert plan["events"] == 20 - plan["done"]
    aws.invocations.clear()
    assert replay_("run", "--resume", "last").exit_code == 1
    assert len(aws.invocations) == plan["events"]


@pytest.mark.usefixtures("aws")
def test_a_comparison_that_is_gone_on_with_says_what_is_left(recorded: Any, replay_: CommandLine) -> None:
    """Of the deployed side of two, what its ledger has is not planned again."""
    recorded(3)
    words = ("--target", "local", "--target", "staging")
    assert replay_("run", *words).exit_code in {0, 1}
    (plan,) = replay_("run", "--resume", "last", "--dry-run", "--json").documents
    assert (plan["events"], plan["done"]) == (0, 3)


def test_nobody_waits_for_what_was_sent_before(
    aws: DeployedAws, project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --speed what is left keeps its spacing from the first of it, also where hours were sent before."""
    project(HANDLER, settings=STAGING)
    opened, began = replay.open_project(), datetime(2026, 11, 20, tzinfo=UTC)
    for number, hours in enumerate((0, 5, 5)):
        direct = {"kind": "direct", "event_source": EventSource(kind="direct"), "event_text": f'{{"id": {number}}}'}
        made = sample(str(number), function="f", **direct)
        at = (began + timedelta(hours=hours, seconds=number)).isoformat()
        opened.store.put(replace(made, provenance=replace(made.provenance, sent_at=at)))
    references = replay.select_fixtures(opened)
    due: list[dict[str, float]] = []
    monkeypatch.setattr(deployed_run._Workers, "_is_due", lambda self, _: due.append(dict(self._run.timeline.due_s)) or True)  # fmt: skip
    first = next(each for each in references if json.loads(opened.store.load(each).event_text)["id"] == 0)
    with Ledger.begin(Path.cwd(), command="run", target="staging", chosen=references, speed=1.0) as ledger:
        ledger.sent([str(first)])
        ledger.acknowledged([str(first)])
        ledger.observed(str(first), verdict="failed", as_expected=False)
    pace = Pace(speed=1.0)
    plan = plan_replay(opened, references, target="staging", pace=pace, resume=ledger.run)
    assert (plan.events, plan.least_duration_s) == (2, 1.0)
    list(replay.replay_fixtures(opened, references, target="staging", pace=pace, plan=plan, resume=ledger.run))
    assert sorted(due[0].values()) == [0.0, 0.0, 1.0]
    assert {event["id"] for event in aws.invocations} == {1, 2}


def test_a_plan_says_which_emulator_has_the_events(
    aws: DeployedAws, project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events may come from another place than the target's: with a variable of S3 alone the plan says from which."""
    project(HANDLER, settings=STAGING)
    with embedded_aws() as environment:
        url = environment["AWS_ENDPOINT_URL"]
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        s3 = boto3.client("s3")
        location: Any = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket="captured", CreateBucketConfiguration=location)
        s3.put_object(Bucket="captured", Key="a.jsonl", Body=b'{"id": 1}\n')
        told = replay_("run", "--target", "staging", "--events", "s3://captured/a.jsonl", "--dry-run")
    assert f"  from s3://captured/a.jsonl: 1 object of 0.0 MB, at {url}\n" in told.stderr
    assert aws.invocations == []
