"""Which fixtures a corpus can do without, for `replay list` to show and `replay prune` to take out."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from replay.errors import ConfigurationError, ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.packing import forget_superseded
from replay.fixtures.run_notes import RunNotes, read_run_notes
from replay.fixtures.store import FixtureProblem
from replay.outcomes.failure_classes import failure_class
from replay.outcomes.fingerprint import signature
from replay.payloads.failures import Signature
from replay.project import Project
from replay.sources.moments import moment

_WATCHED = timedelta(days=30)
"""How long runs must have been noted before a fixture that none of them replayed counts as stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispensable:
    """A fixture that the corpus can do without, and why: a reason each, in words."""

    fixture: Fixture
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """
    What the fixtures of one function cover: how many there are by event source and by failure class.

    `uncovered` are the kinds of event source that its template gives it, and no fixture comes from.
    """

    function: str
    kinds: Mapping[str, int]
    classes: Mapping[str, int]
    uncovered: tuple[str, ...]


def coverage(project: Project, references: Sequence[FixtureReference]) -> list[Coverage]:
    """Say for each function what its fixtures cover, those without any included; what cannot be read counts nowhere."""
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    classes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in project.store.load_all(references):
        if isinstance(each, Fixture):
            kinds[each.reference.function][each.event_source.kind] += 1
            known = failure_class(each.failure) if each.failure else None
            classes[each.reference.function][known or "unknown"] += 1
    staleness = _Staleness(project)
    return [
        _covered(name, kinds[name], classes[name], staleness) for name in sorted({*kinds, *project.catalog.names()})
    ]


def _covered(name: str, kinds: Counter[str], classes: Counter[str], staleness: "_Staleness") -> Coverage:
    return Coverage(
        function=name,
        kinds=dict(kinds.most_common()),
        classes=dict(classes.most_common()),
        uncovered=tuple(sorted(staleness.kinds_of(name) - kinds.keys())),
    )


def dispensable(
    project: Project,
    references: Sequence[FixtureReference],
    *,
    duplicates: bool = False,
    stale: bool = False,
    unused: bool = False,
    before: datetime | str | None = None,
) -> Iterator[Dispensable | FixtureProblem]:
    """
    Find the fixtures that are not needed, in the order of *references*.

    - *duplicates*: of the fixtures of a function that are known for the same failure and expect the same, all but the
      smallest event. Those whose failure is not known yet cannot be told apart, and stay.
    - *stale*: its function, the handler's file, or the handler in it, is gone; or the template no longer gives the
      function such events; or runs have been noted here for a month, it was recorded before, and none of them has
      replayed it.
    - *unused*: no run that was noted here, of `replay run` or pytest, has replayed it.
    - *before*: recorded before that moment: a datetime, a time ago (`90d`), or ISO 8601.

    Yields:
        Each of them with its reasons, and each fixture that cannot be read.

    Raises:
        ConfigurationError: *before* is no moment; or no run was noted here, so that all were *unused*.
    """
    until = moment(before, now=datetime.now(UTC), option="--before") if isinstance(before, str) else before
    keeps = _smallest_of_each_failure(project, references) if duplicates else {}
    why_stale = _Staleness(project)
    notes = _notes(project) if unused else None
    for loaded in project.store.load_all(references):
        if isinstance(loaded, FixtureProblem):
            yield loaded
            continue
        reasons = []
        kept = keeps.get(_failure_key(loaded))
        if kept is not None and kept != loaded.reference:
            reasons.append(f"fails as {kept.short} does")
        reasons += why_stale.reasons(loaded) if stale else []
        if notes is not None and str(loaded.reference) not in notes.last_run:
            reasons.append(f"no run has replayed it here since {notes.since}, when they were first noted")
        reasons += _age(loaded, until) if until else []
        if reasons:
            yield Dispensable(fixture=loaded, reasons=tuple(reasons))


def prune(project: Project, found: Sequence[Dispensable]) -> int:
    """
    Remove fixtures, each whole at once, and say how many that were.

    Raises:
        FixtureError: One cannot be removed; those before it are gone.
    """
    removed = 0
    for each in found:
        project.store.delete(each.fixture.reference)
        removed += 1
    forget_superseded(project.store, (each.fixture.reference.function for each in found))
    return removed


_FailureKey = tuple[str, str, Signature] | None


def _failure_key(fixture: Fixture) -> _FailureKey:
    known = fixture.expectation.signature or (signature(fixture.failure) if fixture.failure else None)
    return None if known is None else (fixture.reference.function, fixture.expectation.wants, known)


def _smallest_of_each_failure(
    project: Project, references: Sequence[FixtureReference]
) -> dict[_FailureKey, FixtureReference]:
    smallest: dict[_FailureKey, tuple[int, str, FixtureReference]] = {}
    for loaded in project.store.load_all(references):
        key = None if isinstance(loaded, FixtureProblem) else _failure_key(loaded)
        if key is not None and isinstance(loaded, Fixture):
            size = (len(loaded.event_text), loaded.reference.name, loaded.reference)
            smallest[key] = min(smallest.get(key, size), size, key=lambda each: each[:2])
    return {key: reference for key, (_, _, reference) in smallest.items()}


def _notes(project: Project) -> RunNotes:
    notes = read_run_notes(project.config.root)
    if not notes.since:
        raise ConfigurationError(
            "no run was noted here yet, so nothing can be told to be unused",
            where=str(project.config.root / ".replay"),
            hint="replay run, or pytest",
        )
    return notes


class _Staleness:
    """Says what of a fixture is gone, or that nobody runs it; each function is looked up once."""

    def __init__(self, project: Project, now: datetime | None = None) -> None:
        self._project = project
        self._notes = read_run_notes(project.config.root)
        self._long_ago = (now or datetime.now(UTC)) - _WATCHED
        self._known: dict[str, tuple[str, frozenset[str]]] = {}

    def kinds_of(self, name: str) -> frozenset[str]:
        return self._once(name)[1]

    def reasons(self, fixture: Fixture) -> list[str]:
        name = fixture.reference.function
        gone, kinds = self._once(name)
        if gone:
            return [gone]
        kind = fixture.event_source.kind
        if kinds and kind not in kinds and kind != "direct":
            return [f"{name} no longer gets events of {kind}: its template has {', '.join(sorted(kinds))}"]
        return self._never_run(fixture)

    def _never_run(self, fixture: Fixture) -> list[str]:
        """Say so of a fixture that no run has replayed although they were watched for long enough."""
        since = self._notes.since
        if not since or since > f"{self._long_ago:%Y-%m-%d}" or str(fixture.reference) in self._notes.last_run:
            return []
        recorded = _recorded_at(fixture)
        return [f"no run has replayed it since {since}"] if recorded and recorded < self._long_ago else []

    def _once(self, name: str) -> tuple[str, frozenset[str]]:
        if name not in self._known:
            self._known[name] = self._look_up(name)
        return self._known[name]

    def _look_up(self, name: str) -> tuple[str, frozenset[str]]:
        try:
            function = self._project.catalog.get(name)
        except ReplayError as error:
            return error.what, frozenset()
        module = function.handler.rpartition(".")[0].replace(".", "/")
        if function.runtime.startswith("python") and not function.command:
            files = [function.code / file for file in (f"{module}.py", f"{module}/__init__.py")]
            found = next((file for file in files if file.is_file()), None)
            if found is None or not _may_define(found, function.handler.rpartition(".")[2]):
                return f"the handler {function.handler} is gone from {function.code}", frozenset()
        return "", frozenset(source.kind for source in function.event_sources)


def _may_define(file: Path, name: str) -> bool:
    """Say whether a module may have *name*: where it stands as a word in it, or everything of another is imported."""
    text = file.read_text(encoding="utf-8", errors="replace")
    return re.search(rf"\b{re.escape(name)}\b|import \*|__getattr__|globals\(\)", text) is not None


def _age(fixture: Fixture, before: datetime) -> list[str]:
    recorded = _recorded_at(fixture)
    return [f"recorded on {recorded:%Y-%m-%d}"] if recorded and recorded < before else []


def _recorded_at(fixture: Fixture) -> datetime | None:
    try:
        recorded = datetime.fromisoformat(fixture.provenance.recorded_at)
    except ValueError:
        return None  # a hand-made fixture need not say when
    return recorded if recorded.tzinfo else recorded.replace(tzinfo=UTC)
