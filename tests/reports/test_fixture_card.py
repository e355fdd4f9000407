"""`replay show` tells how the invocation in production failed, what it used and what it logged."""

from dataclasses import replace

from replay.fixtures.fixture import Redaction, StoredObject
from replay.payloads.failures import Failure, Report, Segment
from replay.reports.fixture_card import fixture_card, fixture_document
from tests.fixtures.samples import sample

ID = "0a1b2c3d-1111-4222-8333-444455556666"
FAILURE = Failure(
    error_type="KeyError",
    message="'customer_id'",
    observed="logs",
    request_id=ID,
    trace_id="1-65a1b2c3-0123456789abcdef01234567",
    log_lines=(
        f"START RequestId: {ID}",
        "[ERROR] KeyError: 'customer_id'\nTraceback (most recent call last):\n\x1b[31mred",
    ),
    report=Report(
        duration_ms=12.5, billed_duration_ms=13, memory_size_mb=128, max_memory_used_mb=64, init_duration_ms=1110.25
    ),
)


def rows(failure: Failure) -> list[str]:
    return fixture_card(replace(sample(), failure=failure)).splitlines()


def test_the_invocation_in_production_is_shown() -> None:
    """Ids, duration, cold start and memory stand under the failure."""
    shown = rows(FAILURE)
    assert f"request    {ID}, trace 1-65a1b2c3-0123456789abcdef01234567" in shown
    assert "report     12.50 ms, cold start 1,110.25 ms, memory 64 of 128 MB" in shown
    assert any("(from the logs)" in row for row in shown)


def test_log_lines_are_shown_row_by_row() -> None:
    """A trace is one entry of the log and several rows here; what steers a terminal does not."""
    shown = rows(FAILURE)
    at = shown.index("log")
    assert shown[at + 1 : at + 4] == [
        f"  START RequestId: {ID}",
        "  [ERROR] KeyError: 'customer_id'",
        "  Traceback (most recent call last):",
    ]
    assert "\x1b" not in "".join(shown)


def test_a_status_alone_is_a_report() -> None:
    """Managed instances report no memory: what is not there is not shown."""
    assert "report     status timeout" in rows(replace(FAILURE, report=Report(status="timeout")))
    assert not any(row.startswith("report") for row in rows(replace(FAILURE, report=None)))


def test_a_local_failure_has_no_invocation_in_production() -> None:
    """The request id of a replay here is made up, and not shown."""
    assert not any(row.startswith(("request", "report")) for row in rows(replace(FAILURE, observed="local")))


def test_the_document_has_it_too() -> None:
    """`replay show --json` gives report and lines, as they are on disk."""
    document = fixture_document(replace(sample(), failure=FAILURE))
    assert document["log_lines"] == list(FAILURE.log_lines)
    assert document["report"] is not None
    assert document["request_id"] == ID
    assert "log_lines" not in fixture_document(replace(sample(), failure=replace(FAILURE, log_lines=())))


def test_the_trace_is_a_tree_with_the_beginning_marked() -> None:
    """Which call failed first is seen at a glance."""
    trace = (
        Segment(name="orders", status="fault", duration_ms=1234.5),
        Segment(name="DynamoDB PutItem", depth=1, status="error", duration_ms=5, cause="NoSuchTable: x\ny", began=True),
    )
    shown = rows(replace(FAILURE, trace=trace))
    at = shown.index("trace")
    assert shown[at + 1 : at + 3] == [
        "  orders  1,234 ms  fault",
        ">   DynamoDB PutItem  5 ms  error  NoSuchTable: x y  (the fault began here)",
    ]


def test_what_was_redacted_is_counted_in_the_event_and_in_its_objects() -> None:
    """Stand-ins are counted by detector, those of a payload in S3 with them; of the failure nobody keeps a count."""
    email = Redaction(at="/body", detector="email", count=2)
    plain = replace(sample(), redactions=())
    kept = StoredObject(bucket="b", key="k", file="claim-check-1.txt", text="x", redactions=(email,))
    assert "redacted   nothing in the event" in fixture_card(plain).splitlines()
    assert "redacted   2 email" in fixture_card(replace(plain, objects=(kept,))).splitlines()
    both = replace(plain, objects=(kept,), redactions=(replace(email, count=1),))
    assert "redacted   3 email" in fixture_card(both).splitlines()
