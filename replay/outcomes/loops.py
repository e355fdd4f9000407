"""A handler that sends to where its events come from: what it sends calls it again, for ever."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from replay.errors import InvalidJson
from replay.functions.function import Function
from replay.payloads.aws_calls import AwsCall
from replay.payloads.exact_json import Json, parse

_KINDS = {"sqs": "queue", "sns": "topic", "s3": "bucket", "dynamodb": "table", "kinesis": "stream", "events": "event"}
_STORES_OBJECT = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
_REMOVES_OBJECT = frozenset({"DeleteObject", "DeleteObjects"})
_WRITES_ITEM = frozenset({"PutItem", "UpdateItem", "DeleteItem"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where events come from or go to; `account` is empty where nothing tells it. `name` of an event is its type."""

    service: str
    name: str
    account: str = ""


def loops(effects: Sequence[AwsCall], events: Iterable[Json], function: Function) -> list[str]:
    """
    Say which of a function's AWS calls bring its events back to it; each sentence once.

    | called by | loops when it calls |
    |---|---|
    | a queue, a topic, a stream | `SendMessage`, `Publish`, `PutRecord` (and their batches) to the same |
    | a topic through a queue | `Publish` to that topic |
    | a bucket's notification | `PutObject`, `CopyObject` into the same bucket; `DeleteObject` for removed objects |
    | a table's stream | an item of that table is put, updated or deleted |
    | a rule of EventBridge | `PutEvents` with the event's own source and detail-type |
    | anything | `Invoke` of itself |

    Names are compared, and accounts where both sides tell one: that of the event or of the function. Whether a filter,
    a prefix or the code itself ends it in time is not known here: it is for the user to judge.

    Source: Lambda Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops".

    Args:
        events: As the function received them.
    """
    sources = set(_sources(events))
    removed = any(_tells_of_removal(event) for event in events)
    notes: dict[str, None] = {}
    for call in effects:
        for place in _places(call, removed=removed):
            if place.service == "lambda" and place.name == function.name:
                notes[f"infinite loop: {function.display_name} invokes itself ({call.name})"] = None
            elif any(_is_same(place, source, function) for source in sources):
                notes[_words(call, place, function)] = None
    return list(notes)


def _words(call: AwsCall, place: _Place, function: Function) -> str:
    if place.service == "events":
        return (
            f"infinite loop: {function.display_name} sends events of the type that calls it ({call.name}, {place.name})"
        )
    kind = _KINDS[place.service]
    return f"infinite loop: {function.display_name} writes to the {kind} that calls it, {place.name} ({call.name})"


def _is_same(place: _Place, source: _Place, function: Function) -> bool:
    if (place.service, place.name) != (source.service, source.name):
        return False
    return not place.account or not source.account or place.account in {source.account, function.account_id}


def _sources(events: Iterable[Json]) -> Iterator[_Place]:
    for event in events:
        if not isinstance(event, dict):
            continue
        yield from _source_of_event(event)
        records = event.get("Records")
        for record in records if isinstance(records, list) else ():
            if isinstance(record, dict):
                yield from _source_of_record(record)


def _source_of_event(event: Mapping[str, Json]) -> Iterator[_Place]:
    source, detail_type, detail = event.get("source"), event.get("detail-type"), event.get("detail")
    if isinstance(source, str) and isinstance(detail_type, str):
        yield _Place("events", f"{source}: {detail_type}")
        bucket = _inside(detail, "bucket", "name")
        if source == "aws.s3" and isinstance(bucket, str):
            yield _Place("s3", bucket)


def _source_of_record(record: Mapping[str, Json]) -> Iterator[_Place]:
    yield from _place_of_arn(record.get("eventSourceARN"))
    yield from _place_of_arn(_inside(record, "Sns", "TopicArn"))
    bucket = _inside(record, "s3", "bucket", "name")
    if isinstance(bucket, str):
        yield _Place("s3", bucket)
    body = record.get("body")
    if isinstance(body, str) and body.lstrip()[:1] == "{":
        try:
            inside = parse(body)
        except InvalidJson:
            return
        if isinstance(inside, dict):
            if inside.get("Type") == "Notification":
                yield from _place_of_arn(inside.get("TopicArn"))
            yield from _source_of_event(inside)


def _tells_of_removal(event: Json) -> bool:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        return _inside(event, "detail-type") == "Object Deleted"
    return any(str(_inside(record, "eventName")).startswith("ObjectRemoved") for record in records)


def _places(call: AwsCall, *, removed: bool) -> Iterator[_Place]:
    """Say where *call* sends or writes to."""
    read = _PLACES_OF_SERVICE.get(call.service)
    if call.service == "s3":
        if call.operation in (_REMOVES_OBJECT if removed else _STORES_OBJECT):
            yield from _named("s3", call.parameters.get("Bucket"))
    elif read is not None:
        yield from read(call.operation, call.parameters)


def _of_sqs(operation: str, parameters: Mapping[str, Json]) -> Iterator[_Place]:
    url = parameters.get("QueueUrl")
    if operation.startswith("SendMessage") and isinstance(url, str):
        *_, account, name = ("", "", *url.split("/"))
        yield _Place("sqs", name, account if account.isdigit() else "")


def _of_sns(operation: str, parameters: Mapping[str, Json]) -> Iterator[_Place]:
    if operation.startswith("Publish"):
        yield from _place_of_arn(parameters.get("TopicArn") or parameters.get("TargetArn"))


def _of_kinesis(operation: str, parameters: Mapping[str, Json]) -> Iterator[_Place]:
    if operation.startswith("PutRecord"):
        yield from _named("kinesis", parameters.get("StreamARN") or parameters.get("StreamName"))


def _of_dynamodb(operation: str, parameters: Mapping[str, Json]) -> Iterator[_Place]:
    if operation in _WRITES_ITEM:
        yield from _named("dynamodb", parameters.get("TableName"))
    requests = parameters.get("RequestItems")
    if operation == "BatchWriteItem" and isinstance(requests, dict):
        for table in requests:
            yield from _named("dynamodb", table)
    items = parameters.get("TransactItems")
    if operation == "TransactWriteItems" and isinstance(items, list):
        for item in items:
            for action in ("Put", "Update", "Delete"):
                yield from _named("dynamodb", _inside(item, action, "TableName"))


def _of_events(operation: str, parameters: Mapping[str, Json]) -> Iterator[_Place]:
    entries = parameters.get("Entries")
    if operation == "PutEvents" and isinstance(entries, list):
        for entry in entries:
            yield _Place("events", f"{_inside(entry, 'Source')}: {_inside(entry, 'DetailType')}")


def _of_lambda(operation: str, parameters: Mapping[str, Json]) -> Iterator[_Place]:
    name = parameters.get("FunctionName")
    if operation.startswith("Invoke") and isinstance(name, str):
        yield _Place("lambda", name.rpartition("function:")[2].split(":")[0])


_PLACES_OF_SERVICE: Mapping[str, Callable[[str, Mapping[str, Json]], Iterator[_Place]]] = {
    "sqs": _of_sqs,
    "sns": _of_sns,
    "kinesis": _of_kinesis,
    "dynamodb": _of_dynamodb,
    "events": _of_events,
    "lambda": _of_lambda,
}


def _named(service: str, name: Json) -> Iterator[_Place]:
    """Read a name that may be an ARN."""
    if isinstance(name, str) and name.startswith("arn:"):
        yield from _place_of_arn(name)
    elif isinstance(name, str):
        yield _Place(service, name)


def _place_of_arn(arn: Json) -> Iterator[_Place]:
    """Read `arn:aws:dynamodb:eu-west-1:111122223333:table/orders/stream/2026-…` as the table `orders`."""
    parts = arn.split(":", 5) if isinstance(arn, str) else []
    if len(parts) == 6 and parts[2] in _KINDS:  # noqa: PLR2004 - the parts of an ARN
        service, account, resource = parts[2], parts[4], parts[5]
        name = resource.split("/")[1] if service in {"dynamodb", "kinesis"} and "/" in resource else resource
        yield _Place(service, name, account)


def _inside(value: Json | Mapping[str, Json], *keys: str) -> Json:
    inside: Json = dict(value) if isinstance(value, Mapping) else None
    for key in keys:
        inside = inside.get(key) if isinstance(inside, dict) else None
    return inside
