"""Cases of asynchronous invocation."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from replay.delivery.report import DeliveryReport
from replay.payloads.event_sources import EventSource
from tests.truth.cases import Case
from tests.truth.categories.throttles import compare_throttle
from tests.truth.checks.documents import COMMENTARY, check_attributes, check_document, expects_document, record_of
from tests.truth.checks.shapes import Comparison, objects_in, parsed, restates
from tests.truth.stimuli.handlers import Handler, read_handler
from tests.truth.stimuli.prose import read_prose
from tests.truth.stimuli.repeated import expected_of, stimuli_of
from tests.truth.stimuli.running import deliver_to
from tests.truth.stimuli.settings import destination_arn, function_settings, invoke_settings
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "stimuli are delivered, expectations checked; recorded destination documents and dead letters are compared with ours, "
    "and made again where there is no stimulus; what Invoke itself answers (202, 204) is not imitated"
)
_KEYS = frozenset({"invoke", "config", "handler", "function", "payload", "event", "destination", "why", "note"})
_ANSWERS_OF_INVOKE = frozenset({"StatusCode", "Payload", "status", "log_streams", "log_stream"})
_NOT_WRITTEN = frozenset({"ReceiptHandle", "MD5OfMessageAttributes", "Attributes"})
_OF_INVOKE = "what Invoke itself answers is not imitated: delivery begins where Lambda has taken the event"
_EVENT_CLAUSE = re.compile(
    r'source (?P<source>[\w.-]+)|detail-type "(?P<type>[^"]+)"|resources \[(?P<resources>[^\]]*)\]'
    r"|detail = (?P<detail>the invocation record)"
)
_RESOURCES: Mapping[str, str] = {
    "bus arn": r"arn:[\w-]+:events:[^:]*:\d*:event-bus/.+",
    "function arn": r"arn:[\w-]+:lambda:[^:]*:\d*:function:[^:]+",
    "function arn with :$LATEST": r"arn:[\w-]+:lambda:[^:]*:\d*:function:[^:]+:\$LATEST",
}
_TIMED_OUT = re.compile(r"Task timed out after ([\d.]+) seconds")
_EXIT_STATUS = re.compile(r"exit status (\d+)")
_FUNCTION_FAILED = "200"
_AS_IS = re.compile(r"as (?:it )?(?:is|was)|^(?:the )?(?:original |whole )?event$")
_SAME = re.compile(r"(?:the )?same.*|true", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class AsyncRun:
    """An asynchronous invocation of a stimulus, and what became of it."""

    payload: Any
    source: EventSource
    handler: Handler
    report: DeliveryReport
    fitted: bool = False
    """Whether the stimulus names no function, and this one was made to fit one of the recorded documents."""


def judge_async(case: Case, findings: Findings) -> None:
    """Judge a case of asynchronous invocation."""
    recording = case.recording()
    if case.has_stimulus:
        runs = [run for each in stimuli_of(case.stimulus) for run in _runs(each, recording)]
        for place, run in enumerate(runs):
            if case.has_expect:
                _check(run, expected_of(case.expect, place, len(runs), recording), findings)
            _compare(run, recording, findings, place if len(runs) > 1 else None)
        if not findings.facts and not findings.differences:
            raise NotImitated(_OF_INVOKE)
        return
    runs = _make_again(recording, findings)
    if case.has_expect:
        run = runs[0] if runs else run_async({"handler": {"does": "raise"}, "config": {"OnFailure": "sqs"}})
        for place in range(max(1, len(runs))):
            expect = expected_of(case.expect, place, len(runs), recording)
            _check(runs[place] if runs else run, _not_restated(_expected(expect), recording, findings), findings)
    compare_throttle(recording, findings)
    if not findings.facts and not findings.differences:
        raise NotImitated(_OF_INVOKE)


def _not_restated(expect: dict[str, Any], recording: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """Leave what only repeats the recording, and is none of our words, to the notes."""
    kept = {}
    for key, expected in expect.items():
        known = key in _CHECKS or key in COMMENTARY or expects_document({key: expected})
        if known or not restates(recording, key, expected):
            kept[key] = expected
        else:
            findings.unjudged.append(f"{key}: it repeats the recording, and there is no stimulus to make it of")
    return kept


def _runs(stimulus: Any, recording: Mapping[str, Any]) -> list[AsyncRun]:
    """Run the stimulus; where it names no function, as often as a document was recorded, with a function to fit."""
    if isinstance(stimulus, str):
        stimulus = read_prose(stimulus)
    if not isinstance(stimulus, dict):
        raise Unreadable(f"cannot read stimulus: {stimulus!r}")
    recorded = list(_recorded(recording))
    if "handler" in stimulus or not recorded:
        return [run_async(stimulus)]
    return [replace(run_async({**stimulus, **_fitting(record)}), fitted=True) for record in recorded]


def run_async(stimulus: Mapping[str, Any]) -> AsyncRun:
    """
    Deliver what *stimulus* says; settings may stand in `config` or beside it.

    Raises:
        Unreadable: A part of it has no words here.
    """
    invoke = stimulus.get("invoke") or {}
    if not isinstance(invoke, dict) or invoke.keys() - {"InvocationType", "payload", "Payload", "why", "note"}:
        raise Unreadable(f"cannot read stimulus: invoke {invoke!r}")
    if invoke.get("InvocationType", "Event") != "Event":
        raise NotImitated(f"InvocationType {invoke['InvocationType']!r} is not asynchronous: {_OF_INVOKE}")
    payload: Any = next(
        (
            held[key]
            for held, key in ((invoke, "payload"), (invoke, "Payload"), (stimulus, "payload"), (stimulus, "event"))
            if key in held
        ),
        {},
    )
    settings = invoke_settings(stimulus.get("config") or {})
    settings |= invoke_settings({key: value for key, value in stimulus.items() if key not in _KEYS | {"caller"}})
    of_function, known = function_settings(stimulus.get("function") or {})
    settings |= of_function
    if "destination" in stimulus:
        settings["on_failure"] = destination_arn(stimulus["destination"])
    names = frozenset(payload) if isinstance(payload, dict) else frozenset()
    told = stimulus.get("handler")
    told = {**known, **({"does": told} if isinstance(told, str) else told)} if known and told else told
    handler = read_handler(told, names)
    source = EventSource(kind="async", **settings)
    report = deliver_to(handler, json.dumps(payload), source)
    return AsyncRun(payload=payload, source=source, handler=handler, report=report)


def _recorded(recording: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the recorded destination documents, the event around it where a bus got it."""
    events = [each for each in objects_in(recording) if "detail-type" in each and "requestPayload" in record_of(each)]
    inner = [id(each["detail"]) for each in events]
    return events + [each for each in objects_in(recording) if "requestPayload" in each and id(each) not in inner]


def _fitting(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give payload and function that must make *document* again."""
    record = record_of(document)
    answer = record.get("responsePayload")
    if "functionError" in record.get("responseContext", {}):
        handler = _failing_with(answer if isinstance(answer, dict) else {})
    else:
        handler = {"returns": answer}
    return {"payload": record["requestPayload"], "handler": handler}


def _failing_with(error: Mapping[str, Any]) -> dict[str, Any]:
    """Give a function that fails with *error*, or is ended with it by the platform."""
    message = str(error.get("errorMessage"))
    if found := _TIMED_OUT.search(message):
        return {"does": f"time out after {found[1]} s"}
    if error.get("errorType") == "Runtime.ExitError":
        status = _EXIT_STATUS.search(message)
        return {"does": f"sys.exit({status[1] if status else 0})"}
    return {"raises": {key: error[key] for key in ("errorType", "errorMessage") if key in error}}


def _of_another_runtime(document: Mapping[str, Any]) -> bool:
    """Say whether the error of *document* has the keys of a runtime that ours is not: those of Python's are imitated."""
    error = record_of(document).get("responsePayload")
    failed = "functionError" in record_of(document).get("responseContext", {})
    of_platform = isinstance(error, dict) and str(error.get("errorType")).startswith(("Sandbox.", "Runtime."))
    return failed and isinstance(error, dict) and "requestId" not in error and not of_platform


def _make_again(recording: Mapping[str, Any], findings: Findings) -> list[AsyncRun]:
    """Make every recorded document again, and compare."""
    runs = []
    for document in _recorded(recording):
        if _of_another_runtime(document):
            findings.unjudged.append("an error object of another runtime: read, and not made again")
            continue
        context = record_of(document)["requestContext"]
        count, condition = context["approximateInvokeCount"], context["condition"]
        settings: dict[str, Any] = {"MaximumRetryAttempts": min(2, max(0, count - 1))}
        if condition == "EventAgeExceeded":
            settings = {"MaximumEventAgeInSeconds": {1: 60, 2: 90}.get(count, 200)}
        elif condition == "ZeroReservedConcurrency":
            settings = {"ReservedConcurrentExecutions": 0}
        where = "eventbridge" if "detail-type" in document else "sqs"
        config = {**settings, "OnFailure": where, "OnSuccess": where}
        run = replace(run_async({"config": config, **_fitting(document)}), fitted=True)
        _compare(run, {"document": document}, findings)
        runs.append(run)
    for letter in _dead_letters(recording):
        if letter["MessageAttributes"]["ErrorCode"].get("StringValue") != _FUNCTION_FAILED:
            findings.unjudged.append("a dead letter of an invocation that Lambda itself refused")
            continue
        message = letter["MessageAttributes"].get("ErrorMessage", {}).get("StringValue", "")
        run = run_async({
            "payload": parsed(letter["Body"]) if isinstance(letter["Body"], str) else letter["Body"],
            "handler": {"raises": message},
            "config": {"DeadLetterConfig": "sqs"},
        })  # fmt: skip
        _compare(run, {"letter": letter}, findings)
        runs.append(run)
    return runs


def _dead_letters(recording: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        each for each in objects_in(recording) if "ErrorCode" in each.get("MessageAttributes", ()) and "Body" in each
    ]


def _compare(run: AsyncRun, recording: Mapping[str, Any], findings: Findings, place: int | None = None) -> None:
    """
    Compare our documents with the recorded ones that are of the same payload.

    Where several are, that of the run's *place* is meant, or without one that which is most like ours: the stimulus then
    tells of one of several invocations.
    """
    ours: list[Any] = list(run.report.failure_records)
    for document in ours:
        payload = record_of(document).get("requestPayload")
        recorded = [each for each in _recorded(recording) if record_of(each)["requestPayload"] == payload]
        if place is not None and place < len(recorded):
            recorded = [recorded[place]]
        if recorded and "requestPayload" in record_of(document):
            if len(recorded) > 1:
                findings.unjudged.append(
                    "which of several records of one payload is meant: the one most like ours is compared"
                )
            differing = [Comparison().differences(each, document) for each in recorded]
            findings.alike("the destination document", min(differing, key=len))
    for letter in _dead_letters(recording):
        held = {key: value for key, value in letter.items() if key not in _NOT_WRITTEN}
        letters = [each for each in ours if "Body" in each]
        if letters:
            findings.alike("the dead letter", Comparison(opaque=frozenset({"MD5OfBody"})).differences(held, letters[0]))


def _expected(expect: Any) -> dict[str, Any]:
    if not isinstance(expect, dict):
        raise Unreadable(f"cannot read expect: {expect!r}")
    return expect


def _check(run: AsyncRun, expect: Any, findings: Findings) -> None:
    for key, expected in _expected(expect).items():
        if key in _ANSWERS_OF_INVOKE:
            findings.unjudged.append(f"{key}: not imitated")
        elif key not in COMMENTARY and not check_document(key, expected, list(run.report.failure_records), findings):
            check = _CHECKS.get(key)
            if check is None:
                raise Unreadable(f"cannot read expect: {key!r}")
            check(run, expected, findings)


def _attempts(run: AsyncRun, expected: Any, findings: Findings) -> None:
    findings.same("the number of attempts", len(run.report.invocations), expected)


def _moments(run: AsyncRun) -> list[float]:
    return [each.attempt.at_s for each in run.report.invocations]


def _attempts_at(run: AsyncRun, expected: Any, findings: Findings) -> None:
    findings.same("the moments of the attempts", _moments(run), expected)


def _delays(run: AsyncRun, expected: Any, findings: Findings) -> None:
    moments = _moments(run)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    findings.same("the delays", gaps, expected if isinstance(expected, list) else [expected])


def _same_request_id(run: AsyncRun, expected: Any, findings: Findings) -> None:
    if not _SAME.match(str(expected)):
        raise Unreadable(f"cannot read expect: request ids {expected!r}")
    findings.same("different request ids", len(set(run.handler.request_ids)), 1)


def _dead_letter_body(run: AsyncRun, expected: Any, findings: Findings) -> None:
    as_is = isinstance(expected, str) and _AS_IS.search(expected)
    bodies = [each.get("Body", each.get("Message")) for each in _letters(run)]
    wanted = run.payload if as_is else expected
    findings.same("the body of the dead letter", [parsed(each) for each in bodies], [wanted])


def _letters(run: AsyncRun) -> list[Any]:
    """List the messages of the dead-letter queue, or the notifications of the topic in its place."""
    return [each for each in run.report.failure_records if isinstance(each, dict) and "MessageAttributes" in each]


def _attributes(run: AsyncRun, expected: Any, findings: Findings) -> None:
    letters = _letters(run)
    check_attributes(expected, letters[0] if letters else {}, findings)


def _event(run: AsyncRun, expected: Any, findings: Findings) -> None:
    """Judge the event at a bus by clauses such as `source lambda, resources [bus arn], detail = the invocation record`."""
    clauses = [_EVENT_CLAUSE.fullmatch(each.strip()) for each in re.split(r",(?![^\[]*\])", str(expected))]
    if not isinstance(expected, str) or not all(clauses):
        raise Unreadable(f"cannot read expect: EventBridge_event {expected!r}")
    if run.fitted and run.handler.answers == [] and "Success" in expected:
        return  # the recording shows the failure too, and the words are of the success
    events = [each for each in run.report.failure_records if isinstance(each, dict) and "detail-type" in each]
    findings.same("events at the bus", len(events), 1)
    event: dict[str, Any] = dict(events[0]) if events else {}
    for clause in filter(None, clauses):
        if clause["source"]:
            findings.same("the source of the event", event.get("source"), clause["source"])
        elif clause["type"]:
            findings.same("detail-type", event.get("detail-type"), clause["type"])
        elif clause["detail"]:
            detail = event.get("detail", {})
            is_record = {"requestContext", "requestPayload"} <= detail.keys()
            findings.holds("the detail is the invocation record", is_record, f"ours has {sorted(detail)}")
        else:
            _event_resources(event.get("resources", []), clause["resources"], findings)


def _event_resources(ours: list[str], words: str, findings: Findings) -> None:
    told = [each.strip() for each in words.split(",")]
    if unknown := [each for each in told if each not in _RESOURCES]:
        raise Unreadable(f"cannot read expect: EventBridge_event resources {unknown}")
    fit = len(ours) == len(told) and all(
        re.fullmatch(_RESOURCES[name], arn) for name, arn in zip(told, ours, strict=True)
    )
    findings.holds("resources", fit, f"ours are {ours}, AWS has {told}")


def _destination(run: AsyncRun, expected: Any, findings: Findings) -> None:
    documents = list(run.report.failure_records)
    if isinstance(expected, dict):
        for key, value in expected.items():
            if not check_document(key, value, documents, findings):
                raise Unreadable(f"cannot read expect: destination {key!r}")
    elif expected in (None, "nothing", "empty", False):
        findings.same("documents at the destination", documents, [])
    else:
        raise Unreadable(f"cannot read expect: destination {expected!r}")


_CHECKS: dict[str, Callable[[AsyncRun, Any, Findings], None]] = {
    "attempts": _attempts,
    "invocations": _attempts,
    "attempts_at_s": _attempts_at,
    "delays_s": _delays,
    "same_request_id_on_all_attempts": _same_request_id,
    "aws_request_id": _same_request_id,
    "dlq_body": _dead_letter_body,
    "Body": _dead_letter_body,
    "MessageAttributes": _attributes,
    "EventBridge_event": _event,
    "destination": _destination,
}
