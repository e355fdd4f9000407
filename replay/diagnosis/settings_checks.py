"""Whether `[tool.replay]` says what can be used: named sources, named targets, redaction and its key."""

import os
from collections.abc import Iterator
from pathlib import Path

from replay.config import read_table
from replay.diagnosis.finding import Finding, problem
from replay.errors import ReplayError
from replay.fixtures.store import FixtureProblem
from replay.project import Project
from replay.redaction.settings import KEY_VARIABLE, RedactionSettings
from replay.sources.registry import source_class
from replay.targets.registry import find_target

_CHECK = "configuration"


def check_settings(project: Project) -> Iterator[Finding]:
    """Look at every named source and target as if it were used, and at redaction."""
    config = project.config
    for name in config.sources:
        try:
            settings = {key: value for key, value in config.sources[name].items() if key not in {"kind", "function"}}
            shape = source_class(str(config.sources[name].get("kind", name))).options
            read_table(shape, settings, where=f"[tool.replay.sources.{name}]", root=config.root)
        except ReplayError as error:
            yield problem(_CHECK, error, about=f"source {name}")
    for name in config.targets:
        try:
            find_target(name, config.targets, root=config.root)
        except ReplayError as error:
            yield problem(_CHECK, error, about=f"target {name}")
    try:
        settings_of_redaction = RedactionSettings.read(config.redaction)
    except ReplayError as error:
        yield problem("redaction", error)
        return
    yield from _redaction(project, enabled=settings_of_redaction.enabled)


def _redaction(project: Project, *, enabled: bool) -> Iterator[Finding]:
    if not enabled:
        yield Finding(
            check="redaction",
            level="problem",
            what="redaction is switched off: secrets and personal data reach the disk as they are",
            hint="remove enabled = false from [tool.replay.redaction]",
        )
        return
    folder = project.config.root / ".replay"
    path = folder / "redaction.key"
    if os.environ.get(KEY_VARIABLE):
        yield Finding(check="redaction", level="ok", what=f"the key of the stand-ins is that of {KEY_VARIABLE}")
    elif path.is_file() and os.access(path, os.R_OK) and path.stat().st_size:
        yield Finding(check="redaction", level="ok", what=f"the key of the stand-ins is in {path}")
    elif path.exists() or not _can_be_made(folder):
        yield Finding(
            check="redaction",
            level="problem",
            what=f"the key of the stand-ins can be neither read nor kept in {path}: each recording has its own",
            hint=f"make the folder writable, or set {KEY_VARIABLE}",
        )
    elif _has_stand_ins(project):
        yield Finding(
            check="redaction",
            level="note",
            what="the fixtures have stand-ins, and their key is not here: new recordings will have others",
            hint=f"to have the same ones in the whole team, share one {KEY_VARIABLE} (or .replay/redaction.key)",
        )


def _can_be_made(folder: Path) -> bool:
    if folder.exists():
        return folder.is_dir() and os.access(folder, os.W_OK)
    return os.access(folder.parent, os.W_OK)


def _has_stand_ins(project: Project) -> bool:
    store = project.store
    if not store.root.is_dir():
        return False
    loaded = store.load_all(store.references())
    return any(not isinstance(fixture, FixtureProblem) and fixture.redactions for fixture in loaded)
