"""Draining on real servers: a message leaves its queue only for a fixture of its own, whatever happens."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.emulators.queues import Queue, new_queue
from tests.emulators.recordings import command, packed_lines, recorded, records_on_disk
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

MESSAGES = 200
KILLS = 10
ADDRESS = "grace.hopper@navy.example.com"


@pytest.mark.takes_long
@pytest.mark.parametrize("packed", [False, True])
def test_a_drain_that_is_killed_loses_nothing(emulator: Server, tmp_path: Path, packed: bool) -> None:
    """Killed by SIGKILL at random moments, each message is in the queue or, whole, on disk; then the drain is ended."""
    chance = random.Random(2026)
    caught_in_the_middle = 0
    messages, options, kills = (3 * MESSAGES, ("--packed",), KILLS // 2) if packed else (MESSAGES, (), KILLS)
    # Of packs, so that a piece is there and another one is not.
    on_disk = range(1, 2 * MESSAGES) if packed else range(MESSAGES)
    for kill in range(kills):
        out = tmp_path / str(kill)
        queue, sent = _filled(emulator, f"kill-{packed}-{kill}", messages)
        _kill_when(queue, out, *options, fixtures=chance.choice(on_disk), after_s=chance.uniform(0, 0.05))

        kept = {identity: record["body"] for identity, record in records_on_disk(out).items()}
        left = queue.bodies()
        assert kept | left == sent
        caught_in_the_middle += bool(kept) and 0 < len(left) < messages
        assert kept.items() <= sent.items()
    # Else the kills came too early or too late, and have shown nothing.
    assert caught_in_the_middle >= kills // 2

    _wait_for_leases(queue)
    recorded(queue, out, "--drain", *options)
    assert {identity: record["body"] for identity, record in records_on_disk(out).items()} == sent
    assert queue.bodies() == {}


def test_at_each_moment_of_a_drain_a_message_is_in_the_queue_or_on_disk(emulator: Server, tmp_path: Path) -> None:
    """Halted again and again, at many more moments than it could be killed at, the drain never has a message nowhere."""
    chance = random.Random(1906)
    queue, sent = _filled(emulator, "halted")
    halts = 0
    drain = _started(queue, tmp_path)
    try:
        _wait_for_fixtures(drain, tmp_path, 1)
        while drain.poll() is None:
            drain.send_signal(signal.SIGSTOP)
            # It stops no sooner than the disk has answered it; or it has ended.
            os.waitid(os.P_PID, drain.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            time.sleep(0.01)  # what it has asked of the server is done now
            left = queue.bodies()
            assert left.keys() | records_on_disk(tmp_path).keys() == sent.keys()
            halts += 0 < len(left) < MESSAGES
            drain.send_signal(signal.SIGCONT)
            time.sleep(chance.uniform(0, 0.01))
    finally:
        drain.kill()
        drain.wait()
    assert drain.returncode == 0
    assert queue.bodies() == {}
    # Else it was over before anything was seen.
    assert halts >= 10


def _filled(emulator: Server, name: str, messages: int = MESSAGES) -> tuple[Queue, dict[str, str]]:
    queue = new_queue(emulator, name)
    bodies = [f'{{"order": {number}}}' for number in range(messages)]
    return queue, dict(zip(queue.send([{"MessageBody": body} for body in bodies]), bodies, strict=True))


def _kill_when(queue: Queue, out: Path, *options: str, fixtures: int, after_s: float) -> None:
    """Kill a drain so long after so many fixtures are on disk: random, and yet in the middle on machines of any speed."""
    out.mkdir()
    drain = _started(queue, out, "--visibility-timeout-s", "5", *options)
    try:
        _wait_for_fixtures(drain, out, fixtures)
        time.sleep(after_s)
    finally:
        drain.kill()
        drain.wait()


def _started(queue: Queue, out: Path, *options: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command(queue.arn, out, "--drain", *options), cwd=out, stdout=subprocess.DEVNULL)


def _wait_for_fixtures(drain: "subprocess.Popen[bytes]", out: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while _fixtures_on_disk(out) < count and drain.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _fixtures_on_disk(out: Path) -> int:
    folders = sum(1 for _ in out.glob("orders/*--*/fixture.json"))
    return folders + sum(1 for pack in out.glob("orders/*.jsonl.zst") for _ in packed_lines(pack))


def _wait_for_leases(queue: Queue) -> None:
    """Leases of a killed recording run out by themselves."""
    deadline = time.monotonic() + 30
    while queue.counts()[1]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_drained_queue_is_empty_and_its_messages_are_on_disk(emulator: Server, tmp_path: Path) -> None:
    """Without redaction in the way, every message is deleted, each after its own fixture."""
    queue, sent = _filled(emulator, "drained")

    summary = recorded(queue, tmp_path, "--drain")

    assert (summary["written"], summary["deleted"], summary["left"]) == (MESSAGES, MESSAGES, 0)
    assert queue.bodies() == {}
    assert {identity: record["body"] for identity, record in records_on_disk(tmp_path).items()} == sent


def test_what_redaction_changed_is_moved_whole(emulator: Server, tmp_path: Path) -> None:
    """With --drain-to, a redacted message goes to the other queue, body and attributes exact; the address stays off the disk."""
    queue, parked = new_queue(emulator, "personal"), new_queue(emulator, "parked")
    tag = {"tag": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    personal = {"MessageBody": f'{{"customer": "{ADDRESS}", "n": 1e2}}', "MessageAttributes": tag}
    _, identity = queue.send([{"MessageBody": '{"order": 1}'}, personal])

    summary = recorded(queue, tmp_path, "--drain", "--drain-to", parked.name)

    assert (summary["written"], summary["deleted"], summary["moved"], summary["left"]) == (2, 1, 1, 0)
    assert queue.bodies() == {}
    (moved,) = parked.take_all().values()
    assert moved["Body"] == personal["MessageBody"]
    assert moved["MessageAttributes"]["tag"]["BinaryValue"] == b"\x00\xff"
    assert ADDRESS not in records_on_disk(tmp_path)[identity]["body"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and ADDRESS.encode() in path.read_bytes()]


def test_what_redaction_changed_stays_without_a_word_from_the_user(emulator: Server, tmp_path: Path) -> None:
    """Neither --drain-to nor --accept-redacted given: the message stays, visible; with --accept-redacted it is deleted."""
    queue = new_queue(emulator, "kept")
    clean, personal = queue.send([{"MessageBody": '{"order": 1}'}, {"MessageBody": f"mail {ADDRESS}"}])

    summary = recorded(queue, tmp_path, "--drain")

    assert (summary["written"], summary["deleted"], summary["left"]) == (2, 1, 1)
    assert queue.bodies().keys() == {personal}
    assert queue.counts() == (1, 0)
    assert records_on_disk(tmp_path).keys() == {clean, personal}

    assert recorded(queue, tmp_path, "--drain", "--accept-redacted")["deleted"] == 1
    assert queue.bodies() == {}


def test_a_fifo_queue_is_drained_to_the_end_in_order(emulator: Server, tmp_path: Path) -> None:
    """Deleting what is kept lets the next batch of each group come, until nothing is left."""
    queue = new_queue(emulator, "drained", FifoQueue="true", ContentBasedDeduplication="true")
    queue.send([{"MessageBody": f"{place} {group}", "MessageGroupId": group} for place in range(25) for group in "abc"])

    summary = recorded(queue, tmp_path, "--drain")

    assert (summary["written"], summary["deleted"]) == (75, 75)
    assert queue.bodies() == {}
