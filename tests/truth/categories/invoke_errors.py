"""Cases of failing invocations: the error objects that a caller and every destination get."""

import json
import re
from collections.abc import Mapping
from typing import Any

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.deliver import deliver
from replay.delivery.error_payload import error_payload
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Failure
from replay.targets.child.endings import out_of_memory
from replay.targets.child.error_report import reported_failure
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.runtime_faults import RuntimeFault, exited, timed_out
from replay.targets.in_process.runtime_json import MAXIMUM_RESPONSE_BYTES, RuntimeJson
from tests.truth.cases import Case
from tests.truth.categories.throttles import compare_throttle
from tests.truth.checks.documents import COMMENTARY
from tests.truth.checks.shapes import Comparison, objects_in
from tests.truth.stimuli.handlers import read_handler
from tests.truth.stimuli.settings import destination_arn
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "python functions are made to fail as recorded, and our error object compared with the recorded one; those of other "
    "runtimes are read as their runtime client reports them, and keep type, message and keys; what Invoke refuses (400, "
    "404, 429) or answers without running (204) is not imitated but for the words of a throttle"
)
_KEYS = frozenset({"runtime", "Runtime", "handler", "invoke", "payload", "why", "note"})
_OF_INVOKE = frozenset({"status", "code", "StatusCode", "Reason"})
_TIMED_OUT = re.compile(r"Task timed out after ([\d.]+) seconds")
_EXIT_STATUS = re.compile(r"exit status (\d+)")
_PYTHON_WITHOUT_REQUEST_ID = ("python3.6", "python3.7", "python3.8", "python2.7")
_ATTEMPT = Attempt(payload="{}", request_id="00000000-0000-5000-8000-000000000000")


def judge_invoke_error(case: Case, findings: Findings) -> None:
    """Judge a case of a synchronous invocation that fails, or answers."""
    recording = case.recording()
    runtime = "python"
    if case.has_stimulus:
        runtime = _check_stimulus(case.stimulus, recording)
    _compare_recorded(recording, runtime, findings)
    compare_throttle(recording, findings)
    if case.has_expect:
        _check(case.expect, recording, findings)
    if not findings.facts and not findings.differences:
        raise NotImitated(_reason(case))


def _reason(case: Case) -> str:
    if "segfault" in case.id:
        return "a crash at import that Lambda reports as a timeout; ours reports it as the exit that it is"
    return "what Invoke refuses, or answers without running a function, is not imitated"


def _check_stimulus(stimulus: Any, recording: Mapping[str, Any]) -> str:
    """Read the stimulus; the function's own words are in the recording. Give the runtime."""
    if not isinstance(stimulus, dict) or stimulus.keys() - _KEYS:
        raise Unreadable(f"cannot read stimulus: {stimulus!r}")
    read_handler(stimulus.get("handler"))
    if not any("errorMessage" in each for each in objects_in(recording)):
        raise Unreadable("cannot read the recording: it has no error object")
    return str(stimulus.get("runtime", stimulus.get("Runtime", "python")))


def _compare_recorded(recording: Mapping[str, Any], runtime: str, findings: Findings) -> None:
    for each in objects_in(recording):
        if "FunctionError" in each and "StatusCode" in each:
            findings.same("FunctionError", _function_error(), each["FunctionError"])
        elif each.get("StatusCode") == 200 and "Payload" in each:  # noqa: PLR2004 - OK
            _compare_answer(each["Payload"], findings)
    if runtime.startswith("python"):
        compare_error_payloads(recording, findings, with_request_id=not runtime.startswith(_PYTHON_WITHOUT_REQUEST_ID))
    else:
        _read_reports(recording, findings)


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
        findings.holds("the answer is the request id as JSON", ours == json.dumps(report.invocations[0].attempt.request_id))
        return
    value = json.loads(payload) if isinstance(payload, str) and payload else payload
    ours = deliver("{}", lambda *_: value, EventSource()).invocations[0].reply.payload
    findings.same("the answer", json.loads(str(ours)), value)
    if isinstance(payload, str):
        findings.same("the answer as text", ours, payload)


def compare_error_payloads(recording: Mapping[str, Any], findings: Findings, *, with_request_id: bool = True) -> None:
    """Make every recorded error object of a Python function or of the platform again, and compare."""
    for each in objects_in(recording):
        if "errorMessage" not in each or not isinstance(each["errorMessage"], str):
            continue
        ours = error_payload(_ATTEMPT, _failing(each))
        if not with_request_id:
            ours.pop("requestId", None)  # python 3.8 and before report none; a capture may be of one
        comparison = Comparison(opaque=frozenset({"stackTrace"}) if isinstance(each.get("stackTrace"), str) else frozenset())
        findings.alike("the error object", comparison.differences(each, ours))


def _failing(recorded: Mapping[str, Any]) -> Reply:
    """Make a function, or the platform, fail as *recorded* says."""
    kind, message = str(recorded.get("errorType", "Exception")), recorded["errorMessage"]
    if found := _TIMED_OUT.search(message):
        return _platform_reply(timed_out(float(found[1]), ""))
    if kind == "Runtime.ExitError":
        status = _EXIT_STATUS.search(message)
        ended = out_of_memory() if "signal: killed" in message else exited(int(status[1]) if status else 0, "")
        return _platform_reply(ended)
    if kind == "Function.ResponseSizeTooLarge":
        return _platform_reply(_too_large())
    handler = read_handler({"raises": {"errorType": kind, "errorMessage": message}})
    report = deliver("{}", handler, EventSource())
    failed = report.invocations[0].reply
    if failed.failure is None or failed.failure.request_id is None:
        return failed
    held = failed.failure
    same = Failure(error_type=held.error_type, message=held.message, frames=held.frames, request_id=_ATTEMPT.request_id)
    return Reply(status=failed.status, failure=same)


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


def _read_reports(recording: Mapping[str, Any], findings: Findings) -> None:
    """Read the error objects of other runtimes, as their runtime clients send them."""
    for each in objects_in(recording):
        if "errorMessage" not in each:
            continue
        known = {"errorMessage", "errorType", "stackTrace", "trace", "requestId", "cause"}
        findings.holds("its keys are known", each.keys() <= known, str(sorted(each.keys() - known)))
        body = json.dumps(each).encode()
        failure = reported_failure(body, "", CodeMap((), frozenset()), _ATTEMPT.request_id)
        findings.same("the message that is read", failure.message, each["errorMessage"])
        findings.same("the type that is read", failure.error_type, each.get("errorType", "Unknown"))


def _check(expect: Any, recording: Mapping[str, Any], findings: Findings) -> None:
    if not isinstance(expect, dict):
        raise Unreadable(f"cannot read expect: {expect!r}")
    errors = [each for each in objects_in(recording) if "errorMessage" in each]
    ours = error_payload(_ATTEMPT, _failing(errors[0])) if errors else {}
    for key, expected in expect.items():
        if key in _OF_INVOKE:
            findings.unjudged.append(f"{key} {expected}: of the Invoke API")
        elif key in {"errorType", "errorMessage"}:
            findings.holds(key, _fits(str(expected), str(ours.get(key))), f"ours is {ours.get(key)!r}, AWS has {expected!r}")
        elif key == "payload_keys":
            findings.same("the keys of the payload", list(ours), expected)
        elif key == "FunctionError":
            findings.same(key, _function_error(), expected)
        elif key == "limit_bytes":
            findings.same("the limit of a response", MAXIMUM_RESPONSE_BYTES, expected)
        elif key == "payload":
            text = deliver("{}", lambda *_: json.loads(expected), EventSource()).invocations[0].reply.payload
            findings.same("the payload", text, expected)
        elif key == "handler":
            _check_exit(str(expected), errors, findings)
        elif key not in COMMENTARY:
            raise Unreadable(f"cannot read expect: {key!r}")


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
