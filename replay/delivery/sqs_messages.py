"""The messages of an SQS event: their ids, receive counts and texts, and what a dead-letter queue holds of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replay.delivery.record_ids import unlike
from replay.delivery.records import EventRecords, Span, member
from replay.delivery.retry_delays import UNLIMITED_RETRIES
from replay.payloads.exact_json import Edit, Json, splice


@dataclass(slots=True, kw_only=True)
class Message:
    """
    A message in its queue.

    `id` names it in the report, and is unlike all others of the event; `message_id` is what the function sees and
    reports. `receive_count` is that of the next delivery, `deliveries_left` how many there can still be. `group` is
    None but in a FIFO queue.
    """

    id: str
    message_id: str | None
    index: int
    record: Mapping[str, Json]
    recorded_count: int
    receive_count: int
    deliveries_left: int
    group: str | None = None


def messages_of(records: EventRecords, *, max_receive_count: int | None, fifo: bool) -> list[Message]:
    """
    Make the messages of an event's records.

    The records go on counting where the event has them, so a message at its second receive of 3 has two deliveries
    left. A count beyond *max_receive_count* is that of a message taken from the dead-letter queue: it has all
    deliveries before it again, as after a redrive. Without *max_receive_count* AWS goes on until the retention period
    ends; here there are `UNLIMITED_RETRIES` after the first delivery.
    """
    taken: set[str] = set()
    messages = []
    for index, record in enumerate(records.values):
        message_id = record.get("messageId")
        if not isinstance(message_id, str):
            message_id = None
        count = _receive_count(record)
        messages.append(
            Message(
                id=unlike(taken, message_id or f"record-{index + 1}"),
                message_id=message_id,
                index=index,
                record=record,
                recorded_count=count,
                receive_count=count,
                deliveries_left=_deliveries(count, max_receive_count),
                group=_group(record) if fifo else None,
            )
        )
    return messages


def is_fifo(records: EventRecords) -> bool:
    """Say whether the records come from a FIFO queue, whose name always ends in `.fifo`."""
    return bool(records.values) and str(records.values[0].get("eventSourceARN")).endswith(".fifo")


def event_of(records: EventRecords, messages: Sequence[Message]) -> str:
    """
    Write the event that delivers *messages*.

    It is the event's own text, byte for byte, when nothing about it differs; and otherwise each record's own text, with
    only its receive count spliced.
    """
    if len(messages) == len(records) and all(each.receive_count == each.recorded_count for each in messages):
        return records.text
    return records.event_of([_text(records.texts[each.index], each) for each in messages])


def size_bytes(records: EventRecords, message: Message) -> int:
    """Measure a message in an event, in UTF-8."""
    text = records.texts[message.index]
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def dead_letter(message: Message, *, source_arn: str | None) -> Json:
    """
    Write *message* as ReceiveMessage shows it when it is first received from the dead-letter queue.

    MessageId, body and attributes are kept, the receive count goes on, `DeadLetterQueueSourceArn` is new; a binary
    value is base64 text, as in the event. There is no receipt handle, as nobody has received it yet.

    Source: recording test_dead_letter_queue_message_attributes; for the deduplication id of FIFO queues SQS developer
    guide, "Using dead-letter queues in Amazon SQS".
    """
    record = message.record
    system = record.get("attributes")
    attributes: dict[str, Json] = {
        **(system if isinstance(system, dict) else {}),
        "ApproximateReceiveCount": str(message.receive_count),
    }
    if message.group is not None:
        attributes["MessageDeduplicationId"] = message.message_id
    if source_arn or record.get("eventSourceARN"):
        attributes["DeadLetterQueueSourceArn"] = source_arn or record.get("eventSourceARN")
    held: dict[str, Json] = {
        "MessageId": record.get("messageId"),
        "MD5OfBody": record.get("md5OfBody"),
        "Body": record.get("body"),
        "Attributes": attributes,
    }
    own = record.get("messageAttributes")
    if isinstance(own, dict) and own:
        held["MD5OfMessageAttributes"] = record.get("md5OfMessageAttributes")
        held["MessageAttributes"] = {name: _attribute(value) for name, value in own.items()}
    return {name: value for name, value in held.items() if value is not None}


def _attribute(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    names = {"stringValue": "StringValue", "binaryValue": "BinaryValue", "dataType": "DataType"}
    return {names[name]: part for name, part in value.items() if name in names}


def _receive_count(record: Mapping[str, Json]) -> int:
    attributes = record.get("attributes")
    count = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else None
    try:
        return max(1, int(count)) if isinstance(count, str | int) else 1
    except ValueError:
        return 1


def _deliveries(count: int, max_receive_count: int | None) -> int:
    if max_receive_count is None:
        return 1 + UNLIMITED_RETRIES
    return max_receive_count - count + 1 if count <= max_receive_count else max_receive_count


def _group(record: Mapping[str, Json]) -> str:
    attributes = record.get("attributes")
    return str(attributes.get("MessageGroupId")) if isinstance(attributes, dict) else ""


def _text(text: str, message: Message) -> str:
    if message.receive_count == message.recorded_count:
        return text
    attributes = member(text, Span(0, len(text)), "attributes")
    if attributes is None or text[attributes.start] != "{":
        return text
    count = member(text, attributes, "ApproximateReceiveCount")
    if count is None:
        return text
    quote = '"' if text[count.start] == '"' else ""
    return splice(text, [Edit(count.start, count.end, f"{quote}{message.receive_count}{quote}")])
