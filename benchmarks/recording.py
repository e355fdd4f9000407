"""
Recording from MiniStack: its rate, its rate against a bare boto3 receive loop behind 15 ms of latency, and its memory.

Bounds: 400 messages a second; 0.8 x the bare loop of the same concurrency; 50 MB more for 20,000 messages than 1,000.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3

from benchmarks.slow_line import slow_line
from tests.emulators.ministack import launch
from tests.emulators.server import free_port, running

LATENCY_S = 0.015
MESSAGES = 2_000
FEW, MANY = 1_000, 20_000
ROUNDS = 3
_CHILD = """
import json, resource, sys, time
from pathlib import Path
from replay.project import open_project, record_events
from replay.sources.sqs import SqsOptions, SqsSource
folder, queue, concurrency = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
project = open_project(folder)
began = time.perf_counter()
summary = record_events(project, SqsSource(SqsOptions(queue=queue, concurrency=concurrency)), function="orders")
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
                    bare.append(MESSAGES / bare_loop("bench", DEFAULT_CONCURRENCY))
                    ratios.append(MESSAGES / recorded(folder, "bench", DEFAULT_CONCURRENCY)["s"] / bare[-1])
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
    """Record *queue* in a fresh process, as the command line does, and say how long it took."""
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(project), queue, str(concurrency)],
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    assert result["written"] in {MESSAGES, FEW, MANY}, result
    return result


def bare_loop(queue: str, concurrency: int) -> float:
    """Receive every message once with plain boto3 in *concurrency* threads, as quickly as it goes; gives seconds."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    seen: dict[str, str] = {}
    began = time.perf_counter()

    def receive() -> None:
        while len(seen) < MESSAGES:
            got = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=120,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            for message in got.get("Messages", []):
                seen[message["MessageId"]] = message["ReceiptHandle"]

    threads = [threading.Thread(target=receive) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    handles = list(seen.values())
    for start in range(0, len(handles), 10):
        entries = [
            {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for n, handle in enumerate(handles[start : start + 10])
        ]
        sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    return elapsed


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
    missed = 0
    for name, value, sign, bound in rows:
        holds = value >= bound if sign == ">=" else value <= bound
        missed += not holds
        print(f"{value:10.2f}  {name} (bound: {sign} {bound}){'' if holds else '  MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
