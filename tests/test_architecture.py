"""The shape of the code is what ARCHITECTURE.md says."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_imports_go_one_way():
    """The import contracts of pyproject.toml are kept: stations, drivers, pure stations, no rings."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_every_part_of_the_package_stands_in_the_one_page():
    """ARCHITECTURE.md names each folder and each driver, so that it cannot fall behind."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    parts = {
        path.name for path in (ROOT / "replay").iterdir() if path.name not in {"__init__.py", "__pycache__", "py.typed"}
    }
    assert {part for part in parts if part.removesuffix(".py") not in page} == set()


def test_no_folder_or_module_is_a_drawer_for_odds_and_ends():
    """Nothing is called utils, common, helpers or misc: a homeless function belongs to the noun it speaks of."""
    drawers = re.compile(r"(^|_)(utils?|common|helpers?|misc)(_|$)")
    assert [path for path in (ROOT / "replay").rglob("*.py") if drawers.search(path.stem)] == []
