"""Which fixtures no test of a run has replayed, told and noted once it is over."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

_SHOWN = 5


def not_run_lines(config: pytest.Config, folder: Path, ran: set[str], stats: Mapping[str, Sequence[Any]]) -> list[str]:
    """
    Say which fixtures in *folder* no test has replayed; nothing where the user has asked for a part of the tests.

    Args:
        stats: What pytest counts at the end, by category.
    """
    if not _is_whole(config, stats):
        return []
    from replay.counted_nouns import counted
    from replay.errors import FixtureError
    from replay.fixtures.store import Store

    try:
        there = [str(reference) for reference in Store(folder).references()]
    except FixtureError:
        return []  # each of its tests has told
    missed = [name for name in there if name not in ran]
    if not missed:
        return []
    shown = ", ".join(missed[:_SHOWN]) + (", …" if len(missed) > _SHOWN else "")
    of = f"{len(missed):,} of {counted(len(there), 'fixture')}"
    return [f"replay: no test has replayed {of}: {shown}"]


def note_ran(start: Path, ran: set[str]) -> None:
    """Note what was replayed, in the project around *start*."""
    from replay.config import load_config
    from replay.errors import ReplayError
    from replay.fixtures.run_notes import note_run

    try:
        root = load_config(start).root
    except ReplayError:
        return  # it has changed while tests ran
    note_run(root, ran)


def _is_whole(config: pytest.Config, stats: Mapping[str, Sequence[Any]]) -> bool:
    """Say whether all tests were to run, and did."""
    option = config.option
    asked_for_some = (
        config.args_source is pytest.Config.ArgsSource.ARGS
        or option.keyword
        or option.markexpr
        or any(getattr(option, name, False) for name in ("lf", "deselect", "stepwise", "collectonly"))
    )
    stopped_early = option.maxfail and (stats.get("failed") or stats.get("error"))
    return not (asked_for_some or stopped_early or stats.get("deselected"))
