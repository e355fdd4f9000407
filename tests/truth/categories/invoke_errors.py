"""Cases of failing invocations: the error objects that a caller and every destination get."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.deliver import deliver
from replay.delivery.error_payload import error_payload
from replay.delivery.python_answers import MAXIMUM_RESPONSE_BYTES
from replay.payloads.envelopes import error_report
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure
from replay.targets.child.endings import exited as ended_by
from replay.targets.child.endings import out_of_memory
from replay.targets.child.error_report import reported_failure
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.runtime_faults import RuntimeFault, exited, timed_out
from replay.targets.in_process.runtime_json import RuntimeJson
from tests.truth.cases import Case
from tests.truth.categories.throttles import compare_throttle
from tests.truth.checks.documents import COMMENTARY
from tests.truth.checks.shapes import Comparison, objects_in, parsed, restates
from tests.truth.stimuli.handlers import read_handler
from tests.truth.stimuli.prose import read_prose
from tests.truth.stimuli.running import deliver_to
from tests.truth.stimuli.settings import destination_arn, function_settings
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "python functions are made to fail as recorded, and our error object compared with the recorded one; those of other "
    "runtimes are read as their runtime client reports them, and keep type, message and keys; what Invoke refuses (400, "
    "404, 429) or answers without running (204) is not imitated but for the words of a throttle"
)
_TIMEOUTS = frozenset({"Timeout", "timeout_s", "timeout"})
_KEYS = frozenset({
    "runtime", "Runtime", "handler", "invoke", "env", "environment", "Environment", "payload", "Payload", "function", "config", "why", "note", *_TIMEOUTS,
})  # fmt: skip
_AT_START = re.compile(
    r"(?P<does>.+?)(?:,| while)? (?:at|during|on|in) (?:import|init\w*|module level|start-?up|load\w*)(?: time)?"
)
_EMPTY = ("", '""', "empty", "an empty string")
_OF_INVOKE = frozenset({"status", "code", "StatusCode", "Reason"})
_TIMED_OUT = re.compile(r"Task timed out after ([\d.]+) seconds")
_EXIT_STATUS = re.compile(r"exit status (\d+)")
_SIGNAL = re.compile(r"signal: (.+)")
_SIGNALS = {
    "killed": 9,
    "segmentation fault": 11,
    "aborted": 6,
    "terminated": 15,
    "bus error": 7,
    "trace/breakpoint trap": 5,
}
_RUNTIME = re.compile(r"(?:python|nodejs|java|dotnet|dotnetcore|ruby|provided|go)(?:\d[\w.]*|\.al\d+)?")
_PYTHON_WITHOUT_REQUEST_ID = ("python3.6", "python3.7", "python3.8", "python2.7")
_ATTEMPT = Attempt(payload="{}", request_id="00000000-0000-5000-8000-000000000000")


def judge_invoke_error(case: Case, findings: Findings) -> None:
    """Judge a case of a synchronous invocation that fails, or answers."""
    recording = case.recording()
    runtime, made = "python", Reply(status="returned")
    if case.has_stimulus:
        runtime, made = _run_stimulus(case.stimulus)
    _compare_recorded(recording, runtime, findings)
    compare_throttle(recording, findings)
    if case.has_expect:
        _check(case.expect, recording, made, findings)
    if not findings.facts and not findings.differences:
        raise NotImitated(_reason(case))


def _reason(case: Case) -> str:
    if "segfault" in case.id:
        return "a crash at import that Lambda reports as a timeout; ours reports it as the exit that it is"
    return "what Invoke refuses, or answers without running a function, is not imitated"


def _run_stimulus(stimulus: Any) -> tuple[str, Reply]:
    """Invoke the function of a stimulus, and give its runtime and what it answered; its words may be recorded only."""
    if isinstance(stimulus, str):
        stimulus = read_prose(stimulus)
    if not isinstance(stimulus, dict) or stimulus.keys() - _KEYS:
        raise Unreadable(f"cannot read stimulus: {stimulus!r}")
    settings = stimulus.get("function", stimulus.get("config")) or {}
    _, known = function_settings({**settings, **{key: stimulus[key] for key in _TIMEOUTS & stimulus.keys()}})
    told = stimulus.get("handler")
    told = {"does": told} if isinstance(told, str) else told
    if told and (found := _AT_START.fullmatch(str(told.get("does")))):
        told = {**told, "does": found["does"]}  # a callable has no import; what is reported of it is compared below
    told = {**known, **told} if known and told else told
    invoke = stimulus.get("invoke") or {}
    payload = next((held[key] for held in (invoke, stimulus) for key in ("payload", "Payload") if key in held), {})
    names = frozenset(payload) if isinstance(payload, dict) else frozenset()
    report = deliver_to(read_handler(told, names), json.dumps(payload), EventSource())
    return _runtime(stimulus), report.invocations[0].reply


def _runtime(stimulus: Mapping[str, Any]) -> str:
    told = stimulus.get("runtime", stimulus.get("Runtime", "python"))
    if not isinstance(told, str) or not _RUNTIME.fullmatch(told.lower()):
        raise Unreadable(f"cannot read stimulus: runtime {told!r}")
    return told.lower()


def _compare_recorded(recording: Mapping[str, Any], runtime: str, findings: Findings) -> None:
    for each in objects_in(recording):
        if "FunctionError" in each and "StatusCode" in each:
            findings.same("FunctionError", _function_error(), each["FunctionError"])
        elif each.get("StatusCode") == 200 and "Payload" in each:
            _compare_answer(each["Payload"], findings)
    if runtime.startswith("python"):
        compare_error_payloads(recording, findings, with_request_id=not runtime.startswith(_PYTHON_WITHOUT_REQUEST_ID))
    else:
        for each in objects_in(recording):
            if "errorMessage" in each:
                _read_report(each, findings)


def _function_error() -> Any:
    """Give the word that our documents have for a function that failed."""
    source = EventSource(kind="async", maximum_retry_attempts=0, on_failure=destination_arn("sqs"))
    report = deliver("{}", read_handler({"does": "raise"}), source)
    document: Any = report.failure_records[0]
    return document["responseContext"]["functionError"]


def _compare_answer(payload: Any, findings: Findings) -> None:
    """An answer is given back as JSON; a function that returns nothing answers null."""
    if isinstance(payload, str) and payload.startswith('"<'):
        report = deliver("{}", lambda _, context: context.aws_request_id, EventSource())
        ours = report.invocations[0].reply.payload
        findings.holds(
            "the answer is the request id as JSON", ours == json.dumps(report.invocations[0].attempt.request_id)
        )
        return
    try:
        value = json.loads(payload) if isinstance(payload, str) else payload
    except ValueError:
        findings.unjudged.append(f"the answer {payload!r}: the recorder has put something else for it")
        return
    ours = deliver("{}", lambda *_: value, EventSource()).invocations[0].reply.payload
    findings.same("the answer", json.loads(str(ours)), value)
    if isinstance(payload, str):
        findings.same("the answer as text", ours, payload)


def compare_error_payloads(recording: Mapping[str, Any], findings: Findings, *, with_request_id: bool = True) -> None:
    """Make every recorded error object of a Python function or of the platform again, and compare."""
    for each in objects_in(recording):
        message = each.get("errorMessage")
        if not isinstance(message, str):
            continue
        if _is_old_timeout(each):
            told = error_report.reported_failure(each, otherwise="").error_type
            findings.same("the type of a timeout in the form that AWS wrote before 2025", told, "Sandbox.Timedout")
            continue
        if with_request_id and not _is_pythons(each):
            _read_report(each, findings)
            continue
        ours = error_payload(_ATTEMPT, _failing(each))
        if not with_request_id:
            ours.pop("requestId", None)  # python 3.8 and before report none; a capture may be of one
        masked = isinstance(each.get("stackTrace"), str) or each.get("errorType") == "Runtime.UserCodeSyntaxError"
        comparison = Comparison(opaque=frozenset({"stackTrace"}) if masked else frozenset())
        findings.alike("the error object", comparison.differences(each, ours))


def _is_old_timeout(recorded: Mapping[str, Any]) -> bool:
    """Say whether an error object is of a timeout as AWS wrote it before 2025, without a type."""
    return "errorType" not in recorded and _TIMED_OUT.search(str(recorded.get("errorMessage"))) is not None


def _is_pythons(recorded: Mapping[str, Any]) -> bool:
    """Say whether an error object is of a Python function or of the platform."""
    platform = str(recorded.get("errorType")).startswith(("Sandbox.", "Runtime.", "Function."))
    return platform or "requestId" in recorded


def _failing(recorded: Mapping[str, Any]) -> Reply:
    """Make a function, or the platform, fail as *recorded* says."""
    kind, message = str(recorded.get("errorType", "Exception")), recorded["errorMessage"]
    if found := _TIMED_OUT.search(message):
        return _platform_reply(timed_out(float(found[1]), ""))
    if kind == "Runtime.ExitError":
        return _platform_reply(_ended(message))
    if kind == "Function.ResponseSizeTooLarge":
        return _platform_reply(_too_large())
    request_id = "" if recorded.get("requestId") == "" else _ATTEMPT.request_id  # a failure to start
    if kind.startswith("Runtime."):
        return Reply(status="raised", failure=Failure(error_type=kind, message=message, request_id=request_id))
    handler = read_handler({"raises": {"errorType": kind, "errorMessage": message}})
    failed = deliver("{}", handler, EventSource()).invocations[0].reply
    return replace(failed, failure=replace(failed.failure, request_id=request_id)) if failed.failure else failed


def _ended(message: str) -> RuntimeFault:
    """End a process by the status or the signal that *message* tells."""
    status, signal = _EXIT_STATUS.search(message), _SIGNAL.search(message)
    if signal and signal[1] in _SIGNALS:
        return out_of_memory() if signal[1] == "killed" else ended_by(_SIGNALS[signal[1]])
    return exited(int(status[1]) if status else 0, "")


def _platform_reply(fault: RuntimeFault) -> Reply:
    failure = Failure(error_type=fault.error_type, message=fault.text(_ATTEMPT.request_id))
    return Reply(status=fault.status, failure=failure)


def _too_large() -> RuntimeFault:
    """Answer with more than Lambda takes."""
    try:
        RuntimeJson("python3.12").write_answer("x" * MAXIMUM_RESPONSE_BYTES)
    except RuntimeFault as fault:
        return fault
    raise Unreadable("an answer that is too large is taken")


def _read_report(report: Mapping[str, Any], findings: Findings) -> None:
    """Read the error object of another runtime, as its runtime client sends it."""
    known = {"errorMessage", "errorType", "stackTrace", "trace", "requestId", "cause", "causes"}
    findings.holds("its keys are known", report.keys() <= known, str(sorted(report.keys() - known)))
    failure = reported_failure(json.dumps(report).encode(), "", CodeMap((), frozenset()), _ATTEMPT.request_id)
    findings.same("the message that is read", failure.message, report["errorMessage"])
    findings.same("the type that is read", failure.error_type, report.get("errorType", "Unknown"))


def _check(expect: Any, recording: Mapping[str, Any], made: Reply, findings: Findings) -> None:
    if not isinstance(expect, dict):
        raise Unreadable(f"cannot read expect: {expect!r}")
    errors = [each for each in objects_in(recording) if "errorMessage" in each]
    failed = _failing(errors[0]) if errors else made
    ours = {} if failed.succeeded else error_payload(_ATTEMPT, failed)
    for key, expected in expect.items():
        if reason := _why_unjudged(key, errors):
            findings.unjudged.append(f"{key} {expected}: {reason}")
        elif key in {"errorType", "errorMessage", "payload_keys"} or (key == "requestId" and expected in _EMPTY):
            _check_error(key, expected, ours, findings)
        elif key == "handler":
            _check_exit(str(expected), errors, findings)
        elif key in {"payload", "Payload"} and made.payload is not None:
            findings.same(key, json.loads(made.payload), parsed(expected) if isinstance(expected, str) else expected)
        elif key in _FACTS:
            findings.same(key, _FACTS[key](expected), expected)
        elif restates(recording, key, expected):
            findings.unjudged.append(f"{key}: it repeats the recording")
        elif key not in COMMENTARY:
            raise Unreadable(f"cannot read expect: {key!r}")


def _why_unjudged(key: str, errors: list[dict[str, Any]]) -> str:
    if key in _OF_INVOKE:
        return "of the Invoke API"
    return "as AWS wrote a timeout before 2025" if errors and _is_old_timeout(errors[0]) and key in errors[0] else ""


def _check_error(key: str, expected: Any, ours: Mapping[str, Any], findings: Findings) -> None:
    if key == "payload_keys":
        findings.same("the keys of the payload", list(ours), expected)
    elif key == "requestId":
        findings.same("the request of a failure to start", ours.get(key), "")
    else:
        fits = _fits(str(expected), str(ours.get(key)))
        findings.holds(key, fits, f"ours is {ours.get(key)!r}, AWS has {expected!r}")


def _answered(text: Any) -> str | None:
    """Answer with what *text* is, as a function of Python would."""
    return deliver("{}", lambda *_: json.loads(text), EventSource()).invocations[0].reply.payload


_FACTS: Mapping[str, Callable[[Any], Any]] = {
    "FunctionError": lambda _: _function_error(),
    "limit_bytes": lambda _: MAXIMUM_RESPONSE_BYTES,
    "payload": _answered,
    "Payload": _answered,
}


def _check_exit(words: str, errors: list[dict[str, Any]], findings: Findings) -> None:
    """The function that the expectation names must fail as was recorded."""
    if "at import" in words:
        findings.unjudged.append(f"{words}: a callable has no import")
        return
    report = deliver("{}", read_handler({"does": words}), EventSource())
    failed = error_payload(report.invocations[0].attempt, report.invocations[0].reply)
    for each in errors:
        findings.alike(f"the error of {words}", Comparison().differences(each, failed))


def _fits(expected: str, ours: str) -> bool:
    form = re.escape(expected).replace(re.escape("<id>"), ".+").replace(r"N\.NN", r"\d+\.\d\d")
    return re.fullmatch(form, ours) is not None
