"""Presidio as one more detector: off unless asked for, without a network, and told how to be had."""

import json
import subprocess
import sys

import pytest

from replay.errors import ConfigurationError
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings

NHS = "nhs: 401-023-2137."  # with a right check digit, and a word beside it that says what it is
EVENT = json.dumps({"note": f"seen today, {NHS} See order 4010232138, build 1.2.3 of 2026-11-20."})


def _redactor(**settings: object) -> Redactor:
    return Redactor(RedactionSettings.read(settings, key=b"the key of the tests"))


def test_it_is_not_imported_unless_it_is_asked_for() -> None:
    """Whoever does not name it neither needs it nor waits for it."""
    code = (
        'import sys; from replay.redaction.redactor import Redactor; Redactor().event(\'{"a": "b"}\'); '
        "assert not {'presidio_analyzer', 'spacy'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_where_it_is_missing_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the setting and the extra."""
    from replay.redaction import presidio

    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    presidio._engine.cache_clear()
    presidio._wanted.cache_clear()
    with pytest.raises(ConfigurationError, match="Presidio is not installed") as error:
        _redactor(presidio=["UK_NHS"]).event(EVENT)
    assert "event-replay[presidio]" in error.value.hint


@pytest.mark.parametrize("settings", [{"presidio": "UK_NHS"}, {"presidio_model": ["en_core_web_sm"]}])
def test_settings_of_a_wrong_type_are_refused(settings: dict[str, object]) -> None:
    """Entities are a list, the model is one name."""
    with pytest.raises(ConfigurationError, match="wrong type"):
        _redactor(**settings)


def test_its_recognisers_find_what_no_detector_of_ours_looks_for() -> None:
    """A British health number is replaced, the numbers beside it stay, and twice is once."""
    pytest.importorskip("presidio_analyzer", reason="needs the extra presidio")
    assert _redactor().event(EVENT).text == EVENT
    redactor = _redactor(presidio=["UK_NHS"])
    made = redactor.event(EVENT)
    assert "401-023-2137" not in made.text
    assert "See order 4010232138, build 1.2.3 of 2026-11-20." in made.text
    assert [(each.at, each.detector) for each in made.redactions] == [("/note", "presidio-uk-nhs")]
    assert redactor.event(made.text).text == made.text


def test_what_it_does_not_know_is_refused() -> None:
    """An entity that does not exist, one that replay finds itself, and a model that is not installed."""
    pytest.importorskip("presidio_analyzer", reason="needs the extra presidio")
    for entity in ("UK_NSH", "EMAIL_ADDRESS"):
        with pytest.raises(ConfigurationError, match=entity):
            _redactor(presidio=[entity]).event(EVENT)
    with pytest.raises(ConfigurationError, match="no_such_model"):
        _redactor(presidio=["PERSON"], presidio_model="no_such_model").event(EVENT)


@pytest.mark.parametrize("entity", ["PERSON", "LOCATION"])
def test_who_wants_names_must_name_a_model(entity: str) -> None:
    """Names in running text are known by a model alone: without one nobody would be told that none is found."""
    pytest.importorskip("presidio_analyzer", reason="needs the extra presidio")
    with pytest.raises(ConfigurationError, match=f"{entity} by a model") as error:
        _redactor(presidio=[entity]).event(EVENT)
    assert "spacy download" in error.value.hint
    assert _redactor(presidio=["*"]).event(EVENT).text != EVENT


def test_a_long_text_is_cut_between_words() -> None:
    """What stands late in a text of more than a model takes is found, and where it stands."""
    pytest.importorskip("presidio_analyzer", reason="needs the extra presidio")
    text = "word " * 10_000 + NHS + " word" * 10_000
    made = _redactor(presidio=["UK_NHS"]).plain(text)
    assert made.startswith("word " * 10_000 + "nhs: REDACTED")
    assert len(made) == len(text)
