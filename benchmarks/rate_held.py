"""Whether `--rate` holds: half a minute of a deployed run against a target that answers at once."""

import sys
import tempfile
from itertools import count
from pathlib import Path
from time import perf_counter

from replay.functions.function import Function
from replay.ledger.ledger import Ledger
from replay.replayer import FixtureReplayed, Pace, Replayer
from replay.replayer.deployed_run import DeployedRun

from null_target import NullTarget, StreamedStore, references  # isort: skip - beside this file

RATE_PER_S = 40.0
CONCURRENCY = 4
SECONDS = 30.0
BOUND = 0.05


def measure(seconds: float = SECONDS) -> dict[str, float]:
    """Give how many were begun in a second, over half a minute, and how far that is from what was asked for."""
    began: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        total = int(RATE_PER_S * (seconds + 1))
        function = Function(name="null", handler="null.handler", code=Path(folder))
        run = DeployedRun(
            make_replayer=lambda noting: Replayer(
                StreamedStore(),
                functions=lambda _: function,
                open_invoker=noting(lambda _: NullTarget(began)),
                pin=False,
            ),
            open_ledger=lambda: Ledger.begin(Path(folder), command="run", target="null"),
            pace=Pace(rate_per_s=RATE_PER_S, concurrency=CONCURRENCY),
        )
        told = count()
        for event in run.events(references(total), total=total):
            if isinstance(event, FixtureReplayed):
                next(told)
    assert next(told) == total
    sent = sum(each - began[0] < seconds for each in began)
    rate = sent / seconds
    return {"rate_per_s": rate, "off_by": abs(rate / RATE_PER_S - 1)}


if __name__ == "__main__":
    start = perf_counter()
    result = measure()
    print(
        f"--rate {RATE_PER_S:g}/s: {result['rate_per_s']:.2f}/s over {SECONDS:.0f} s with {CONCURRENCY} at once, "
        f"{100 * result['off_by']:.2f}% off (at most {100 * BOUND:.0f}%)"
    )
    sys.exit(result["off_by"] > BOUND)
