"""How long `replay --help` takes, as a multiple of what importing click alone takes."""

import statistics
import subprocess
import sys
from time import perf_counter

BOUND = 1.5
RUNS = 25

CLICK = (sys.executable, "-c", "import click")
HELP = (sys.executable, "-c", "import sys; sys.argv = ['replay', '--help']; from replay.cli.main import main; main()")


def measure(runs: int = RUNS) -> dict[str, float]:
    """Run both commands in turn, so that a busy moment hits both, and compare the medians."""
    times: dict[tuple[str, ...], list[float]] = {CLICK: [], HELP: []}
    for command in times:
        _seconds(command)
    for _ in range(runs):
        for command, taken in times.items():
            taken.append(_seconds(command))
    click_s, help_s = (statistics.median(taken) for taken in times.values())
    return {"click_ms": click_s * 1_000, "help_ms": help_s * 1_000, "ratio": help_s / click_s, "bound": BOUND}


def _seconds(command: tuple[str, ...]) -> float:
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began


if __name__ == "__main__":
    result = measure()
    print(
        f"replay --help: {result['help_ms']:.0f} ms, import click: {result['click_ms']:.0f} ms, "
        f"ratio {result['ratio']:.2f} (bound {BOUND})"
    )
    sys.exit(result["ratio"] > BOUND)
