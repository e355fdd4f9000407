"""What killed recordings leave is found and removed; what may still be in use is not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.events import models

from replay.diagnosis.finding import Finding
from replay.diagnosis.leftovers import Leftovers, check_leftovers
from replay.sources.archive_parts import archive_recording
from replay.sources.archive_parts.made_for_replay import LEASE, PREFIX, Mark, Tag
from replay.sources.archive_parts.owners import Owner, owner_of, runs, this_process
from replay.sources.eventbridge_archive import EventBridgeArchiveOptions, EventBridgeArchiveSource
from tests.cli.command_line import CommandLine, make_command_line
from tests.sources.archives import ARCHIVE, BUS, make_archive, replays_as_on_aws

DETAILS = ['{"order": 1}', '{"order": 2}']
LIST, REMOVE = Leftovers(), Leftovers(remove=True)


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return make_command_line(capsys)


class _Killed(BaseException):
    """What SIGKILL is to a process: nothing runs after it."""


@pytest.fixture(autouse=True)
def aws() -> Iterator[Any]:
    with mock_aws(), replays_as_on_aws():
        yield make_archive(DETAILS)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Let recordings be those of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    owner = Owner(machine=this_process().machine, pid=process.pid, started="1")
    process.wait()
    monkeypatch.setattr(archive_recording, "this_process", lambda: owner)
    return owner


def kill_after(calls: int) -> bool:
    """Record, and be killed when so many calls of AWS were made; say whether it came to its end before."""
    recording = EventBridgeArchiveSource(EventBridgeArchiveOptions(archive=ARCHIVE, settle_s=0, wait_s=0)).open()
    real = BaseClient._make_api_call
    made = 0

    def call(client: Any, name: str, arguments: Any) -> Any:
        nonlocal made
        if made == calls:
            raise _Killed
        made += 1
        return real(client, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        try:
            list(recording.captures())
            recording.close()
        except _Killed:
            return False
    return True


def left() -> list[str]:
    events, sqs = boto3.client("events"), boto3.client("sqs")
    rules = events.list_rules(EventBusName=BUS, NamePrefix=PREFIX)["Rules"]
    running = [each for each in events.list_replays(NamePrefix=PREFIX)["Replays"] if each["State"] == "STARTING"]
    return [
        *(rule["Name"] for rule in rules),
        *(url.rpartition("/")[2] for url in sqs.list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])),
        *(each["ReplayName"] for each in running),
    ]


def checked(asked: Leftovers = LIST, *, later: timedelta = timedelta()) -> list[Finding]:
    return list(check_leftovers(asked, now=lambda: datetime.now(UTC) + later))


@contextmanager
def denied(*operations: str) -> Iterator[None]:
    real = BaseClient._make_api_call

    def call(client: Any, name: str, arguments: Any) -> Any:
        if name in operations:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)
        return real(client, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        yield


def test_a_recording_killed_at_any_call_leaves_nothing_for_good(ended: Owner) -> None:
    """Killed before each call of AWS that makes something: whatever is left is told, removed, and then is gone."""
    ever_left = set()
    with patch.object(models.Replay, "replay_events", _stay_running):
        for calls in range(6):
            assert not kill_after(calls)
            names = left()
            ever_left.add(len(names))
            findings = checked()
            assert [each.level for each in findings] == (["problem"] if names else ["ok"])
            assert all(name in findings[0].what for name in names)
            assert left() == names
            assert {each.level for each in checked(REMOVE)} == {"ok"}
            assert left() == []
    assert ever_left == {0, 1, 2, 3}


def _stay_running(replay: Any, archive: Any) -> None:
    """moto ends each replay at once; this one stays as it is."""


def test_a_recording_killed_while_it_removes_is_finished(ended: Owner) -> None:
    """Killed between one removal and the next, the rest is removed."""
    calls, ever_left = 7, set()
    while not kill_after(calls):
        ever_left.add(len(left()))
        checked(REMOVE)
        assert left() == []
        calls += 1
        assert calls < 60
    assert left() == []
    assert ever_left == {1, 2}


def test_what_is_left_is_told_with_the_command_that_removes_it(ended: Owner) -> None:
    """The plan names each rule, queue and running replay, by recording, with when it was made."""
    with patch.object(models.Replay, "replay_events", _stay_running):
        kill_after(5)
    name = left()[0]
    (finding,) = checked()
    assert finding.level == "problem"
    assert f"recording {name.removeprefix(PREFIX)} of {datetime.now(UTC):%Y-%m-%d}" in finding.what
    assert f"running replay {name}, rule {name} on bus {BUS}, queue {name}" in finding.what
    assert finding.hint == "replay doctor --leftovers --remove removes it"


def test_a_recording_whose_process_runs_is_left_alone() -> None:
    """Its process is looked for on this machine; it is not a matter of time."""
    kill_after(5)  # this process itself is the owner, and runs on
    names = left()
    for later in (timedelta(), timedelta(days=9)):
        (finding,) = checked(REMOVE, later=later)
        assert finding.level == "note"
        assert f"process {os.getpid()} of this machine still runs" in finding.what
    assert left() == names


def test_a_recording_of_another_machine_is_left_alone_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it runs cannot be seen from here: it counts as running until the time that it said last."""
    owner = Owner(machine="0" * 12, pid=os.getpid())
    monkeypatch.setattr(archive_recording, "this_process", lambda: owner)
    kill_after(5)
    names = left()
    (finding,) = checked(REMOVE)
    assert finding.level == "note"
    assert "it is another machine's, and taken to run until" in finding.what
    assert left() == names
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=names[0])["QueueUrl"]
    renewed = datetime.now(UTC) + 3 * LEASE
    sqs.tag_queue(QueueUrl=url, Tags={Tag.KEPT_UNTIL: renewed.strftime("%Y-%m-%dT%H:%M:%SZ")})
    assert [each.level for each in checked(REMOVE, later=2 * LEASE)] == ["note"], "what is renewed last counts"
    assert [each.level for each in checked(REMOVE, later=4 * LEASE)] == ["ok"]
    assert left() == []


def test_what_only_looks_like_ours_is_left_alone(aws: Any) -> None:
    """A name is not enough: without our tag it is told, and not touched."""
    boto3.client("sqs").create_queue(QueueName=f"{PREFIX}mine")
    aws.put_rule(Name=f"{PREFIX}mine", EventBusName=BUS, EventPattern='{"source": ["x"]}')
    findings = checked(REMOVE)
    assert [each.level for each in findings] == ["note", "note", "ok"]
    assert all("no tag of ours: left alone" in each.what for each in findings[:2])
    assert len(left()) == 2


def test_a_tag_is_not_enough_either(aws: Any) -> None:
    """Our tag on something of another name was put there by hand."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    mark = Mark(recording="1", created=long_ago, owner=None, kept_until=long_ago)
    boto3.client("sqs").create_queue(QueueName="orders", tags=mark.tags())
    assert [each.level for each in checked(REMOVE)] == ["ok"]
    assert boto3.client("sqs").list_queues(QueueNamePrefix="orders")["QueueUrls"]


def test_what_may_not_be_listed_is_told_and_the_rest_removed(ended: Owner) -> None:
    """Without permission to list rules, the queue goes all the same, and the permission is named."""
    kill_after(3)
    with denied("ListRules", "GetResources"):
        findings = checked(REMOVE)
    assert [each.level for each in findings] == ["problem", "ok"]
    assert "ListRules" in findings[0].what
    assert len(left()) == 1


def test_what_may_not_be_removed_is_told(ended: Owner) -> None:
    """The denied action is named; what is left is found the next time."""
    kill_after(3)
    with denied("DeleteQueue"):
        (finding,) = checked(REMOVE)
    assert finding.level == "problem"
    assert "AWS denied sqs:DeleteQueue" in finding.what
    assert [each.level for each in checked(REMOVE)] == ["ok"]
    assert left() == []


def test_a_queue_is_found_by_its_tag_alone(ended: Owner) -> None:
    """Where queues may not be listed, the tagging API finds what is tagged."""
    kill_after(3)
    with denied("ListQueues"):
        findings = checked(REMOVE)
    assert {each.level for each in findings} == {"problem", "ok"}
    assert left() == []


def test_a_rule_is_found_by_its_tag_alone(ended: Owner, aws: Any) -> None:
    """Also on a bus that may not be listed; moto's tagging API knows no rules, so its answer is made here. What is gone is passed over."""
    kill_after(1)
    (rule,) = aws.list_rules(EventBusName=BUS, NamePrefix=PREFIX)["Rules"]
    tags = aws.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
    arns = [rule["Arn"], f"{rule['Arn']}gone", rule["Arn"].replace(f"/{BUS}/{PREFIX}", f"/{PREFIX}")]
    real = BaseClient._make_api_call

    def call(client: Any, name: str, arguments: Any) -> Any:
        if name == "ListEventBuses":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)
        if name == "GetResources":
            return {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": tags} for arn in arns]}
        return real(client, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        findings = checked(REMOVE)
    assert [each.level for each in findings] == ["problem", "ok"]
    assert f"removed rule {rule['Name']} on bus {BUS}" in findings[1].what
    assert left() == []


def test_nothing_left_is_said_with_the_region() -> None:
    """Leftovers are looked for in one region, which is named."""
    (finding,) = checked(Leftovers(region="eu-west-1"))
    assert (finding.level, finding.what) == ("ok", "nothing is left behind in eu-west-1")


def test_the_command_tells_and_removes(ended: Owner, replay_: CommandLine) -> None:
    """`replay doctor --leftovers` exits with 1 while something is left, and with --remove with 0."""
    kill_after(5)
    told = replay_("doctor", "--leftovers")
    assert told.exit_code == 1
    assert "replay doctor --leftovers --remove removes it" in told.stdout
    removed = replay_("doctor", "--leftovers", "--remove", "--json")
    assert removed.exit_code == 0
    assert [each["level"] for each in removed.documents if each["type"] == "finding"] == ["ok"]
    assert left() == []


@pytest.mark.parametrize("option", ["--remove", "--region=eu-west-1", "--profile=x", "--endpoint-url=localstack"])
def test_options_of_leftovers_alone_are_refused(option: str, replay_: CommandLine) -> None:
    """`replay doctor --remove` alone removes nothing, and says so."""
    done = replay_("doctor", option)
    assert done.exit_code == 2
    assert "need --leftovers" in done.stderr


def test_two_questions_at_once_are_refused(replay_: CommandLine) -> None:
    """`--source` with `--leftovers --remove` would remove nothing; it says so."""
    done = replay_("doctor", "--source", "sqs", "--leftovers", "--remove")
    assert done.exit_code == 2
    assert "two different things" in done.stderr


# Owners


def test_a_process_is_known_while_it_runs() -> None:
    """A process that has ended, also one that nobody has collected yet, no longer runs."""
    assert runs(this_process()) is True
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(machine=this_process().machine, pid=process.pid)
    assert runs(owner) is True
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    if sys.platform == "linux":
        assert runs(owner) is False, "a zombie"
    process.wait()
    process.communicate()
    assert runs(owner) is False


def test_a_number_that_another_process_has_now_is_not_the_same() -> None:
    """Process numbers are given again; the time of the start tells them apart, where the system says it."""
    me = this_process()
    later = Owner(machine=me.machine, pid=me.pid, started=f"{me.started}1")
    assert runs(later) is (not me.started)


def test_a_process_of_another_machine_cannot_be_known() -> None:
    """Neither yes nor no."""
    assert runs(Owner(machine="0" * 12, pid=os.getpid())) is None


@pytest.mark.parametrize("text", ["", "a/b/c", "0" * 12, f"{'0' * 12}/-1/", f"{'0' * 12}/1/2/3"])
def test_what_is_no_owner_is_none(text: str) -> None:
    """Tags can be changed by others."""
    assert owner_of(text) is None
    assert owner_of(str(this_process())) == this_process()


def new_machine(name: str, mark: Mark | None) -> None:
    tags = [{"key": str(key), "value": value} for key, value in mark.tags().items()] if mark else []
    definition = '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}}'
    boto3.client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn="arn:aws:iam::123456789012:role/told", tags=tags
    )


def machines() -> set[str]:
    return {str(each["name"]) for each in boto3.client("stepfunctions").list_state_machines()["stateMachines"]}


def test_state_machines_of_killed_runs_are_removed(ended: Owner) -> None:
    """A Distributed Map's state machine is known by name and tags; one of a run that goes on, or of others, stays."""
    now = datetime.now(UTC)
    dead = Mark(recording="a" * 12, created=now, owner=ended, kept_until=now + LEASE)
    alive = Mark(recording="b" * 12, created=now, owner=this_process(), kept_until=now + LEASE)
    new_machine(dead.name, dead)
    new_machine(alive.name, alive)
    new_machine(f"{PREFIX}other", None)
    new_machine("orders", dead)
    told = list(check_leftovers(LIST))
    assert [each.what for each in told if each.level == "problem"] == [
        f"run {dead.recording} of {now:%Y-%m-%d %H:%M} UTC has left: state machine {dead.name}"
    ]
    assert any("still runs" in each.what and alive.name in each.what for each in told)
    assert any("no tag of ours" in each.what for each in told)
    assert machines() == {dead.name, alive.name, f"{PREFIX}other", "orders"}
    assert [each.level for each in check_leftovers(REMOVE)] == ["note", "ok", "note"]
    assert machines() == {alive.name, f"{PREFIX}other", "orders"}


def test_who_may_not_list_state_machines_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings need no permission of Step Functions: that it is missing is a note, and no problem."""
    real = BaseClient._make_api_call

    def call(client: Any, name: str, arguments: Any) -> Any:
        if name == "ListStateMachines":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)
        return real(client, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    assert [(each.level, "state machines" in each.what) for each in check_leftovers(LIST)] == [
        ("note", True),
        ("ok", False),
    ]


def test_the_command_that_removes_looks_where_was_looked() -> None:
    """On another endpoint, region or profile it needs the same options again."""
    assert Leftovers().command == "replay doctor --leftovers --remove"
    asked = Leftovers(endpoint_url="localstack", region="eu-west-1", profile="my dev")
    assert asked.command == (
        "replay doctor --leftovers --remove --region eu-west-1 --profile 'my dev' --endpoint-url localstack"
    )
