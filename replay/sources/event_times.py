"""When an event was sent, where its own text tells."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from replay.payloads.exact_json import Json

_SECONDS = (("kinesis", "approximateArrivalTimestamp"), ("dynamodb", "ApproximateCreationDateTime"))


def event_time(value: Json) -> datetime | None:
    """
    Say when *value* was sent: of a batch, when its last record was; None where it does not tell.

    Source: Lambda Developer Guide, the example events of SQS (`SentTimestamp`, epoch milliseconds), Kinesis and
    DynamoDB (epoch seconds), SNS (`Timestamp`), S3 (`eventTime`); EventBridge User Guide, "Events" (`time`).
    """
    if not isinstance(value, Mapping):
        return None
    records = value.get("Records")
    times = [_record_time(each) for each in records] if isinstance(records, list) else [_envelope_time(value)]
    return max((time for time in times if time is not None), default=None)


def _record_time(record: Json) -> datetime | None:
    return next((time for time in _record_times(record) if time is not None), None)


def _record_times(record: Json) -> Iterator[datetime | None]:
    yield _epoch(_inside(record, "attributes", "SentTimestamp"), per_second=1000)
    for part, name in _SECONDS:
        yield _epoch(_inside(record, part, name), per_second=1)
    yield _iso(_inside(record, "Sns", "Timestamp"))
    yield _iso(_inside(record, "eventTime"))


def _envelope_time(event: Mapping[str, Json]) -> datetime | None:
    """Read the time of an EventBridge event; other objects may have a `time` that means something else."""
    return _iso(event.get("time")) if "detail-type" in event and "source" in event else None


def _inside(value: Json, *names: str) -> Json:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _epoch(value: Json, *, per_second: int) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return datetime.fromtimestamp(float(value) / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(value: Json) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
