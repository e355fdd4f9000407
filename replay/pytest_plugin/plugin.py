"""
Hooks only. Loaded by every pytest run of everyone who has us installed, so nothing heavy is imported before it is used.

Registered as `event_replay`: the name `replay` belongs to pytest-replay.
"""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from replay.pytest_plugin.requested import Replay
    from replay.pytest_plugin.session import ReplaySession

_SESSION = pytest.StashKey["ReplaySession"]()
_FOLDER = pytest.StashKey[Path | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("event_replay", "replay of captured events (event-replay)")
    group.addoption(
        "--replay-red", action="store_true", help="Make a reproduced known bug a failure, for who is mending it."
    )
    group.addoption("--replay-cold", action="store_true", help="Import the function afresh for every event.")
    group.addoption(
        "--replay-no-pin", action="store_true", help="Do not note the first local failure of a fixture that knew none."
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "replay(*patterns): run the test once for each captured fixture that a pattern names (event-replay).",
    )
    config.stash[_FOLDER] = folder = _fixtures_folder(config)
    # Without a path pytest would collect `testpaths` or the working directory, which need not hold the fixtures.
    if folder is not None and config.args_source is not pytest.Config.ArgsSource.ARGS:
        given = [Path(config.invocation_params.dir, argument) for argument in config.args]
        if not any(folder.is_relative_to(path) for path in given):
            config.args.append(str(folder))


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(_SESSION, None)
    if session is not None:
        session.close()


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    folder = parent.config.stash.get(_FOLDER, None)
    if folder is None or path.parent != folder:
        return None
    from replay.pytest_plugin.collection import FunctionFixtures, holds_fixtures

    if not holds_fixtures(path):
        return None
    return FunctionFixtures.from_parent(parent, path=path, replay_session=replay_session(parent.config))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "replay" not in metafunc.fixturenames:
        return
    from replay.pytest_plugin.requested import parametrize

    parametrize(metafunc, replay_session(metafunc.config))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    session = item.config.stash.get(_SESSION, None)
    if session is not None:
        from replay.pytest_plugin.collection import FixtureItem

        if not isinstance(item, FixtureItem):
            session.suspend()  # somebody else's test must not meet our mocks
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" and report.failed and "replay" in getattr(item, "fixturenames", ()):
        from replay.pytest_plugin.requested import told

        report.sections.extend(told(item))
    return report


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> "Replay":
    """Call it to replay the captured event that `@pytest.mark.replay(pattern)` chose."""
    from replay.pytest_plugin.requested import Replay

    return Replay.of(request, replay_session(request.config))


def replay_session(config: pytest.Config) -> "ReplaySession":
    """Give the one session of this run, made when it is first asked for."""
    session = config.stash.get(_SESSION, None)
    if session is None:
        from replay.pytest_plugin.session import ReplaySession

        session = config.stash[_SESSION] = ReplaySession(
            root=config.rootpath,
            red=config.getoption("--replay-red"),
            cold=config.getoption("--replay-cold"),
            pin=not config.getoption("--replay-no-pin"),
        )
    return session


def _fixtures_folder(config: pytest.Config) -> Path | None:
    """Find the folder without reading a configuration that is not there: tomllib alone would double our cost."""
    pyproject = config.rootpath / "pyproject.toml"
    try:
        configured = b"tool.replay" in pyproject.read_bytes()
    except OSError:
        configured = False
    if not configured:
        folder = config.rootpath / "fixtures"
        return folder if folder.is_dir() else None
    from replay.config import load_config
    from replay.errors import ReplayError

    try:
        folder = load_config(config.rootpath).fixtures
    except ReplayError as error:
        raise pytest.UsageError(str(error)) from None
    return folder if folder.is_dir() else None
