"""
Presidio as one more detector, for those who ask for it: what it knows by patterns, and by a model of a language.

Nothing is fetched: without a model of spaCy that is installed already, only Presidio's pattern recognisers look.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from replay.errors import ConfigurationError
from replay.redaction.spans import Span

if TYPE_CHECKING:  # an extra, imported when it is asked for
    from presidio_analyzer import AnalyzerEngine

_OURS = frozenset(
    {
        "EMAIL_ADDRESS",
        "EMAIL",
        "URL",
        "CREDIT_CARD",
        "IBAN_CODE",
        "IP_ADDRESS",
        "PHONE_NUMBER",
        "DATE_TIME",
        "MAC_ADDRESS",
        "ID",
        "UUID",
        "ORGANIZATION",
    }
)
"""Found by replay itself, or nobody's; of e-mail and URLs Presidio would ask the network for a list of domains."""
_AS_OURS = {"PERSON": "person-name", "LOCATION": "postal-address"}
_BY_MODEL = frozenset({"PERSON", "LOCATION", "NRP"})
"""Known by a model of a language alone: without one they would be looked for, and never found."""
_WHERE = "[tool.replay.redaction] presidio"
_ALL = "*"
_LEAST_SCORE = 0.5
_LONGEST = 20_000
_LANGUAGE = "en"


def presidio_entities(text: str, entities: tuple[str, ...], model: str) -> Iterator[Span]:
    """
    Find what Presidio calls *entities* (`*`: all that replay does not find itself), with a score of 0.5 or more.

    Args:
        model: An installed model of spaCy, for names and places in running text; without one only patterns look.

    Raises:
        ConfigurationError: The extra or the model is not installed, an entity is not known, or wants a model.
    """
    engine = _engine(model)
    wanted = _wanted(entities, model)
    for start, part in _parts(text):
        for found in engine.analyze(part, language=_LANGUAGE, entities=wanted, score_threshold=_LEAST_SCORE):
            detector = _AS_OURS.get(found.entity_type, f"presidio-{found.entity_type.lower().replace('_', '-')}")
            yield Span(start + found.start, start + found.end, detector)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Cut a long text between words: a model has a longest text, and a regular expression more patience than we."""
    start = 0
    while start < len(text):
        end = start + _LONGEST
        if end < len(text):
            end = max(text.rfind(" ", start, end), text.rfind("\n", start, end)) + 1 or end
        yield start, text[start:end]
        start = end


@lru_cache(maxsize=4)
def _wanted(entities: tuple[str, ...], model: str) -> list[str]:
    known = set(_engine(model).get_supported_entities(_LANGUAGE)) - _OURS
    if not model:
        known -= _BY_MODEL
    if _ALL in entities:
        return sorted(known)
    if not model and (by_model := sorted(_BY_MODEL.intersection(entities))):
        raise ConfigurationError(
            f"Presidio knows {by_model[0]} by a model of a language, and none is named",
            where=_WHERE,
            expected='presidio_model, such as "en_core_web_sm"',
            hint="python -m spacy download en_core_web_sm, and name it",
        )
    unknown = sorted(set(entities) - known)
    if unknown:
        raise ConfigurationError(
            f"Presidio has no entity {unknown[0]!r} that replay does not find itself",
            where=_WHERE,
            expected=f"any of {', '.join(sorted(known))}, or {_ALL!r}",
        )
    return sorted(entities)


@lru_cache(maxsize=4)
def _engine(model: str) -> "AnalyzerEngine":
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        raise ConfigurationError(
            "Presidio is not installed",
            where=_WHERE,
            hint="pip install 'event-replay[presidio]', or remove the setting",
        ) from None
    try:
        language = spacy.load(model) if model else spacy.blank(_LANGUAGE)
    except OSError:
        raise ConfigurationError(
            f"spaCy has no model {model!r} here",
            where="[tool.replay.redaction] presidio_model",
            expected="one that is installed",
            hint=f"python -m spacy download {model}",
        ) from None

    class Loaded(SpacyNlpEngine):  # type: ignore[misc]  # the extra has no types
        """What is there already; the class itself would download what is not."""

        def __init__(self) -> None:
            super().__init__()
            self.nlp = {_LANGUAGE: language}

    registry = RecognizerRegistry(supported_languages=[_LANGUAGE])
    engine = Loaded()
    registry.load_predefined_recognizers(languages=[_LANGUAGE], nlp_engine=engine)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[_LANGUAGE])
