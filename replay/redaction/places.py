"""Where in an event something was found: named as a JSON Pointer, itself free of what is private."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from replay.payloads.exact_json import Path, Step, steps
from replay.redaction.encodings import Budget

_MOST_STEPS = 32
"""Steps of a pointer that are written out, the last ones: texts nested 100,000 deep exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found in one event so far: how often, by place and detector."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    budget: Budget = field(default_factory=Budget)
    is_innocent: Callable[[str], bool] = lambda _: True
    """Says whether a key may stand in a pointer; a secret, or what stands in for one, is written as `*`."""
    replaced: dict[str, str] = field(default_factory=dict, repr=False)
    """What values of the event were replaced by, for the texts that tell of it; it must not be written anywhere."""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """The secrets among them, for the rest of the event."""
    located: Mapping[tuple[Step, ...], Any] = field(default_factory=dict)
    """The places that the rules' JSONPaths have found, and what is to be done there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place of an event, written out only when something is found there; `outer` is where the text stands encoded."""

    findings: Findings
    path: Path = None
    outer: "Place | None" = None
    is_secret: bool = False
    """Whether everything here is secret, as the key above the encoded text says."""
    named: str = ""
    """The name that stands beside the value, if it does not stand at its key."""
    suspects: set[str] | None = None
    """Of the strings of this text the only ones that may hold something private, if that is known."""

    def __str__(self) -> str:
        steps = [str(step) for step in islice(_upwards(self.path), _MOST_STEPS + 1)]
        cut = len(steps) > _MOST_STEPS
        written = "".join(
            "/" + (step.replace("~", "~0").replace("/", "~1") if self.findings.is_innocent(step) else "*")
            for step in reversed(steps[:_MOST_STEPS])
        )
        return ("" if self.outer is None else f"{self.outer}#") + ("/…" if cut else "") + written

    def into(self, path: Path, named: str = "") -> "Place":
        """Step to the value at *path* of the same text."""
        return Place(
            findings=self.findings,
            path=path,
            outer=self.outer,
            is_secret=self.is_secret,
            named=named,
            suspects=self.suspects,
        )

    def named_path(self) -> Path:
        """Give the path with the name of the value in the place of its key."""
        return (self.path[0], self.named) if self.named and self.path else self.path

    def inside(
        self, *, is_secret: bool = False, findings: Findings | None = None, suspects: set[str] | None = None
    ) -> "Place":
        """Step into the string at this place."""
        return Place(
            findings=findings or self.findings, outer=self, is_secret=is_secret or self.is_secret, suspects=suspects
        )

    def note(self, detectors: Iterable[str]) -> None:
        """Count a replacement here for each of *detectors*."""
        at = str(self)
        for detector in detectors:
            self.findings.counts[at, detector] += 1

    def steps(self) -> tuple[Step, ...]:
        """Give the way from the event's root, through encoded strings as well."""
        return (() if self.outer is None else self.outer.steps()) + steps(self.path)

    def matches(self, patterns: tuple[str, ...]) -> bool:
        """Say whether a pattern means this place or one above it: by key name, or by JSON Pointer."""
        names = set(self.names())
        pointer = str(self) if any(pattern.startswith("/") for pattern in patterns) else ""
        return any(
            any(fnmatchcase(pointer, pattern + beneath) for beneath in ("", "/*", "#*"))
            if pattern.startswith("/")
            else any(fnmatchcase(name, pattern) for name in names)
            for pattern in patterns
        )

    def names(self) -> Iterator[str]:
        """Give the keys from here up, the nearest ones."""
        return islice(self._names(), _MOST_STEPS)

    def _names(self) -> Iterator[str]:
        place: Place | None = self
        while place is not None:
            yield from (step for step in islice(_upwards(place.path), _MOST_STEPS) if isinstance(step, str))
            place = place.outer


def _upwards(path: Path) -> Iterator[str | int]:
    while path is not None:
        path, step = path
        yield step
