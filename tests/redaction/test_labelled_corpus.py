"""The share of a labelled corpus that is found, and of innocent values that are left alone; `make bench` prints them."""

import json
import re
import time
from collections.abc import Sequence
from random import Random

import pytest

from benchmarks import redaction
from benchmarks.redaction import CHARACTERS, MOST_GROWTH, UNITS, slowest_growth
from replay.redaction.detectors import spans
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from tests.redaction.labelled_corpus import NAMED_SHAPES, OTHERS, SHAPES, STRUCTURED, innocent, named_secret, readable

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


def test_recall_of_secrets_by_their_names() -> None:
    """What has no form of its own is found behind its name, in JSON, forms, markup, logs and stacks, in five languages."""
    random, missed = Random("named"), []
    for number in range(10 * len(NAMED_SHAPES)):
        labelled, event = named_secret(number, random)
        if labelled.secret in readable(REDACTOR.event(event).text):
            missed.append(event)
    assert missed == []


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


@pytest.mark.parametrize("units", [CHARACTERS, UNITS], ids=["characters", "units"])
def test_each_detector_is_linear(units: Sequence[str]) -> None:
    """Four times of any character, or of any unit that a detector begins at, takes about four times as long."""
    growth, where, _ = slowest_growth(units, 16_000)
    assert growth <= MOST_GROWTH, where


@pytest.mark.parametrize("character", "a1@ ")
def test_a_megabyte_of_one_character_is_read_at_once(character: str) -> None:
    """All detectors together take seconds, where one that is not linear takes hours; the benchmark has every character."""
    began = time.process_time()
    spans(character * 1_000_000)
    assert time.process_time() - began < 20


def test_what_is_not_linear_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector that reads each run again from its every character is named."""
    again = re.compile(r"a*b")
    monkeypatch.setattr(redaction, "DETECTORS", {again.finditer: ()})
    growth, where, _ = slowest_growth("xa", 16_000)
    assert growth > MOST_GROWTH
    assert where.endswith("on 'a'")
