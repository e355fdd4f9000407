"""
Scanning 1 GB of gzipped JSON lines for failed requests, from files and from a loopback server, beside `zcat | grep -c`.

Bounds: 1.6 x the time of `zcat | grep -c` over the same files on one core; 1.7 x as quick on two; 200 MB of memory, of
all processes together.

One request in 10,000 fails; of every fifth of these the event lies in another object than the failure, up to ten
objects away. Every run is a process of its own, from its start to its end; each number is the best of the rounds, taken
in turns.

Beside it, the DuckDB engine over the same files and the same bucket, on both cores: `--where` on the members of each
line, which finds the lines of failures but joins no event to them. It has no bound.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.bounds import print_bounds
from tests.emulators.ministack import launch
from tests.emulators.server import free_port, running

TOTAL_BYTES = int(float(os.environ.get("BENCH_S3_LOGS_GB", "1")) * 1_000_000_000)
OBJECT_BYTES = 16_000_000
FAILS_ONE_IN = 10_000
ELSEWHERE_ONE_IN = 5
ROUNDS = 5
_CHILD = """
import json, os, sys
cores, processes, *path = json.loads(sys.argv[1])
os.sched_setaffinity(0, cores)
from replay.sources.s3_logs import S3LogsOptions, S3LogsSource
more = {"endpoint_url": os.environ["BENCH_ENDPOINT"]} if path[0].startswith("s3:") else {}
with S3LogsSource(S3LogsOptions(path=tuple(path), processes=processes, **more)).open() as recording:
    found = [capture.origin.identity for capture in recording.captures()]
print(json.dumps({"found": len(set(found)), "given": len(found), "bytes": recording.unpacked_bytes}))
"""

_DUCKDB = """
import json, os, sys
cores, _, *path = json.loads(sys.argv[1])
os.sched_setaffinity(0, cores)
from replay.payloads.event_patterns import compile_pattern
from replay.sources.athena import AthenaOptions, AthenaSource
more = {"endpoint_url": os.environ["BENCH_ENDPOINT"]} if path[0].startswith("s3:") else {}
asked = AthenaOptions(engine="duckdb", path=tuple(path), event_at="line", **more)
with AthenaSource(asked).open() as recording:
    recording.matching(compile_pattern({"errorType": ["KeyError"]}))
    found = [json.loads(capture.body)["requestId"] for capture in recording.captures()]
print(json.dumps({"found": len(set(found)), "given": len(found)}))
"""


def request_id(bits: random.Random) -> str:
    digits = f"{bits.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def request_lines(bits: random.Random, at: str, *, fails: bool) -> tuple[str, str, str]:
    """Write the lines of one request of about 1.2 kB: its beginning, its event, and what came of it."""
    own, order, message = request_id(bits), bits.randrange(10**7), request_id(bits)
    items = ",".join(
        f'{{\\"sku\\":\\"sku-{bits.randrange(5000)}\\",\\"quantity\\":{bits.randrange(9)}}}' for _ in range(6)
    )
    begins = f'{{"time":"{at}","type":"platform.start","record":{{"requestId":"{own}","version":"$LATEST"}}}}\n'
    event = (
        f'{{"level":"INFO","location":"decorate:352","message":{{"Records":[{{"messageId":"{message}",'
        f'"body":"{{\\"order_id\\":\\"o-{order}\\",\\"items\\":[{items}]}}","eventSource":"aws:sqs",'
        f'"attributes":{{"ApproximateReceiveCount":"1","SentTimestamp":"17952444{bits.randrange(10**5):05}"}}}}]}},'
        f'"timestamp":"{at}","service":"orders","function_request_id":"{own}"}}\n'
    )
    status = "error" if fails else "success"
    ends = (
        f'{{"level":"INFO","location":"store:20","message":"order stored","timestamp":"{at}","service":"orders",'
        f'"took_ms":{bits.random() * 40:.3f},"function_request_id":"{own}"}}\n'
        f'{{"time":"{at}","type":"platform.report","record":{{"requestId":"{own}","metrics":{{"durationMs":'
        f'{bits.random() * 90:.3f},"billedDurationMs":100,"memorySizeMB":512,"maxMemoryUsedMB":90}},'
        f'"status":"{status}"}}}}\n'
    )
    if fails:
        ends = (
            f'{{"timestamp":"{at}","log_level":"ERROR","errorType":"KeyError","errorMessage":"\'customer_id\'","requestId":'
            f'"{own}","stackTrace":["  File \\"/var/task/app.py\\", line 7, in handler\\n    return 1\\n"]}}\n' + ends
        )
    return begins, event, ends


def object_lines(number: int) -> tuple[list[str], int]:
    """Give the lines of object *number*, and how many of its requests failed."""
    bits = random.Random(number)
    lines: list[str] = []
    size = failed = 0
    while size < OBJECT_BYTES:
        at = f"2026-11-21T07:{bits.randrange(60):02}:{bits.randrange(60):02}.{bits.randrange(1000):03}Z"
        parts = request_lines(bits, at, fails=bits.randrange(FAILS_ONE_IN) == 0)
        failed += "errorType" in parts[2]
        lines += parts
        size += sum(map(len, parts))
    return lines, failed


def write_object(folder: Path, number: int, objects: int) -> int:
    """Write object *number*; what it lent another, and what another lent it, lies as `objects` objects decide."""
    lines, failed = object_lines(number)
    mine = [at for at, line in enumerate(lines) if "errorType" in line]
    for nth, at in enumerate(mine):
        if (number + nth) % ELSEWHERE_ONE_IN == 0:
            event = lines[at - 1]
            lines[at - 1] = ""
            lent = folder / f"lent-{(number + 1 + (number * 7 + nth) % 10) % objects:04}-{number:04}-{nth}"
            lent.write_text(event, encoding="utf-8")
    (folder / f"{number:04}.plain").write_text("".join(lines), encoding="utf-8")
    return failed


def pack_object(folder: Path, number: int) -> int:
    """Put what was lent to object *number* into it, and pack it as `gzip` does; gives its unpacked size."""
    plain = folder / f"{number:04}.plain"
    lent = sorted(folder.glob(f"lent-{number:04}-*"))
    content = plain.read_bytes() + b"".join(each.read_bytes() for each in lent)
    packer = zlib.compressobj(6, wbits=31)
    (folder / f"{number:04}.json.gz").write_bytes(packer.compress(content) + packer.flush())
    for each in (plain, *lent):
        each.unlink()
    return len(content)


def write_logs(folder: Path) -> tuple[int, int]:
    """Write all objects; gives the number of failed requests, and of unpacked bytes."""
    count = max(TOTAL_BYTES // OBJECT_BYTES, 12)
    with ProcessPoolExecutor(2) as pool:
        failed = sum(pool.map(write_object, [folder] * count, range(count), [count] * count))
        return failed, sum(pool.map(pack_object, [folder] * count, range(count)))


def zcat(folder: Path, cores: list[int]) -> float:
    """Time `zcat | grep -c`, one for each of the *cores*, each with its share of the files; gives seconds."""
    names = sorted(map(str, folder.glob("*.json.gz")))
    began = time.perf_counter()
    started = []
    for nth, core in enumerate(cores):
        shell = f"zcat {' '.join(names[nth :: len(cores)])} | LC_ALL=C grep -c errorType"
        command = ["taskset", "-c", str(core), "sh", "-c", shell]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    assert [each.wait() for each in started] == [0] * len(cores)
    return time.perf_counter() - began


def scanned(path: str, *, cores: list[int], processes: int, failed: int, code: str = _CHILD) -> tuple[float, float]:
    """Scan in a process of its own; gives seconds, and the most memory of it and its children together, in MB."""
    began = time.perf_counter()
    arguments = json.dumps([cores, processes, path])
    child = subprocess.Popen([sys.executable, "-c", code, arguments], stdout=subprocess.PIPE, text=True)
    peak = Peak(child.pid)
    output, _ = child.communicate()
    elapsed = time.perf_counter() - began
    result = json.loads(output)
    assert result["found"] == result["given"] == failed, (result, failed)
    return elapsed, peak.stop()


class Peak:
    """Watches the memory of a process and its children, 20 times a second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self._most / 1e6

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self._most = max(self._most, sum(_resident(pid) for pid in (self._pid, *_children(self._pid))))


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from map(int, task.read_text().split())
        except OSError:
            continue


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


def measure() -> dict[str, float]:
    """Measure everything; gives numbers by name."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as scratch:
        logs = Path(scratch) / "logs"
        logs.mkdir()
        failed, size = write_logs(logs)
        print(f"{size / 1e9:.2f} GB, {failed} failed requests", flush=True)
        bare, both, one, two = [], [], [], []
        for _ in range(ROUNDS):
            bare.append(zcat(logs, cores[:1]))
            both.append(zcat(logs, cores))
            one.append(scanned(str(logs), cores=cores[:1], processes=1, failed=failed))
            two.append(scanned(str(logs), cores=cores, processes=2, failed=failed))
        engine = scanned(str(logs), cores=cores, processes=1, failed=failed, code=_DUCKDB)
        with running(launch(Path(scratch) / "server", free_port()), Path(scratch) / "server") as server:
            upload(server.url, logs)
            bucket = scanned("s3://app-logs/", cores=cores, processes=2, failed=failed)
            engine_bucket = scanned("s3://app-logs/", cores=cores, processes=1, failed=failed, code=_DUCKDB)
    return {
        "zcat_s": min(bare),
        "zcat_speed_up": min(bare) / min(both),
        "ratio": min(each for each, _ in one) / min(bare),
        "speed_up": min(each for each, _ in one) / min(each for each, _ in two),
        "memory_mb": max(each for _, each in (*one, *two, bucket)),
        "bucket_s": bucket[0],
        "duckdb_s": engine[0],
        "duckdb_mb": max(engine[1], engine_bucket[1]),
        "duckdb_bucket_s": engine_bucket[0],
    }


def upload(url: str, logs: Path) -> None:
    """Put all objects into a bucket of the server, and set the environment for who reads them."""
    import boto3

    os.environ |= {
        "BENCH_ENDPOINT": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    client = boto3.client("s3", endpoint_url=url)
    client.create_bucket(Bucket="app-logs")
    for path in sorted(logs.iterdir()):
        client.put_object(Bucket="app-logs", Key=path.name, Body=path.read_bytes())


def main() -> int:
    """Print the numbers beside their bounds; 1 where one is missed."""
    found = measure()
    print(f"{found['zcat_s']:10.2f}  s for zcat | grep -c, {found['zcat_speed_up']:.2f} x as quick on two cores")
    print(f"{found['bucket_s']:10.2f}  s from a loopback server, two processes, the server on the same cores")
    print(f"{found['duckdb_s']:10.2f}  s for the DuckDB engine, {found['duckdb_bucket_s']:.2f} s from the server")
    print(f"{found['duckdb_mb']:10.0f}  MB of memory for the DuckDB engine")
    rows = [
        ("x zcat | grep -c, one core", found["ratio"], "<=", 1.6),
        ("x as quick on two cores", found["speed_up"], ">=", 1.7),
        ("MB of memory, all processes together", found["memory_mb"], "<=", 200),
    ]
    return print_bounds(rows)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
