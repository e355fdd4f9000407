"""What a function answered, made comparable: without what is ignored, known by a digest, shown only redacted."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from replay.errors import ConfigurationError, RedactionError
from replay.payloads.exact_json import Json
from replay.redaction.redactor import Redactor
from replay.redaction.rules import compiled

MOST_SHOWN = 100_000
"""Characters of an answer that are kept to show where two differ; beyond that only that they do."""

_WHOLE = 2**53
"""Beyond this a float no longer tells whole numbers apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    An answer, or the parameters of a call.

    Attributes:
        digest: Equal for equal answers; tells nothing to who has not the project's key.
        shown: What may be looked at: redacted, JSON in strings opened; None where it is too large, or not safe.
    """

    digest: str
    shown: Json = None


class OpenedObject(dict[str, Any]):
    """An object that was inside a string: the two are not the same, although they read alike."""


class OpenedList(list[Any]):
    """A list that was inside a string."""


def was_opened(value: Any) -> bool:
    """Say whether *value* was inside a string."""
    return isinstance(value, OpenedObject | OpenedList)


class Ignored:
    """
    What of an answer does not count.

    Args:
        paths: JSONPaths (RFC 9535) over the answer, with what its strings hold parsed in its place.
        where: Of each path, for errors.

    Raises:
        ConfigurationError: One of them is no JSONPath.
    """

    def __init__(self, paths: Sequence[str] = (), *, where: str = "--ignore") -> None:
        self.paths = tuple(dict.fromkeys(paths))
        if self.paths:
            from jsonpath import JSONPathError

            for path in self.paths:
                try:
                    compiled(path)
                except JSONPathError as error:
                    raise ConfigurationError(
                        f"{path!r} is no JSONPath: {str(error).splitlines()[0]}",
                        where=f"{where} {path!r}",
                        expected="a JSONPath as RFC 9535 has it, such as $.body.id or $..timestamp",
                    ) from None

    def leave_out(self, value: Any) -> Any:
        """Take out of *value* what does not count; an item of a list becomes null: the others keep their place."""
        found = {match.parts for path in self.paths for match in compiled(path).finditer(value)}
        for parts in sorted(found, key=len, reverse=True):
            if not parts:
                return None
            holder = _at(value, parts[:-1])
            if isinstance(holder, dict):
                holder.pop(parts[-1], None)
            elif isinstance(holder, list):
                holder[cast("int", parts[-1])] = None
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReader:
    """Makes answers comparable by one *key*, without what is *ignored*, and shows them redacted by *redactor*."""

    ignored: Ignored
    redactor: Redactor
    key: bytes

    def of_text(self, text: str) -> Answer:
        """Read the JSON text of an answer; one that is nested too deep counts as it is written."""
        try:
            value = self.ignored.leave_out(_opened(_parsed(text)))
            digest = self._digest(json.dumps(_marked(value), sort_keys=True, separators=(",", ":")))
        except (ValueError, RecursionError):
            return Answer(digest=self._digest(text))
        return Answer(digest=digest, shown=self._shown(text))

    def of_value(self, value: Mapping[str, Json]) -> Answer:
        """Read the parameters of a call."""
        try:
            return self.of_text(json.dumps(value))
        except (ValueError, TypeError, RecursionError):
            return Answer(digest=self._digest(repr(value)))

    def _digest(self, text: str) -> str:
        return hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]

    def _shown(self, text: str) -> Json:
        if len(text) > MOST_SHOWN:
            return None
        try:
            redacted = self.redactor.event(text).text
            return cast("Json", self.ignored.leave_out(_opened(_parsed(redacted))))
        except (RedactionError, ValueError, RecursionError):
            return None


def _at(value: Any, parts: Iterable[str | int]) -> Any:
    for part in parts:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=_number)


def _number(text: str) -> float | int:
    """Read `12.0` as 12: languages write the same number in both ways."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < _WHOLE else number


def _opened(value: Any) -> Any:
    """Open objects and arrays inside strings."""
    if isinstance(value, dict):
        return {key: _opened(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_opened(each) for each in value]
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            inner = _parsed(value)
        except ValueError:
            return value
        opened = _opened(inner)
        return OpenedObject(opened) if isinstance(opened, dict) else OpenedList(opened)
    return value


def _marked(value: Any) -> Any:
    """Write what was opened so that it differs from what was not."""
    marked = value
    if isinstance(value, dict):
        marked = {key: _marked(each) for key, each in value.items()}
    elif isinstance(value, list):
        marked = [_marked(each) for each in value]
    return {"\x00opened": marked} if was_opened(value) else marked
