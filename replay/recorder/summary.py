"""What a recording tells in the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from replay.fixtures.fixture import FixtureReference


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSummary:
    """
    What a recording did.

    `seen` captures were `written`, or `duplicates` of fixtures that were there, or `left_out` as their failure has its
    `sample` of fixtures (None: every one is kept), or `skipped` by a filter, or `failed` (see `problems`); `changed`
    counts those that redaction changed. `by_failure` counts the first three by error, `kept_by_failure` the first two.
    `written_references` and `problems` hold the first thousand. `interrupted`: it was ended early, by Ctrl-C.
    """

    seen: int = 0
    written: int = 0
    duplicates: int = 0
    left_out: int = 0
    skipped: int = 0
    failed: int = 0
    changed: int = 0
    by_failure: Mapping[str, int] = field(default_factory=dict)
    kept_by_failure: Mapping[str, int] = field(default_factory=dict)
    sample: int | None = None
    deleted: int = 0
    moved: int = 0
    left: int = 0
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    written_references: tuple[FixtureReference, ...] = ()
    interrupted: bool = False
