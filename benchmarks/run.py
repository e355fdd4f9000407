"""
Runs every benchmark one after the other, each in a process of its own, and prints their numbers beside their bounds.

    python benchmarks/run.py [NAME ...]
"""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
NOT_BENCHMARKS = {"run", "bounds", "slow_line", "trivial", "null_target", "__init__"}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 1 where a bound is missed, 2 where one could not run."""
    known = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    unknown = set(names) - set(known)
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    missed, could_not_run = [], False
    for name in names or known:
        print(f"== {name}", flush=True)
        environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
        done = subprocess.run([sys.executable, FOLDER / f"{name}.py"], cwd=FOLDER.parent, env=environment, check=False)
        could_not_run |= done.returncode not in {0, 1}
        if done.returncode:
            missed.append(name)
    print(
        f"\n{len(missed)} of {len(names or known)} missed a bound or could not run: {', '.join(missed)}"
        if missed
        else "\nall bounds hold"
    )
    return 2 if could_not_run else int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
