"""A stimulus of an event source mapping, delivered: its settings, its records, its function, and the report."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from replay.delivery.report import DeliveryReport
from replay.errors import InvalidEventPattern
from replay.payloads.event_sources import EventSource, EventSourceKind
from tests.truth.stimuli.handlers import Handler, data_of, read_handler
from tests.truth.stimuli.records import (
    SENT_S,
    count_or_list,
    dynamodb_records,
    kinesis_records,
    make_older,
    sqs_records,
)
from tests.truth.stimuli.running import deliver_to
from tests.truth.stimuli.settings import (
    destination_arn,
    function_settings,
    mapping_settings,
    queue_settings,
    source_arn,
)
from tests.truth.verdicts import Unreadable

_SENT = ("messages", "records", "put_items_in_order", "items", "items_in_order", "put_items", "operations")
_NEVER_REACHED = 100
_OF_THE_FUNCTION = frozenset({"ReservedConcurrentExecutions", "ReservedConcurrency", "Timeout", "timeout_s", "timeout"})
_AGES = re.compile(
    r"(?:record_?)?ages?(?:_before\w*|_at_start)?(?:_s|_seconds)?|older_than_s|wait\w*_s|(?:wait|age)InSeconds",
    re.IGNORECASE,
)
_KEYS = frozenset({"esm", "queue", "handler", "function", "lambda", "destination", "why", "note", *_SENT, "deletes"})


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
    stimulus: Any,
    kind: EventSourceKind,
    recorded: list[Mapping[str, Any]],
    on_failure: Any = None,
    inferred_ages_s: Sequence[float] = (),
) -> MappingRun:
    """
    Deliver what *stimulus* says.

    *on_failure* is where failures of a stream go if it names no destination; *inferred_ages_s* are those of its records when the
    mapping begins, if it says none; the last one is that of all behind it.

    Raises:
        Unreadable: A part of it has no words here.
    """
    if not isinstance(stimulus, dict):
        raise Unreadable(f"cannot read stimulus: {stimulus!r}")
    of_function, known = function_settings(_function_of(stimulus))
    source = replace(read_source(stimulus, kind), **of_function)
    if kind != "sqs" and source.on_failure is None:
        source = replace(source, on_failure=destination_arn(on_failure))
    sent = _sent(stimulus, kind)
    if kind == "sqs":
        records = sqs_records(sent, source, recorded)
    else:
        records = kinesis_records(sent) if kind == "kinesis" else dynamodb_records([*sent, *_deleted(stimulus)])
        ages = _ages_of(stimulus, sent, inferred_ages_s)
        make_older(records, ages)
        if source.maximum_record_age_s is not None and ages and min(ages) >= source.maximum_record_age_s:
            return _deliver_expired(source, sent, records, read_handler(stimulus.get("handler"), _names(records)))
    told = stimulus.get("handler")
    told = {**known, **({"does": told} if isinstance(told, str) else told)} if known and told else told
    handler = read_handler(told, _names(records))
    run = MappingRun(source=source, sent=sent, records=records, handler=handler, told=told)
    try:
        run.report = deliver_to(handler, records, source)
        if kind == "sqs" and source.max_receive_count is None and run.settled_as("still_queued"):
            _deliver_without_redrive(run)
    except InvalidEventPattern as refused:
        run.refused = refused.what
    return run


def _deliver_expired(
    source: EventSource, sent: list[Any], records: list[dict[str, Any]], handler: Handler
) -> MappingRun:
    """
    Deliver records that are all too old when the mapping begins.

    Ours begins when the youngest record arrives, so a fresh one is put behind them, and taken out of the report.
    """
    fresh = deepcopy(records[-1])
    inner = fresh.get("kinesis") or fresh["dynamodb"]
    for moment in ("approximateArrivalTimestamp", "ApproximateCreationDateTime"):
        inner.update({moment: SENT_S + 0.0} if moment in inner else {})
    for number in ("sequenceNumber", "SequenceNumber"):
        inner.update({number: str(int(inner[number]) + 1)} if number in inner else {})
    own = (identifier_of(fresh),)
    report = deliver_to(handler, [*records, fresh], source, succeeding=own)
    ends = {id_: end for id_, end in report.dispositions.items() if id_ not in own}
    invocations = tuple(each for each in report.invocations if each.attempt.record_ids != own)
    report = replace(report, dispositions=ends, invocations=invocations)
    return MappingRun(source=source, sent=sent, records=records, handler=handler, report=report)


def _deliver_without_redrive(run: MappingRun) -> None:
    """
    Deliver as to a queue whose redrive policy is never reached.

    Without a policy ours delivers a few times, where AWS goes on until the retention period ends.
    """
    run.handler = read_handler(run.told, _names(run.records))
    report = deliver_to(run.handler, run.records, replace(run.source, max_receive_count=_NEVER_REACHED))
    queued = {"dead_lettered": "still_queued"}
    ends = {id_: queued.get(end, end) for id_, end in report.dispositions.items()}
    run.report = replace(report, dispositions=ends, failure_records=())  # type: ignore[arg-type]  # dispositions still
    run.notes.append(
        "without a redrive policy ours delivers a few times only: judged with a policy that is never reached"
    )


def read_source(stimulus: Mapping[str, Any], kind: EventSourceKind) -> EventSource:
    """Read the settings of a stimulus; a mapping's setting may also stand beside `esm`."""
    settings = mapping_settings(stimulus.get("esm") or {})
    beside = {
        key: value
        for key, value in stimulus.items()
        if key not in _KEYS | _OF_THE_FUNCTION and not _AGES.fullmatch(key)
    }
    settings |= mapping_settings(beside)
    if "destination" in stimulus:
        settings["on_failure"] = destination_arn(stimulus["destination"])
    if "queue" in stimulus:
        if kind != "sqs":
            raise Unreadable(f"cannot read stimulus: a queue as the source of a {kind} mapping")
        settings |= queue_settings(stimulus["queue"])
    source = EventSource(kind=kind, **settings)
    return replace(source, arn=source_arn(kind, fifo=source.fifo))


def _function_of(stimulus: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a stimulus says of the function: at a key of its own, or beside the others."""
    told = stimulus.get("function", stimulus.get("lambda")) or {}
    if not isinstance(told, dict):
        raise Unreadable(f"cannot read stimulus: the function {told!r}")
    return {**told, **{key: stimulus[key] for key in _OF_THE_FUNCTION & stimulus.keys()}}


def _ages_of(stimulus: Mapping[str, Any], sent: list[Any], inferred_s: Sequence[float]) -> list[float]:
    """Say how old each record is when the mapping begins: by itself, or one age for all, or one for each."""
    of_records = [
        next((each[key] for key in each if _AGES.fullmatch(str(key))), None) if isinstance(each, dict) else None
        for each in sent
    ]
    inferred = [] if any(age is not None for age in of_records) else [*inferred_s, *list(inferred_s[-1:]) * len(sent)]
    told = next((stimulus[key] for key in stimulus if _AGES.fullmatch(key)), inferred)
    ages = told if isinstance(told, list) else [told] * len(sent)
    try:
        given = [*ages, *[0] * len(sent)]
        return [float(age if own is None else own) for own, age in zip(of_records, given, strict=False)]
    except (TypeError, ValueError):
        raise Unreadable(f"cannot read stimulus: the ages {told!r}") from None


def _deleted(stimulus: Mapping[str, Any]) -> list[Any]:
    deleted = stimulus.get("deletes") or []
    return [{"delete": each} for each in (deleted if isinstance(deleted, list) else [deleted])]


def _sent(stimulus: Mapping[str, Any], kind: EventSourceKind) -> list[Any]:
    told = [key for key in _SENT if key in stimulus]
    if len(told) > 1:
        raise Unreadable(f"cannot read stimulus: both {told[0]} and {told[1]}")
    if not told:
        return [{"id": "1"} if kind == "dynamodb" else {"number": 0}]
    sent = count_or_list(stimulus[told[0]], told[0])
    if kind == "dynamodb" and told[0] == "records":
        return [{"id": place, **each} if isinstance(each, dict) else each for place, each in enumerate(sent)]
    return sent


def _names(records: list[dict[str, Any]]) -> frozenset[str]:
    data = [data_of(record) for record in records]
    return frozenset(name for each in data if isinstance(each, dict) for name in each)


def identifier_of(record: Mapping[str, Any]) -> str:
    """Give a record's message id or sequence number."""
    inner = record.get("kinesis") or record.get("dynamodb") or {}
    return str(record.get("messageId") or inner.get("sequenceNumber") or inner.get("SequenceNumber"))
