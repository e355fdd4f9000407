"""
Compare what we write with what AWS was recorded to write.

The recorder has replaced what changes from run to run (`<uuid:1>`, `date`, account 111111111111), has parsed strings
that hold an object, and has sorted the keys of API responses. So a placeholder stands for any value of its kind, equal
placeholders for equal values, and the order of keys counts where the recorded one is not the sorted one.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

_PLACEHOLDER = re.compile(r"<+[^<>]*>(?::\d+>)?")
_DIGITS = re.compile(r"\d")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_ ]")
_TRACE_ENTRY = re.compile(r'  File "[^"]+", line \d+, in .+\n(    .*\n)*')
_MOMENTS = frozenset({"date", "timestamp", "datetime"})
_ACCOUNT = "1" * 12
_NAME_IN_ARN = re.compile(r"(?<=:function:)[\w-]+|(?<=:stream/)[\w.-]+|(?<=:table/)[\w.-]+")
"""Names that the recorder has left as the test chose them."""


@dataclass(slots=True)
class Comparison:
    """
    One recording against one answer of ours; `meant` remembers what each numbered placeholder stood for.

    *opaque* are keys whose value is the user's own, of which only the presence is compared.
    """

    opaque: frozenset[str] = frozenset()
    meant: dict[str, Any] = field(default_factory=dict)

    def differences(self, recorded: Any, ours: Any, path: str = "$") -> list[str]:
        """List how *ours* differs from what is recorded."""
        return list(self._compare(recorded, ours, path))

    def _compare(self, recorded: Any, ours: Any, path: str) -> Iterator[str]:
        if isinstance(recorded, dict | list) and isinstance(ours, str):
            ours = parsed(ours)
        if isinstance(recorded, dict):
            yield from self._objects(recorded, ours, path)
        elif isinstance(recorded, list):
            yield from self._lists(recorded, ours, path)
        elif isinstance(recorded, str):
            yield from self._strings(recorded, ours, path)
        elif recorded != ours or isinstance(recorded, bool) != isinstance(ours, bool):
            yield f"{path} is {ours!r}, recorded {recorded!r}"

    def _objects(self, recorded: dict[str, Any], ours: Any, path: str) -> Iterator[str]:
        if not isinstance(ours, dict):
            yield f"{path} is no object"
            return
        missing = [key for key in recorded if key not in ours and recorded[key] is not None]
        added = [key for key in ours if key not in recorded and ours[key] is not None]
        if missing or added:
            yield f"{path} lacks {missing}, has besides {added}"
        both = [key for key in recorded if key in ours]
        told = [key for key in both if recorded[key] is not None]  # AWS puts a null now here, now there
        if list(recorded) != sorted(recorded) and told != [key for key in ours if key in told]:
            yield f"{path} has its keys in the order {list(ours)}, recorded {list(recorded)}"
        for key in both:
            if key == "stackTrace" and key not in self.opaque and isinstance(recorded[key], list):
                yield from _traces(recorded[key], ours[key], f"{path}.{key}")
            elif key not in self.opaque and not _masks(key, recorded[key], ours[key]):
                yield from self._compare(recorded[key], ours[key], f"{path}.{key}")

    def _lists(self, recorded: list[Any], ours: Any, path: str) -> Iterator[str]:
        if not isinstance(ours, list | tuple) or len(ours) != len(recorded):
            yield f"{path} has {len(ours) if isinstance(ours, list | tuple) else 'no'} items, recorded {len(recorded)}"
            return
        for index, (theirs, own) in enumerate(zip(recorded, ours, strict=True)):
            yield from self._compare(theirs, own, f"{path}[{index}]")

    def _strings(self, recorded: str, ours: Any, path: str) -> Iterator[str]:
        recorded = _NAME_IN_ARN.sub("<name>", recorded)
        if _PLACEHOLDER.fullmatch(recorded):
            yield from self._placeholder(recorded, ours, path)
        elif not isinstance(ours, str) or not re.fullmatch(_pattern(recorded), ours, re.DOTALL):
            yield f"{path} is {ours!r}, recorded {recorded!r}"

    def _placeholder(self, recorded: str, ours: Any, path: str) -> Iterator[str]:
        kind, _, rest = recorded.strip("<>").partition(":")
        if ours == recorded:
            return  # a function that answers with what was recorded gives the placeholder back
        if ours is None:
            yield f"{path} is null, recorded {recorded}"
        elif kind == "uuid" and not (isinstance(ours, str) and _UUID.fullmatch(ours)):
            yield f"{path} is {ours!r}, which is no UUID"
        elif kind == "timestamp" and not (isinstance(ours, str) and _DIGITS.sub("0", ours) == _DIGITS.sub("0", rest)):
            yield f"{path} is {ours!r}, recorded in the form {rest}"
        elif rest.isdigit() and self.meant.setdefault(recorded, ours) != ours:
            yield f"{path} is {ours!r}, and where else {recorded} stands it is {self.meant[recorded]!r}"


def _masks(key: str, recorded: Any, ours: Any) -> bool:
    """Say whether the recorder has put a word for the value: `date`, or the key's own name in kebab case."""
    if not isinstance(recorded, str) or ours is None:
        return False
    return recorded in _MOMENTS or (recorded == _CAPITAL.sub("-", key).lower() and recorded != ours)


def _pattern(recorded: str) -> str:
    """Make a regular expression of a text with placeholders in it."""
    parts, end = [], 0
    for found in _PLACEHOLDER.finditer(recorded):
        parts += [re.escape(recorded[end : found.start()]), ".*?"]
        end = found.end()
    return "".join([*parts, re.escape(recorded[end:])]).replace(_ACCOUNT, r"\d{12}")


def _traces(recorded: list[Any], ours: Any, path: str) -> Iterator[str]:
    """The lines of a trace are the function's own; their form is the runtime's."""
    if not isinstance(ours, Sequence) or isinstance(ours, str) or bool(ours) != bool(recorded):
        yield (
            f"{path} has {len(ours)} entries, recorded {len(recorded)}"
            if isinstance(ours, list)
            else f"{path} is no list"
        )
    elif not all(_TRACE_ENTRY.fullmatch(str(entry)) for entry in ours):
        yield f"{path} is not a list of entries as the runtime writes them: {ours!r}"


def parsed(text: str) -> Any:
    """Parse a text as the recorder does, and give it back as it is where it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def objects_in(held: Any) -> Iterator[dict[str, Any]]:
    """Walk through all objects of a recording, outer ones first."""
    pending = [held]
    while pending:
        value = pending.pop()
        if isinstance(value, str) and value[:1] in {"{", "["}:
            value = parsed(value)
        if isinstance(value, dict):
            yield value
            pending += reversed(list(value.values()))
        elif isinstance(value, list):
            pending += reversed(value)


def restates(recording: Any, key: str, expected: Any) -> bool:
    """Say whether an expectation only repeats what stands in the recording, where there is no stimulus to make it of."""
    return any(
        name.lower() == key.lower() and value == expected
        for each in objects_in(recording)
        for name, value in each.items()
    )
