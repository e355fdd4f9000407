"""Where the recordings are, and how their files are read."""

import json
import os
from pathlib import Path
from typing import Any

import pytest


def truth_folder() -> Path:
    """Find the recordings, or skip the calling module: `REPLAY_TRUTH_DIR`, else `../shared/truth` beside the checkout."""
    here = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("REPLAY_TRUTH_DIR") or here.parent / "shared" / "truth")
    if not (folder / "index.json").is_file():
        pytest.skip(f"no recordings of AWS at {folder}; set REPLAY_TRUTH_DIR to their folder", allow_module_level=True)
    return folder


def recorded(path: Path) -> dict[str, Any]:
    """Read what one recording holds."""
    (content,) = json.loads(path.read_text(encoding="utf-8")).values()
    return dict(content["recorded-content"])
