"""The share of a labelled corpus that is found, and of innocent values that are left alone; `make bench` prints them."""

import json
from random import Random

import pytest

from benchmarks.redaction import slowest_growth
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from tests.redaction.labelled_corpus import OTHERS, SHAPES, STRUCTURED, innocent, readable

REDACTOR = Redactor(RedactionSettings(key=b"the key of the tests"))
EACH = 8 * len(SHAPES)


@pytest.mark.parametrize("kind", [*STRUCTURED, *OTHERS])
def test_recall(kind: str) -> None:
    """Of structured secrets and cards nothing is left, of the others at most two in a hundred, whatever the shape."""
    random, make = Random(kind), {**STRUCTURED, **OTHERS}[kind]
    missed = []
    for number in range(EACH):
        labelled, shape = make(random), list(SHAPES)[number % len(SHAPES)]
        event = SHAPES[shape](labelled.text, random)
        made = REDACTOR.event(event).text
        assert REDACTOR.event(made).text == made
        if labelled.secret in readable(made):
            missed.append((shape, labelled.secret))
    assert len(missed) <= (0 if kind in STRUCTURED else 0.02 * EACH), missed


def test_false_positives() -> None:
    """Of values that are nobody's, in the same shapes, at most one in a hundred changes."""
    random = Random("innocent")
    events = [list(SHAPES.values())[number % len(SHAPES)](innocent(random), random) for number in range(600)]
    events += [json.dumps({"id": innocent(random), "value": innocent(random)}) for _ in range(300)]
    changed = [event for event in events if REDACTOR.event(event).text != event]
    assert len(changed) <= 9, changed[:9]


def test_a_planted_text_can_be_read() -> None:
    """What recall is measured with sees through every shape, so that a miss is a miss."""
    random = Random(1)
    for make in (STRUCTURED["vendor-key"], OTHERS["email"], STRUCTURED["private-key"]):
        labelled = make(random)
        for shape in SHAPES.values():
            assert labelled.secret in readable(shape(labelled.text, random))


def test_each_detector_is_linear_on_a_megabyte_of_one_character() -> None:
    """Eight times the text takes at most twelve times as long, whichever character it is; the benchmark prints it."""
    growth, where, seconds = slowest_growth("a1@\\")
    assert growth <= 12, where
    assert seconds < 20, where
