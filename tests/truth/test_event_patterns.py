"""Event patterns against the recordings of EventBridge's TestEventPattern."""

import json
from pathlib import Path
from typing import Any

import pytest

from replay.errors import InvalidEventPattern
from replay.payloads.event_patterns import compile_pattern
from tests.truth.json5 import read_json5
from tests.truth.recordings import recorded, truth_folder

_FOLDER = truth_folder() / "eventbridge-patterns"
_CASES = sorted(_FOLDER.glob("*.json5"))
_REFUSED = [path for path in _CASES if path.with_suffix(".recorded.json").is_file()]
_NOT_JSON = sorted(_FOLDER.glob("events_patterns--test_invalid_json_event_pattern*.json"))


def _pattern_forms(case: dict[str, Any]) -> list[Any]:
    return [case["EventPattern"], json.dumps(case["EventPattern"], ensure_ascii=False)]


@pytest.mark.parametrize(
    "path", [path for path in _CASES if not path.stem.endswith("_EXC")], ids=lambda path: path.stem
)
def test_matches_as_eventbridge_does(path: Path) -> None:
    """A recorded event matches its pattern, as mapping and as text, exactly where EventBridge says so."""
    case = read_json5(path)
    for pattern in _pattern_forms(case):
        assert compile_pattern(pattern).matches(case["Event"]) is not path.stem.endswith("_NEG")


@pytest.mark.parametrize("path", _REFUSED, ids=lambda path: path.stem)
def test_refuses_as_eventbridge_does(path: Path) -> None:
    """A pattern that EventBridge refused is refused, with EventBridge's own words."""
    case = read_json5(path)
    answer = recorded(path.with_suffix(".recorded.json"))[path.stem]["exception_message"]["Error"]
    for pattern in _pattern_forms(case):
        with pytest.raises(InvalidEventPattern) as refused:
            compile_pattern(pattern)
        assert refused.value.what == answer["Message"]


@pytest.mark.parametrize("path", _NOT_JSON, ids=lambda path: path.stem)
def test_text_that_is_not_json_is_refused_in_the_same_words(path: Path) -> None:
    """Text that is no JSON is refused with the first line of EventBridge's answer."""
    (node,) = json.loads(path.read_text(encoding="utf-8"))
    pattern = node.partition("[")[2].removesuffix("]")
    with pytest.raises(InvalidEventPattern) as refused:
        compile_pattern(pattern)
    assert refused.value.what == recorded(path)["invalid-pattern"]["Error"]["Message"].partition("\n")[0]


def test_the_recordings_are_all_there() -> None:
    """The folder holds its three kinds of case, so that an empty folder cannot pass for agreement."""
    assert len(_CASES) >= 90
    assert len(_NOT_JSON) >= 2
