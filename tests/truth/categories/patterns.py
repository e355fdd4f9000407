"""Cases of EventBridge's event patterns."""

import json
from dataclasses import replace
from typing import Any

from replay.errors import InvalidEventPattern
from replay.payloads.event_patterns import compile_pattern
from tests.truth.cases import Case
from tests.truth.checks.shapes import objects_in
from tests.truth.json5 import read_json5
from tests.truth.verdicts import Findings, NotImitated, Unreadable

JUDGED = (
    "each pattern, as mapping and as text, matches its event, does not, or is refused in EventBridge's words; a refusal "
    "recorded of a text that is no JSON likewise"
)
_IN_FILE = "file holds Event and EventPattern"
_KEYS = (("Event", "event"), ("EventPattern", "event_pattern", "eventPattern", "Pattern", "pattern"))
_FILES = ".json5"
_REFUSED = "InvalidEventPatternException"
_TOLD_BY_NAME = {"_NEG": "no match", "_EXC": _REFUSED}
"""What comes of a pattern by the last letters of its file's name; of all others it is a match."""
_EXPECTED = {"match": True, "no match": False, True: True, False: False, "matches": True, "does not match": False}


def judge_pattern(case: Case, findings: Findings) -> None:
    """Judge a case of a pattern; where nothing else is told of its file, the name tells what comes of it."""
    if case.file.endswith(_FILES):
        told = _TOLD_BY_NAME.get(case.file.removesuffix(_FILES)[-4:], "match")
        stimulus = case.stimulus if case.has_stimulus else _IN_FILE
        case = replace(case, stimulus=stimulus, expect=case.expect if case.has_expect else told)
    if not case.has_stimulus:
        _check_recorded_refusals(case, findings)
        return
    event, pattern = _stimulus(case)
    if not case.has_expect:
        raise Unreadable("cannot read expect: there is none")
    expected = case.expect.get("Result", case.expect.get("result")) if isinstance(case.expect, dict) else case.expect
    for form in [pattern] if isinstance(pattern, str) else [pattern, json.dumps(pattern, ensure_ascii=False)]:
        if isinstance(expected, str) and expected.startswith(_REFUSED):
            _check_refused(form, _words(case), findings)
        elif isinstance(expected, str | bool) and expected in _EXPECTED:
            _check_result(form, event, _EXPECTED[expected], findings)
        else:
            raise Unreadable(f"cannot read expect: {case.expect!r}")


def _stimulus(case: Case) -> tuple[Any, Any]:
    """Find event and pattern: in the stimulus itself, or in the file that it speaks of."""
    held = case.stimulus
    if isinstance(held, str) and held.startswith(_IN_FILE):
        try:
            held = read_json5(case.path())
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"cannot read file {case.file!r}: {error}") from None
    events, patterns = ([held[key] for key in keys if isinstance(held, dict) and key in held] for keys in _KEYS)
    if not events or not patterns:
        raise Unreadable(f"cannot read stimulus: {case.stimulus!r}")
    event, pattern = events[0], patterns[0]
    return (json.loads(event) if isinstance(event, str) else event), pattern


def _check_result(pattern: Any, event: Any, expected: bool, findings: Findings) -> None:
    try:
        result = compile_pattern(pattern).matches(event)
    except InvalidEventPattern as refused:
        findings.holds("the pattern is valid", truth=False, otherwise=refused.what)
        return
    findings.same("the result", result, expected)


def _words(case: Case) -> str:
    """Find the message that was recorded of a refusal; empty where none was."""
    if not case.recorded_error:
        return ""
    errors = [each for each in objects_in(case.recording(case.recorded_error)) if "Message" in each]
    return str(errors[0]["Message"]) if errors else ""


def _check_refused(pattern: Any, words: str, findings: Findings) -> None:
    try:
        compile_pattern(pattern)
    except InvalidEventPattern as refused:
        findings.facts.append("the pattern is refused")
        if words:
            findings.same("the words of the refusal", refused.what, words.partition("\n")[0])
        return
    findings.holds("the pattern is refused", truth=False, otherwise="it is accepted")


def _check_recorded_refusals(case: Case, findings: Findings) -> None:
    for each in objects_in(case.recording()):
        if each.get("Code") == _REFUSED and case.parameter:
            _check_refused(case.parameter, str(each.get("Message")), findings)
    if not findings.facts and not findings.differences:
        raise NotImitated("the recording does not hold the pattern, or is about a malformed Event of TestEventPattern")
