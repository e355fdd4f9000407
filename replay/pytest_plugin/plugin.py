"""
Hooks only. Loaded by every pytest run of everyone who has us installed, so nothing heavy is imported before it is used.

Registered as `event_replay`: the name `replay` belongs to pytest-replay.
"""

import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from replay.project_root import function_folders, holds_fixtures
from replay.pytest_plugin.fixtures_folder import (
    LeftOut,
    fixtures_folder,
    folder_of_item,
    item_of_pack,
    project_start,
)

if TYPE_CHECKING:
    from replay.pytest_plugin.requested import Replay
    from replay.pytest_plugin.session import ReplaySession

_SESSION = pytest.StashKey["ReplaySession"]()
_FOLDER = pytest.StashKey[Path | None]()
_ADDED = pytest.StashKey[bool]()
_ASKED_FOR = pytest.StashKey[dict[Path, set[str]]]()
_PLANNED = pytest.StashKey[bool]()
_ADDED_KEY = "event_replay_added"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("event_replay", "replay of captured events (event-replay)")
    group.addoption(
        "--replay-red", action="store_true", help="Make a reproduced known bug a failure, for who is mending it."
    )
    group.addoption("--replay-cold", action="store_true", help="Import the function afresh for every event.")
    group.addoption(
        "--replay-no-pin", action="store_true", help="Do not note the first local failure of a fixture that knew none."
    )
    group.addoption(
        "--replay-target",
        default="local",
        metavar="NAME",
        help="Where events are replayed: see `replay run`.",
    )
    group.addoption("--replay-yes", action="store_true", help="Send beyond this machine; look at the plan first.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "replay(*patterns, faults=..., target=...): run the test once for each captured fixture that a pattern names, "
        "against that target (event-replay).",
    )
    folder = config.stash[_FOLDER] = fixtures_folder(project_start(config))
    here = config.invocation_params.dir
    config.args[:] = [folder_of_item(argument, here) for argument in config.args]
    asked_for: dict[Path, set[str]] = {}
    config.stash[_ASKED_FOR] = asked_for
    for number, argument in enumerate(config.args):
        if (packed := item_of_pack(argument, here)) is not None:
            config.args[number] = packed[0]
            asked_for.setdefault(Path(os.path.normpath(here / packed[0])), set()).add(packed[1])
    config.stash[_ADDED] = getattr(config, "workerinput", {}).get(_ADDED_KEY, False)
    if folder is not None and config.args_source is not pytest.Config.ArgsSource.ARGS:
        # Without a path pytest collects `testpaths` or the working directory, which need not hold the fixtures.
        given = [Path(os.path.normpath(config.invocation_params.dir / argument)) for argument in config.args]
        added = [path for path in function_folders(folder) if not any(path.is_relative_to(each) for each in given)]
        config.args.extend(map(str, added))
        config.stash[_ADDED] = bool(added)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist, to which all paths look as if the user had given them."""
    node.workerinput[_ADDED_KEY] = node.config.stash[_ADDED]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what was made for deployed targets; a worker of xdist is given time for it now, and little later."""
    replaying = session.config.stash.get(_SESSION, None)
    for note in replaying.close_deployed() if replaying is not None else ():
        sys.stderr.write(f"event-replay: {note}\n")


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(_SESSION, None)
    if session is not None:
        session.close()


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    config = parent.config
    folder = config.stash.get(_FOLDER, None)
    if folder is None or path.parent != folder or not holds_fixtures(path):
        return None
    # A path among the arguments is collected even where `norecursedirs` or `collect_ignore` leave it out.
    if config.stash[_ADDED] and any(
        parent.ihook.pytest_ignore_collect(collection_path=each, config=config)
        for each in (path, *path.parents)
        if config.rootpath in each.parents
    ):
        return LeftOut.from_parent(parent, path=path)
    from replay.pytest_plugin.collection import FunctionFixtures

    names = config.stash[_ASKED_FOR].get(path)
    return FunctionFixtures.from_parent(parent, path=path, replay_session=replay_session(config), names=names)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "replay" not in metafunc.fixturenames or not _is_ours(metafunc):
        return
    from replay.pytest_plugin.requested import parametrize

    parametrize(metafunc, replay_session(metafunc.config))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Plan what would be sent beyond this process, show it, and refuse what nobody has agreed to."""
    config = session.config
    if config.stash.get(_FOLDER, None) is None or not _may_send(session):
        return
    if hasattr(config, "workerinput"):
        from replay.pytest_plugin.sending import join_siblings

        join_siblings(session, replay_session(config))
        return
    from replay.pytest_plugin.sending import show_plans

    show_plans(session, replay_session(config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Do the same where workers collect: before the first of them is given a test."""
    config = node.config
    if config.stash.get(_FOLDER, None) is None or config.stash.get(_PLANNED, False):
        return
    config.stash[_PLANNED] = True
    if config.getoption("--replay-target") == "local":
        return  # a marker that pins a target is refused by its worker
    from replay.pytest_plugin.sending import show_plans_of

    show_plans_of(config, replay_session(config), ids)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    """Step aside before anything of somebody else runs: their next test, or what their last one left to tear down."""
    session = item.config.stash.get(_SESSION, None)
    if session is not None and type(nextitem) is not type(item):
        session.suspend()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" and report.failed and "replay" in getattr(item, "fixturenames", ()):
        from replay.pytest_plugin.requested import sections

        report.sections.extend(sections(item))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    folder = config.stash.get(_FOLDER, None)
    if folder is None:
        return
    from replay.pytest_plugin.summary import FIXTURE, note_lines, summary_lines

    reports = [report for reports in terminalreporter.stats.values() for report in reports if _is_call(report)]
    properties = [pair for report in reports for pair in report.user_properties]
    # What has failed has told its notes already.
    notes = note_lines(pair for report in reports if not report.failed for pair in report.user_properties)
    shown = f"{os.path.relpath(folder, config.invocation_params.dir)}/"
    for line in (*notes, *summary_lines(properties, folder=shown)):
        terminalreporter.write_line(line)
    ran = {str(value) for name, value in properties if name == FIXTURE}
    if ran:
        from replay.pytest_plugin.not_run import not_run_lines, note_ran

        if exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            for line in not_run_lines(config, folder, ran, terminalreporter.stats):
                terminalreporter.write_line(line)
        if not config.getoption("--replay-no-pin"):
            note_ran(project_start(config), ran)


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
            start=project_start(config),
            fixtures=config.stash.get(_FOLDER, None),
            # To pytest, --runxfail means that no failure is an expected one.
            red=config.getoption("--replay-red") or config.getoption("--runxfail"),
            cold=config.getoption("--replay-cold"),
            pin=not config.getoption("--replay-no-pin"),
            target=config.getoption("--replay-target"),
            agreed=config.getoption("--replay-yes"),
        )
    return session


def _may_send(session: pytest.Session) -> bool:
    """Say whether anything could go to another target than the local one; cheap, for everybody pays for it."""
    if session.config.getoption("--replay-target") != "local":
        return True
    return any("target" in marker.kwargs for item in session.items for marker in item.iter_markers("replay"))


def _is_call(report: object) -> bool:
    return isinstance(report, pytest.TestReport) and report.when == "call"


def _is_ours(metafunc: pytest.Metafunc) -> bool:
    """Say whether `replay` is our fixture, or built on it: a project may have had one of its own all along."""
    for definition in reversed(getattr(metafunc, "_arg2fixturedefs", {}).get("replay", ())):  # nearest first
        if definition.func.__module__ == __name__:
            return True
        if "replay" not in definition.argnames:
            return False
    return True
