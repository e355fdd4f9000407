"""Recording from real servers over HTTP, and leaving their queues as they were."""

import base64
import hashlib
import json
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.queues import Queue, new_queue, send_concurrently
from tests.emulators.recordings import Record, command, documents_on_disk, record, recorded, records_on_disk
from tests.emulators.server import Server

pytestmark = pytest.mark.emulator

MESSAGES = 2_000
_WORDS = ["lamp", "order", "Zürich", "größe", "日本", "🪔", "<tag/>", '"', "\\", "\t", "\n", "null", "1e400", "\ufffd"]


def _message(number: int) -> dict[str, Any]:
    """One of many kinds of message: JSON, broken JSON, plain text, every type of attribute."""
    chance = random.Random(number)
    words = [chance.choice(_WORDS) for _ in range(chance.randint(1, 12))]
    exact = f'{{"number": {number}, "price": 0.1000000000000000055511151231257827, "big": {2**70}, "big": {number}}}'
    bodies = [
        json.dumps({"number": number, "words": words}),
        exact,
        f"{{number: {number},",
        f"{number} {' '.join(words)}",
    ]
    body = bodies[number % len(bodies)]
    attributes: dict[str, Any] = {
        "text": {"DataType": "String", "StringValue": words[0]},
        "count": {"DataType": "Number", "StringValue": "1234567890123456789012345678901234.5678"},
        # Never 30 bytes: in base64 they would be what an AWS secret key looks like, and redacted for one.
        "bytes": {"DataType": "Binary", "BinaryValue": chance.randbytes(number % 29 + 1)},
        "kind.of": {"DataType": "String.label", "StringValue": f"kind {number % 7}"},
    }
    return {"MessageBody": body, "MessageAttributes": dict(list(attributes.items())[: number % 5])}


def _assert_same(sent: dict[str, Any], kept: Record, queue: Queue) -> None:
    assert kept["body"] == sent["MessageBody"]
    assert kept["md5OfBody"] == hashlib.md5(sent["MessageBody"].encode(), usedforsecurity=False).hexdigest()
    assert kept["eventSource"] == "aws:sqs"
    assert kept["eventSourceARN"] == queue.arn
    assert kept["attributes"]["SentTimestamp"].isdigit()
    assert kept["messageAttributes"].keys() == sent["MessageAttributes"].keys()
    for name, value in sent["MessageAttributes"].items():
        attribute = kept["messageAttributes"][name]
        assert attribute["dataType"] == value["DataType"]
        if "BinaryValue" in value:
            assert base64.b64decode(attribute["binaryValue"], validate=True) == value["BinaryValue"]
        else:
            assert attribute["stringValue"] == value["StringValue"]


@pytest.mark.takes_long
def test_two_thousand_messages_are_recorded_exactly_and_given_back(emulator: Server, tmp_path: Path) -> None:
    """Every body and attribute is equal, none is missing, none is there twice, and all are visible again."""
    queue = new_queue(emulator, "many")
    sent = send_concurrently(queue, [_message(number) for number in range(1, MESSAGES)])
    # One of the largest that SQS takes, sent alone: the limit is the same for a batch as a whole.
    largest = {"MessageBody": "x" * 1_048_576, "MessageAttributes": {}}
    sent[queue.send([largest])[0]] = largest

    summary = recorded(queue, tmp_path)

    assert (summary["seen"], summary["written"]) == (MESSAGES, MESSAGES)
    assert queue.counts() == (MESSAGES, 0)
    kept = records_on_disk(tmp_path)
    assert kept.keys() == sent.keys()
    for identity, entry in sent.items():
        _assert_same(entry, kept[identity], queue)
    back = queue.take_all()
    assert {identity: message["Body"] for identity, message in back.items()} == {
        identity: entry["MessageBody"] for identity, entry in sent.items()
    }
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in back.values()} == {"2"}


def test_recording_twice_makes_no_second_fixture(emulator: Server, tmp_path: Path) -> None:
    """A message has one fixture for ever; the second recording sees it again, since the first gave it back."""
    queue = new_queue(emulator, "twice")
    queue.send([_message(number) for number in range(1, 31)])
    assert recorded(queue, tmp_path)["written"] == 30
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}

    again = recorded(queue, tmp_path)

    assert (again["seen"], again["written"], again["known"]) == (30, 0, 30)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


def test_ctrl_c_gives_every_message_back(emulator: Server, tmp_path: Path) -> None:
    """Interrupted in the middle, the recording returns its leases at once, and what it wrote is whole."""
    queue = new_queue(emulator, "interrupted")
    entries = [_message(number) for number in range(1, 501)]
    sent = dict(zip(queue.send(entries), entries, strict=True))
    said = tmp_path / "stderr"
    with said.open("w") as errors:
        process = subprocess.Popen(command(queue.arn, tmp_path), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            _wait_for_fixtures(process, tmp_path, 20)
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            process.kill()
            process.wait()

    assert "Traceback" not in said.read_text()
    assert queue.counts() == (500, 0)
    for identity, kept in records_on_disk(tmp_path).items():
        _assert_same(sent[identity], kept, queue)


def _wait_for_fixtures(process: "subprocess.Popen[bytes]", out: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(out.glob("orders/*--*/fixture.json"))) < count:
        assert process.poll() is None, f"ended before it wrote {count} fixtures"
        assert time.monotonic() < deadline, f"has not written {count} fixtures"
        time.sleep(0.005)


def test_a_dead_letter_belongs_to_the_queue_it_failed_in(emulator: Server, tmp_path: Path) -> None:
    """A message driven to its dead-letter queue by receives is rebuilt as its own consumer got it: from the source queue."""
    dead = new_queue(emulator, "orders-dlq")
    policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": "2"}
    source = new_queue(emulator, "orders", RedrivePolicy=policy, VisibilityTimeout="120")
    sent = dict(zip(source.send([_message(number) for number in range(1, 8)]), range(1, 8), strict=True))
    deadline = time.monotonic() + 60
    while dead.counts() != (7, 0):
        assert time.monotonic() < deadline, f"not dead-lettered: {source.counts()} {dead.counts()}"
        source.receive(visibility_timeout_s=0)

    recorded(dead, tmp_path)

    kept = records_on_disk(tmp_path)
    assert kept.keys() == sent.keys()
    for identity, number in sent.items():
        _assert_same(_message(number), kept[identity], source)
    for document in documents_on_disk(tmp_path):
        assert document["provenance"]["arn"] == dead.arn
        assert document["event_source"]["kind"] == "sqs"
        assert document["event_source"]["arn"] == source.arn
        assert document["event_source"]["max_receive_count"] == 2
    assert dead.counts() == (7, 0)


def test_of_a_fifo_group_the_first_batch_is_recorded_and_the_rest_is_counted(emulator: Server, tmp_path: Path) -> None:
    """What is seen of a group is its beginning, in order; what is not seen is said; and the leases are given back."""
    queue = new_queue(emulator, "groups", FifoQueue="true", ContentBasedDeduplication="true")
    groups = ["north", "south", "west"]
    queue.send(
        [{"MessageBody": f"{group} {place:02}", "MessageGroupId": group} for place in range(15) for group in groups]
    )

    summary = recorded(queue, tmp_path)

    kept = sorted(record["body"] for record in records_on_disk(tmp_path).values())
    per_group = Counter(body.split()[0] for body in kept)
    # MiniStack mixes the groups in one batch of ten and then locks all three; LocalStack, as AWS, gives a batch of each.
    assert sum(per_group.values()) == (30 if emulator.name == "localstack" else 10)
    assert kept == sorted(f"{group} {place:02}" for group, seen in per_group.items() for place in range(seen))
    unseen = 45 - len(kept)
    assert any(f"{unseen} messages" in note and "not seen" in note and "FIFO" in note for note in summary["notes"])
    assert queue.counts() == (45, 0)
    assert queue.receive()[0]["Body"].endswith("00")


def test_a_queue_with_a_redrive_policy_is_not_received_from(emulator: Server, tmp_path: Path) -> None:
    """Receiving would count against maxReceiveCount, so it is refused before the first receive, and done with --force."""
    dead = new_queue(emulator, "dead")
    policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": "3"}
    queue = new_queue(emulator, "live", RedrivePolicy=policy)
    queue.send([_message(1)])

    refused = record(queue.name, tmp_path)

    assert refused.returncode == 2
    assert "maxReceiveCount" in refused.stderr
    assert "--force" in refused.stderr
    assert not list(tmp_path.rglob("*.json"))
    (message,) = queue.receive(visibility_timeout_s=0)
    assert message["Attributes"]["ApproximateReceiveCount"] == "1", "our own receive is the first"

    assert recorded(queue, tmp_path, "--force")["written"] == 1


def test_a_wrong_queue_name_is_one_clear_message(emulator: Server, tmp_path: Path) -> None:
    """A queue that does not exist ends with exit code 2, one message that names it and the near one, and no fixture."""
    queue = new_queue(emulator, "orders-dlq")
    wrong = queue.name.replace("orders", "order")

    done = record(wrong, tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    assert wrong in done.stderr
    assert queue.name in done.stderr
    assert not (tmp_path / "orders").exists()


def test_localstack_is_reached_as_its_users_do(
    localstack_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--endpoint-url localstack:PORT` needs no credentials, region or endpoint variable: localstack-client knows them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", localstack_server.url)
    queue = new_queue(localstack_server, "by-client")
    queue.send([_message(1)])
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    port = localstack_server.url.rpartition(":")[2]
    done = record(queue.name, tmp_path, "--endpoint-url", f"localstack:{port}")

    assert done.returncode == 0, done.stderr
    assert len(records_on_disk(tmp_path)) == 1
