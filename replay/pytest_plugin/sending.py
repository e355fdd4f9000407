"""The plans of a pytest run that sends something beyond this process."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import pytest

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.pytest_plugin.collection import FixtureItem
from replay.pytest_plugin.deployed_target import check_agreed, plans_of, references_in
from replay.pytest_plugin.requested import replayed_by
from replay.pytest_plugin.session import ReplaySession
from replay.reports.visible_text import visible
from replay.targets.guard_rails.plan import plan_lines


def show_plans(session: pytest.Session, replay_session: ReplaySession) -> None:
    """
    Show what the collected tests would send where.

    Raises:
        pytest.UsageError: A target cannot be used, or nobody has agreed to it.
    """
    asked = [each for item in session.items if (each := _replays(item, replay_session)) is not None]
    _show(session.config, replay_session, asked)


def show_plans_of(config: pytest.Config, replay_session: ReplaySession, node_ids: Sequence[str]) -> None:
    """
    Do the same for tests of which the node ids are known.

    Raises:
        pytest.UsageError: A target cannot be used, or nobody has agreed to it.
    """
    try:
        references = replay_session.project.store.references()
    except ReplayError:
        references = []  # without fixtures nothing is sent
    asked = [(replay_session.target, reference) for reference in references_in(node_ids, references)]
    _show(config, replay_session, asked)


def join_siblings(session: pytest.Session, replay_session: ReplaySession) -> None:
    """
    Tell the other workers that this one will send, too.

    Before any of them has begun: however late our first test comes, what they have made for it is there still.
    """
    for target, reference in dict(filter(None, (_replays(item, replay_session) for item in session.items))).items():
        with suppress(ReplayError):  # the tests that send there tell it
            deployed = replay_session.deployed(target)
            if deployed is not None:
                deployed.join(reference)


def _show(config: pytest.Config, replay_session: ReplaySession, asked: Iterable[tuple[str, FixtureReference]]) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    try:
        for target, plan in plans_of(replay_session.project, asked).items():
            if reporter is not None:
                reporter.ensure_newline()
                for number, line in enumerate(plan_lines(plan)):
                    reporter.write_line(visible(f"replay: {f'to {target}: ' if not number else '  '}{line}"))
            if not config.getoption("collectonly"):
                check_agreed(plan, agreed=config.getoption("--replay-yes"))
    except ReplayError as error:
        raise pytest.UsageError(f"event-replay: {visible(str(error))}") from None


def _replays(item: pytest.Item, replay_session: ReplaySession) -> tuple[str, FixtureReference] | None:
    return item.replays if isinstance(item, FixtureItem) else replayed_by(item, replay_session)
