"""How a process that is all `replay`'s deals with Python's garbage collector."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from replay.cli.main import main

_TOLD = "import gc, atexit; atexit.register(lambda: print(gc.get_threshold()[0], gc.get_freeze_count() > 0))"
_THEN = "import sys; sys.argv = ['replay', '--help']; from replay.cli.main import main; main()"


def test_a_command_looks_for_garbage_seldom_and_not_at_its_end() -> None:
    """A process of ours has a higher threshold, and at its end nothing is left that would be looked through."""
    done = subprocess.run(
        [sys.executable, "-c", f"{_TOLD}\n{_THEN}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert done[-1] == "50000 True"


def test_a_process_that_is_not_ours_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Called with arguments, as from a program or a test, it changes nothing."""
    at_the_end: list[object] = []
    monkeypatch.setattr("atexit.register", lambda task, *_, **__: at_the_end.append(task))
    before = gc.get_threshold()
    gc.set_threshold(701)
    try:
        with pytest.raises(SystemExit):
            main(["--help"])
        assert gc.get_threshold()[0] == 701
    finally:
        gc.set_threshold(*before)
    assert main.__module__ not in {getattr(task, "__module__", "") for task in at_the_end}


def test_nothing_is_said_to_leak_where_duckdb_was_used(tmp_path: Path) -> None:
    """Its objects are let go before it looks for those that were not, which it would tell line by line."""
    (tmp_path / "log").write_text('{"event": {"n": 1}}\n', encoding="utf-8")
    command = ["record", "athena", "--engine", "duckdb", "log", "--function", "f", "--query", "SELECT event FROM logs"]
    then = f"import sys; sys.argv = ['replay', *{command!r}]; from replay.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", then], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "1 recorded" in done.stdout
    assert "leak" not in done.stderr
