"""What a failed asynchronous invocation was given: any JSON, told by its shape."""

from replay.payloads.captures import Event, Missing
from replay.payloads.envelopes.lambda_event import event_source_of
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import is_json, string_token

_ASYNCHRONOUS = frozenset({"sns", "s3", "eventbridge", "schedule", "async"})


def event_text(body: str) -> str:
    """Give *body* where it is JSON, and else the JSON string of it: a function receives nothing but JSON."""
    return body if is_json(body) else string_token(body)


def asynchronous_source(text: str) -> EventSource:
    """
    Say who handed the event *text* over in an asynchronous invocation.

    An event in the shape of a queue's or a stream's was sent by somebody's own `Invoke`: its mapping had no part in it.
    """
    source = event_source_of(text)
    return source if source is not None and source.kind in _ASYNCHRONOUS else EventSource(kind="async")


def missing_event(text: str, kind: str, missing: Missing) -> Event:
    """Stand in for an event that is not there with the record *text* that tells of it."""
    return Event(text=event_text(text), kind=kind, missing=missing)
