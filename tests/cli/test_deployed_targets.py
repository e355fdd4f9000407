"""`replay run` against a deployed function: planned, agreed to, paced, and gone on with after it was broken off."""

import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import replay
from replay.errors import TargetRefused
from replay.ledger.ledger import Ledger, read_run, run_paths
from replay.project import open_project
from replay.pytest_plugin.deployed_target import DeployedTarget
from replay.replayer import FixtureNotRun, deployed_run
from replay.targets.guard_rails import deployed
from tests.cli.command_line import CommandLine
from tests.rates import count_limit
from tests.targets.deployed_aws import ACCOUNT, ARN, Answer, DeployedAws, all_led_to_it

HANDLER = """\
def handler(event, context):
    return event["customer_id"]
"""
TRACE = ['  File "/var/task/app.py", line 2, in handler\n    return event["customer_id"]\n']
POISON = Answer(
    payload={"errorMessage": "'customer_id'", "errorType": "KeyError", "requestId": "x", "stackTrace": TRACE},
    function_error="Unhandled",
)
STAGING = f'[tool.replay.targets.staging]\nkind = "lambda"\nfunction = "orders"\naccount_id = "{ACCOUNT}"\n'


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedAws]:
    """Lambda, STS and IAM on loopback; the function fails for each event as the handler here does."""
    with all_led_to_it(monkeypatch, lambda _: POISON) as served:
        yield served


@pytest.fixture
def _beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the endpoint for one beyond this machine."""
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)


@pytest.fixture
def recorded(project: Callable[..., Path], replay_: CommandLine) -> Callable[..., Path]:
    """Give a function that records so many fixtures of `f`, whose failure is pinned."""

    def record(count: int = 1, settings: str = STAGING) -> Path:
        root = project(HANDLER, *({"id": number} for number in range(count)), settings=settings)
        assert replay_("record", "files", "events.jsonl", "--function", "f").exit_code == 0
        assert replay_("run").exit_code == 0
        return root

    return record


def test_verdicts_are_as_good_as_local_ones(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """The same failure from the same line is reproduced; one that no longer fails is fixed, and nothing is pinned."""
    root = recorded()
    told = replay_("run", "--target", "lambda:orders", "--json")
    assert told.exit_code == 0
    outcome, summary = told.documents
    assert (outcome["verdict"], outcome["error"]["type"]) == ("reproduced", "KeyError")
    assert summary["total"] == 1
    before = {path: path.read_bytes() for path in (root / "fixtures").rglob("fixture.json")}
    aws.answer = lambda _: Answer(payload="done")
    fixed = replay_("run", "--target", "staging", "--json")
    assert fixed.exit_code == 1
    assert fixed.documents[0]["verdict"] == "fixed"
    assert {path: path.read_bytes() for path in before} == before
    assert aws.invocations == [{"id": 0}] * 2


def test_a_plan_comes_first(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """What will be sent stands on stderr before it is: count, failure, function."""
    recorded(2)
    told = replay_("run", "--target", "staging", "--rate", "100/s")
    assert told.exit_code == 0
    for fact in ("2 events", "2  KeyError", ARN, "on this machine", "100/s"):
        assert fact in told.stderr


@pytest.mark.usefixtures("_beyond")
def test_dry_run_sends_nothing(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """`--dry-run` stops behind the plan: exit code 0, no invocation, no ledger."""
    root = recorded()
    told = replay_("run", "--target", "staging", "--dry-run")
    assert told.exit_code == 0
    assert ACCOUNT in told.stderr
    plan = replay_("run", "--target", "staging", "--dry-run", "--json").documents[0]
    assert (plan["type"], plan["events"], plan["must_be_confirmed"]) == ("plan", 1, True)
    assert plan["destinations"][0]["arn"] == ARN
    assert aws.invocations == []
    assert run_paths(root) == []


@pytest.mark.usefixtures("_beyond")
def test_without_a_terminal_it_wants_yes(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """In CI nobody can be asked: without --yes one message and exit code 2, with it the run."""
    recorded()
    refused = replay_("run", "--target", "staging")
    assert refused.exit_code == 2
    assert refused.stderr.count("error:") == 1
    assert "--yes" in refused.stderr
    assert aws.invocations == []
    assert replay_("run", "--target", "staging", "--yes").exit_code == 0
    assert len(aws.invocations) == 1


@pytest.mark.usefixtures("_beyond")
@pytest.mark.parametrize(("answer", "sent"), [(True, 1), (False, 0)])
def test_at_a_terminal_it_asks(
    aws: DeployedAws, recorded: Any, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch, answer: bool, sent: int
) -> None:
    """A user is asked, and a no sends nothing."""
    recorded()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda *_, **__: answer)
    assert replay_("run", "--target", "staging").exit_code == (0 if answer else 2)
    assert len(aws.invocations) == sent


@pytest.mark.usefixtures("_beyond")
def test_no_account_in_the_configuration_is_one_message(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """`lambda:FUNCTION` beyond this machine is refused, and says what to write where; --yes changes nothing."""
    recorded()
    told = replay_("run", "--target", "lambda:orders", "--yes")
    assert told.exit_code == 2
    assert "[tool.replay.targets.NAME]" in told.stderr
    assert aws.invocations == []


@pytest.mark.usefixtures("_beyond")
def test_python_wants_a_plan_too(aws: DeployedAws, recorded: Any) -> None:
    """No caller sends anything beyond this machine without a plan that somebody has agreed to."""
    recorded()
    project = replay.open_project()
    with pytest.raises(TargetRefused, match="nobody has agreed"):
        replay.replay_fixtures(project, replay.select_fixtures(project), target="staging")
    assert aws.invocations == []


@pytest.mark.usefixtures("_beyond")
def test_a_test_of_pytest_sends_nothing_without_a_word(aws: DeployedAws, recorded: Any) -> None:
    """Also where its plan was not shown at collection: each function's plan wants `--replay-yes` before it is used."""
    recorded()
    project = open_project()
    told = DeployedTarget(project, "staging", red=False, agreed=False).judge(project.store.references()[0])
    assert isinstance(told, FixtureNotRun)
    assert isinstance(told.error, TargetRefused)
    assert aws.invocations == []


def test_a_target_for_one_function_is_none_for_two(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """Events of one function are not sent to another."""
    recorded()
    assert replay_("record", "files", "events.jsonl", "--function", "g").exit_code == 0
    told = replay_("run", "--target", "staging")
    assert told.exit_code == 2
    assert "f, g" in told.stderr
    assert aws.invocations == []


def test_the_plan_names_stand_ins(aws: DeployedAws, project: Any, replay_: CommandLine) -> None:
    """Redacted values are not sent by surprise: the plan says which fixtures hold them."""
    project(HANDLER, {"email": "grace@navy.example.com"}, settings=STAGING)
    replay_("record", "files", "events.jsonl", "--function", "f")
    told = replay_("run", "--target", "staging", "--dry-run")
    assert re.search(r"1 fixture holds stand-ins .*: f/[0-9a-f]{8}", told.stderr)


def test_each_invocation_waits_for_the_rate(
    aws: DeployedAws, recorded: Any, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --rate and --ramp-up nothing is invoked that has not waited for its tick."""
    recorded(3)
    limit = count_limit(monkeypatch, deployed_run, lambda: len(aws.invocations))
    assert replay_("run", "--target", "staging", "--rate", "50/s", "--ramp-up", "2s").exit_code == 0
    assert limit.rates == [(50.0, 2.0)]
    assert limit.waited == [(1, 0), (1, 1), (1, 2)]


def test_many_at_once_are_each_sent_once(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """With several threads every fixture is invoked once and told once."""
    recorded(20)
    told = replay_("run", "--target", "staging", "--concurrency", "4", "--json")
    assert told.exit_code == 0
    assert sorted(event["id"] for event in aws.invocations) == list(range(20))
    assert told.documents[-1]["verdicts"] == {"reproduced": 20}
    assert len({each["fixture"] for each in told.documents[:-1]}) == 20


@pytest.mark.parametrize(("option", "most"), [(("--stop-on-first",), 1), (("--max-errors", "2"), 3), (("--max-errors", "10%"), 3)])  # fmt: skip
def test_errors_stop_a_run(
    aws: DeployedAws, recorded: Any, replay_: CommandLine, option: tuple[str, ...], most: int
) -> None:
    """A run stops at the first error, or when there are more than allowed, sends nothing more, and says how to go on."""
    recorded(20)
    aws.answer = lambda _: Answer(payload="done")  # fixed, which is not what the fixtures expect
    told = replay_("run", "--target", "staging", *option)
    assert told.exit_code == 1
    assert len(aws.invocations) == most
    assert "stopped " in told.stderr
    assert "replay run --resume " in told.stderr


@pytest.mark.parametrize("words", [("--target", "staging"), ("--target", "staging", "--target", "local")], ids=["run", "comparison"])  # fmt: skip
def test_a_cancelled_job_ends_it_as_ctrl_c_does(
    aws: DeployedAws, recorded: Any, replay_: CommandLine, words: tuple[str, ...]
) -> None:
    """While events are sent SIGTERM is Ctrl-C, so that ledger and leases are left in order; behind them it is not."""
    recorded(1)
    ends: list[object] = []

    def answer(_: Any) -> Answer:
        ends.append(signal.getsignal(signal.SIGTERM))
        return POISON

    aws.answer = answer
    replay_("run", *words)
    assert set(ends) == {signal.default_int_handler}
    assert signal.getsignal(signal.SIGTERM) is not signal.default_int_handler


def test_a_local_run_stops_too(recorded: Any, replay_: CommandLine) -> None:
    """--stop-on-first is for every target; rate, concurrency, --resume and --dry-run are for deployed ones."""
    recorded(3)
    assert replay_("run", "--red", "--stop-on-first", "--json").documents[-1]["verdicts"] == {"reproduced": 1}
    for option in (("--rate", "5/s"), ("--concurrency", "2"), ("--dry-run",)):
        assert replay_("run", *option).exit_code == 2


def test_a_run_goes_on_where_it_was_broken_off(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """What has a verdict in the ledger is not sent again, what was lost is; the exit code is that of the whole run."""
    root = recorded(6)
    lost = {2, 4}
    aws.answer = lambda event: Answer(hang_up=True) if event["id"] in lost else POISON
    assert replay_("run", "--target", "staging").exit_code == 2
    lost.clear()
    aws.invocations.clear()
    told = replay_("run", "--resume", "last", "--json")
    assert sorted(event["id"] for event in aws.invocations) == [2, 4]
    assert told.exit_code == 0
    assert told.documents[-1]["verdicts"] == {"reproduced": 6}
    assert all("once more than told" in " ".join(each["notes"]) for each in told.documents[:-1])
    assert len(run_paths(root)) == 1


def test_what_was_acknowledged_is_not_sent_twice(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """Killed between an acknowledgement and its verdict, the fixture is told as not run, and not invoked again."""
    root = recorded(2)
    first, second = map(str, replay.select_fixtures(replay.open_project()))
    with Ledger.begin(root, command="run", target="staging", fixtures=[first, second]) as ledger:
        ledger.sent([first])
        ledger.acknowledged([first])
    told = replay_("run", "--resume", ledger.run, "--json")
    assert told.exit_code == 2
    assert "it is not sent twice" in told.stderr
    assert len(aws.invocations) == 1


def test_ctrl_c_waits_for_what_is_under_way(
    aws: DeployedAws, recorded: Any, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off by Ctrl-C, the answer that is on its way is still noted, and the run can be gone on with."""
    recorded(3)
    waiting = threading.Event()

    def answer(_: Any) -> Answer:
        waiting.wait(0.1)
        return POISON

    aws.answer = answer
    from replay.replayer import deployed_run

    def interrupted(workers: Any) -> Iterator[Any]:
        for thread in workers._threads:
            thread.start()
        while not aws.invocations:
            waiting.wait(0.01)
        raise KeyboardInterrupt
        yield

    with monkeypatch.context() as patched:
        patched.setattr(deployed_run._Workers, "told", interrupted)
        assert replay_("run", "--target", "staging").exit_code == 130
    aws.invocations.clear()
    told = replay_("run", "--resume", "last", "--json")
    assert told.exit_code == 0
    assert told.documents[-1]["verdicts"] == {"reproduced": 3}
    assert len(aws.invocations) == 2


def test_runs_are_listed(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """`replay runs` is the audit trail: who, when, where, which version, which account, and how it ended."""
    recorded(2)
    assert "no runs yet" in replay_("runs").stderr
    replay_("run", "--target", "staging")
    told = replay_("runs")
    assert told.exit_code == 0
    assert re.search(rf"^\d{{8}}T\d{{6}}Z-\w{{6}}  run to staging, account {ACCOUNT}, by .*@.*, replay \d", told.stdout)
    row, summary = replay_("runs", "--json").documents
    assert (row["acknowledged"], row["observed"], row["ended"], row["in_doubt"]) == (2, 2, True, 0)
    assert summary == {"type": "summary", "total": 1}
    assert replay_("run", "--resume", "nothing").exit_code == 2


def test_a_run_of_unknown_size_is_listed(project: Callable[..., Path], replay_: CommandLine) -> None:
    """A run of pytest does not know beforehand how many it is of: nothing is said of that."""
    with Ledger.begin(project(HANDLER), command="pytest", target="staging") as ledger:
        ledger.acknowledged(["f/a"])
    assert "1 acknowledged, broken off" in replay_("runs").stdout


def test_no_payload_is_in_a_ledger(aws: DeployedAws, recorded: Any, replay_: CommandLine) -> None:
    """A ledger holds names, times and words of ours: nothing of what was sent or answered."""
    root = recorded(1)
    aws.answer = lambda _: Answer(payload={"secret": "hunter2"}, log="START hunter2")
    replay_("run", "--target", "staging")
    (path,) = run_paths(root)
    assert "hunter2" not in path.read_text()
    assert all(isinstance(json.loads(line), dict) for line in path.read_text().splitlines())
    assert read_run(path).torn == 0


@pytest.mark.usefixtures("_beyond")
def test_captured_events_go_through_all_guard_rails(
    aws: DeployedAws, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """`--events` to a function beyond this machine: planned, agreed to, bounded, in a ledger, and gone on with."""
    root = project(HANDLER, *({"id": number} for number in range(20)), settings=STAGING)
    words = ("run", "--target", "staging", "--events", "events.jsonl")
    refused = replay_(*words)
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    plan = replay_(*words, "--dry-run", "--json").documents[0]
    assert (plan["events"], plan["must_be_confirmed"]) == (20, True)
    assert plan["taken_from"] == ["events.jsonl: 1 file of 0.0 MB"]
    assert aws.invocations == []
    assert run_paths(root) == []
    stopped = replay_(*words, "--yes", "--max-errors", "3", "--json")
    assert stopped.exit_code == 1
    assert stopped.documents[-1]["stopped"] == "after 4 errors of 20 events: more than --max-errors 3"
    assert 4 <= len(aws.invocations) < 20
    aws.answer = lambda _: Answer(payload="done")
    again = replay_("run", "--resume", "last", "--yes", "--json")
    assert sorted(each["id"] for each in aws.invocations) == list(range(20)), "none is lost, and none is sent twice"
    counts = again.documents[-1]["verdicts"]
    assert (counts["failed"] >= 4, counts["failed"] + counts["succeeded"]) == (True, 20)
    assert again.exit_code == 1
    (run, _) = replay_("runs", "--json").documents
    assert (run["acknowledged"], run["observed"], run["in_doubt"], run["ended"]) == (20, 20, 0, True)
