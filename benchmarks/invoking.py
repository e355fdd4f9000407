"""
Replaying fixtures against a function on MiniStack, beside a bare boto3 loop and a loop of `sam remote invoke`.

Bound: 0.8 x the bare loop, whose threads invoke the same function with the same events, and judge nothing. The ratio to
`sam remote invoke`, one process an event, is told; that ends with 0 when the function raises.

Replay and bare loop run in processes of their own, in turns, imports not counted; the replay from its plan to its last
verdict, each of which is in its ledger, on the disk.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import boto3

from benchmarks.bounds import print_bounds
from benchmarks.recording import _environment
from tests.emulators.environments import Environment, install
from tests.emulators.ministack import launch
from tests.emulators.server import free_port, running

FIXTURES = int(os.environ.get("BENCH_INVOKING", "300"))
CONCURRENCY = 4
ROUNDS = 3
SAM_INVOCATIONS = 3
SAM = Environment(name="aws-sam-cli-1.170.0", requirements=("aws-sam-cli==1.170.0",))
HANDLER = "def handler(event, context):\n    return event['customer_id']\n"
SETTINGS = """\
[project]
name = "bench"
version = "0"
[tool.replay.functions.orders]
handler = "app.handler"
[tool.replay.targets.there]
kind = "lambda"
function = "orders"
"""
_BARE = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import boto3
from botocore.config import Config
client = boto3.client("lambda", config=Config(max_pool_connections=32))
events = [path.read_bytes() for path in Path(sys.argv[1]).glob("fixtures/*/*/event.json")]
def invoke(event):
    answer = client.invoke(FunctionName="orders", LogType="Tail", Payload=event)
    return answer.get("FunctionError"), answer["Payload"].read()
began = time.perf_counter()
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    done = list(pool.map(invoke, events))
print(json.dumps({"s": time.perf_counter() - began, "done": len(done)}))
"""
_REPLAY = """
import json, sys, time
from pathlib import Path
import boto3
import replay
from replay.deployed_replay import plan_replay
from replay.replayer import Pace
project, pace = replay.open_project(Path(sys.argv[1])), Pace(concurrency=int(sys.argv[2]))
began = time.perf_counter()
references = replay.select_fixtures(project)
plan = plan_replay(project, references, target="there", pace=pace)
*_, finished = replay.replay_fixtures(project, references, target="there", pace=pace, plan=plan)
print(json.dumps({"s": time.perf_counter() - began, "done": sum(finished.verdicts.values())}))
"""


def made_project(folder: Path) -> None:
    """Make a project with so many fixtures that fail, and the same function on MiniStack."""
    (folder / "pyproject.toml").write_text(SETTINGS)
    (folder / "app.py").write_text(HANDLER)
    (folder / "events.jsonl").write_text("".join(f'{{"id": {number}}}\n' for number in range(FIXTURES)))
    command = [
        sys.executable,
        "-m",
        "replay.cli.main",
        "record",
        "files",
        "events.jsonl",
        "--function",
        "orders",
        "--all",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as file:
        file.writestr("app.py", HANDLER)
    boto3.client("lambda").create_function(
        FunctionName="orders",
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/orders",
        Code={"ZipFile": code.getvalue()},
    )


def in_a_child(code: str, folder: Path) -> float:
    """Invoke with all events; gives invocations a second."""
    command = [sys.executable, "-c", code, str(folder), str(CONCURRENCY)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["done"] == FIXTURES, result
    return FIXTURES / float(result["s"])


def by_sam(folder: Path) -> float:
    """Invoke a few times as a loop of the shell would; gives invocations a second."""
    sam = install(SAM).with_name("sam")
    event = next(folder.glob("fixtures/*/*/event.json"))
    arn = boto3.client("lambda").get_function(FunctionName="orders")["Configuration"]["FunctionArn"]
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    environment.pop("PYTHONPATH", None)
    began = time.perf_counter()
    for _ in range(SAM_INVOCATIONS):
        command = [str(sam), "remote", "invoke", arn, "--event-file", str(event), "--region", "us-east-1"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return SAM_INVOCATIONS / (time.perf_counter() - began)


def measure() -> dict[str, float]:
    """Measure all against one MiniStack; gives numbers by name."""
    install(SAM)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with running(launch(folder / "server", free_port()), folder / "server") as server:
            os.environ.update(_environment(server.url))
            os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
            made_project(folder)
            in_a_child(_BARE, folder)  # warms as many execution environments as there are threads
            ours, bare = [], []
            for _ in range(ROUNDS):
                bare.append(in_a_child(_BARE, folder))
                ours.append(in_a_child(_REPLAY, folder))
            sam = by_sam(folder)
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    return {
        "ours": statistics.median(ours),
        "bare": statistics.median(bare),
        "ratio": statistics.median(ratios),
        "sam": sam,
    }


def main() -> int:
    """Print the numbers beside their bounds; 1 where one is missed."""
    found = measure()
    print(f"{found['ours']:10.1f}  fixtures a second are replayed")
    print(f"{found['bare']:10.1f}  invocations a second by a bare boto3 loop of {CONCURRENCY} threads")
    print(f"{found['sam']:10.2f}  by a loop of `sam remote invoke`: replay is {found['ours'] / found['sam']:.0f} x it")
    return print_bounds([("x the bare loop of the same concurrency", found["ratio"], ">=", 0.8)])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
