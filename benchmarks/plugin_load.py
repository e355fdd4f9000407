"""
What our plugin adds to `pytest --collect-only` of a project that has nothing to do with us.

What counts is the processor time of the process: on a machine that others use too, it tells more than the clock.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BOUND_MS = 15.0
ROUNDS = 40


def measure() -> dict[str, float]:
    """Give the median milliseconds with and without the plugin, and the median of what it adds run by run."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pyproject.toml").write_text('[project]\nname = "theirs"\n', encoding="utf-8")
        (root / "test_theirs.py").write_text("def test_theirs():\n    pass\n", encoding="utf-8")
        loaded: list[float] = []
        absent: list[float] = []
        for number in range(ROUNDS + 1):
            # Who goes first changes, so that neither profits from what the other has warmed.
            order = [(loaded, True), (absent, False)][:: 1 if number % 2 else -1]
            for times, with_plugin in order:
                elapsed = _milliseconds(root, with_plugin=with_plugin)
                if number:  # the first round fills caches
                    times.append(elapsed)
    return {
        "with_ms": statistics.median(loaded),
        "without_ms": statistics.median(absent),
        "added_ms": statistics.median(one - other for one, other in zip(loaded, absent, strict=True)),
        "bound_ms": BOUND_MS,
    }


def _milliseconds(root: Path, *, with_plugin: bool) -> float:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    command += [] if with_plugin else ["-p", "no:event_replay"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


if __name__ == "__main__":
    numbers = measure()
    print(
        f"pytest --collect-only: {numbers['without_ms']:.0f} ms, with the plugin {numbers['with_ms']:.0f} ms; "
        f"it adds {numbers['added_ms']:.1f} ms (at most {BOUND_MS:.0f})"
    )
    sys.exit(numbers["added_ms"] > BOUND_MS)
