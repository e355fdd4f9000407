"""
Giving dead letters back, unjudged: beside a bare boto3 loop on MiniStack, and beside lumigo-cli's `replay-sqs-dlq`.

Bounds: 0.8 x the bare loop of the same concurrency, which receives, sends and deletes in batches and notes nothing;
more messages a second than lumigo-cli moves, on LocalStack; and every message arrives with all its attributes.

Bare loop and redrive run in processes of their own, in turns; of both it is not counted how long they import, make
clients and look the queues up. The redrive ends when everything is given back, the bare loop with its last receive,
neither of which waits: an emulator is one server. The redrive's ledger is on the disk before anything is sent or
deleted. Against lumigo-cli both are timed from the start of their processes to the end:
on LocalStack, where SQS's own move task does it, and for comparison on MiniStack, which has none.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3

from benchmarks import dead_letters
from benchmarks.bounds import print_bounds
from benchmarks.dead_letters import CONCURRENCY, MESSAGES, filled, localstack_with_our_urls
from benchmarks.recording import _environment
from tests.emulators.ministack import launch
from tests.emulators.server import free_port, running

ROUNDS = 3
_BARE = """
import json, sys, threading, time
import boto3
from botocore.config import Config
sqs = boto3.client("sqs", config=Config(max_pool_connections=32))
url, to = (sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in sys.argv[1:3])
moved = []
def move():
    while got := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=120,
        MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]).get("Messages"):
        sqs.send_message_batch(QueueUrl=to, Entries=[
            {"Id": str(n), "MessageBody": m["Body"], "MessageAttributes": m.get("MessageAttributes", {})}
            for n, m in enumerate(got)])
        sqs.delete_message_batch(QueueUrl=url, Entries=[
            {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)])
        moved.extend(got)
threads = [threading.Thread(target=move) for _ in range(int(sys.argv[3]))]
began = time.perf_counter()
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps({"s": time.perf_counter() - began, "moved": len(moved)}))
"""
_REDRIVE = """
import json, sys, time
from pathlib import Path
import boto3
from replay.project import open_project
from replay.redriver.moving_all import prepare_move_of_all
from replay.redriver.preparing import RedriveRequest
from replay.replayer import Pace
request = RedriveRequest(queue=sys.argv[1], to=sys.argv[2], execute=True, pace=Pace(concurrency=int(sys.argv[3])))
prepared = prepare_move_of_all(open_project(Path(sys.argv[4])), request)
began = time.perf_counter()
*_, finished = prepared.events()
print(json.dumps({"s": time.perf_counter() - began, "moved": finished.outcomes.get("moved", 0)}))
"""


def in_a_child(code: str, *arguments: str) -> float:
    """Run *code*, which moves all messages; gives messages a second."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["moved"] == MESSAGES, result
    return MESSAGES / float(result["s"])


def by_command_line(folder: Path, dead: str, to: str) -> float:
    """Redrive as users do; gives seconds, from the start of the process to its end."""
    command = [sys.executable, "-m", "replay.cli.main", "redrive", dead, "--all", "--to", to, "--execute"]
    began = time.perf_counter()
    subprocess.run([*command, "--concurrency", str(CONCURRENCY)], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def new_queue(name: str) -> str:
    boto3.client("sqs").create_queue(QueueName=name)
    return name


def whole(name: str) -> int:
    """Count the different messages of a queue that have all attributes."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    wanted = dead_letters.ATTRIBUTES.keys()
    bodies: set[str] = set()
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
    ).get("Messages"):
        bodies |= {each["Body"] for each in messages if each.get("MessageAttributes", {}).keys() == wanted}
    return len(bodies)


def measure_on_localstack() -> dict[str, float]:
    """Measure SQS's own move task beside lumigo-cli, in turns; gives numbers by name."""
    ours, theirs, arrived, whole_of_theirs = [], [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pyproject.toml").write_text('[project]\nname = "bench"\nversion = "0"\n')
        with running(localstack_with_our_urls(folder / "server", free_port()), folder / "server") as server:
            os.environ.update(_environment(server.url))
            sqs = boto3.client("sqs")
            for number in range(ROUNDS):
                url = filled(f"ours-{number}")
                arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
                policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
                sqs.create_queue(QueueName=f"source-{number}", Attributes={"RedrivePolicy": policy})
                to = new_queue(f"to-{number}")
                ours.append(MESSAGES / by_command_line(folder, f"ours-{number}", to))
                arrived.append(whole(to))
                seconds, _, with_all = dead_letters.moved(folder, number)
                theirs.append(MESSAGES / seconds)
                whole_of_theirs.append(with_all)
    return {
        "ours": statistics.median(ours),
        "theirs": statistics.median(theirs),
        "arrived": min(arrived) / MESSAGES,
        "whole_of_theirs": min(whole_of_theirs),
    }


def measure() -> dict[str, float]:
    """Measure all in turns against one MiniStack; gives numbers by name."""
    ours, bare, ratios, command, theirs = [], [], [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pyproject.toml").write_text('[project]\nname = "bench"\nversion = "0"\n')
        with running(launch(folder / "server", free_port()), folder / "server") as server:
            os.environ.update(_environment(server.url))
            os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
            arrived = []
            for number in range(ROUNDS):
                filled(f"bare-{number}")
                to = new_queue(f"bare-to-{number}")
                bare.append(in_a_child(_BARE, f"bare-{number}", to, str(CONCURRENCY)))
                filled(f"ours-{number}")
                to = new_queue(f"ours-to-{number}")
                ours.append(in_a_child(_REDRIVE, f"ours-{number}", to, str(CONCURRENCY), str(folder)))
                ratios.append(ours[-1] / bare[-1])
                arrived.append(whole(to))
                filled(f"command-{number}")
                seconds = by_command_line(folder, f"command-{number}", new_queue(f"command-to-{number}"))
                command.append(MESSAGES / seconds)
                seconds, _, with_all = dead_letters.moved(folder, number)
                theirs.append(MESSAGES / seconds)
    return {
        "ours": statistics.median(ours),
        "bare": statistics.median(bare),
        "ratio": statistics.median(ratios),
        "command": statistics.median(command),
        "theirs": statistics.median(theirs),
        "arrived": min(arrived),
        "whole_of_theirs": with_all,
    }


def main() -> int:
    """Print the numbers beside their bounds; 1 where one is missed."""
    found, there = measure(), measure_on_localstack()
    print(f"{found['ours']:10.0f}  messages a second are redriven on MiniStack")
    print(f"{found['bare']:10.0f}  by a bare boto3 loop")
    print(f"{found['command']:10.0f}  by `replay redrive`, start to end")
    print(f"{found['theirs']:10.0f}  by lumigo-cli, start to end; {found['whole_of_theirs']:.0f} of {MESSAGES} whole")
    print(f"{there['ours']:10.0f}  messages a second by `replay redrive --all` on LocalStack, start to end")
    print(f"{there['theirs']:10.0f}  by lumigo-cli; {there['whole_of_theirs']:.0f} of {MESSAGES} whole")
    rows = [
        ("x the bare loop of the same concurrency", found["ratio"], ">=", 0.8),
        ("x lumigo-cli's rate on LocalStack", there["ours"] / there["theirs"], ">=", 1.0),
        ("of the messages arrived with all attributes", min(found["arrived"] / MESSAGES, there["arrived"]), ">=", 1.0),
    ]
    return print_bounds(rows)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
