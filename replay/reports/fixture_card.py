"""One fixture for human eyes, and as one JSON document."""

from replay.errors import InvalidJson
from replay.fixtures.fixture import Fixture
from replay.payloads.exact_json import Json, parse
from replay.payloads.failures import Failure
from replay.reports.explanation import headline, stack_lines, wanted
from replay.reports.payload_excerpt import payload_excerpt
from replay.reports.visible_text import one_line, visible

_PAYLOAD_LINES = 40
_FIFO = {"MessageGroupId": "group", "SequenceNumber": "sequence", "MessageDeduplicationId": "deduplication"}


def fixture_card(fixture: Fixture) -> str:
    """Write where a fixture comes from, what failed, what was redacted, what it expects, and its payload."""
    provenance, source = fixture.provenance, fixture.event_source
    lines = [
        str(fixture.reference),
        "",
        f"expects    {wanted(fixture.expectation)}",
        f"failure    {_failure_words(fixture.failure)}",
        f"source     {one_line(' '.join(filter(None, (provenance.source, provenance.arn or provenance.place))))}",
        f"message    {one_line(provenance.identity)}",
        *(
            f"           {one_line(name, limit=40)}: {one_line(str(value), limit=100)}"
            for name, value in sorted(provenance.details.items())
        ),
        f"sent       {one_line(provenance.sent_at or 'not known')}    recorded {one_line(provenance.recorded_at)}",
        f"delivery   {source.kind}{_delivery_words(fixture)}",
        f"redacted   {_redaction_words(fixture)}",
    ]
    lines += _record_lines(fixture)
    if fixture.edited:
        lines.append("note       event.json was edited by hand since it was recorded")
    lines += [
        f"revised    {one_line(each.at)}  {one_line(each.by)}: {one_line(each.why)}" for each in fixture.revisions
    ]
    if fixture.failure:
        if fixture.failure.frames:
            lines += ["", f"stack ({fixture.failure.observed})", *stack_lines(fixture.failure)]
        if fixture.failure.log_lines:
            lines += ["", "log", *(f"  {visible(row, limit=200)}" for row in fixture.failure.log_lines)]
    lines += ["", "payload (redacted)"]
    lines += [f"  {row}" for row in payload_excerpt(fixture.event_text, fixture.failure, lines=_PAYLOAD_LINES)]
    lines += ["", f"replay it  replay run {fixture.reference.id}"]
    return "\n".join(map(visible, lines))


def fixture_document(fixture: Fixture, *, event: bool = False) -> dict[str, Json]:
    """
    Give a fixture as one JSON document.

    Args:
        event: Whether to add the event's exact text as the string `event_text`.
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
        "redactions": sum(redaction.count for redaction in fixture.redactions),
        "edited": fixture.edited,
    }
    if event:
        document["event_text"] = fixture.event_text
    return document


def _failure_words(failure: Failure | None) -> str:
    if failure is None:
        return "not known yet: the source carries no error; the first local failure will be pinned"
    return f"{headline(failure.error_type, failure.message)}  (seen in: {failure.observed})"


def _delivery_words(fixture: Fixture) -> str:
    source = fixture.event_source
    parts = [
        f"from {one_line(source.arn)}" if source.arn else "",
        f"batches of {source.batch_size}" if source.batch_size else "",
        "partial batch responses" if source.report_batch_item_failures else "",
        f"dead-lettered after {source.max_receive_count} receives" if source.max_receive_count else "",
    ]
    words = ", ".join(filter(None, parts))
    return f" {words}" if words else ""


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


def _redaction_words(fixture: Fixture) -> str:
    if not fixture.redactions:
        return "nothing found to redact"
    counts: dict[str, int] = {}
    for redaction in fixture.redactions:
        counts[redaction.detector] = counts.get(redaction.detector, 0) + redaction.count
    return ", ".join(f"{count} {detector}" for detector, count in sorted(counts.items()))
