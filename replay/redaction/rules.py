"""What the configuration says about places of an event: by key name, by JSON Pointer, by JSONPath."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

from replay.errors import ConfigurationError, InvalidJson, RedactionError
from replay.payloads.exact_json import Json, Step, parse
from replay.redaction import encodings
from replay.redaction.places import Place
from replay.redaction.presets import PRESETS

if TYPE_CHECKING:  # loaded when a rule is a JSONPath
    from jsonpath import JSONPath

Action = Literal["keep", "drop", "generalise", "hash", "redact"]
ACTIONS: tuple[Action, ...] = ("keep", "drop", "generalise", "hash", "redact")
"""In the order in which they win where several rules mean one place."""

Located = Mapping[tuple[Step, ...], Action]
"""The places that JSONPaths have found in one event."""

_MOST_LEVELS = 400
_MOST_OPENED = 8
_LONGEST_RULE = 1_000
_NOT_LETTER = re.compile(r"[^a-z0-9*?\[\]]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    Rules by action, in the order of `ACTIONS`.

    `named` are globs over key names and JSON Pointers, `loose` globs over key names in whatever casing, `paths`
    JSONPaths (RFC 9535) over the event with the JSON in its strings, and in base64, parsed in its place.
    """

    named: Mapping[Action, tuple[str, ...]] = field(default_factory=dict)
    loose: Mapping[Action, tuple[str, ...]] = field(default_factory=dict)
    paths: Mapping[Action, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.named or self.loose or self.paths)

    @property
    def drops(self) -> bool:
        """Whether any rule takes values out."""
        return any("drop" in each for each in (self.named, self.loose, self.paths))

    def located(self, text: str) -> Located:
        """
        Find the places in the event *text* that JSONPaths mean.

        Raises:
            RedactionError: It is nested too deep to be searched.
        """
        if not self.paths:
            return {}
        try:
            view = _view(parse(text))
            return {
                match.parts: action
                for action in reversed(ACTIONS)  # the one that wins is written last
                for path in self.paths.get(action, ())
                for match in compiled(path).finditer(cast("Any", view))
            }
        except (InvalidJson, RecursionError):
            raise RedactionError(
                "the event cannot be searched by the JSONPaths of [tool.replay.redaction]",
                expected=f"JSON of fewer than {_MOST_LEVELS} levels",
                hint="name the keys in the place of JSONPaths",
            ) from None

    def action(self, place: Place, located: Located) -> Action | None:
        """Give what is to be done at *place*, as a rule for it, or for one above it, says."""
        found = set(_located_at(place, located)) if located else set()
        for action in ACTIONS:
            named, loose = self.named.get(action, ()), self.loose.get(action, ())
            if action in found or (named and place.matches(named)) or (loose and _matches_loosely(place, loose)):
                return action
        return None


def rules_of(lists: Mapping[Action, Sequence[str]], presets: Sequence[str] = ()) -> Rules:
    """
    Sort rules by what they are.

    Raises:
        ConfigurationError: One begins with `$` and is no JSONPath, or is too long.
    """
    named: dict[Action, tuple[str, ...]] = {}
    paths: dict[Action, tuple[str, ...]] = {}
    loose: dict[Action, tuple[str, ...]] = {}
    for action in ACTIONS:
        patterns = lists.get(action, ())
        if any(len(pattern) > _LONGEST_RULE for pattern in patterns):
            raise ConfigurationError(
                "a rule is too long",
                where=f"[tool.replay.redaction] {action}",
                expected=f"at most {_LONGEST_RULE:,} characters",
            )
        if ours := tuple(pattern for pattern in patterns if pattern.startswith("$")):
            paths[action] = ours
        if others := tuple(pattern for pattern in patterns if not pattern.startswith("$")):
            named[action] = others
        if ready := tuple(pattern for preset in presets for pattern in PRESETS[preset].get(action, ())):
            loose[action] = ready
    for action, each in paths.items():
        for path in each:
            _check(path, action)
    return Rules(named=named, loose=loose, paths=paths)


@cache
def compiled(path: str) -> "JSONPath":
    """Read a JSONPath. Source: RFC 9535."""
    from jsonpath import JSONPathEnvironment

    class Deeper(JSONPathEnvironment):
        max_recursion_depth = _MOST_LEVELS

    return cast("JSONPath", Deeper(strict=True).compile(path))


def _check(path: str, action: Action) -> None:
    from jsonpath import JSONPathError

    try:
        compiled(path)
    except JSONPathError as error:
        raise ConfigurationError(
            f"{path!r} is no JSONPath: {str(error).splitlines()[0]}",
            where=f"[tool.replay.redaction] {action}",
            expected="a JSONPath as RFC 9535 has it, such as $.Records[*].body.customer.note",
        ) from None


def _located_at(place: Place, located: Located) -> Iterator[Action]:
    steps = place.steps()
    for length in range(len(steps) + 1):
        action = located.get(steps[:length])
        if action is not None:
            yield action


def _matches_loosely(place: Place, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in map(_plain, place.names()) for pattern in patterns)


@cache
def _plain(name: str) -> str:
    return _NOT_LETTER.sub("", name.lower())


def _view(value: Json) -> Json:
    """Parse what strings hold, in their places, at any depth and without recursion."""
    root: list[Json] = [value]
    todo: list[tuple[Any, Any, int]] = [(root, 0, 0)]
    while todo:
        holder, key, opened = todo.pop()
        here = holder[key]
        if isinstance(here, str) and opened < _MOST_OPENED:
            inside = _inside(here)
            if inside is not None:
                holder[key] = here = inside
                opened += 1
        if isinstance(here, dict):
            todo += ((here, name, opened) for name in here)
        elif isinstance(here, list):
            todo += ((here, index, opened) for index in range(len(here)))
    return root[0]


def _inside(value: str) -> Json:
    """Give what a string holds, where that is JSON, plain or in base64; else None."""
    if encodings.RUN.fullmatch(value):
        opened = encodings.opened(value, encodings.Budget())
        value = opened.text if opened is not None and opened.is_text else ""
    if value.lstrip()[:1] not in {"{", "[", '"'}:
        return None
    try:
        return parse(value)
    except InvalidJson:
        return None
