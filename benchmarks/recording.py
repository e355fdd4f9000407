"""
Recording from MiniStack: its rate, its rate against a bare boto3 receive loop behind 15 ms of latency, and its memory.

Bounds: 400 messages a second; 0.8 x the bare loop of the same concurrency; 50 MB more for 20,000 messages than 1,000.

Recording and bare loop both run in a process of their own, in turns, and both end as a loop must that does not know
how many messages there are: each thread at a long poll that stays empty (which a recording would not ask of an emulator
by itself; here it does). Imports count for neither. A recording is timed from before it looks the queue up until every
message is given back, the bare loop only from its first receive to its last.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3

from benchmarks.bounds import print_bounds
from benchmarks.slow_line import slow_line
from tests.emulators.ministack import launch
from tests.emulators.server import free_port, running

LATENCY_S = 0.015
MESSAGES = 5_000
FEW, MANY = 1_000, 20_000
ROUNDS = 3
_BARE = """
import json, sys, threading, time
import boto3
sqs = boto3.client("sqs")
url, seen = sqs.get_queue_url(QueueName=sys.argv[1])["QueueUrl"], {}
def receive():
    while got := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=120,
        MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]).get("Messages"):
        seen.update((message["MessageId"], message["ReceiptHandle"]) for message in got)
threads = [threading.Thread(target=receive) for _ in range(int(sys.argv[2]))]
began = time.perf_counter()
for thread in threads: thread.start()
for thread in threads: thread.join()
elapsed, handles = time.perf_counter() - began, list(seen.values())
for start in range(0, len(handles), 10):
    sqs.change_message_visibility_batch(QueueUrl=url, Entries=[
        {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0}
        for n, handle in enumerate(handles[start:start + 10])])
print(json.dumps({"s": elapsed, "seen": len(seen)}))
"""
_CHILD = """
import json, resource, sys, time
from pathlib import Path
import boto3
from replay.project import open_project, record_events
from replay.recorder import record
from replay.sources.sqs import SqsSource
from replay.sources.sqs_options import SqsOptions
folder, queue, concurrency = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
project = open_project(folder)
began = time.perf_counter()
source = SqsSource(SqsOptions(queue=queue, concurrency=concurrency, wait_s=1))
summary = record_events(project, source, function="orders")
print(json.dumps({"s": time.perf_counter() - began, "written": summary.written,
                  "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


def measure() -> dict[str, float]:
    """Measure everything against one MiniStack; gives numbers by name."""
    from replay.sources.sqs import DEFAULT_CONCURRENCY

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with running(launch(folder / "server", free_port()), folder / "server") as server:
            os.environ.update(_environment(server.url))
            fill("bench", MESSAGES)
            rates = [MESSAGES / recorded(folder, "bench", DEFAULT_CONCURRENCY)["s"] for _ in range(ROUNDS)]
            with slow_line(server.url, latency_s=LATENCY_S) as url:
                os.environ["AWS_ENDPOINT_URL"] = url
                ratios, bare = [], []
                for _ in range(ROUNDS):
                    bare_s = bare_loop("bench", DEFAULT_CONCURRENCY)
                    bare.append(MESSAGES / bare_s)
                    ratios.append(bare_s / recorded(folder, "bench", DEFAULT_CONCURRENCY)["s"])
            os.environ["AWS_ENDPOINT_URL"] = server.url
            fill("few", FEW)
            few = recorded(folder, "few", DEFAULT_CONCURRENCY)["peak_kb"]
            fill("many", MANY)
            many = recorded(folder, "many", DEFAULT_CONCURRENCY)["peak_kb"]
    return {
        "messages_per_s": statistics.median(rates),
        "bare_loop_behind_latency_per_s": statistics.median(bare),
        "ratio_to_bare_loop": statistics.median(ratios),
        "growth_mb": (many - few) / 1024,
    }


def fill(queue: str, count: int) -> None:
    """Make a queue and send *count* messages of about 1 kB."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    for start in range(0, count, 10):
        entries = [{"Id": str(n), "MessageBody": _body(n)} for n in range(start, min(start + 10, count))]
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def recorded(folder: Path, queue: str, concurrency: int) -> dict[str, float]:
    """
    Record *queue* in a fresh process and into a fresh folder, as the command line does, and say how long it took.

    What earlier recordings wrote stays until the end: for seconds after many files were deleted, ext4 is three times
    slower to make new ones (it passes over inodes that it has just freed), and nobody deletes thousands of fixtures
    just before recording.
    """
    result = _child(_CHILD, tempfile.mkdtemp(dir=folder), queue, str(concurrency))
    assert result["written"] in {MESSAGES, FEW, MANY}, result
    return result


def bare_loop(queue: str, concurrency: int) -> float:
    """Receive every message once with plain boto3 in *concurrency* threads, as quickly as it goes; gives seconds."""
    result = _child(_BARE, queue, str(concurrency))
    assert result["seen"] == MESSAGES, result
    return result["s"]


def _child(code: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _body(number: int) -> str:
    order = {
        "order_id": f"o-{number}",
        "customer_id": f"c-{number % 97}",
        "total": number / 100,
        "note": "Please leave it with the neighbours. " * 6,
    }
    return json.dumps(order | {"items": [{"sku": f"sku-{n}", "quantity": n} for n in range(15)]})


def _environment(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def main() -> int:
    """Print the numbers beside their bounds; 1 where one is missed."""
    found = measure()
    rows = [
        ("messages a second on MiniStack", found["messages_per_s"], ">=", 400),
        ("x the bare receive loop, behind 15 ms", found["ratio_to_bare_loop"], ">=", 0.8),
        ("MB more for 20,000 messages than for 1,000", found["growth_mb"], "<=", 50),
    ]
    return print_bounds(rows)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
