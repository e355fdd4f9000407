"""The event that a function, or an application, has logged: where loggers put it, and where people print it."""

import ast
import re
from dataclasses import dataclass

from replay.errors import InvalidJson
from replay.payloads.envelopes.documents import document
from replay.payloads.envelopes.lambda_event import event_source_of_value
from replay.payloads.envelopes.members import members
from replay.payloads.exact_json import Json, string_value, write
from replay.payloads.execution_logs import execution_line
from replay.payloads.log_formats.concatenated_json import document_end
from replay.payloads.log_formats.json_path import JsonPath, text_of_place

_NAMES = ("event", "Event", "lambda_event", "lambdaEvent", "input", "request", "payload", "requestPayload")
_MESSAGES = ("message", "msg")
_LABEL = re.compile(
    r"(?<![\w.])(?:lambda[ _]?)?(?:event|request|payload|input)(?:[ _-]?(?:body|data|json|payload|received))?"
    r"[\"']?\s{0,4}(?:[:=]|is:?|->)?[\s\"']{0,8}(?=[{\[])",
    re.IGNORECASE,
)
_LABEL_ALONE = re.compile(
    r"[\W_]*(?:[\w-]+ ){0,3}(?:event|request|payload|input)(?: (?:body|data|json|payload|received))?\W*", re.IGNORECASE
)
_LONGEST_LITERAL = 256 * 1024
_MOST_LABELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPlace:
    """Where the lines of a log hold the events, where the user says it: at a JSONPath, or behind a text."""

    path: JsonPath | None = None
    prefix: str = ""


ANYWHERE = EventPlace()
"""Where loggers and people usually put an event."""


def logged_event(text: str, message: str | None = None, place: EventPlace = ANYWHERE) -> str | None:
    """
    Find the event in one entry of a log, as exact text, or give None.

    Args:
        text: The entry: a JSON object, or text.
        message: The entry without what a runtime wrote before it.

    Source: AWS Lambda Powertools, "Logging incoming event": under `message` (Python), `event` (TypeScript, Java, .NET).
    """
    if place == ANYWHERE and (of_api := execution_line(text)):
        return of_api.event
    value = document(text)
    if place.path is not None:
        found = text_of_place(text, place.path) if isinstance(value, dict) else None
        return found if found and document(found) is not None else None
    if place.prefix:
        return _behind(message if message is not None else text, place.prefix)
    if not isinstance(value, dict):
        return _in_text(message if message is not None else text)
    if event_source_of_value(value) is not None:
        return text.strip()
    return _in_object(text)


def announces_event(text: str) -> bool:
    """Say whether *text* is no more than a heading (`## EVENT`), whose event is the next thing printed."""
    return len(text) < 80 and "{" not in text and bool(_LABEL_ALONE.fullmatch(text.strip()))  # noqa: PLR2004 - a heading is short


def printed_value(text: str) -> str | None:
    """Give the JSON that *text* begins with, exactly; what Python printed of a dict is written as JSON."""
    end = document_end(text, 0)
    if end is not None:
        return text[:end]
    closing = max(text.rfind("}"), text.rfind("]")) + 1
    try:
        value = ast.literal_eval(text[:closing]) if 0 < closing <= _LONGEST_LITERAL else None
        return write(value) if isinstance(value, dict | list) else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _in_object(text: str) -> str | None:
    held = members(text)
    if held.get("type") == '"function"' and "record" in held:  # as the Telemetry API hands it on
        return logged_event(string_value(held["record"]) if held["record"][:1] == '"' else held["record"])
    for name in _NAMES:
        if name in held and (found := _document_in(held[name])):
            return found
    for name in _MESSAGES:
        found = held.get(name, "")
        if found[:1] == "{" and "errorType" not in members(found):
            return found
        if found[:1] == '"' and (event := _in_text(string_value(found))):
            return event
    return None


def _document_in(value: str) -> str | None:
    """Give an object or array that a member holds, or that its string holds as JSON."""
    text = string_value(value) if value.startswith('"') else value
    return text if document(text) is not None else None


def _in_text(text: str) -> str | None:
    stripped = text.strip()
    if stripped[:1] == "{" and event_source_of_value(_value(stripped)) is not None:
        return stripped
    for number, label in enumerate(_LABEL.finditer(text)):
        if number >= _MOST_LABELS:
            return None
        if found := printed_value(text[label.end() :]):
            return found
    return None


def _value(text: str) -> Json:
    try:
        return document(text)
    except InvalidJson:
        return None


def _behind(text: str, prefix: str) -> str | None:
    _, found, rest = text.partition(prefix)
    return printed_value(rest.lstrip(" \t\r\n\"'")) if found and rest.strip()[:1] in {"{", "[", '"', "'"} else None
