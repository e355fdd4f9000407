"""Recording an archive from real servers: what comes out, who else gets it, and what is left, also by a killed process."""

import random
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from tests.emulators.archives import (
    Archive,
    command,
    doctor,
    events_on_disk,
    left_in_account,
    new_archive,
    record,
    recorded,
)
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

KILLS = 10


@pytest.fixture(params=["localstack", "ministack"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, own_account: str) -> Server:
    """A server with archives, that every AWS client here and in child processes now talks to, in an empty account."""
    name = {"localstack": "archives_server", "ministack": "ministack_server"}[request.param]
    found: Server = request.getfixturevalue(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    return found


@pytest.fixture
def archive(server: Server) -> Archive:
    return new_archive()


def test_every_event_of_an_archive_becomes_a_fixture(archive: Archive, tmp_path: Path) -> None:
    """Each event comes once, as it was put, without the replay's name in it, and nothing is left in the account."""
    archive.put([{"order": number} for number in range(45)])

    summary = recorded(archive, tmp_path)

    assert (summary["seen"], summary["written"]) == (45, 45)
    events = events_on_disk(tmp_path)
    assert sorted(event["detail"]["order"] for event in events) == list(range(45))
    assert {event["detail-type"] for event in events} == {"OrderPlaced"}
    assert not [event for event in events if "replay-name" in event]
    assert left_in_account() == []


def test_recording_again_makes_no_second_fixture(archive: Archive, server: Server, tmp_path: Path) -> None:
    """An event is known by its id, which MiniStack keeps; LocalStack gives a replayed event a new one, so here it cannot."""
    archive.put([{"order": number} for number in range(3)])

    recorded(archive, tmp_path)
    again = recorded(archive, tmp_path)

    assert (again["written"], again["known"]) == ((0, 3) if server.name == "ministack" else (3, 0))


def test_a_pattern_and_a_limit_choose_events(archive: Archive, tmp_path: Path) -> None:
    """What --pattern does not match never leaves the archive; --limit ends the recording, and all is removed."""
    archive.put([{"order": 1}, {"order": 2, "failed": True}, {"order": 3, "failed": True}])

    matching = recorded(archive, tmp_path / "pattern", "--pattern", '{"detail": {"failed": [true]}}')
    limited = recorded(archive, tmp_path / "limit", "--limit", "2")

    assert (matching["seen"], matching["written"]) == (2, 2)
    assert limited["written"] == 2
    assert left_in_account() == []


def test_only_the_time_that_is_asked_for_is_replayed(
    archives_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """LocalStack takes an event's own time (MiniStack sets it to now): --since and --until choose by it, to the second."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", archives_server.url)
    archive = new_archive()
    now = datetime.now(UTC)
    for order, age in enumerate((5.0, 3.0, 1.0)):
        archive.put([{"order": order}], at=now - timedelta(hours=age))

    summary = recorded(archive, tmp_path, "--since", "4h", "--until", "2h")
    recorded(archive, tmp_path / "exact", "--since", (now - timedelta(hours=3, seconds=-2)).isoformat())

    assert summary["written"] == 1
    assert [event["detail"]["order"] for event in events_on_disk(tmp_path)] == [1]
    assert [event["detail"]["order"] for event in events_on_disk(tmp_path / "exact")] == [2]


def test_a_time_without_events_is_no_error(archive: Archive, tmp_path: Path) -> None:
    """Nothing is recorded, which is said with the time and with what the archive counts."""
    archive.put([{"order": 1}])

    summary = recorded(archive, tmp_path, "--since", "2001-01-01", "--until", "2001-01-02")

    assert summary["seen"] == 0
    assert any("gave no event of 2001-01-01 00:00" in note and "1 event in all" in note for note in summary["notes"])
    assert left_in_account() == []


def test_other_rules_get_nothing_without_the_users_word(archive: Archive, tmp_path: Path) -> None:
    """These servers ignore FilterArns, so a bus with another rule is refused, told by name, until --force is given."""
    rule, url = archive.other_rule()
    archive.put([{"order": 1}])
    sqs = boto3.client("sqs")
    assert _taken(sqs, url) == 1

    refused = record(archive, tmp_path)
    assert refused.returncode == 2
    assert f"{rule} (to {rule})" in refused.stderr
    assert "--force" in refused.stderr
    assert _taken(sqs, url) == 0
    assert left_in_account() == []

    summary = recorded(archive, tmp_path, "--force")
    assert summary["written"] == 1
    assert any(rule in note and "again" in note for note in summary["notes"])
    assert _taken(sqs, url) == 1, "it is a server that ignores FilterArns"


def _taken(sqs: "boto3.client", url: str) -> int:
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


@pytest.mark.takes_long
def test_what_a_killed_recording_leaves_is_removed(archive: Archive, tmp_path: Path) -> None:
    """Killed by SIGKILL at ten random moments, `replay doctor` tells what is left, removes all of it, and then finds nothing."""
    archive.put([{"order": number} for number in range(30)])
    chance = random.Random(1609)
    caught = 0
    for kill in range(KILLS):
        recording = _started(archive, tmp_path / str(kill))
        try:
            _wait(lambda: bool(left_in_account()), recording)
            time.sleep(chance.uniform(0, 3))
        finally:
            recording.kill()
            recording.wait()
        left = left_in_account()
        caught += bool(left)

        if kill % 3 == 0:
            code, findings = doctor(tmp_path)
            assert code == (1 if left else 0)
            assert all(name in str(findings) for name in left)
            assert left_in_account() == left, "without --remove it only tells"
        code, findings = doctor(tmp_path, "--remove")
        assert (code, {each["level"] for each in findings}) == (0, {"ok"})
        assert left_in_account() == []
    # Else the kills came too late, and have shown nothing.
    assert caught >= KILLS // 2
    assert recorded(archive, tmp_path / "after")["written"] == 30


def test_a_live_recording_is_not_touched(archive: Archive, tmp_path: Path) -> None:
    """While its process runs, `replay doctor --remove` leaves its rule and queue alone; Ctrl-C then removes them."""
    archive.put([{"order": 1}])
    recording = _started(archive, tmp_path / "live", "--settle-s", "60")
    try:
        _wait(lambda: len(left_in_account()) == 2, recording)
        left = left_in_account()

        code, findings = doctor(tmp_path, "--remove")

        assert code == 0
        assert [each["level"] for each in findings] == ["note"]
        assert f"process {recording.pid} of this machine still runs" in findings[0]["what"]
        assert left_in_account() == left
        recording.send_signal(signal.SIGINT)
        assert recording.wait(30) == 130
    finally:
        recording.kill()
        recording.wait()
    assert left_in_account() == []


def test_ctrl_c_at_any_moment_leaves_nothing(archive: Archive, tmp_path: Path) -> None:
    """Interrupted at random moments, a recording cancels its replay and removes what it made, by itself."""
    archive.put([{"order": number} for number in range(30)])
    chance = random.Random(1815)
    for attempt in range(4):
        recording = _started(archive, tmp_path / str(attempt))
        try:
            _wait(lambda: bool(left_in_account()), recording)
            time.sleep(chance.uniform(0, 1.0))
            recording.send_signal(signal.SIGINT)
            assert recording.wait(60) in {0, 130}
        finally:
            recording.kill()
            recording.wait()
        assert left_in_account() == []


def _started(archive: Archive, out: Path, *options: str) -> "subprocess.Popen[bytes]":
    out.mkdir()
    return subprocess.Popen(
        command(archive, out, *options), cwd=out, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _wait(until: Callable[[], bool], recording: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not until() and recording.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
