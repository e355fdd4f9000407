"""
Sending messages to a queue of MiniStack, beside a bare boto3 loop that sends the same in batches.

Bound: 0.8 x the bare loop, whose threads each send batches of ten, and note nothing. The sender that all queues,
topics, buses and streams share checks what each entry was answered, and has in its ledger on the disk what it is about
to send, and what was acknowledged. Both have the messages in memory. A whole `replay run` is told beside it, from its
plan to its last verdict, of as many fixtures with as many messages under way; it reads each twice, and judges it.
Nothing is observed: `observe_for_s` is 0.

All run in processes of their own, in turns, imports and clients not counted.
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
from benchmarks.recording import _environment
from tests.emulators.ministack import launch
from tests.emulators.server import free_port, running

FIXTURES = int(os.environ.get("BENCH_SENDING", "3000"))
THREADS = 4
BATCH = 10
ROUNDS = 3
SETTINGS = """\
[project]
name = "bench"
version = "0"
[tool.replay.functions.orders]
handler = "app.handler"
[tool.replay.targets.there]
kind = "sqs"
queue = "{queue}"
observe_for_s = 0
"""
_BARE = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import boto3
from botocore.config import Config
client = boto3.client("sqs", config=Config(max_pool_connections=32))
url = client.get_queue_url(QueueName=sys.argv[2])["QueueUrl"]
events = [json.loads(path.read_bytes()) for path in Path(sys.argv[1]).glob("fixtures/*/*/event.json")]
bodies = [event["Records"][0]["body"] for event in events]
batches = [bodies[start : start + 10] for start in range(0, len(bodies), 10)]
def send(batch):
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
    return len(client.send_message_batch(QueueUrl=url, Entries=entries)["Successful"])
began = time.perf_counter()
with ThreadPoolExecutor(int(sys.argv[3])) as pool:
    done = sum(pool.map(send, batches))
print(json.dumps({"s": time.perf_counter() - began, "done": done}))
"""
_SENDER = """
import json, sys, time
from pathlib import Path
from replay.ledger.ledger import Ledger
from replay.payloads.captures import Event
from replay.targets.sending import Sender
from replay.targets.sqs import SqsTarget
root, target = Path(sys.argv[1]), SqsTarget(queue=sys.argv[2])
events = {path.parent.name: Event(text=path.read_text()) for path in root.glob("fixtures/*/*/event.json")}
entries = [entry for key, event in events.items() for entry in target.entries(event, key=key, marker="")]
target.queue, target.client(max_attempts=1)
with Ledger.begin(root, command="run") as ledger:
    began = time.perf_counter()
    sent = Sender(target, ledger, concurrency=int(sys.argv[3])).send(entries)
    took_s = time.perf_counter() - began
print(json.dumps({"s": took_s, "done": sum(each.acknowledgement is not None for each in sent.values())}))
"""
_REPLAY = """
import json, sys, time
from pathlib import Path
import boto3
import replay
from replay.deployed_replay import plan_replay
from replay.replayer import Pace
project, pace = replay.open_project(Path(sys.argv[1])), Pace(concurrency=10 * int(sys.argv[3]))
began = time.perf_counter()
references = replay.select_fixtures(project)
plan = plan_replay(project, references, target="there", pace=pace)
*_, finished = replay.replay_fixtures(project, references, target="there", pace=pace, plan=plan)
print(json.dumps({"s": time.perf_counter() - began, "done": finished.verdicts["unobserved"]}))
"""


def made_project(folder: Path) -> None:
    """Make a project with so many fixtures of one message each."""
    (folder / "pyproject.toml").write_text(SETTINGS.format(queue="none"))
    (folder / "app.py").write_text("def handler(event, context):\n    return event['customer_id']\n")
    with (folder / "events.jsonl").open("w") as file:
        for number in range(FIXTURES):
            body = json.dumps({"order": number, "text": "x" * 900})
            record = {"messageId": f"m-{number}", "body": body, "eventSource": "aws:sqs", "attributes": {}}
            file.write(json.dumps({"Records": [record]}) + "\n")
    command = [sys.executable, "-m", "replay.cli.main", "record", "files", "events.jsonl", "--function", "orders"]
    subprocess.run([*command, "--all"], cwd=folder, check=True, capture_output=True)


def in_a_child(code: str, folder: Path, queue: str) -> float:
    """Send all to a new *queue*; gives messages a second."""
    url = boto3.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
    (folder / "pyproject.toml").write_text(SETTINGS.format(queue=queue))
    command = [sys.executable, "-c", code, str(folder), queue, str(THREADS)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    counted = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    arrived = int(counted["Attributes"]["ApproximateNumberOfMessages"])
    assert result["done"] == arrived == FIXTURES, (result, arrived)
    return FIXTURES / float(result["s"])


def measure() -> dict[str, float]:
    """Measure both in turns against one MiniStack; gives numbers by name."""
    ours, bare, runs = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with running(launch(folder / "server", free_port()), folder / "server") as server:
            os.environ.update(_environment(server.url))
            os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
            made_project(folder)
            for number in range(ROUNDS):
                bare.append(in_a_child(_BARE, folder, f"bare-{number}"))
                ours.append(in_a_child(_SENDER, folder, f"ours-{number}"))
                runs.append(in_a_child(_REPLAY, folder, f"run-{number}"))
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    return {
        "ours": statistics.median(ours),
        "bare": statistics.median(bare),
        "run": statistics.median(runs),
        "ratio": statistics.median(ratios),
    }


def main() -> int:
    """Print the numbers beside their bounds; 1 where one is missed."""
    found = measure()
    print(f"{found['ours']:10.0f}  messages a second are sent, {BATCH * THREADS} under way at once")
    print(f"{found['bare']:10.0f}  messages a second by a bare boto3 loop of {THREADS} threads, in batches of {BATCH}")
    print(f"{found['run']:10.0f}  fixtures a second by a whole run, from its plan to its last verdict")
    return print_bounds([("x the bare loop of the same concurrency", found["ratio"], ">=", 0.8)])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
