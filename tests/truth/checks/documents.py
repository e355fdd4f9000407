"""Expectations of the documents that destinations and dead-letter queues get."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.truth.checks.shapes import parsed
from tests.truth.verdicts import Findings, Unreadable, shown

COMMENTARY = frozenset({"why", "note", "read", "recorded"})
"""Keys of an expectation that say where it is from, or why it is so."""
_MEMBERS = frozenset({
    "requestContext", "requestPayload", "responseContext", "responsePayload", "version", "timestamp", "payload",
    "KinesisBatchInfo", "DDBStreamBatchInfo",
})  # fmt: skip
_NO_MEMBER = re.compile(r"(?:no|without)_(responseContext|responsePayload|requestPayload|payload)")
_TYPE_AND_VALUE = re.compile(r'(String|Number|Binary)(?: "(.*)")?')


def check_document(key: str, expected: Any, documents: list[Any], findings: Findings) -> bool:
    """Judge one key of an expectation by the only document of a run; False when it is not about documents."""
    check = _CHECKS.get(key)
    if check is None and (found := _NO_MEMBER.fullmatch(key)) and isinstance(expected, bool):
        check, key, expected = (_absent if expected else _present), "absent", found[1]
    if check is None:
        return False
    if not documents:
        findings.holds(key, truth=False, otherwise=f"nothing went to a destination, AWS has {shown(expected)}")
        return True
    check(key, expected, record_of(documents[0]), findings)
    return True


def expects_document(expect: Mapping[str, Any]) -> bool:
    """Say whether an expectation is of a document."""
    return bool(_CHECKS.keys() & expect.keys())


def record_of(document: Any) -> Mapping[str, Any]:
    """Give the invocation record of what a destination got: an event bus has it as the detail of an event."""
    record = document.get("detail", document) if isinstance(document, dict) else {}
    return record if isinstance(record, dict) else {}


def _in_request_context(key: str, expected: Any, record: Mapping[str, Any], findings: Findings) -> None:
    findings.same(key, record.get("requestContext", {}).get(key), expected)


def _function_error(key: str, expected: Any, record: Mapping[str, Any], findings: Findings) -> None:
    context = record.get("responseContext", {})
    findings.same(key, context.get("functionError", "absent"), expected)


def _batch_size(key: str, expected: Any, record: Mapping[str, Any], findings: Findings) -> None:
    info = record.get("KinesisBatchInfo") or record.get("DDBStreamBatchInfo") or {}
    findings.same(key, info.get("batchSize"), expected)


def _function_arn(key: str, expected: Any, record: Mapping[str, Any], findings: Findings) -> None:
    words = {"unqualified": False, "qualified": True}
    if expected not in words:
        raise Unreadable(f"cannot read expect: {key} {expected!r}")
    arn = str(record.get("requestContext", {}).get("functionArn"))
    findings.same(f"{key} is {expected}", arn.endswith(":$LATEST"), words[expected])


def _absent(key: str, expected: Any, record: Mapping[str, Any], findings: Findings) -> None:
    for name in expected if isinstance(expected, list) else [expected]:
        if name not in _MEMBERS:
            raise Unreadable(f"cannot read expect: {key} {name!r}")
        findings.holds(f"no {name}", name not in record, "it is there")


def _present(key: str, expected: Any, record: Mapping[str, Any], findings: Findings) -> None:
    for name in expected if isinstance(expected, list) else [expected]:
        findings.holds(f"has {name}", name in record, "it is missing")


def _object(key: str, expected: Any, record: Mapping[str, Any], findings: Findings) -> None:
    if not re.search(r"payload.*\bstring\b.*event", str(expected), re.IGNORECASE):
        raise Unreadable(f"cannot read expect: {key} {expected!r}")
    payload = record.get("payload")
    event = parsed(payload) if isinstance(payload, str) else None
    findings.holds("payload is the event as JSON text", isinstance(event, dict) and "Records" in event, shown(payload))


_CHECKS: dict[str, Callable[[str, Any, Mapping[str, Any], Findings], None]] = {
    "condition": _in_request_context,
    "approximateInvokeCount": _in_request_context,
    "functionError": _function_error,
    "batchSize": _batch_size,
    "functionArn": _function_arn,
    "absent": _absent,
    "present": _present,
    "object": _object,
}


def check_attributes(expected: Any, message: Mapping[str, Any], findings: Findings) -> None:
    """Judge the message attributes of a dead letter, told as `Number "200"` or `String`."""
    if not isinstance(expected, dict):
        raise Unreadable(f"cannot read expect: MessageAttributes {expected!r}")
    ours = message.get("MessageAttributes", {})
    findings.same("the names of the message attributes", sorted(ours), sorted(expected))
    for name, told in expected.items():
        found = _TYPE_AND_VALUE.fullmatch(str(told))
        if not found:
            raise Unreadable(f"cannot read expect: MessageAttributes {name} {told!r}")
        attribute = ours.get(name, {})
        findings.same(f"the type of {name}", attribute.get("DataType", attribute.get("Type")), found[1])
        if found[2] is not None:
            findings.same(f"the value of {name}", attribute.get("StringValue", attribute.get("Value")), found[2])
