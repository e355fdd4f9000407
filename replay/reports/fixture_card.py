"""One fixture for human eyes, and as one JSON document."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from replay.counted_nouns import counted
from replay.errors import InvalidJson
from replay.fixtures.fixture import Fixture, StoredObject, Verification, VerificationResult
from replay.outcomes.failure_classes import failure_class
from replay.outcomes.proposed_faults import fault_option, proposed_fault
from replay.payloads.exact_json import Json, parse
from replay.payloads.failures import Failure, Observer, Report, Segment
from replay.reports.effect_lines import fault_words
from replay.reports.expectation_words import headline, wanted
from replay.reports.explanation import run_command, stack_lines
from replay.reports.payload_excerpt import payload_section
from replay.reports.visible_text import one_line, visible

_PAYLOAD_LINES = 40
_OBSERVED: Mapping[Observer, str] = {"source": "as recorded", "logs": "from the logs", "local": "in a replay here"}
_VERIFIED: Mapping[VerificationResult, str] = {
    "same": "it fails as before redaction",
    "generalised": "it fails as before redaction, with coarse values",
    "kept": "it fails as before redaction, with values that stayed",
    "differs": "it no longer fails as before redaction",
    "not_possible": "whether it fails as before redaction is not known",
}
_FIFO = {"MessageGroupId": "group", "SequenceNumber": "sequence", "MessageDeduplicationId": "deduplication"}


def fixture_card(fixture: Fixture, *, options: Sequence[str] = ()) -> str:
    """
    Write where a fixture comes from, what failed, what was redacted, what it expects, and its payload.

    Args:
        options: What commands need to find the fixture again.
    """
    provenance, source = fixture.provenance, fixture.event_source
    lines = [
        str(fixture.reference),
        "",
        f"expects    {wanted(fixture)}",
        f"failure    {_failure_words(fixture)}",
        *_class_lines(fixture),
        *_invocation_lines(fixture.failure),
        f"source     {one_line(' '.join(filter(None, (provenance.source, provenance.arn or provenance.place))))}",
        f"message    {one_line(provenance.identity)}",
        *(
            f"           {one_line(name, limit=40)}: {one_line(str(value), limit=100)}"
            for name, value in sorted(provenance.details.items())
        ),
        f"sent       {one_line(provenance.sent_at or 'not known')}    recorded {one_line(provenance.recorded_at)}",
        f"delivery   {source.kind}{_delivery_words(fixture)}",
        f"redacted   {_redaction_words(fixture)}",
        *_verification_lines(fixture.verification),
        *(f"fault      {one_line(fault_words(fault))}" for fault in fixture.faults),
        *(f"object     {_object_words(each)}" for each in fixture.objects),
    ]
    lines += _record_lines(fixture)
    if fixture.edited:
        lines.append("note       event.json was edited by hand since it was recorded")
    lines += [
        f"revised    {one_line(each.at)}  {one_line(each.by)}: {one_line(each.why, limit=400)}"
        for each in fixture.revisions
    ]
    if fixture.failure:
        if fixture.failure.frames:
            lines += ["", f"stack ({_OBSERVED[fixture.failure.observed]})", *stack_lines(fixture.failure)]
        lines += _trace_lines(fixture.failure.trace)
        if fixture.failure.log_lines:
            lines += ["", "log", *(f"  {visible(row, limit=200)}" for row in _log_rows(fixture.failure))]
    lines += ["", *payload_section(fixture, fixture.failure, lines=_PAYLOAD_LINES)]
    lines += ["", *_command_lines(fixture, options)]
    return "\n".join(map(visible, lines))


def _class_lines(fixture: Fixture) -> list[str]:
    kind = failure_class(fixture.failure) if fixture.failure else None
    return [f"class      {kind}"] if kind else []


def _invocation_lines(failure: Failure | None) -> list[str]:
    """Write which invocation failed in production, and what AWS reported of it."""
    if failure is None or failure.observed == "local":
        return []
    ids = (failure.request_id, failure.trace_id and f"trace {failure.trace_id}")
    named = one_line(", ".join(filter(None, ids)))
    used = _report_words(failure.report) if failure.report else ""
    began = _began_words(failure.trace)
    rows = (("request    ", named), ("report     ", used), ("began      ", began))
    return [f"{label}{words}" for label, words in rows if words]


def _began_words(trace: Sequence[Segment]) -> str:
    """Write where the fault began: of a call that failed downstream the service and its operation."""
    began = next((each for each in trace if each.began), None)
    if began is None:
        return ""
    return "  ".join(filter(None, (f"in {one_line(began.name)}", began.status, one_line(began.cause))))


def _report_words(report: Report) -> str:
    size, used = report.memory_size_mb, report.max_memory_used_mb
    parts = (
        f"{report.duration_ms:,.2f} ms" if report.duration_ms is not None else "",
        f"cold start {report.init_duration_ms:,.2f} ms" if report.init_duration_ms is not None else "",
        f"memory {used:,.0f} of {size:,.0f} MB" if used is not None and size is not None else "",
        f"CPU {report.cpu_time_ms:,.0f} ms" if report.cpu_time_ms is not None else "",
        f"status {one_line(report.status, limit=40)}" if report.status else "",
    )
    return ", ".join(filter(None, parts))


def _trace_lines(trace: Sequence[Segment]) -> list[str]:
    """Write the tree of segments, and where the fault began."""
    lines = ["", "trace"] if trace else []
    for each in trace:
        words = [one_line(each.name)]
        words += [f"{each.duration_ms:,.0f} ms"] if each.duration_ms is not None else []
        words += [each.status] if each.status != "ok" else []
        words += [one_line(each.cause)] if each.cause else []
        mark = ">" if each.began else " "
        lines.append(f"{mark} {'  ' * each.depth}{'  '.join(words)}{'  (the fault began here)' if each.began else ''}")
    return lines


def _log_rows(failure: Failure) -> list[str]:
    """List the rows of the log lines: a trace that is one entry of the log has several."""
    return [row for line in failure.log_lines for row in line.splitlines()]


def _command_lines(fixture: Fixture, options: Sequence[str]) -> list[str]:
    """Write how to replay a fixture: where AWS made its failure, with the fault that brings it back."""
    fault = proposed_fault(fixture.failure) if fixture.failure and not fixture.faults else None
    command = run_command([fixture.reference.short], options)
    if fault is None or fixture.expectation.wants == "succeeds":
        return [f"replay it  {command}"]
    keep = shlex.join(("replay", "expect", fixture.reference.short, "reproduces", *options))
    return [f"replay it  {command} {fault_option(fault)}", f"keep that  {keep} {fault_option(fault)}"]


def fixture_document(fixture: Fixture, *, event: bool = False) -> dict[str, Json]:
    """
    Give a fixture as one JSON document.

    Args:
        event: Whether to add the event's exact text as the string `event_text`, and what changed since it was recorded.
    """
    failure, signature = fixture.failure, fixture.expectation.signature
    document: dict[str, Json] = {
        "type": "fixture",
        "fixture": fixture.reference.id,
        "function": fixture.reference.function,
        "name": fixture.reference.name,
        "kind": fixture.kind,
        "source": fixture.provenance.source,
        "arn": fixture.provenance.arn,
        "recorded_at": fixture.provenance.recorded_at,
        "sent_at": fixture.provenance.sent_at,
        "expects": fixture.expectation.wants,
        "signature": signature.digest if signature else None,
        "error": {"type": failure.error_type, "message": failure.message} if failure else None,
        "class": failure_class(failure) if failure else None,
        "redactions": sum(redaction.count for redaction in fixture.redactions),
        "edited": fixture.edited,
    }
    if fixture.verification is not None:
        document["verification"] = asdict(fixture.verification)
    if failure is not None and (failure.log_lines or failure.trace):
        document |= {"request_id": failure.request_id, "trace_id": failure.trace_id}
        document["report"] = asdict(failure.report) if failure.report else None
        document["log_lines"] = list(failure.log_lines)
        document["trace"] = [asdict(each) for each in failure.trace]
    if event:
        document["event_text"] = fixture.event_text
        document["revisions"] = [asdict(each) for each in fixture.revisions]
    return document


def _failure_words(fixture: Fixture) -> str:
    failure = fixture.failure
    if failure is not None:
        return f"{headline(failure.error_type, failure.message)}  ({_OBSERVED[failure.observed]})"
    if fixture.expectation.wants == "fails":
        return "not known yet: the source carries no error; the first local failure will be pinned"
    return "not known: the source carries no error, and none was pinned here"


def _delivery_words(fixture: Fixture) -> str:
    source = fixture.event_source
    parts = [
        f"from {one_line(source.arn)}" if source.arn else "",
        f"batches of {source.batch_size}" if source.batch_size else "",
        "partial batch responses" if source.report_batch_item_failures else "",
        f"dead-lettered after {counted(source.max_receive_count, 'receive')}" if source.max_receive_count else "",
    ]
    words = ", ".join(filter(None, parts))
    return f" {words}" if words else ""


def _object_words(kept: StoredObject) -> str:
    size = len(kept.text.encode("utf-8", "surrogatepass"))
    return f"{one_line(f's3://{kept.bucket}/{kept.key}', limit=200)} ({size:,} bytes) in {kept.file}"


def _record_lines(fixture: Fixture) -> list[str]:
    """Write what stands beside the body of a single SQS record: FIFO order, and the sender's own attributes."""
    record = _single_record(fixture.event_text) if fixture.kind == "sqs" else {}
    lines = []
    system = record.get("attributes")
    if isinstance(system, dict) and "MessageGroupId" in system:
        words = [f"{label} {system[name]}" for name, label in _FIFO.items() if name in system]
        lines.append(f"fifo       {one_line(', '.join(words), limit=240)}")
    custom = record.get("messageAttributes")
    if isinstance(custom, dict) and custom:
        words = [f"{name} = {_attribute_value(value)}" for name, value in custom.items()]
        lines.append(f"attributes {one_line(', '.join(words), limit=240)}")
    return lines


def _single_record(event_text: str) -> dict[str, Json]:
    try:
        event = parse(event_text)
    except InvalidJson:
        return {}
    records = event.get("Records") if isinstance(event, dict) else None
    return records[0] if isinstance(records, list) and len(records) == 1 and isinstance(records[0], dict) else {}


def _attribute_value(value: Json) -> str:
    if not isinstance(value, dict):
        return "?"
    content = value.get("stringValue", value.get("binaryValue", ""))
    return one_line(f"{content} ({value.get('dataType', '?')})", limit=60)


def _verification_lines(found: Verification | None) -> list[str]:
    if found is None:
        return []
    told = f"{_VERIFIED[found.result]}: {found.why}" if found.result == "not_possible" else _VERIFIED[found.result]
    return [f"           {one_line(told)}", *(f"           depends on {one_line(at)}" for at in found.matters)]


def _redaction_words(fixture: Fixture) -> str:
    found = [*fixture.redactions, *(redaction for kept in fixture.objects for redaction in kept.redactions)]
    if not found:
        return "nothing in the event"
    counts: dict[str, int] = {}
    for redaction in found:
        counts[redaction.detector] = counts.get(redaction.detector, 0) + redaction.count
    return ", ".join(f"{count} {detector}" for detector, count in sorted(counts.items()))
