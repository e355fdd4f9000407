"""Patterns that mean the same in every Python from 3.11 on."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from replay import payloads, redaction
from replay.payloads.exact_json import is_json

_parser: Any = importlib.import_module("re._parser")  # what `re.DEBUG` prints
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_ONE_CHARACTER = {"LITERAL", "NOT_LITERAL", "IN", "ANY"}


def _patterns() -> Iterator[tuple[str, str, re.Pattern[str]]]:
    for package in (payloads, redaction):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module: ModuleType = importlib.import_module(found.name)
            for name, value in vars(module).items():
                several = value if isinstance(value, tuple | list | dict) else (value,)
                for each in several:
                    if isinstance(each, re.Pattern) and isinstance(each.pattern, str):
                        yield found.name.rpartition(".")[2], name, each


def _possessive_bodies(pattern: Any) -> Iterator[list[Any]]:
    """Give what repeats possessively in a parsed pattern, wherever in it."""
    for operation, value in pattern:
        name = str(operation)
        inside: list[Any] = []
        if name in _REPEATS:
            inside = [value[2]]
            if name == "POSSESSIVE_REPEAT":
                yield list(value[2])
        elif name in {"ASSERT", "ASSERT_NOT"}:
            inside = [value[1]]
        elif name == "SUBPATTERN":
            inside = [value[3]]
        elif name == "ATOMIC_GROUP":
            inside = [value]
        elif name == "BRANCH":
            inside = value[1]
        for each in inside:
            yield from _possessive_bodies(each)


def _may_fail_half_way(body: list[Any]) -> bool:
    """Say whether something in *body* may fail behind, or be, what does more than read one character."""
    if len(body) == 1 and str(body[0][0]) == "SUBPATTERN":
        return _may_fail_half_way(list(body[0][1][3]))
    if [str(operation) for operation, _ in body] == ["ATOMIC_GROUP"]:
        return False  # where it fails, it goes back to its beginning
    moved = False
    for operation, value in body:
        name = str(operation)
        if name in _ONE_CHARACTER:
            if moved:
                return True
        elif name in _REPEATS and value[0] == 0 and len(value[2]) == 1 and str(value[2][0][0]) in _ONE_CHARACTER:
            moved = True
        else:
            return True
    return False


def test_no_possessive_group_fails_half_way() -> None:
    """Before 3.11.5 such a group kept what its last, failed time had taken (python/cpython#106052): secrets were missed."""
    wrong = [
        (module, name)
        for module, name, pattern in _patterns()
        for body in _possessive_bodies(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
        if _may_fail_half_way(body)
    ]
    assert wrong == []


@pytest.mark.parametrize("pattern", [r"(?:(?!x).)++", r"(?:\.[0-9]++)?+", r"(?:a?b)*+", r"(?:%[0-9]{2})++"])
def test_such_a_group_would_be_seen(pattern: str) -> None:
    """The shapes that went wrong are known."""
    assert any(map(_may_fail_half_way, _possessive_bodies(_parser.parse(pattern))))


@pytest.mark.parametrize("text", [r'"a\u"', r'"a\u00"', r'["a\u", "b"]', r'{"a\u": 1}', r'{"a": "b\u0"}'])
def test_an_escape_without_its_digits_ends_no_string(text: str) -> None:
    """A string is none whose last escape is cut off, in every Python."""
    assert not is_json(text)
