from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_line import CommandLine, make_command_line, make_orders_project, make_project


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the same pseudonyms and colours in every run."""
    monkeypatch.setenv("REPLAY_REDACTION_KEY", "of the tests")
    for name in ("REPLAY_COLOR", "FORCE_COLOR", "NO_COLOR", "REPLAY_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Give our command line, in this process."""
    return make_command_line(capsys)


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the example service, nothing recorded yet, as the working directory."""
    monkeypatch.chdir(make_orders_project(tmp_path))
    return tmp_path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Give a function that writes a project with one function `f`, as the working directory."""

    def make(source: str, *events: Any, settings: str = "") -> Path:
        monkeypatch.chdir(make_project(tmp_path, source, *events, settings=settings))
        return tmp_path

    return make
