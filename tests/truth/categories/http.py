"""Cases of synchronous callers: API Gateway and function URLs."""

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from replay.delivery.deliver import deliver
from replay.payloads.envelopes.lambda_event import event_source_of_value
from replay.payloads.event_sources import EventSource, EventSourceKind
from tests.truth.cases import Case
from tests.truth.categories.invoke_errors import compare_error_payloads
from tests.truth.checks.documents import COMMENTARY
from tests.truth.checks.shapes import Comparison, objects_in, parsed, restates
from tests.truth.stimuli.handlers import read_handler
from tests.truth.stimuli.prose import read_prose
from tests.truth.stimuli.running import deliver_to
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "stimuli are delivered, the client's status, headers and body compared with expectation and recording; recorded "
    "events are told by their shape and delivered as they are; recorded error objects are made again"
)
_KEYS = frozenset({"handler", "caller", "integration", "request", "event", "payload", "why", "note"})
_EVERY_RESPONSE_HAS = re.compile(r"x-am.*|x-cache|connection|date|via|content-length|server|vary", re.IGNORECASE)
_STATUS = ("status", "statusCode", "statuscode", "status_code")
_SERVER_ERRORS = 500
_LONGER_THAN_ANY_CALLER_S = 31.0


def judge_http(kind: EventSourceKind, case: Case, findings: Findings) -> None:
    """Judge a case of a synchronous caller."""
    recording = case.recording()
    if case.has_stimulus:
        response = _response(kind, case.stimulus)
        if case.has_expect:
            _check(response, case.expect, findings)
        _compare(response, recording, findings)
        if not findings.facts and not findings.differences:
            raise Unreadable("cannot read expect: the recording has no response to compare with")
        return
    if case.has_expect:
        _check_failure(kind, case.expect, recording, findings)
    _deliver_again(recording, kind, findings)
    compare_error_payloads(recording, findings)
    if not findings.facts and not findings.differences:
        raise NotImitated(
            "it records the API, a non-proxy integration or streaming, no answer of a function that is proxied"
        )


def _response(kind: EventSourceKind, stimulus: Any) -> Mapping[str, Any]:
    if isinstance(stimulus, str):
        stimulus = read_prose(stimulus)
    if not isinstance(stimulus, dict) or stimulus.keys() - _KEYS:
        raise Unreadable(f"cannot read stimulus: {stimulus!r}")
    handler = read_handler(stimulus.get("handler"), timeout_s=_LONGER_THAN_ANY_CALLER_S)
    event: Any = next((stimulus[key] for key in ("event", "request", "payload") if key in stimulus), {})
    report = deliver_to(handler, json.dumps(event), _caller(kind, stimulus))
    response: Any = report.response
    return dict(response)


def _caller(kind: EventSourceKind, stimulus: Mapping[str, Any]) -> EventSource:
    words = str(stimulus.get("caller", stimulus.get("integration", ""))).lower()
    if "http" in words and "http_proxy" not in words:
        return EventSource(kind="httpapi", payload_format_version="1.0" if "1.0" in words else "2.0")
    if words and not re.search(r"rest|aws_proxy|url|proxy", words):
        raise Unreadable(f"cannot read stimulus: the caller {words!r}")
    return EventSource(kind=kind)


def _check(response: Mapping[str, Any], expect: Any, findings: Findings) -> None:
    if not isinstance(expect, dict):
        raise Unreadable(f"cannot read expect: {expect!r}")
    for key, expected in expect.items():
        if key in _STATUS:
            findings.same("status", response["statusCode"], expected)
        elif key in {"body", "content"}:
            _same_body(response, expected, findings)
        elif key == "headers":
            _same_headers(response, expected, findings)
        elif key in {"Content-Type", "content_type"}:
            _same_headers(response, {"Content-Type": expected}, findings)
        elif key not in COMMENTARY:
            raise Unreadable(f"cannot read expect: {key!r}")


def _check_failure(kind: EventSourceKind, expect: Any, recording: Mapping[str, Any], findings: Findings) -> None:
    """Without a stimulus, an error of the server is the answer to a function that raises."""
    status = expect.get("status") if isinstance(expect, dict) else None
    if not isinstance(status, int) or status < _SERVER_ERRORS:
        if isinstance(expect, dict) and all(_restates(recording, key, value) for key, value in expect.items()):
            findings.unjudged.append("it repeats the recording, and there is no stimulus to make it of")
            return
        raise Unreadable(f"cannot read expect: {expect!r} without a stimulus")
    _check(_response(kind, {"handler": {"does": "raise"}}), expect, findings)


def _restates(recording: Mapping[str, Any], key: str, value: Any) -> bool:
    return any(restates(recording, name, value) for name in (_STATUS if key in _STATUS else (key,)))


def _compare(response: Mapping[str, Any], recording: Mapping[str, Any], findings: Findings) -> None:
    for each in objects_in(recording):
        if "content" not in each:
            continue
        _same_body(response, each["content"], findings)
        status = next((each[key] for key in _STATUS if key in each), None)
        if status is not None:
            findings.same("status, as recorded", response["statusCode"], status)
        headers = each.get("headers") or {}
        _same_headers(response, headers, findings)
        length = {name.lower(): value for name, value in headers.items()}.get("content-length")
        if str(length).isdigit():
            findings.same("Content-Length", str(len(response["body"].encode())), length)


def _same_body(response: Mapping[str, Any], expected: Any, findings: Findings) -> None:
    if isinstance(expected, dict | list):
        findings.alike("body", Comparison().differences(expected, parsed(response["body"])))
    else:
        findings.same("body", response["body"], "" if expected is None else expected)


def _same_headers(response: Mapping[str, Any], expected: Any, findings: Findings) -> None:
    """Compare the headers, but for those that a server adds to every response; the case of names does not matter."""
    if not isinstance(expected, dict):
        raise Unreadable(f"cannot read expect: headers {expected!r}")
    ours = {name.lower(): value for name, value in response["headers"].items()}
    for name, value in expected.items():
        if not _EVERY_RESPONSE_HAS.fullmatch(name):
            findings.same(f"the header {name}", ours.get(name.lower()), value)
    added = {name for name in ours if name not in {each.lower() for each in expected}} if len(expected) > 1 else set()
    findings.holds("no header besides", not added, str(sorted(added)))


def _deliver_again(recording: Mapping[str, Any], kind: EventSourceKind, findings: Findings) -> None:
    """Recognise recorded events, and hand them to a function as they are."""
    for each in objects_in(recording):
        context = each.get("requestContext")
        if not isinstance(context, dict) or not {"httpMethod", "http"} & {*each, *context}:
            continue
        source = event_source_of_value(each)
        findings.same("the kind of the event", source.kind if source else None, kind)
        text = json.dumps(each)
        report = deliver(text, lambda *_: {"statusCode": 200}, EventSource(kind=kind))
        findings.same("the event as the function got it", report.invocations[0].attempt.payload, text)


judge_rest_api = partial(judge_http, "apigateway")
judge_function_url = partial(judge_http, "function_url")
