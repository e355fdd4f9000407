"""Cases of event source mappings: SQS, Kinesis, DynamoDB."""

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from replay.delivery.deliver import deliver
from replay.errors import ConfigurationError, InvalidEventPattern
from replay.payloads.event_source_limits import check_settings
from replay.payloads.event_sources import EventSource, EventSourceKind
from replay.payloads.filter_criteria import compile_filter_criteria
from tests.truth.cases import Case
from tests.truth.categories.asynchronous import judge_async
from tests.truth.checks.documents import COMMENTARY, expects_document
from tests.truth.checks.mappings import check_mapping, check_refusal
from tests.truth.checks.shapes import Comparison, objects_in, restates
from tests.truth.stimuli.filled import filled_records
from tests.truth.stimuli.mappings import MappingRun, identifier_of, run_mapping
from tests.truth.stimuli.settings import mapping_settings, source_arn
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "stimuli are delivered, expectations checked; recorded failure documents, dead letters and records are compared with "
    "ours; without a stimulus the recorded records are delivered again under the recorded settings, and refusals of "
    "filters are compared word for word"
)
_NO_DELIVERY = "nothing was delivered in it: what CreateEventSourceMapping answers otherwise is not imitated"
_INVALID_FILTER = "Invalid filter pattern definition."
_INVALID_PATTERNS = ("null", "text", '["a"]', '{"a": "b"}', '{"a": [[]]}', '{"a": []}')
_RECORD_SOURCES: Mapping[str, EventSourceKind] = {
    "aws:sqs": "sqs", "aws:kinesis": "kinesis", "aws:dynamodb": "dynamodb",
}  # fmt: skip
_OF_THE_USER = frozenset({
    "body", "data", "partitionKey", "Keys", "NewImage", "OldImage", "SizeBytes", "StreamViewType", "messageAttributes",
    "payload",
})  # fmt: skip
_WINDOW = "MaximumBatchingWindowInSeconds"
_MASKED_MEMBER = re.compile(r':\s*"<[^<>"]*>"')
_VERY_OLD_S = 14 * 24 * 60 * 60.0
_NOT_WRITTEN = frozenset({"ReceiptHandle", "MD5OfMessageAttributes", "MD5OfBody"})


def judge_mapping(kind: EventSourceKind, case: Case, findings: Findings) -> None:
    """Judge a case of a mapping of *kind*."""
    if isinstance(case.stimulus, dict) and "invoke" in case.stimulus:
        judge_async(case, findings)  # such as a queue that is the dead-letter queue of a function
        return
    recording = case.recording()
    recorded = _recorded_records(recording, kind)
    if case.has_stimulus:
        ages_s = _inferred_ages_s(case, recording, findings)
        run = run_mapping(case.stimulus, kind, recorded, _recorded_destination(recording, case.expect), ages_s)
        findings.unjudged += run.notes
        if case.has_expect:
            check_mapping(run, case.expect, findings)
        _compare_documents(run, recording, findings)
        _compare_events(run, recording, kind, findings)
        _check_recorded_refusals(case, recording, kind, findings)
        return
    if case.has_expect:
        _check_rules(case.expect, recording, kind, findings)
    _check_recorded_refusals(case, recording, kind, findings)
    _deliver_again(recording, recorded, kind, findings)
    if not findings.facts and not findings.differences:
        raise NotImitated(_NO_DELIVERY)


def _inferred_ages_s(case: Case, recording: Mapping[str, Any], findings: Findings) -> list[float]:
    """
    Records that were too old after one invocation at most were so when the mapping began: AWS tries 8 times a minute.

    Where the function got others, only as many were too old as the record of the failure says.
    """
    told = case.expect if isinstance(case.expect, dict) else {}
    contexts = [
        each["requestContext"] for each in objects_in(recording) if isinstance(each.get("requestContext"), dict)
    ]
    for each in [told, told.get("destination"), *contexts]:
        if isinstance(each, dict) and (each.get("condition"), each.get("approximateInvokeCount")) == (
            "RecordAgeExceeded",
            1,
        ):
            findings.unjudged.append("that the records were too old when the mapping began is inferred")
            infos = [each.get("KinesisBatchInfo") or each.get("DDBStreamBatchInfo") for each in objects_in(recording)]
            too_old = sum(info["batchSize"] for info in infos if isinstance(info, dict) and "batchSize" in info)
            got_others = any(_kind_of(each.get("Records")) for each in objects_in(recording))
            return [*[_VERY_OLD_S] * too_old, 0.0] if got_others and too_old else [_VERY_OLD_S]
    return []


def _recorded_destination(recording: Mapping[str, Any], expect: Any) -> Any:
    """Find where failures went when the stimulus does not say it: as recorded, or as is expected."""
    for each in objects_in(recording):
        if "EventSourceMappingArn" in each and "DestinationConfig" in each:
            return each["DestinationConfig"].get("OnFailure")
    return "sqs" if isinstance(expect, dict) and expects_document(expect) else None


def _recorded_records(recording: Mapping[str, Any], kind: EventSourceKind) -> list[Mapping[str, Any]]:
    """List the records that the recorded functions got, each once."""
    found: dict[str, Mapping[str, Any]] = {}
    for event in _recorded_events(recording, kind):
        for record in event["Records"]:
            found.setdefault(identifier_of(record), record)
    return list(found.values())


def _recorded_events(recording: Mapping[str, Any], kind: EventSourceKind) -> list[Mapping[str, Any]]:
    return [each for each in objects_in(recording) if _kind_of(each.get("Records")) == kind]


def _kind_of(records: Any) -> EventSourceKind | None:
    if not isinstance(records, list) or not records or not isinstance(records[0], dict):
        return None
    return _RECORD_SOURCES.get(str(records[0].get("eventSource")))


def _compare_documents(run: MappingRun, recording: Mapping[str, Any], findings: Findings) -> None:
    """Compare the failure documents and dead letters, as many as were recorded."""
    ours: list[Any] = list(run.report.failure_records)
    if run.source.kind == "sqs":
        dead = [list_ for key, list_ in recording.items() if re.search(r"dlq|dead", key, re.IGNORECASE)]
        recorded = [message for each in dead for message in _messages(each)]
        recorded = [{key: value for key, value in each.items() if key not in _NOT_WRITTEN} for each in recorded]
        ours = [{key: each[key] for key in recorded[0] if key in each} for each in ours] if recorded else []
    else:
        recorded = [
            each for each in objects_in(recording) if "KinesisBatchInfo" in each or "DDBStreamBatchInfo" in each
        ]
    if recorded:
        comparison = Comparison(opaque=_OF_THE_USER | {"Body"})
        findings.alike("the failure documents", comparison.differences(recorded, ours))


def _messages(held: Any) -> list[dict[str, Any]]:
    messages = held.get("Messages") if isinstance(held, dict) else held
    return [each for each in messages or [] if isinstance(each, dict) and "Body" in each]


def _compare_events(run: MappingRun, recording: Mapping[str, Any], kind: EventSourceKind, findings: Findings) -> None:
    """Compare the form of the records, and the batches where as many invocations were recorded as we made."""
    if not run.report.invocations:
        return
    events: list[Any] = [each.event for each in run.report.invocations]
    recorded = _recorded_events(recording, kind)
    batches = [event["Records"] for event in recorded]
    if [len(batch) for batch in batches] == [len(event["Records"]) for event in events]:
        opaque = _OF_THE_USER - ({"messageAttributes"} if _tells_attributes(recorded) else set())
        comparison = Comparison(opaque=opaque)
        findings.alike("the events", comparison.differences(batches, [event["Records"] for event in events]))
    elif batches:
        ours = events[0]["Records"][0]
        differences = Comparison(opaque=_OF_THE_USER | {"attributes"}).differences(batches[0][0], ours)
        if kind != "dynamodb":  # which images a stream shows is its table's own setting
            findings.alike("the form of a record", differences)


def _tells_attributes(recorded: list[Mapping[str, Any]]) -> bool:
    return any(record.get("messageAttributes") for event in recorded for record in event["Records"])


def _check_rules(expect: Any, recording: Mapping[str, Any], kind: EventSourceKind, findings: Findings) -> None:
    """Judge expectations that need no stimulus: defaults, limits, refusals."""
    if not isinstance(expect, dict):
        raise Unreadable(f"cannot read expect: {expect!r}")
    for key, expected in expect.items():
        if key in COMMENTARY:
            continue
        if key == "error":
            _check_words(expected, kind, findings)
        elif found := re.fullmatch(r"(default|FIFO)? ?BatchSize(?: (max|default))?", key):
            fifo = "FIFO" in key
            source = EventSource(kind=kind, fifo=fifo, arn=source_arn(kind, fifo=fifo), maximum_batching_window_s=1)
            size = _largest_size(source) if fifo or found[2] == "max" else _default_batch(source)
            findings.same(key, size, expected)
        elif key == "BatchSize > 10 without window":
            _check_size_refusals(recording, kind, findings)
        elif key == "absent":
            names = expected if isinstance(expected, list) else [expected]
            findings.same("members that are absent", [name for name in names if _is_recorded(name, recording)], [])
        elif restates(recording, key, expected):
            findings.unjudged.append(f"{key}: it repeats the recording, and there is no stimulus to make it of")
        else:
            raise Unreadable(f"cannot read expect: {key!r}")


def _is_recorded(name: str, recording: Mapping[str, Any]) -> bool:
    """Say whether a record of a failure has this member."""
    return any(name in each for each in objects_in(recording) if isinstance(each.get("requestContext"), dict))


def _check_words(expected: Any, kind: EventSourceKind, findings: Findings) -> None:
    for pattern in _INVALID_PATTERNS:
        check_refusal(_refusal(pattern, kind), expected, findings)


def _refusal(pattern: str, kind: EventSourceKind) -> str:
    try:
        compile_filter_criteria([pattern], kind)
    except InvalidEventPattern as refused:
        return refused.what
    return "it is accepted"


def _check_size_refusals(recording: Mapping[str, Any], kind: EventSourceKind, findings: Findings) -> None:
    """A batch size of more than 10 without a window is refused in the words that were recorded, once or more often."""
    recorded = [str(each["Message"]) for each in objects_in(recording) if "Message" in each and "Code" in each]
    findings.holds("a refusal is recorded", bool(recorded))
    refused = _size_refusal(EventSource(kind=kind, batch_size=11))
    for words in recorded:
        findings.holds("the words of the refusal", refused.endswith(words), f"ours are {refused!r}, AWS has {words!r}")


def _size_refusal(source: EventSource) -> str:
    try:
        check_settings(source)
    except ConfigurationError as error:
        return error.what
    return ""


def _largest_size(source: EventSource) -> int:
    """Find the largest batch size that is not refused."""
    sizes = range(1, 20_000)
    return bisect_left(sizes, True, key=lambda size: bool(_size_refusal(replace(source, batch_size=size))))


def _default_batch(source: EventSource) -> int:
    from tests.truth.stimuli.records import kinesis_records, sqs_records

    sent = [{"number": number} for number in range(250)]
    records = sqs_records(sent, source, []) if source.kind == "sqs" else kinesis_records(sent)
    report = deliver(records, lambda *_: None, source)
    return max(len(each.attempt.record_ids) for each in report.invocations)


def _check_recorded_refusals(
    case: Case, recording: Mapping[str, Any], kind: EventSourceKind, findings: Findings
) -> None:
    """Refuse, in the recorded words, the pattern that the test's name tells, and patterns that are none."""
    for each in objects_in(recording):
        message = each.get("Message")
        if message == _INVALID_FILTER and "Code" in each:
            pattern = "null" if case.parameter == "None" else case.parameter
            for refused in [pattern, *_INVALID_PATTERNS]:
                findings.same(f"the refusal of {refused!r}", _refusal(refused, kind), message)


def _deliver_again(
    recording: Mapping[str, Any], recorded: list[Mapping[str, Any]], kind: EventSourceKind, findings: Findings
) -> None:
    """Deliver what was recorded once more: every record once, in order, as it was, in batches that are not too big."""
    mappings = [each for each in objects_in(recording) if "EventSourceMappingArn" in each and "BatchSize" in each]
    for number, mapping in enumerate(mappings, 1):
        told = {key: value for key, value in mapping.items() if not isinstance(value, str)}
        if isinstance(mapping.get(_WINDOW), str):
            told[_WINDOW] = 1  # masked by the recorder: the smallest that allows every batch size
        settings = mapping_settings(told)
        if any(map(_MASKED_MEMBER.search, settings.get("filter_criteria", ()))):
            findings.unjudged.append(
                f"the filter of mapping {number}: the recorder has put something else for a part of it"
            )
            del settings["filter_criteria"]
        if settings.get("filter_criteria"):
            compile_filter_criteria(settings["filter_criteria"], kind)
            findings.facts.append(f"the filter of mapping {number} can be read")
        if recorded and number == 1:
            records = filled_records(recorded)
            source = EventSource(kind=kind, arn=records[0]["eventSourceARN"], **settings)
            report = deliver(records, lambda *_: None, source)
            got: list[Any] = [record for each in report.invocations for record in each.event["Records"]]  # type: ignore[index, call-overload]  # events of records
            findings.same("the records delivered again", got, records)
            sizes = [len(each.attempt.record_ids) for each in report.invocations]
            findings.holds("no batch is bigger than BatchSize", max(sizes) <= mapping["BatchSize"], str(sizes))
            findings.same("what is processed", list(report.dispositions.values()), ["processed"] * len(records))


judge_sqs = partial(judge_mapping, "sqs")
judge_kinesis = partial(judge_mapping, "kinesis")
judge_dynamodb = partial(judge_mapping, "dynamodb")
