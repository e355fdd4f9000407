"""`replay redrive` of an archive: planned with the rules that get it, and replayed by EventBridge itself."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from replay.ledger.ledger import Ledger, read_run, run_paths
from replay.redriver import archive_redrive
from replay.targets import eventbridge_replay
from replay.targets.guard_rails import deployed
from tests.cli.command_line import CommandLine

ACCOUNT = "123456789012"
BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop"
TARGET = (
    f'[tool.replay.targets.orders-archive]\nkind = "eventbridge-replay"\narchive = "orders"\naccount_id = "{ACCOUNT}"\n'
)


class Bus:
    """A bus with an archive of one event, and rules; what was asked of EventBridge is noted."""

    def __init__(self) -> None:
        self.client: Any = boto3.client("events")
        self.client.create_event_bus(Name="shop")
        self.client.create_archive(ArchiveName="orders", EventSourceArn=BUS)
        detail = {"EventBusName": "shop", "Source": "shop", "DetailType": "order", "Detail": json.dumps({"id": 1})}
        self.client.put_events(Entries=[detail])
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.ends: dict[str, object] = {}

    def rule(self, name: str, *, calls: str = "orders") -> str:
        pattern = json.dumps({"source": ["shop"]})
        made = self.client.put_rule(Name=name, EventBusName="shop", EventPattern=pattern)
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{calls}"
        self.client.put_targets(Rule=name, EventBusName="shop", Targets=[{"Id": "1", "Arn": arn}])
        return str(made["RuleArn"])

    def calls(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.asked if name == operation]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, project: Callable[..., Path]) -> Iterator[Bus]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    monkeypatch.setattr(archive_redrive, "_FIRST_LOOK_S", 0.0)
    monkeypatch.setattr(archive_redrive, "_LOOK_EVERY_S", 0.0)
    project("def handler(event, context): pass\n", settings=TARGET)
    with mock_aws():
        made = Bus()
        real = BaseClient._make_api_call

        def noting(client: Any, operation: str, request: dict[str, Any]) -> Any:
            made.asked.append((operation, request))
            made.ends[operation] = signal.getsignal(signal.SIGTERM)
            if operation == "StartReplay":  # moto delivers at once, which here nobody waits for
                return {"ReplayArn": "arn", "State": "STARTING"}
            if operation == "DescribeReplay":
                looks = len(made.calls("DescribeReplay"))
                return {"State": "RUNNING" if looks < 2 else "COMPLETED", "ReplayName": request["ReplayName"]}
            return real(client, operation, request)

        monkeypatch.setattr(BaseClient, "_make_api_call", noting)
        yield made


def test_it_is_replayed_to_the_rules_of_the_function_alone(bus: Bus, replay_: CommandLine, tmp_path: Path) -> None:
    """Rules that call the function are chosen, FilterArns keep the others out, and the ledger knows the replay."""
    arn = bus.rule("to-orders")
    bus.rule("to-others", calls="billing")
    told = replay_("redrive", "archive:orders", "--all", "--function", "orders", "--execute", "--yes", "--since", "2h")
    assert told.exit_code == 0, told.stderr
    assert "rule to-orders (to lambda orders)" in told.stderr
    assert "to-others" not in told.stderr
    assert "COMPLETED" in told.stderr
    (started,) = bus.calls("StartReplay")
    assert started["Destination"] == {"Arn": BUS, "FilterArns": [arn]}
    assert 120 <= (started["EventEndTime"] - started["EventStartTime"]).total_seconds() / 60 <= 122
    run = run_paths(tmp_path)[0]
    assert started["ReplayName"] == f"redrive-{run.stem}"
    progress = read_run(run)
    assert list(progress.acknowledged) == [started["ReplayName"]]
    assert progress.ended is not None
    assert progress.ended["status"] == "COMPLETED"
    assert bus.ends["DescribeReplay"] is signal.default_int_handler, (
        "a cancelled job cancels the replay, as Ctrl-C does"
    )
    assert signal.getsignal(signal.SIGTERM) is not signal.default_int_handler


def test_without_execute_it_ends_behind_the_plan(bus: Bus, replay_: CommandLine, tmp_path: Path) -> None:
    """What would be replayed, to which rules, and nothing is started; a named rule is enough."""
    bus.rule("to-orders")
    told = replay_("redrive", "orders-archive", "--all", "--rule", "to-orders")
    assert told.exit_code == 0, told.stderr
    assert "rule to-orders" in told.stderr
    assert "of archive orders" in told.stderr
    assert "add --execute" in told.stderr
    plan = replay_("redrive", "orders-archive", "--all", "--rule", "to-orders", "--json").documents[0]
    assert (plan["type"], plan["destinations"][0]["arn"]) == ("plan", BUS)
    assert bus.calls("StartReplay") == []
    assert run_paths(tmp_path) == []


def test_it_asks_before_it_starts(bus: Bus, replay_: CommandLine) -> None:
    """Without a terminal and --yes nothing is started: exit code 2."""
    bus.rule("to-orders")
    told = replay_("redrive", "archive:orders", "--all", "--rule", "to-orders", "--execute")
    assert told.exit_code == 2
    assert "--yes" in told.stderr
    assert bus.calls("StartReplay") == []


def test_the_bus_has_all_guard_rails(bus: Bus, replay_: CommandLine, tmp_path: Path) -> None:
    """A bus of another account than the section says, or one that looks like production, is refused; --yes is no word."""
    bus.rule("to-orders")
    words = ("redrive", "archive:orders", "--all", "--rule", "to-orders", "--execute", "--yes")
    settings = tmp_path / "pyproject.toml"
    text = settings.read_text()
    settings.write_text(text.replace(ACCOUNT, "999988887777"))
    told = replay_(*words)
    assert (told.exit_code, "credentials are those of account" in told.stderr) == (2, True)
    settings.write_text(text)
    bus.client.tag_resource(ResourceARN=BUS, Tags=[{"Key": "stage", "Value": "production"}])
    told = replay_(*words)
    assert (told.exit_code, "looks like production" in told.stderr) == (2, True)
    assert bus.calls("StartReplay") == []


def test_other_rules_are_refused_where_nothing_keeps_them_out(
    bus: Bus, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emulator ignores FilterArns: with other rules on the bus it is refused, unless that is agreed to."""
    bus.rule("to-orders")
    bus.rule("to-others", calls="billing")
    monkeypatch.setattr(eventbridge_replay, "on_aws", lambda _: False)
    words = ("redrive", "archive:orders", "--all", "--rule", "to-orders", "--execute", "--yes")
    told = replay_(*words)
    assert told.exit_code == 2
    assert "to-others" in told.stderr
    assert bus.calls("StartReplay") == []
    agreed = replay_(*words, "--other-rules")
    assert agreed.exit_code == 0, agreed.stderr
    assert "another rule, to-others" in agreed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("archive:orders", "--rule", "to-orders"), "--all"),
        (("archive:orders", "--all"), "--rule NAME"),
        (("archive:orders", "--all", "--rule", "nowhere"), "no rule nowhere"),
        (("archive:orders", "--all", "--rule", "to-orders", "--rate", "5/s"), "for queues"),
        (("orders-dlq", "--all", "--rule", "to-orders"), "for archives"),
    ],
)
def test_what_cannot_be_meant_is_refused(bus: Bus, replay_: CommandLine, words: tuple[str, ...], said: str) -> None:
    """Nobody judges an archive, somebody must say to whom it goes, and EventBridge chooses the pace."""
    bus.rule("to-orders")
    told = replay_("redrive", *words)
    assert told.exit_code == 2
    assert said in told.stderr


def test_a_run_that_was_killed_starts_no_second_replay(bus: Bus, replay_: CommandLine, tmp_path: Path) -> None:
    """The replay is asked for under the name of the run: AWS takes no name twice, and the first is followed."""
    bus.rule("to-orders")
    archive = f"arn:aws:events:us-east-1:{ACCOUNT}:archive/orders"
    with Ledger.begin(tmp_path, command="redrive", target=archive) as killed:
        killed.sent([f"redrive-{killed.run}"])
    told = replay_("redrive", "archive:orders", "--all", "--rule", "to-orders", "--resume", "last", "--yes")
    assert told.exit_code == 0, told.stderr
    assert [each["ReplayName"] for each in bus.calls("StartReplay")] == [f"redrive-{killed.run}"]
    assert read_run(killed.path).in_doubt == (f"redrive-{killed.run}",)


def test_broken_off_it_is_cancelled(
    bus: Bus, replay_: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C cancels the replay, and the ledger says so: it does not run on behind the user's back."""
    bus.rule("to-orders")

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive_redrive.ArchiveRedrive, "_followed", interrupted)
    told = replay_("redrive", "archive:orders", "--all", "--rule", "to-orders", "--execute", "--yes")
    assert told.exit_code == 130
    (started,) = bus.calls("StartReplay")
    assert bus.calls("CancelReplay") == [{"ReplayName": started["ReplayName"]}]
    ended = read_run(run_paths(tmp_path)[0]).ended
    assert ended is not None
    assert ended["interrupted"]


@pytest.fixture
def slow_replay(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay that says how far it is: half of its time, then its end; and a terminal to say it on."""
    noting = BaseClient._make_api_call

    def telling(client: Any, operation: str, request: dict[str, Any]) -> Any:
        answer = noting(client, operation, request)
        if operation == "DescribeReplay":
            (started,) = bus.calls("StartReplay")
            start, end = started["EventStartTime"], started["EventEndTime"]
            half = answer["State"] == "RUNNING"
            answer = {**answer, "EventLastReplayedTime": start + (end - start) / 2 if half else end}
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", telling)


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def test_a_terminal_shows_how_far_it_is(
    bus: Bus, slow_replay: None, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, kept up to date and gone in the end, then the last word; a log gets a line for each state."""
    bus.rule("to-orders")
    words = ("redrive", "archive:orders", "--all", "--rule", "to-orders", "--execute", "--yes", "--since", "2h")
    with monkeypatch.context() as patch:
        on_a_terminal(patch)
        told = replay_(*words)
    assert told.exit_code == 0, told.stderr
    assert "\r\x1b[2KRUNNING, replayed up to" in told.stderr
    assert "UTC (50%)" in told.stderr
    assert "\r\x1b[2KCOMPLETED, replayed up to" in told.stderr
    bus.asked.clear()
    log = replay_(*words)
    assert "\x1b" not in log.stderr
    assert [line.partition(",")[0] for line in log.stderr.splitlines()[-2:]] == ["RUNNING", "COMPLETED"]


def test_a_machine_reads_how_far_it_is(bus: Bus, slow_replay: None, replay_: CommandLine) -> None:
    """Every look is a document, with the share of its time that is replayed."""
    bus.rule("to-orders")
    told = replay_("redrive", "archive:orders", "--all", "--rule", "to-orders", "--execute", "--yes", "--json")
    assert [(each["status"], each["share"]) for each in told.documents[1:]] == [("RUNNING", 0.5), ("COMPLETED", 1.0)]


def test_a_run_shows_how_far_the_replay_is(
    bus: Bus, slow_replay: None, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`replay run` through an archive waits for EventBridge: meanwhile a terminal tells how far that is."""
    bus.rule("to-orders", calls="f")
    settings = tmp_path / "pyproject.toml"
    settings.write_text(settings.read_text() + 'observe_for_s = 0.0\nrules = ["to-orders"]\n')
    event = {
        "version": "0", "id": "3f9c2a52-6b1e-4f0a-9d5e-000000000001", "detail-type": "order", "source": "shop",
        "account": ACCOUNT, "time": "2026-11-20T09:30:00Z", "region": "us-east-1", "resources": [], "detail": {"id": 1},
    }  # fmt: skip
    (tmp_path / "event.json").write_text(json.dumps(event))
    assert replay_("record", "files", "event.json", "--function", "f").exit_code == 0
    quiet = replay_("run", "--target", "orders-archive", "--yes", "--json")
    assert "replayed up to" not in quiet.stderr
    bus.asked.clear()
    on_a_terminal(monkeypatch)
    told = replay_("run", "--target", "orders-archive", "--yes", "--json")
    assert "RUNNING, replayed up to 2026-11-20 09:30 UTC (50%)" in told.stderr, told.stderr
    assert len(bus.calls("StartReplay")) == 1
