"""
A cold start of a function in a process of its own, as a multiple of starting Python and importing AWS's runtime client.

A start is measured as its caller waits for it: a new process, the import, and the answer to a trivial event.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.trivial import trivial_function
from replay.delivery.attempt import Attempt
from replay.targets.process import ProcessTarget

BOUND = 1.3
RUNS = 40

BARE = (sys.executable, "-c", "import awslambdaric.bootstrap")


def measure(runs: int = RUNS) -> dict[str, float]:
    """Start both in turn, so that a busy moment hits both, and compare the medians."""
    bare: list[float] = []
    ours: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessTarget(trivial_function(Path(folder)), cold=True) as target,
    ):
        for number in range(runs + 1):
            one, other = _bare_s(), _start_s(target)
            if number:  # the first round fills caches
                bare.append(one)
                ours.append(other)
    bare_s, ours_s = statistics.median(bare), statistics.median(ours)
    return {"bare_ms": bare_s * 1_000, "start_ms": ours_s * 1_000, "ratio": ours_s / bare_s, "bound": BOUND}


def _bare_s() -> float:
    began = perf_counter()
    subprocess.run(BARE, check=True)
    return perf_counter() - began


def _start_s(target: ProcessTarget) -> float:
    target.begin()
    began = perf_counter()
    reply = target.invoke(Attempt(payload="{}"))
    taken = perf_counter() - began
    assert reply.status == "returned", reply
    return taken


if __name__ == "__main__":
    result = measure()
    print(
        f"a cold start: {result['start_ms']:.0f} ms, python -c 'import awslambdaric.bootstrap': "
        f"{result['bare_ms']:.0f} ms, ratio {result['ratio']:.2f} (bound {BOUND})"
    )
    sys.exit(result["ratio"] > BOUND)
