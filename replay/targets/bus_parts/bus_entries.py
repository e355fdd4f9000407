"""An event as PutEvents takes it: every part that can be kept is kept, the detail byte for byte."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

from replay.errors import InvalidEvent, InvalidJson
from replay.payloads.captures import Event
from replay.payloads.envelopes.members import members
from replay.payloads.exact_json import Json, parse, string_value
from replay.sources.event_times import event_time
from replay.targets.carrier import Entry

MOST_BYTES = 1_000_000
"""EventBridge API `PutEvents`: "the total entry size must be less than 1MB"; the smaller reading of it fits both."""

_TIME_BYTES = 14
_MOST_ENTRY_BYTES = 1024 * 1024
_DATE = re.compile(r"\d{8}T\d{6}Z")
_EVENT = "an event of EventBridge: source, detail-type and detail, the detail an object"
_FUNCTION = "invoke the function itself: --target lambda:FUNCTION"


def bus_entry(event: Event, *, key: str, marker: str, bus: str) -> Entry:
    """
    Give the entry that puts *event* on *bus*.

    Source, detail type, detail, resources and time are those of the event; its id, account and region are the bus's to
    give. The marker travels as an X-Ray trace id beside the event, which no handler sees in it.

    Raises:
        InvalidEvent: It is no event of a bus, is one that only AWS may put, or is larger than PutEvents takes.

    Source: EventBridge API `PutEventsRequestEntry`; User Guide, "Calculating PutEvents event entry size".
    """
    parts = members(event.text)
    source, detail_type = _string(parts, "source", key), _string(parts, "detail-type", key)
    _refuse_aws(source, key)
    detail = parts.get("detail", "")
    if not detail.startswith("{"):
        raise InvalidEvent("its detail is no object, as PutEvents wants it", where=key, expected=_EVENT, hint=_FUNCTION)
    resources, time = _resources(parts, key), _time(parts)
    trace_id = trace_id_of(marker)
    request: dict[str, Any] = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": detail,
        "Resources": resources,
        "EventBusName": bus,
    }
    if time is not None:
        request["Time"] = time
    if trace_id:
        request["TraceHeader"] = f"Root={trace_id};Sampled=1"
    size_bytes = sum(_size(text, key) for text in (source, detail_type, detail, *resources)) + _TIME_BYTES * bool(time)
    if size_bytes > _MOST_ENTRY_BYTES:
        raise InvalidEvent(
            f"it has {size_bytes:,} bytes, more than PutEvents takes",
            where=key,
            expected=f"at most {_MOST_ENTRY_BYTES:,} bytes",
            hint=_FUNCTION,
        )
    return Entry(key=key, request=request, size_bytes=size_bytes, marker=trace_id)


def delivered_event(entry: Entry, *, account_id: str, region: str) -> Json:
    """
    Give what the rules of the bus will match *entry* against; None where its detail is too deep to be looked at.

    Source: recording test_put_events_with_target_sqs; EventBridge User Guide, "Events" (time in whole seconds).
    """
    request = entry.request
    try:
        detail = parse(request["Detail"])
    except InvalidJson:
        return None
    time = request.get("Time") or datetime.now(UTC)
    return {
        "version": "0",
        "id": "",
        "detail-type": request["DetailType"],
        "source": request["Source"],
        "account": account_id,
        "time": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": list(request["Resources"]),
        "detail": detail,
    }


def trace_id_of(marker: str) -> str:
    """
    Turn *marker* into an X-Ray trace id, the same each time; empty for an empty one.

    Its time is that which the marker says (the beginning of its run), as X-Ray takes no trace of long ago.

    Source: X-Ray Developer Guide, "Trace ID format".
    """
    if not marker:
        return ""
    found = _DATE.search(marker)
    began = datetime.strptime(found[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if found else datetime.now(UTC)
    return f"1-{int(began.timestamp()):08x}-{hashlib.sha256(marker.encode()).hexdigest()[:24]}"


def _string(parts: Any, name: str, key: str) -> str:
    written = parts.get(name, "")
    value = string_value(written) if written.startswith('"') else ""
    if not value:
        raise InvalidEvent(f"it has no {name}", where=key, expected=_EVENT, hint=_FUNCTION)
    return value


def _refuse_aws(source: str, key: str) -> None:
    """Source: EventBridge API `PutEvents`, `NotAuthorizedForSourceException`."""
    if source != "aws" and not source.startswith("aws."):
        return
    by_object = "let S3 itself make it: --target s3:BUCKET; or " if source == "aws.s3" else ""
    raise InvalidEvent(
        f"only AWS may put events of the source {source}",
        where=key,
        expected="a source that does not begin with aws.",
        hint=f"{by_object}replay it from an archive of the bus: --target eventbridge-replay:ARCHIVE; or {_FUNCTION}",
    )


def _resources(parts: Any, key: str) -> list[str]:
    resources = parse(parts.get("resources", "[]"))
    if not isinstance(resources, list) or not all(isinstance(each, str) for each in resources):
        raise InvalidEvent("its resources are no list of texts", where=key, expected=_EVENT, hint=_FUNCTION)
    return [str(each) for each in resources]


def _time(parts: Any) -> datetime | None:
    written = parts.get("time", "")
    text = string_value(written) if written.startswith('"') else ""
    return event_time({"detail-type": "", "source": "", "time": text})


def _size(text: str, key: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidEvent(
            "it holds half of a surrogate pair, which is no UTF-8", where=key, expected=_EVENT, hint=_FUNCTION
        ) from None
