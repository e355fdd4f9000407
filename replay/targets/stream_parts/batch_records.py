"""The records of a stream's event."""

from replay.errors import InvalidEvent, InvalidJson
from replay.payloads.captures import Event
from replay.payloads.envelopes.documents import text_at
from replay.payloads.exact_json import Json, parse

FUNCTION_ITSELF = "invoke the function itself: --target lambda:FUNCTION"


def batch_records(event: Event, *, event_source: str, key: str) -> list[Json]:
    """
    Give the records of *event*.

    Raises:
        InvalidEvent: It has none, or others than those of *event_source* (`aws:kinesis`).
    """
    try:
        found = parse(event.text)
    except InvalidJson:
        found = None
    records = found.get("Records") if isinstance(found, dict) else None
    if isinstance(records, list) and records and {text_at(each, "eventSource") for each in records} == {event_source}:
        return records
    raise InvalidEvent(
        f"these are no records of {event_source}",
        where=key,
        expected=f'an event with records: {{"Records": [{{"eventSource": "{event_source}", …}}]}}',
        hint=FUNCTION_ITSELF,
    )
