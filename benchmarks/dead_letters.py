"""
Recording a dead-letter queue, beside lumigo-cli's `replay-sqs-dlq` of the same queue on the same emulator.

Bound, on LocalStack and on MiniStack: more messages a second than lumigo-cli moves, and none lost: every message has a
fixture with its body and its attributes, and is still in the queue.

Thousands of messages are recorded as lines of a pack (`--packed`). Both are timed as their users wait for them, from
the start of the process to its end, in turns, after a small round of each that is not counted; each with as many
receives at once as it has by itself. lumigo-cli takes the messages away, so its queue is filled anew for each round.
Its check for a newer version and its analytics are off, and it is led to the emulator, of which it knows nothing.

Beside them, a bare boto3 loop of four threads that receives all and gives all back, and keeps nothing: what a recorder
in Python that leaves the messages in their queue cannot be quicker than by much. It has no bound.

LocalStack's own metrics of its queues are off: it works them off for seconds after the calls that they count, in the
time of whoever comes next.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

from benchmarks.bounds import print_bounds
from benchmarks.recording import _body, _environment
from tests.emulators import localstack, ministack
from tests.emulators.environments import install_packages
from tests.emulators.node import LUMIGO_CLI
from tests.emulators.recordings import records_on_disk
from tests.emulators.server import Launch, free_port, running

MESSAGES = int(os.environ.get("BENCH_DEAD_LETTERS", "3000"))
FEW = 20
CONCURRENCY = 10
"""How many receives lumigo-cli has at once by default."""

ROUNDS = 3
_LED_TO_THE_SERVER = """
const modules = process.env.BENCH_MODULES;
require(modules + "/aws-sdk").config.update({ endpoint: process.env.AWS_ENDPOINT_URL });
const analytics = require.resolve(modules + "/lumigo-cli/src/lib/analytics.js");
require.cache[analytics] = { id: analytics, filename: analytics, loaded: true, exports: { track: () => undefined } };
"""
_BARE = """
import sys
from concurrent.futures import ThreadPoolExecutor
import boto3
sqs = boto3.client("sqs")
url = sqs.get_queue_url(QueueName="dead-letters")["QueueUrl"]
asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}

def received(_):
    return iter(lambda: sqs.receive_message(**asked, VisibilityTimeout=600).get("Messages", []), [])

def given_back(messages):
    entries = [
        {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
        for number, each in enumerate(messages)
    ]
    return len(sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)["Successful"])

with ThreadPoolExecutor(4) as pool:
    held = [messages for found in pool.map(lambda _: [*received(_)], range(4)) for messages in found]
    print(sum(pool.map(given_back, held)))
"""
ATTRIBUTES = {
    "kind": {"DataType": "String", "StringValue": "order"},
    "attempt": {"DataType": "Number", "StringValue": "3"},
    "digest": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}


def filled(name: str, messages: int = MESSAGES) -> Any:
    """Make a queue with so many messages; gives its URL."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    for start in range(0, messages, 10):
        entries = [
            {"Id": str(number), "MessageBody": _body(number), "MessageAttributes": ATTRIBUTES}
            for number in range(start, min(start + 10, messages))
        ]
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")
    return url


def recorded(folder: Path, queue: str = "dead-letters") -> tuple[float, int]:
    """Record a queue; gives seconds, and how many messages have a fixture that lacks nothing."""
    out = Path(tempfile.mkdtemp(dir=folder))
    command = [sys.executable, "-m", "replay.cli.main", "record", "sqs", "--queue", queue, "--all"]
    command += ["--packed", "--function", "orders", "--out", str(out)]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    elapsed = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    whole = [each for each in records_on_disk(out).values() if each["messageAttributes"].keys() == ATTRIBUTES.keys()]
    return elapsed, len({each["body"] for each in whole})


def bare() -> float:
    """Receive the whole queue and give it back, in a process of its own; gives seconds."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _BARE], check=True, capture_output=True, text=True)
    elapsed = time.perf_counter() - began
    assert int(done.stdout) == MESSAGES, done.stdout
    return elapsed


def moved(folder: Path, number: int, messages: int = MESSAGES) -> tuple[float, int, int]:
    """Let lumigo-cli move a queue; gives seconds, how many arrived, and how many of these with all attributes."""
    filled(f"dead-{number}", messages)
    sqs: Any = boto3.client("sqs")
    target = sqs.create_queue(QueueName=f"target-{number}")["QueueUrl"]
    modules = install_packages(LUMIGO_CLI) / "node_modules"
    shim = folder / "server.js"
    shim.write_text(_LED_TO_THE_SERVER)
    command = ["node", "--require", str(shim), str(modules / "lumigo-cli" / "bin" / "run"), "replay-sqs-dlq"]
    command += ["-d", f"dead-{number}", "-n", f"target-{number}", "-r", "us-east-1", "-c", str(CONCURRENCY)]
    quiet = {
        "SKIP_VERSION_CHECK": "1",
        "BENCH_MODULES": str(modules),
        "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1",
    }
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=os.environ | quiet, check=True, capture_output=True)
    elapsed = time.perf_counter() - began
    arrived = whole = 0
    while messages := sqs.receive_message(
        QueueUrl=target, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
    ).get("Messages"):
        arrived += len(messages)
        whole += sum(each.get("MessageAttributes", {}).keys() == ATTRIBUTES.keys() for each in messages)
    return elapsed, arrived, whole


def measure(launched: Launch, folder: Path) -> dict[str, float]:
    """Measure both in turns on one server; gives numbers by name."""
    (folder / "project").mkdir(parents=True)
    with running(launched, folder / "server") as server:
        os.environ.update(_environment(server.url))
        filled("few", FEW)
        recorded(folder / "project", "few")
        moved(folder / "project", -1, FEW)
        url = filled("dead-letters")
        ours, theirs, loops, kept, arrived, whole = [], [], [], [], [], []
        for number in range(ROUNDS):
            seconds, count = recorded(folder / "project")
            ours.append(MESSAGES / seconds)
            kept.append(count)
            loops.append(MESSAGES / bare())
            seconds, came, with_all = moved(folder, number)
            theirs.append(MESSAGES / seconds)
            arrived.append(came)
            whole.append(with_all)
        told = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return {
        "ours": statistics.median(ours),
        "theirs": statistics.median(theirs),
        "bare": statistics.median(loops),
        "kept": min(kept),
        "left": int(told["ApproximateNumberOfMessages"]),
        "arrived": min(arrived),
        "whole": min(whole),
    }


def main() -> int:
    """Print the numbers beside their bounds; 1 where one is missed."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what pip installs is compiled
    missed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for launch in (localstack_with_our_urls, ministack.launch):
            folder = Path(tempfile.mkdtemp(dir=scratch))
            launched = launch(folder / "server", free_port())
            found = measure(launched, folder)
            print(f"{launched.name}:")
            print(f"{found['ours']:10.0f}  messages a second are recorded")
            print(f"{found['bare']:10.0f}  messages a second are received and given back by a bare boto3 loop")
            print(f"{found['theirs']:10.0f}  messages a second are moved by lumigo-cli")
            print(
                f"{found['arrived']:10.0f}  of {MESSAGES} came to its target, {found['whole']:.0f} with all attributes"
            )
            rows = [
                ("x lumigo-cli's rate", found["ours"] / found["theirs"], ">=", 1.0),
                ("of the messages recorded with body and attributes", found["kept"] / MESSAGES, ">=", 1.0),
                ("of the messages still in the queue", found["left"] / MESSAGES, ">=", 1.0),
            ]
            missed |= print_bounds(rows)
    return missed


def localstack_with_our_urls(folder: Path, port: int) -> Launch:
    """Prepare LocalStack, whose URLs of queues lead lumigo-cli's SDK to where it is asked, and to no domain."""
    settings = {"SQS_ENDPOINT_STRATEGY": "dynamic", "SQS_DISABLE_CLOUDWATCH_METRICS": "1"}
    return localstack.launch(folder, port, settings=settings)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
