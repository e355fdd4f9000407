"""The `stepfunctions-map` target: a corpus in S3, a state machine for one run, and each result judged like any other."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.errors import ConfigurationError, InvalidEvent, TargetError, TargetRefused
from replay.functions.function import Function
from replay.ledger.ledger import read_run, run_paths
from replay.readers.clients import aws_client
from replay.targets import stepfunctions_map
from replay.targets.bulk import BulkItem
from replay.targets.corpus_parts import buckets
from replay.targets.guard_rails import clients, deployed
from replay.targets.stepfunctions_map import StepFunctionsMapTarget
from tests.cli.command_line import CommandLine, make_command_line, make_project
from tests.targets.told_map import Failed, ToldSteps

ACCOUNT = "123456789012"
REGION = "eu-west-1"
HANDLER = "def handler(event, context):\n    return event['customer_id']\n"
EVENTS = ({"id": 1}, {"id": 2}, {"id": 3, "customer_id": "c"})
TRACE = ["  File \"/var/task/app.py\", line 2, in handler\n    return event['customer_id']\n"]
KEY_ERROR = {"errorMessage": "'customer_id'", "errorType": "KeyError", "requestId": "r", "stackTrace": TRACE}
SECTION = f"""
[tool.replay.targets.big]
kind = "stepfunctions-map"
function = "orders"
place = "s3://corpus/replays"
role = "arn:aws:iam::{ACCOUNT}:role/replay"
account_id = "{ACCOUNT}"
max_concurrency = 40
"""


def deployed_function(event: Any) -> Any:
    if "customer_id" not in event:
        raise Failed("KeyError", KEY_ERROR)
    return event["customer_id"]


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return make_command_line(capsys)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[ToldSteps]:
    """Step Functions, S3 and Lambda, all of them taken to be beyond this machine."""
    told = ToldSteps(deployed_function)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(stepfunctions_map, "_TICK_S", 0)
    for module in (buckets, deployed):
        monkeypatch.setattr(module, "is_on_this_machine", lambda _: False)
    monkeypatch.setattr(clients, "aws_client", lambda service, **asked: told if service == "stepfunctions" else aws_client(service, **asked))  # fmt: skip
    with mock_aws():
        role = boto3.client("iam").create_role(RoleName="told", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        client: Any = boto3.client("lambda", region_name=REGION)
        client.create_function(
            FunctionName="orders", Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": b"x"}
        )
        s3: Any = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="corpus", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield told


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replay_: CommandLine) -> Path:
    monkeypatch.chdir(make_project(tmp_path, HANDLER, *EVENTS, settings=SECTION))
    assert replay_("record", "files", "events.jsonl", "--function", "f").exit_code == 0
    return tmp_path


def keys() -> list[str]:
    s3: Any = boto3.client("s3", region_name=REGION)
    return [each["Key"] for each in s3.list_objects_v2(Bucket="corpus").get("Contents", [])]


def target(**options: Any) -> StepFunctionsMapTarget:
    known = {
        "function": "orders",
        "place": "s3://corpus/replays",
        "role": f"arn:aws:iam::{ACCOUNT}:role/replay",
        "account_id": ACCOUNT,
    }
    return StepFunctionsMapTarget(Function(name="f", handler="", code=Path()), **{**known, **options})


def test_results_are_judged_like_any_other_run(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """The same failure from the same line is reproduced, the one that succeeds is fixed; and the state machine is gone."""
    local = {
        each["fixture"]: (each["verdict"], each["status"], each["signature"])
        for each in replay_("run", "--json").documents[:-1]
    }
    told = replay_("run", "--target", "big", "--yes", "--json")
    assert told.exit_code == 1, told.stderr
    *outcomes, summary = told.documents
    assert {each["fixture"]: (each["verdict"], each["status"], each["signature"]) for each in outcomes} == local
    assert summary["verdicts"] == {"reproduced": 2, "fixed": 1}
    assert steps.machines == {}
    assert steps.asked[:2] == ["create", "start"]
    assert steps.asked[-1] == "delete"
    progress = read_run(run_paths(project)[0])
    assert len(progress.sent) == len(progress.acknowledged) == len(progress.observed) == 3
    assert progress.in_doubt == ()


def test_the_corpus_holds_exactly_what_was_asked_for(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """One line for each fixture, in a folder of the run's own; the machine has our tags, the role, and the bounds."""
    made: dict[str, Any] = {}
    real = steps.create_state_machine
    steps.create_state_machine = lambda **asked: (made.update(asked), real(**asked))[1]  # type: ignore[method-assign]  # it is watched
    assert replay_("run", "--target", "big", "--yes").exit_code == 1
    (corpus,) = [key for key in keys() if key.endswith("items.jsonl")]
    assert corpus == f"replays/{made['name']}/items.jsonl"
    assert made["roleArn"] == f"arn:aws:iam::{ACCOUNT}:role/replay"
    assert {tag["key"] for tag in made["tags"]} >= {"replay:recording", "replay:owner", "replay:kept-until"}
    definition = json.loads(made["definition"])["States"]["Events"]
    assert definition["MaxConcurrency"] == 40
    body = boto3.client("s3", region_name=REGION).get_object(Bucket="corpus", Key=corpus)["Body"].read()
    assert sorted((json.loads(line)["event"] for line in body.splitlines()), key=lambda each: each["id"]) == list(
        EVENTS
    )


def test_a_dry_run_shows_the_machine_and_makes_nothing(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """Function, account, bucket, role and the whole definition stand in the plan."""
    told = replay_("run", "--target", "big", "--dry-run")
    assert told.exit_code == 0
    for fact in (
        "3 events",
        ":function:orders",
        ACCOUNT,
        "s3://corpus/replays",
        "role/replay",
        '"Mode": "DISTRIBUTED"',
        '"MaxConcurrency": 40',
    ):
        assert fact in told.stderr
    assert steps.asked == []
    assert keys() == []
    assert any(
        "ItemReader" in line
        for line in replay_("run", "--target", "big", "--dry-run", "--json").documents[0]["destinations"][0]["made"]
    )


def test_without_a_word_nothing_is_made(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """In CI it wants --yes, like every target beyond this machine."""
    assert replay_("run", "--target", "big").exit_code == 2
    assert steps.asked == []
    assert keys() == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"account_id": ""}, "nothing says in which account"),
        ({"account_id": "999988887777"}, "credentials are those of account|another account's"),
        ({"role": "arn:aws:iam::999988887777:role/replay"}, "another account's"),
    ],
)
def test_the_guard_rails_hold(steps: ToldSteps, options: dict[str, str], why: str) -> None:
    """No account, another account, a role of another account: refused before anything is made."""
    with pytest.raises(TargetRefused, match=why), target(**options):
        pass
    assert steps.asked == []


def test_production_is_refused(steps: ToldSteps) -> None:
    """In a tag of the function, or of the bucket."""
    client: Any = boto3.client("lambda", region_name=REGION)
    arn = client.get_function_configuration(FunctionName="orders")["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"stage": "prod"})
    with pytest.raises(TargetRefused, match="tag stage='prod'"), target():
        pass
    client.untag_resource(Resource=arn, TagKeys=["stage"])
    s3: Any = boto3.client("s3", region_name=REGION)
    s3.put_bucket_tagging(Bucket="corpus", Tagging={"TagSet": [{"Key": "stage", "Value": "live"}]})
    with pytest.raises(TargetRefused, match="tag stage='live'"), target():
        pass
    with target(production=True) as entered:
        assert entered.described.production


def test_what_has_no_answer_is_told(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """Where the map gave up before it came to an event, that one could not run: exit code 2, and why."""
    name = next(str(path.parent.name) for path in sorted((project / "fixtures").rglob("event.json")))
    steps.pending = {f"f/{name}"}
    told = replay_("run", "--target", "big", "--yes", "--json")
    assert told.exit_code == 2
    assert told.documents[-1]["verdicts"]["error"] == 1
    assert "no answer for it" in told.stderr


def test_an_event_that_is_too_large_is_told(steps: ToldSteps) -> None:
    """An item of a map has a limit; what is beyond is not handed over."""
    with pytest.raises(InvalidEvent, match="at most 262,144"):
        target().check(BulkItem(key="f/a", event_text=f'"{"x" * 262_144}"'))
    target().check(BulkItem(key="f/a", event_text='"x"'))


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), ZeroDivisionError()])
def test_whatever_happens_the_machine_is_removed(
    project: Path, steps: ToldSteps, replay_: CommandLine, raised: BaseException
) -> None:
    """Ctrl-C while it runs, or anything that breaks: nothing is left, and --resume reads the results that came."""
    steps.broken = raised
    told = replay_("run", "--target", "big", "--yes", "--json")
    assert told.exit_code == (130 if isinstance(raised, KeyboardInterrupt) else 2)
    assert steps.machines == {}
    asked = len(steps.asked)
    steps.machines[f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{_name(steps)}"] = {}
    again = replay_("run", "--resume", "last", "--yes", "--json")
    assert again.exit_code == 1, again.stderr
    assert again.documents[-1]["verdicts"] == {"reproduced": 2, "fixed": 1}
    assert "start" not in steps.asked[asked:], "nothing is invoked twice"
    assert steps.machines == {}, "what a killed run has left is removed by the one that goes on"


def test_a_run_that_is_killed_while_it_starts_starts_nothing_twice(
    project: Path, steps: ToldSteps, replay_: CommandLine
) -> None:
    """The map runs, and the ledger has no acknowledgement of it: --resume finds it by its name, and only reads."""
    steps.lost = ZeroDivisionError()
    assert replay_("run", "--target", "big", "--yes").exit_code == 2
    progress = read_run(run_paths(project)[0])
    assert (len(progress.sent), len(progress.acknowledged)) == (3, 0)
    again = replay_("run", "--resume", "last", "--yes", "--json")
    assert again.documents[-1].get("verdicts") == {"reproduced": 2, "fixed": 1}, again.stderr
    assert steps.asked.count("start") == 1


def test_what_was_never_started_is_started_by_resume(
    project: Path, steps: ToldSteps, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was killed before the start, everything is handed over by the run that goes on."""

    def broken(**_: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(steps, "create_state_machine", broken)
        assert replay_("run", "--target", "big", "--yes").exit_code == 2
    again = replay_("run", "--resume", "last", "--yes", "--json")
    assert again.documents[-1].get("verdicts") == {"reproduced": 2, "fixed": 1}, again.stderr
    assert steps.asked.count("start") == 1


@pytest.mark.parametrize("with_results", [True, False])
def test_an_execution_that_was_removed_with_its_machine_is_not_started_again(
    project: Path, steps: ToldSteps, replay_: CommandLine, with_results: bool
) -> None:
    """Killed as it started, and removed by somebody: --resume reads what it has left in S3, or says that nobody can tell."""
    steps.lost = ZeroDivisionError()
    assert replay_("run", "--target", "big", "--yes").exit_code == 2
    steps.executions.clear()
    if not with_results:
        s3: Any = boto3.client("s3", region_name=REGION)
        for key in keys():
            if "/results/" in key:
                s3.delete_object(Bucket="corpus", Key=key)
    again = replay_("run", "--resume", "last", "--yes", "--json")
    assert steps.asked.count("start") == 1
    if with_results:
        assert again.documents[-1]["verdicts"] == {"reproduced": 2, "fixed": 1}
    else:
        assert (again.exit_code, again.documents[-1]["verdicts"]) == (2, {"error": 3})
        assert all("is no longer there" in each["problem"]["what"] for each in again.documents[:-1])
        assert (steps.looks, steps.machines) == (2, {}), "it was not waited for"


def _name(steps: ToldSteps) -> str:
    return next(iter(steps.executions)).split(":")[6]


def test_what_cannot_be_asked_of_it_is_refused(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """It takes everything at once, each once: no rate, repetition or concurrency of ours; and no single event."""
    for words in (("--rate", "5/s"), ("--repeat", "2")):
        told = replay_("run", "--target", "big", "--yes", *words)
        assert told.exit_code == 2, words
        assert words[0] in told.stderr
    assert steps.asked == []
    from replay.delivery.attempt import Attempt

    with pytest.raises(TargetError, match="none alone"):
        target().invoke(Attempt(payload="{}"))


@pytest.mark.parametrize(
    "options",
    [{"place": ""}, {"place": "corpus"}, {"role": ""}, {"role": "replay"}, {"max_concurrency": 0}, {"max_concurrency": 10_001}, {"tolerated_failure_percentage": 101.0}],
)  # fmt: skip
def test_a_section_that_cannot_be_used(options: dict[str, Any]) -> None:
    """It is told as the configuration's mistake, before anything is asked."""
    with pytest.raises(ConfigurationError):
        target(**options)


def captured(count: int = 7, *, key: str = "captured/a.jsonl", packed: bool = False) -> None:
    """Put captured events that are no fixtures: every third has no customer."""
    events: list[dict[str, Any]] = [
        {"id": number, **({} if number % 3 == 0 else {"customer_id": "c"})} for number in range(count)
    ]
    body = "".join(f"{json.dumps(event)}\n" for event in events).encode()
    s3: Any = boto3.client("s3", region_name=REGION)
    s3.put_object(Bucket="corpus", Key=key, Body=gzip.compress(body) if packed else body)


EVENTS_RUN = ("run", "--target", "big", "--yes", "--events", "s3://corpus/captured")


def test_captured_events_are_judged_each_by_itself(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """From S3, packed or not, in several objects: each succeeds or fails, grouped by signature; exit code 1."""
    captured(7)
    captured(4, key="captured/b.ndjson.gz", packed=True)
    told = replay_(*EVENTS_RUN, "--json")
    assert told.exit_code == 1, told.stderr
    *outcomes, summary = told.documents
    by_place = {each["event"]: (each["verdict"], each["status"], each["as_expected"]) for each in outcomes}
    assert by_place == {
        f"s3://corpus/captured/{name}:{number + 1}": (
            ("failed", "failed", False) if number % 3 == 0 else ("succeeded", "succeeded", True)
        )
        for name, count in (("a.jsonl", 7), ("b.ndjson.gz", 4))
        for number in range(count)
    }
    assert summary["verdicts"] == {"succeeded": 6, "failed": 5}
    (group,) = summary["failures"]
    assert (group["count"], group["error"]["type"], len(group["events"])) == (5, "KeyError", 5)
    assert steps.machines == {}
    progress = read_run(run_paths(project)[0])
    assert len(progress.sent) == len(progress.acknowledged) == len(progress.observed) == 11
    assert "fixtures" not in progress.header
    assert progress.header["captured_events"]["place"] == "s3://corpus/captured"


def test_what_export_writes_is_a_corpus(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """`replay export --s3` and `--events` fit together: the events come to the function as they were; exit code 0."""
    exported = replay_("export", "--s3", "s3://corpus/captured/ours.jsonl", "--target", "big", "--yes")
    assert exported.exit_code == 0, exported.stderr
    seen: list[Any] = []
    steps.handler = seen.append
    told = replay_(*EVENTS_RUN, "--json")
    assert told.exit_code == 0, told.stderr
    assert sorted(seen, key=lambda each: each["id"]) == list(EVENTS)
    assert told.documents[-1]["verdicts"] == {"succeeded": 3}
    assert told.documents[-1]["failures"] == []


def test_the_plan_counts_what_is_there(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """Events, objects and bytes are counted, not guessed; what else lies there is left out, and said; nothing is made."""
    captured(7)
    s3: Any = boto3.client("s3", region_name=REGION)
    s3.put_object(Bucket="corpus", Key="captured/readme.txt", Body=b"not events")
    s3.put_object(Bucket="corpus", Key="captured/event-replay-0123456789ab/items.jsonl", Body=b"{}\n")
    told = replay_(*EVENTS_RUN, "--dry-run")
    assert told.exit_code == 0, told.stderr
    for fact in ("7 events\n", "from s3://corpus/captured: 1 object", "2 others below it", ":function:orders", ACCOUNT):
        assert fact in told.stderr
    assert steps.asked == []
    assert [key for key in keys() if key.startswith("replays/")] == []
    plan = replay_(*EVENTS_RUN, "--dry-run", "--json").documents[0]
    assert (plan["events"], len(plan["taken_from"]), plan["sent_again"]) == (7, 1, False)


def test_the_guard_rails_hold_for_captured_events(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """Without --yes, in another account, in production: nothing is made, and the corpus is not copied."""
    captured(3)
    assert replay_(*[word for word in EVENTS_RUN if word != "--yes"]).exit_code == 2
    client: Any = boto3.client("lambda", region_name=REGION)
    arn = client.get_function_configuration(FunctionName="orders")["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"stage": "prod"})
    refused = replay_(*EVENTS_RUN)
    assert (refused.exit_code, "looks like production" in refused.stderr) == (2, True)
    assert steps.asked == []
    assert [key for key in keys() if key.startswith("replays/")] == []


def test_a_line_that_is_no_event_could_not_run(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """It is told by its place and not handed over; the others are judged: exit code 2."""
    body = b'\xef\xbb\xbf{"id": 1, "customer_id": "c"}\nnothing\n\n{"id": "\xff"}\n[1, 2'
    boto3.client("s3", region_name=REGION).put_object(Bucket="corpus", Key="captured/a.jsonl", Body=body)
    told = replay_(*EVENTS_RUN, "--json")
    assert told.exit_code == 2
    assert told.documents[-1]["verdicts"] == {"error": 3, "succeeded": 1}
    assert {each["event"] for each in told.documents[:-1] if each["verdict"] == "error"} == {
        f"s3://corpus/captured/a.jsonl:{number}" for number in (2, 4, 5)
    }
    assert "one event a line" in told.stderr
    (items,) = [key for key in keys() if key.endswith("items.jsonl")]
    written = boto3.client("s3", region_name=REGION).get_object(Bucket="corpus", Key=items)["Body"].read()
    assert written.count(b"\n") == 1


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), ZeroDivisionError()])
def test_a_run_of_captured_events_is_gone_on_with(
    project: Path, steps: ToldSteps, replay_: CommandLine, raised: BaseException
) -> None:
    """After Ctrl-C or a crash --resume reads the results that came, of the same events; nothing is invoked twice."""
    captured(7)
    steps.broken = raised
    assert replay_(*EVENTS_RUN).exit_code == (130 if isinstance(raised, KeyboardInterrupt) else 2)
    again = replay_("run", "--resume", "last", "--yes", "--json")
    assert again.exit_code == 1, again.stderr
    assert again.documents[-1]["verdicts"] == {"succeeded": 4, "failed": 3}
    assert steps.asked.count("start") == 1
    third = replay_("run", "--resume", "last", "--yes", "--json")
    assert third.documents[-1]["verdicts"] == {"succeeded": 4, "failed": 3}
    assert len(third.documents) == 1, "what the ledger has is counted, and not told again"


def test_a_run_that_was_killed_while_it_started_finds_its_map(
    project: Path, steps: ToldSteps, replay_: CommandLine
) -> None:
    """The map runs and no acknowledgement of it is in the ledger: --resume finds it by its name, and starts none."""
    captured(7)
    steps.lost = ZeroDivisionError()
    assert replay_(*EVENTS_RUN).exit_code == 2
    again = replay_("run", "--resume", "last", "--yes", "--json")
    assert again.documents[-1].get("verdicts") == {"succeeded": 4, "failed": 3}, again.stderr
    assert steps.asked.count("start") == 1


def test_other_events_are_not_gone_on_with(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """Where the objects have changed, a line is another event by now: refused."""
    captured(7)
    steps.broken = KeyboardInterrupt()
    assert replay_(*EVENTS_RUN).exit_code == 130
    captured(8)
    again = replay_("run", "--resume", "last", "--yes")
    assert again.exit_code == 2
    assert "the events have changed" in again.stderr


def test_what_the_map_did_not_come_to_could_not_run(project: Path, steps: ToldSteps, replay_: CommandLine) -> None:
    """It is told by its place: exit code 2."""
    captured(3)
    steps.pending = {"s3://corpus/captured/a.jsonl:2"}
    told = replay_(*EVENTS_RUN, "--json")
    assert told.exit_code == 2
    (missing,) = [each for each in told.documents[:-1] if each["verdict"] == "error"]
    assert missing["event"] == "s3://corpus/captured/a.jsonl:2"
    assert "no answer for it" in missing["problem"]["what"]
