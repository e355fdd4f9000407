"""The `stepfunctions-map` target: a corpus in S3, a state machine for one run, and each result judged like any other."""

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
from replay.targets.guard_rails import deployed
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
    monkeypatch.setattr(stepfunctions_map, "aws_client", lambda service, **asked: told if service == "stepfunctions" else aws_client(service, **asked))  # fmt: skip
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
