"""A stimulus of an event source mapping, delivered: its settings, its records, its function, and the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from replay.delivery.deliver import deliver
from replay.delivery.report import DeliveryReport
from replay.errors import InvalidEventPattern
from replay.payloads.event_sources import EventSource, EventSourceKind
from tests.truth.stimuli.handlers import Handler, data_of, read_handler
from tests.truth.stimuli.records import count_or_list, dynamodb_records, kinesis_records, sqs_records
from tests.truth.stimuli.settings import destination_arn, mapping_settings, queue_settings, source_arn
from tests.truth.verdicts import Unreadable

_SENT = ("messages", "records", "put_items_in_order", "items", "put_items")
_NEVER_REACHED = 100
_KEYS = frozenset({"esm", "queue", "handler", "destination", "why", "note", *_SENT})


@dataclass(slots=True, kw_only=True)
class MappingRun:
    """
    What a mapping made of a stimulus.

    `sent` is what the stimulus says was sent, `records` are the records of it, in order. `refused` are the words in
    which the mapping's settings are refused; then nothing was delivered.
    """

    source: EventSource
    sent: list[Any]
    records: list[dict[str, Any]]
    handler: Handler
    report: DeliveryReport = field(default_factory=DeliveryReport)
    told: Any = None
    refused: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The ids by which the report names the records, in order."""
        return [identifier_of(record) for record in self.records]

    @property
    def batches(self) -> list[list[int]]:
        """The places of the records in each invocation."""
        places = {id_: place for place, id_ in enumerate(self.ids)}
        return [[places[id_] for id_ in each.attempt.record_ids] for each in self.report.invocations]

    def deliveries(self) -> list[int]:
        """Count how often each record was delivered."""
        return [sum(place in batch for batch in self.batches) for place in range(len(self.records))]

    def settled_as(self, *dispositions: str) -> list[int]:
        """List the places of the records that ended as one of *dispositions*."""
        ends = [self.report.dispositions.get(id_) for id_ in self.ids]
        return [place for place, end in enumerate(ends) if end in dispositions]

    def label(self, place: int) -> Any:
        """Give the name by which an expectation means a record: its `id`, `message` or `number`, or else its place."""
        sent = self.sent[place] if place < len(self.sent) else None
        if isinstance(sent, Mapping):
            return next((sent[key] for key in ("id", "message", "number", "record_id") if key in sent), place)
        return place


def run_mapping(
    stimulus: Any, kind: EventSourceKind, recorded: list[Mapping[str, Any]], on_failure: Any = None
) -> MappingRun:
    """
    Deliver what *stimulus* says; *on_failure* is where failures of a stream go if it names no destination.

    Raises:
        Unreadable: A part of it has no words here.
    """
    if not isinstance(stimulus, dict):
        raise Unreadable(f"cannot read stimulus: {stimulus!r}")
    source = read_source(stimulus, kind)
    if kind != "sqs" and source.on_failure is None:
        source = replace(source, on_failure=destination_arn(on_failure))
    sent = _sent(stimulus, kind)
    if kind == "sqs":
        records = sqs_records(sent, source, recorded)
    else:
        records = kinesis_records(sent) if kind == "kinesis" else dynamodb_records(sent)
    handler = read_handler(stimulus.get("handler"), _names(records))
    run = MappingRun(source=source, sent=sent, records=records, handler=handler, told=stimulus.get("handler"))
    try:
        run.report = deliver(records, handler, source)
        if kind == "sqs" and source.max_receive_count is None and run.settled_as("still_queued"):
            _deliver_without_redrive(run)
    except InvalidEventPattern as refused:
        run.refused = refused.what
    if handler.troubles:
        raise handler.troubles[0]
    return run


def _deliver_without_redrive(run: MappingRun) -> None:
    """
    Deliver as to a queue whose redrive policy is never reached.

    Without a policy ours delivers once, where AWS goes on until the retention period ends.
    """
    run.handler = read_handler(run.told, _names(run.records))
    report = deliver(run.records, run.handler, replace(run.source, max_receive_count=_NEVER_REACHED))
    queued = {"dead_lettered": "still_queued"}
    ends = {id_: queued.get(end, end) for id_, end in report.dispositions.items()}
    run.report = replace(report, dispositions=ends, failure_records=())  # type: ignore[arg-type]  # dispositions still
    run.notes.append("ours delivers once where there is no redrive policy: judged with one that is never reached")


def read_source(stimulus: Mapping[str, Any], kind: EventSourceKind) -> EventSource:
    """Read the settings of a stimulus; a mapping's setting may also stand beside `esm`."""
    settings = mapping_settings(stimulus.get("esm") or {})
    beside = {key: value for key, value in stimulus.items() if key not in _KEYS}
    settings |= mapping_settings(beside)
    if "destination" in stimulus:
        settings["on_failure"] = destination_arn(stimulus["destination"])
    if "queue" in stimulus:
        if kind != "sqs":
            raise Unreadable(f"cannot read stimulus: a queue as the source of a {kind} mapping")
        settings |= queue_settings(stimulus["queue"])
    source = EventSource(kind=kind, **settings)
    return replace(source, arn=source_arn(kind, fifo=source.fifo))


def _sent(stimulus: Mapping[str, Any], kind: EventSourceKind) -> list[Any]:
    told = [key for key in _SENT if key in stimulus]
    if len(told) > 1:
        raise Unreadable(f"cannot read stimulus: both {told[0]} and {told[1]}")
    if not told:
        return [{"id": "1"} if kind == "dynamodb" else {"number": 0}]
    sent = count_or_list(stimulus[told[0]], told[0])
    if kind == "dynamodb" and isinstance(stimulus[told[0]], int):
        return [{"id": str(place)} for place in range(stimulus[told[0]])]
    return sent


def _names(records: list[dict[str, Any]]) -> frozenset[str]:
    data = [data_of(record) for record in records]
    return frozenset(name for each in data if isinstance(each, dict) for name in each)


def identifier_of(record: Mapping[str, Any]) -> str:
    """Give a record's message id or sequence number."""
    inner = record.get("kinesis") or record.get("dynamodb") or {}
    return str(record.get("messageId") or inner.get("sequenceNumber") or inner.get("SequenceNumber"))
