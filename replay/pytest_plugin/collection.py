"""Fixtures as test items: one collector a function, one item a fixture."""

import os
import shlex
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Self

import pytest
from pluggy import HookRelay

from replay.errors import ReplayError, UnexpectedOutcome
from replay.fixtures.fixture import FixtureReference
from replay.pytest_plugin.failure_text import failure_text
from replay.pytest_plugin.session import ReplaySession
from replay.pytest_plugin.summary import ACCEPTED, FIXTURE, NOTE, PINNED, VERDICT
from replay.replayer import FixtureNotRun, FixtureReplayed
from replay.reports.expectation_words import happened
from replay.reports.explanation import explain
from replay.reports.shown_log import shown_log
from replay.reports.verdict_words import AS_ACCEPTED, verdict_word
from replay.reports.visible_text import one_line, visible


class FunctionFixtures(pytest.Directory):
    """The folder of one function's fixtures; what else is in it is collected as pytest would."""

    replay_session: ReplaySession
    names: AbstractSet[str] | None
    """Those that were asked for one by one and are in packs; with None all of them."""

    @classmethod
    def from_parent(  # type: ignore[override]  # two keywords more
        cls,
        parent: pytest.Collector,
        *,
        path: Path,
        replay_session: ReplaySession,
        names: AbstractSet[str] | None = None,
    ) -> Self:
        inside = path.is_relative_to(parent.config.rootpath)
        # pytest leaves the node id of a folder outside its root empty: nobody could give it to run one fixture again.
        outside = os.path.relpath(path, parent.config.rootpath).replace(os.sep, "/")
        node = super().from_parent(parent=parent, path=path, nodeid=None if inside else outside)
        node.replay_session, node.names = replay_session, names
        return node

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        try:
            references = self.replay_session.project.store.references([f"{self.path.name}/*"])
        except ReplayError as error:
            raise self.CollectError(visible(str(error))) from None
        hooks = self.ihook
        for reference in references:
            if self.names is not None and reference.name not in self.names:
                continue
            name = f"replay[{reference.name}]"
            yield FixtureItem.from_parent(
                self,
                name=name,
                nodeid=f"{self.nodeid}::{name}",  # of a name alone, pytest 9.2 makes an id that `--lf` does not find
                reference=reference,
                hooks=hooks,
                replay_session=self.replay_session,
            )
        yield from self._others({reference.name for reference in references})

    def _others(self, fixtures: set[str]) -> Iterator[pytest.Item | pytest.Collector]:
        hooks, config = self.ihook, self.config
        with os.scandir(self.path) as entries:
            ours = {*fixtures, *self.replay_session.project.store.of(self.path.name).segments}
            others = sorted((entry for entry in entries if entry.name not in ours), key=lambda entry: entry.name)
        for entry in others:
            path, is_folder = Path(entry.path), entry.is_dir()
            asked_for = self.session.isinitpath(path, with_parents=is_folder)
            if not asked_for and hooks.pytest_ignore_collect(collection_path=path, config=config):
                continue
            if is_folder:
                collector = hooks.pytest_collect_directory(path=path, parent=self)
                yield from [collector] if collector is not None else []
            else:
                yield from hooks.pytest_collect_file(file_path=path, parent=self)


class FixtureItem(pytest.Item):
    """One fixture: passes as expected, xfails for a known bug that is still there, fails for anything else."""

    def __init__(
        self, *, reference: FixtureReference, hooks: HookRelay, replay_session: ReplaySession, **rest: Any
    ) -> None:
        super().__init__(**rest)
        self._folder, own = self.path, self.path / reference.name
        self.path = own if own.is_dir() else self._folder  # one in a pack has no folder of its own
        self.add_marker("replay")
        self.extra_keyword_matches.add(str(reference))  # `-k orders`, `-k orders/keyerror`
        self._hooks = hooks
        self._reference = reference
        self._session = replay_session
        self._told: FixtureReplayed | None = None

    @property
    def ihook(self) -> HookRelay:
        """The hooks of the function's folder: pytest has loaded no `conftest.py` for that of a fixture."""
        return self._hooks

    @property
    def replays(self) -> tuple[str, FixtureReference]:
        """The target that it goes to, and the fixture."""
        return self._session.target, self._reference

    def runtest(self) -> None:
        why_not = self._session.why_not(self._reference)
        if why_not:
            pytest.skip(f"cannot be asserted: {why_not}")
        self.user_properties.append((FIXTURE, str(self._reference)))
        judged = self._session.judge(self._reference)
        if isinstance(judged, FixtureNotRun):
            self.user_properties.append((VERDICT, "error"))
            raise judged.error
        judgement, outcome = judged.judgement, judged.outcomes[-1]
        self.user_properties.append((VERDICT, judgement.verdict))
        self.user_properties += [(NOTE, one_line(note, limit=400)) for note in judged.notes]
        if verdict_word(judged) == AS_ACCEPTED:
            self.user_properties.append((ACCEPTED, "true"))
        if judged.pinned:
            self.user_properties.append((PINNED, "true"))
        if judgement.as_expected and outcome.log:  # otherwise the explanation has it
            self.add_report_section("call", "log", visible(shown_log(outcome.log)))
        if judgement.as_expected and not judgement.known_bug:
            return  # nothing is kept of the many that pass
        self._told = judged
        if not judgement.as_expected:
            handler_raised = self._session.last_exception()
            if self.config.getoption("usepdb") and outcome.failure is not None and handler_raised is not None:
                raise handler_raised  # so that the debugger opens at the line of the handler that raised
            raise UnexpectedOutcome(judgement.reason)
        pytest.xfail(f"known bug: {happened(outcome)}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ReplayError):
            error = excinfo.value
            text = f"{visible(str(error))}\n\nrun again{self._rerun().removeprefix(' ' * 9)}"
            return failure_text(text, path=self._event_file, summary=one_line(f"{error.what}: {error.where}"))
        if self._told is None:
            return super().repr_failure(excinfo, style)
        if isinstance(excinfo.value, pytest.xfail.Exception) and not self.config.getoption("xfail_tb", default=False):
            return str(excinfo.value)
        told = self._told
        option, asked_for = self.config.getoption, "--replay-red"
        text = explain(
            told.fixture,
            told.outcomes,
            told.judgement,
            options=self._options(red=told.judgement.red),
            notes=told.notes,
            red_option=asked_for if option(asked_for) else "--runxfail",
        )
        text = f"{text}\n{self._rerun()}"
        summary = f"{told.judgement.verdict}: {told.judgement.reason}"
        return failure_text(text, path=self._event_file, summary=one_line(summary))

    def _options(self, *, red: bool) -> list[str]:
        """Give the options by which `replay run` does the same."""
        target = self._session.target
        words = [*(["--red"] if red else []), *(["--cold"] if self.config.getoption("--replay-cold") else [])]
        return [*words, *(["--target", target] if target != "local" else [])]

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self._folder, 0, f"replay {self._reference}"  # pytest wants a line where it is skipped

    @property
    def _event_file(self) -> Path:
        if self.path != self._folder:
            return self.path / "event.json"
        return self._session.project.store.of(self._reference.function).packs.where(self._reference.name)

    def _rerun(self) -> str:
        folder = os.path.relpath(self._folder, self.config.invocation_params.dir)
        red = "--replay-red " if self._told is not None and self._told.judgement.red else ""
        target = self._session.target
        option = red + (f"--replay-target {shlex.quote(target)} " if target != "local" else "")
        return f"           pytest {option}{shlex.quote(f'{folder}::{self.name}')}"
