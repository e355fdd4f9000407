"""How many trivial events `replay run --json` replays in a second, start-up not counted."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

BOUND = 2_000
FIXTURES = 3_000
RUNS = 5

_HANDLER = "def handler(event, context):\n    return {'ok': True}\n"
_REPLAY = (sys.executable, "-m", "replay.cli.main")


def measure(fixtures: int = FIXTURES, runs: int = RUNS) -> dict[str, float]:
    """Replay many fixtures and one in turn: the difference of the medians is what the many cost."""
    with tempfile.TemporaryDirectory() as folder:
        many, one = (_project(Path(folder, name), count) for name, count in (("many", fixtures), ("one", 1)))
        times: dict[Path, list[float]] = {many: [], one: []}
        for _ in range(runs):
            for project, taken in times.items():
                taken.append(_seconds(project, fixtures if project is many else 1))
    many_s, one_s = (statistics.median(taken) for taken in times.values())
    rate = (fixtures - 1) / (many_s - one_s)
    return {"start_up_s": one_s, "per_second": rate, "ratio": rate / BOUND, "bound": BOUND}


def _project(folder: Path, count: int) -> Path:
    folder.mkdir()
    (folder / "trivial.py").write_text(_HANDLER)
    (folder / "pyproject.toml").write_text('[tool.replay.functions.trivial]\nhandler = "trivial.handler"\n')
    events = "".join(json.dumps({"order": {"id": f"o-{number}", "quantity": number}}) + "\n" for number in range(count))
    (folder / "events.jsonl").write_text(events)
    _call(folder, "record", "files", "--path", "events.jsonl", "--function", "trivial", "--json")
    _call(folder, "expect", "trivial", "succeeds", "--json")
    return folder


def _seconds(project: Path, count: int) -> float:
    began = perf_counter()
    output = _call(project, "run", "--json")
    taken = perf_counter() - began
    assert json.loads(output.splitlines()[-1])["verdicts"] == {"fixed": count}
    return taken


def _call(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [*_REPLAY, *arguments], cwd=folder, env=environment, check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout


if __name__ == "__main__":
    result = measure()
    print(
        f"replay run: {result['per_second']:,.0f} events per second after {result['start_up_s']:.2f} s of start-up, "
        f"{result['ratio']:.2f} x the bound of {BOUND:,}"
    )
    sys.exit(result["per_second"] < BOUND)
