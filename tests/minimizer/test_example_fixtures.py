"""Every fixture of the example service, minimised: nothing of it can go, no value can be shorter, nobody's data appears."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from replay.fixtures.fixture import Fixture, FixtureReference
from replay.minimizer.free_parts import free_parts
from replay.minimizer.minimizing import fails, minimize
from replay.minimizer.payload_tree import Node, levels, tree_of, written
from replay.outcomes.outcome import Outcome
from replay.payloads.envelopes.sqs_digests import renew_digests
from replay.project import Project, open_project
from replay.replayer import Replayer

PROJECT = open_project(Path(__file__).parents[2])
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@pytest.fixture(scope="module")
def warm() -> Iterator[Replayer]:
    with PROJECT.replayer(pin=False) as replayer:
        yield replayer
        replayer.suspend()


def _is_safe(event_text: str, project: Project = PROJECT) -> bool:
    return project.redactor.event(event_text).text == event_text


def _smaller(root: Node) -> Iterator[str]:
    """Give every event that has one key, element or character less than what *root* writes."""
    for node in [node for level in levels(root) for node in level]:
        if node.may_go:
            node.is_there = False
            yield written(root)
            node.is_there = True
        if node.free and node.kind in {"text", "raw"}:
            text = node.text
            for at in range(len(text)):
                node.text = text[:at] + text[at + 1 :]
                if node.kind == "text" or _NUMBER.fullmatch(node.text):
                    yield written(root)
            node.text = text


@pytest.mark.parametrize("reference", PROJECT.store.references(), ids=lambda reference: reference.id)
def test_nothing_more_can_go_from_an_example(reference: FixtureReference, warm: Replayer) -> None:
    """No key, element or character can be left out of the smallest form without losing the signature."""

    def observe(fixture: Fixture) -> Outcome:
        return warm.observe(fixture).outcome

    fixture = PROJECT.store.load(reference)
    small = minimize(fixture, observe, is_safe=_is_safe)
    assert small.is_smallest
    text = small.fixture.event_text
    known = observe(fixture).signature
    assert known is not None
    assert fails(fixture, observe, known, text)
    assert _is_safe(text)
    tree = tree_of(text, free_parts(fixture.event_source.kind))
    smaller = {event for event in _smaller(tree) if _is_safe(event)}
    still = [event for event in smaller if fails(fixture, observe, known, event)]
    assert [renew_digests(text, event) for event in still] == []
