"""What Lambda Insights measured of a request stands in its failure; that it is not in use, or denied, costs nothing."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.enrichment.enrichment import Enrichment
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.failures import Report
from replay.readers.lambda_insights import LOG_GROUP, measured_reports
from tests.enrichment.lambda_log import LambdaLog
from tests.enrichment.test_enrichment import BEGAN_MS, NOW, PLACE, enriched, failed, message


@pytest.fixture
def log() -> Iterator[LambdaLog]:
    with mock_aws():
        yield LambdaLog(boto3.client("logs"))


def measure(request_id: str, **values: Any) -> None:
    """Write what the extension writes of one request."""
    told = {
        "event_type": "performance",
        "function_name": "orders",
        "request_id": request_id,
        "used_memory_max": 97,
        "total_memory": 128,
        "cpu_total_time": 640,
        "init_duration": 130,
        "duration": 4500,
        **values,
    }
    insights = LambdaLog(boto3.client("logs"), group=LOG_GROUP, stream=f"orders/{request_id}", at_ms=BEGAN_MS + 5)
    insights.write(json.dumps(told))


def test_the_processor_and_the_cold_start_are_added(log: LambdaLog) -> None:
    """What the REPORT line says stays, and what only Lambda Insights knows stands beside it."""
    request_id = log.invoke(error="KeyError: 'customer_id'")
    log.invoke(error="KeyError: 'other'")
    measure(request_id)
    (known,), notes = enriched(message(failure=failed(request_id)))
    assert known.failure is not None
    report = known.failure.report
    assert report is not None
    assert (report.duration_ms, report.max_memory_used_mb) == (12.5, 64)
    assert (report.init_duration_ms, report.cpu_time_ms) == (130, 640)
    assert notes == []


def test_without_a_log_the_measures_are_the_report() -> None:
    """A function whose own log is gone, or was never kept, still has what was measured."""
    request_id = "5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11"
    with mock_aws():
        measure(request_id)
        (known,), _ = enriched(message(failure=failed(request_id)))
    assert known.failure is not None
    assert known.failure.report == Report(
        duration_ms=4500, memory_size_mb=128, max_memory_used_mb=97, init_duration_ms=130, cpu_time_ms=640
    )


def test_a_function_without_insights_is_no_note(log: LambdaLog) -> None:
    """Most accounts have no such log group, and it is asked for once only."""
    request_id = log.invoke(error="KeyError: 'customer_id'")
    _, notes = enriched(message(failure=failed(request_id)))
    assert notes == []


def test_a_denied_log_group_is_one_note() -> None:
    """What may not be read is told once, and nothing else is lost (moto knows no policies: the Stubber answers)."""
    client = boto3.client("logs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    capture = message(failure=failed("5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11", "boom", "ValueError"))
    with Stubber(client) as stubbed:
        stubbed.add_response("filter_log_events", {"events": []})
        stubbed.add_client_error("filter_log_events", "AccessDeniedException", "no", 400)
        looking = Enrichment(lambda _: client, PLACE, now=lambda: NOW)
        (known,) = looking.enrich([(capture, unwrap(capture)[1])])
        stubbed.add_response("filter_log_events", {"events": []})
        looking.enrich([(capture, unwrap(capture)[1])])
        stubbed.assert_no_pending_responses()
    assert known.failure is not None
    assert known.failure.message == "boom"
    (note,) = looking.notes
    assert note.startswith("memory and CPU were not looked up in /aws/lambda-insights: AWS denied logs:FilterLogEvents")


class _Lines:
    def __init__(self, *messages: str) -> None:
        self._events = [{"timestamp": 1, "logStreamName": "s", "message": each} for each in messages]

    def filter_log_events(self, **_: Any) -> Any:
        return {"events": self._events}


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_hostile_event_is_not_believed(value: Any) -> None:
    """Values that are no plain numbers are not there; what is no event at all is passed over."""
    event = {"event_type": "performance", "request_id": "r", "cpu_total_time": value, "total_memory": 128}
    lines: Any = _Lines("{", "[" * 100_000, json.dumps(value), json.dumps(event), json.dumps({"request_id": "r"}))
    (report,) = measured_reports(lines, {"r"}, start_ms=0, end_ms=1).values()
    assert report.memory_size_mb == 128
    assert report.cpu_time_ms is None or report.cpu_time_ms == value
