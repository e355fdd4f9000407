"""The cases of a folder of recordings: those of `index.json`, or all its files without one; and `asserted.json`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.truth.json5 import read_json5
from tests.truth.verdicts import Unreadable

NOTHING: Any = object()
"""Where a case has no stimulus or no expectation: null would be one."""


_OF_A_REFUSAL = ".recorded.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the index. `node` is the test that made the recording, with its parameters in brackets."""

    id: str
    category: str
    folder: Path
    file: str = ""
    stimulus: Any = NOTHING
    expect: Any = NOTHING
    node: str = ""
    recorded_error: str = ""

    @property
    def has_stimulus(self) -> bool:
        return self.stimulus is not NOTHING

    @property
    def has_expect(self) -> bool:
        return self.expect is not NOTHING

    @property
    def parameter(self) -> str:
        """The text in brackets at the end of the test's name."""
        start = self.node.find("[")
        return self.node[start + 1 : -1] if start >= 0 and self.node.endswith("]") else ""

    def path(self, name: str = "") -> Path:
        """Give the path of a file of the case, which must lie in the folder."""
        path = (self.folder / (name or self.file)).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            raise Unreadable(f"cannot read file {name or self.file!r}: it is not in the folder")
        return path

    def recording(self, name: str = "") -> dict[str, Any]:
        """Read what the case's file (or *name*) recorded; empty for a case without a file."""
        if not (name or self.file):
            return {}
        path = self.path(name)
        try:
            held = read_json5(path)
        except (ValueError, OSError, RecursionError) as error:
            raise Unreadable(f"cannot read file {name or self.file!r}: {error}") from None
        if not isinstance(held, dict):
            raise Unreadable(f"cannot read file {name or self.file!r}: it holds no object")
        content: dict[str, Any] = {}
        for key, value in held.items():
            inner = value["recorded-content"] if isinstance(value, dict) and "recorded-content" in value else None
            content.update(inner if isinstance(inner, dict) else {key: value})
        return content


def read_cases(folder: Path) -> list[Case]:
    """
    Read the cases of *folder*.

    `index.json` is an array of objects or one object per line; an entry of category `asserted` stands for the facts in
    its file, which go by category. Where there is none, every file is a case of the category that its folder is named by.
    """
    found: list[Case] = []
    asserted = {"asserted.json"} if (folder / "asserted.json").is_file() else set()
    index = folder / "index.json"
    unlisted = folder.is_dir() and not index.exists()
    for number, entry in enumerate(_unlisted(folder) if unlisted else _entries(index), 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("category"), str):
            raise Unreadable(f"cannot read index.json: entry {number} has no category")
        if entry["category"] == "asserted":
            asserted.add(str(entry.get("file")))
        else:
            found.append(_case(folder, entry, f"entry-{number}"))
    for name in sorted(asserted):
        found += _asserted(folder, name)
    return found


def _unlisted(folder: Path) -> Iterator[dict[str, Any]]:
    """Make an entry of each file in the folders of *folder*; what was recorded of a refusal belongs to its pattern."""
    for path in sorted(path for path in folder.glob("*/**/*") if path.is_file()):
        if path.name.endswith(_OF_A_REFUSAL):
            continue
        place = path.relative_to(folder)
        refusal = place.with_suffix(_OF_A_REFUSAL)
        yield {
            "id": str(place.with_suffix("")),
            "category": place.parts[0],
            "file": str(place),
            "source": {"node": _node(path)},
            "recorded_error": str(refusal) if (folder / refusal).is_file() else "",
        }


def _node(path: Path) -> str:
    """Find the name of the test that made a recording: the recorder has it as the key of the whole."""
    try:
        held = read_json5(path)
    except (ValueError, OSError, RecursionError):
        return ""  # no recording, or one whose judge will say that it cannot be read
    return next((key.partition("::")[2] for key in held if "::" in key), "") if isinstance(held, dict) else ""


def _case(folder: Path, entry: dict[str, Any], id_: str) -> Case:
    source = entry.get("source")
    return Case(
        id=str(entry.get("id", id_)),
        category=entry["category"],
        folder=folder,
        file=str(entry.get("file", "")),
        stimulus=entry.get("stimulus", NOTHING),
        expect=entry.get("expect", NOTHING),
        node=str(source.get("node", "")) if isinstance(source, dict) else "",
        recorded_error=str(entry.get("recorded_error") or ""),
    )


def _asserted(folder: Path, name: str) -> Iterator[Case]:
    path = folder / name
    try:
        by_category = read_json5(path)
    except (ValueError, OSError) as error:
        raise Unreadable(f"cannot read {name}: {error}") from None
    if not isinstance(by_category, dict):
        raise Unreadable(f"cannot read {name}: it holds no object of categories")
    for category, facts in by_category.items():
        for number, fact in enumerate(facts, 1):
            yield _case(folder, {**fact, "category": category, "file": ""}, f"asserted/{category}-{number}")


def _entries(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from None
    try:
        held = json.loads(text)
    except ValueError:
        try:
            return [json.loads(line.rstrip().rstrip(",")) for line in text.splitlines() if line.strip(" \t[],")]
        except ValueError as error:
            raise Unreadable(f"cannot read index.json: {error}") from None
    if isinstance(held, dict):
        held = held.get("cases", [held])
    return list(held)
