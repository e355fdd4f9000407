"""The values beside an event, redacted: what its source told, and the names in its settings."""

from dataclasses import fields, replace

from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json
from replay.redaction.redactor import Redactor


def redacted_json(value: Json, redact: Redactor) -> Json:
    """Redact every string in *value*."""
    if isinstance(value, str):
        return redact.plain(value)
    if isinstance(value, list):
        return [redacted_json(item, redact) for item in value]
    if isinstance(value, dict):
        return {name: redacted_json(item, redact) for name, item in value.items()}
    return value


def redacted_settings(source: EventSource, redact: Redactor) -> EventSource:
    """Redact the names in the settings: those of a hand-made event may be anything."""
    names = {
        each.name: redact.plain(value)
        for each in fields(source)
        if each.name != "kind" and isinstance(value := getattr(source, each.name), str)
    }
    return replace(source, **names)  # type: ignore[arg-type]  # these are the fields that hold text
