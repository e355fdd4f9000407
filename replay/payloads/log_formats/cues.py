"""Where in a log a line may tell of a failed request: a search of bytes, so that JSON is read for few lines."""

import re
from collections.abc import Iterator

_CUES = (b"Task timed out after", b"[ERROR]", b"errorType", b" Error: ", b"Process exited before completing")
_TAB, _JAVA_CUE, _ESCAPED_JAVA_CUE = b"\t", b"\tat ", rb"\tat "
_SHIPPED = (b'"START RequestId: ', b'"END RequestId: ', b'"REPORT RequestId: ')
_HOLDS_TEXT = (b'"logEvents"', b"AWSRequestId", b'"ingestionTime"', b'"@message"', *_SHIPPED)
_JAVA = re.compile(rb": ([A-Za-z_$][\w.$]*)(?:\r?\n|\\{1,2}n)\1(?=[:\s\\])")
"""
The trace of a Java error; nobody caught it where the line before ends in its class. Inside JSON strings it is looked
for in what CloudWatch Logs sends on or answers, Java writes, or holds lines of Lambda's text, for one more search of
every block would be felt.
"""

_CLOUDTRAIL, _CLOUDTRAIL_CUE = b'"eventVersion', b"errorCode"
_CONDITION = b'"condition"'
_INVOCATION_RECORD = (_CONDITION, b'"requestContext"', b'"version"')
_TEXT_CUES = (b"at Amazon.Lambda.RuntimeSupport.", b"Unknown application error occurred")
"""What stands in no log in JSON: to look for it there, too, would be felt."""

_STATUS = re.compile(
    rb'tatus(?:_?[cC]ode)?(?:\\?"[ \t]{0,4}:[ \t]{0,4}\\?"?|>|: )(?:5\d\d(?!\d)|timeout|error|failure)'
)
"""As platform events, REPORT lines, and access logs in JSON or XML have it; also inside a JSON string."""

_LEVELS = re.compile(
    rb'evel(?:name)?\\?"[ \t]{0,4}:[ \t]{0,4}(?:\\?"(?:ERROR|[eE]rror|FATAL|[fF]atal|C[rR][iI][tT][iI])|[56]0\b)'
)
_SEVERITIES = re.compile(
    rb'everity(?:_?[tT]ext)?\\?"[ \t]{0,4}:[ \t]{0,4}\\?"(?:ERROR|[eE]rror|FATAL|[fF]atal|C[rR][iI][tT][iI])'
)
_TEXT_LEVELS = re.compile(rb"\t(?:ERROR|FATAL|fail|crit)\t|\[CRITICAL\]")
_ACCESS = re.compile(rb'(?:"|\]|,) ?,?5\d\d[ ,]')
"""An access log in the common log format, or in CSV: the status stands behind the request."""

_S3_ACCESS = re.compile(rb'(?: -|") 5\d\d ')
"""S3 writes `-` for the request of what it does by itself, such as each object of a batch."""

_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z"
_LOAD_BALANCER = re.compile(
    rb"^(?:(?:https?|h2|grpcs|wss?) )?" + _TIME + rb" (?:[^ \n]{1,200} ){6}(?:5\d\d |[^ \n]{1,4} 5\d\d )", re.MULTILINE
)
_CLOUDFRONT = re.compile(rb"\t5\d\d\t")
_LOOKS_LIKE = (
    (
        re.compile(rb"^(?:(?:https?|h2|grpcs|wss?) )?" + _TIME + rb" [^ \n]{1,200} [^ \n]{1,100}:\d", re.MULTILINE),
        _LOAD_BALANCER,
    ),
    (
        re.compile(
            rb'"(?:[A-Z]{3,7}|\$default|-|ANY) [^"\n]{0,2000}"[ ,]+[1-5]\d\d[ ,]|,[A-Z]{3,7},[^\n]{0,2000},HTTP/'
        ),
        _ACCESS,
    ),
    (re.compile(rb"^(?:#Fields:|\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t)", re.MULTILINE), _CLOUDFRONT),
    (re.compile(rb"\] [^ \n]{1,64} [^ \n]{1,400} [0-9A-Z]{8,32} [A-Z][A-Z0-9]{1,15}\.[A-Z0-9._]{2,60} "), _S3_ACCESS),
)
"""How lines of a form look, and where one of them may tell of a failure."""

_KNOWN_LINE = re.compile(
    rb'RequestId: |^(?:\S+[ \t]){0,3}(?:\[\s*)?\{\s*"|\[(?:ERROR|WARNING|INFO|DEBUG|CRITICAL)\]|<request id="'
    rb"|^(?:\S+ )?\([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\) [A-Z]"
    rb"|^#(?:Version|Fields):|^(?:https?|h2|grpcs|wss?) \d{4}-|\t[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\t",
    re.MULTILINE | re.IGNORECASE,
)
"""What a line of Lambda's, of a function's logger, of JSON, or of an access log with a heading has."""

_HEAD_BYTES = 4_096
_JAVA_HEAD_BYTES = 2_048


def failure_offsets(block: bytes, *, application: bool) -> list[int]:
    """
    List, sorted, where *block* may tell of a failed request; each line that does has an offset, others may have one.

    Args:
        application: Whether an error that an application logged counts as well.
    """
    found = {at for cue in _CUES for at in _every(block, cue)}
    found.update(each.start() for each in _STATUS.finditer(block))
    if application:
        found.update(each.start() for levels in (_LEVELS, _SEVERITIES, _TEXT_LEVELS) for each in levels.finditer(block))
    samples = _samples(block)
    is_text, holds_text = _TAB in block, any(mark in sample for sample in samples for mark in _HOLDS_TEXT)
    if is_text:
        found.update(_java_errors(block, _JAVA_CUE))
    if holds_text:
        found.update(_java_errors(block, _ESCAPED_JAVA_CUE))
    if is_text or holds_text:
        found.update(at for cue in _TEXT_CUES for at in _every(block, cue))
    if any(all(mark in sample for mark in _INVOCATION_RECORD) for sample in samples):
        found.update(_every(block, _CONDITION))
    if any(_CLOUDTRAIL in sample for sample in samples):
        found.update(_every(block, _CLOUDTRAIL_CUE))
    for looks_like, cue in _LOOKS_LIKE:
        if any(looks_like.search(sample) for sample in samples):
            found.update(each.start() for each in cue.finditer(block))
    return sorted(found)


def has_known_form(block: bytes) -> bool:
    """Say whether lines of *block* look like those of a log that is read here, whatever they tell."""
    samples = _samples(block)
    return any(form.search(each) for each in samples for form in (_KNOWN_LINE, *(looks for looks, _ in _LOOKS_LIKE)))


def _samples(block: bytes) -> tuple[bytes, ...]:
    """Take its beginning, middle and end: what it holds may change half way, as logs are put together from others."""
    return block[:_HEAD_BYTES], block[len(block) // 2 :][:_HEAD_BYTES], block[-_HEAD_BYTES:]


def _java_errors(block: bytes, cue: bytes) -> Iterator[int]:
    return (at for at in _every(block, cue) if _JAVA.search(block, max(0, at - _JAVA_HEAD_BYTES), at))


def _every(block: bytes, cue: bytes) -> Iterator[int]:
    at = block.find(cue)
    while at >= 0:
        yield at
        at = block.find(cue, at + len(cue))
