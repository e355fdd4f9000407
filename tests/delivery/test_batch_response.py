"""Partial batch responses, row by row. The rows that Lambda's documentation leaves open are marked as ours."""

import json

import pytest

from replay.delivery.batch_response import read_batch_response
from replay.delivery.deliver import deliver
from replay.payloads.event_sources import EventSource
from tests.delivery.sqs_events import reported, sqs_event

KNOWN = {"m1", "m2", "m3"}
DOCUMENTED = "Lambda developer guide, Handling errors for an SQS event source"

ROWS = [
    pytest.param(json.dumps(reported(["m2"])), {"m2"}, id="known id (recording test_report_batch_item_failures)"),
    pytest.param(json.dumps(reported(["m1", "m3"])), {"m1", "m3"}, id="known ids (the same recording)"),
    pytest.param("{}", set(), id="{} (recording empty_json_batch_succeeds)"),
    pytest.param('{"batchItemFailures": []}', set(), id=f"empty list ({DOCUMENTED})"),
    pytest.param('{"batchItemFailures": null}', set(), id=f"null list ({DOCUMENTED})"),
    pytest.param("null", set(), id=f"null answer ({DOCUMENTED})"),
    pytest.param(None, set(), id=f"no answer ({DOCUMENTED})"),
    pytest.param("", set(), id=f"empty answer ({DOCUMENTED})"),
    pytest.param('""', set(), id="empty string (recording test_kinesis_report_batch_item_success_scenarios)"),
    pytest.param("[]", set(), id="empty array (the same recording)"),
    pytest.param('{"statusCode": 200}', set(), id=f"no list at all ({DOCUMENTED})"),
    pytest.param(
        '{"batchItemFailures": [{"foo": "m1"}]}', None, id="bad key (recording invalid_result_json_batch_fails)"
    ),
    pytest.param('{"batchItemFailures": [{"itemIdentifier": ""}]}', None, id=f"empty identifier ({DOCUMENTED})"),
    pytest.param('{"batchItemFailures": [{"itemIdentifier": null}]}', None, id=f"null identifier ({DOCUMENTED})"),
    pytest.param('{"batchItemFailures": [{"itemIdentifier": "m9"}]}', None, id=f"unknown identifier ({DOCUMENTED})"),
    pytest.param('{"batchItemFailures": [{"itemIdentifier": 1}]}', None, id="number (recording of streams: 123)"),
    pytest.param(
        '{"batchItemFailures": [{"itemIdentifier": "m1"}, {}]}', None, id="one bad item among good ones (ours)"
    ),
    pytest.param('{"batchItemFailures": ["m1"]}', None, id="an item that is no object (ours)"),
    pytest.param("not json", None, id=f"not JSON ({DOCUMENTED})"),
    pytest.param('"m1"', None, id="a string (ours)"),
    pytest.param('["m1"]', None, id="an array (ours)"),
    pytest.param("true", None, id="a boolean (ours)"),
    pytest.param('{"batchItemFailures": "m1"}', None, id="not a list (not documented; ours)"),
    pytest.param(
        '{"batchItemFailures": {"itemIdentifier": "m1"}}', None, id="an object as list (not documented; ours)"
    ),
    pytest.param(json.dumps(reported(["m1", "m1"])), {"m1"}, id="the same identifier twice (not documented; ours)"),
]


@pytest.mark.parametrize(("answer", "failed"), ROWS)
def test_each_answer_fails_what_lambda_says_it_fails(answer: str | None, failed: set[str] | None) -> None:
    """Each row of the table gives the failed records, or a problem where the whole batch has failed."""
    response = read_batch_response(answer, KNOWN)
    if failed is None:
        assert response.problem
        assert not response.failed
    else:
        assert response.failed == failed
        assert not response.problem


@pytest.mark.parametrize(("answer", "failed"), ROWS)
def test_each_answer_ends_in_the_same_dispositions(answer: str | None, failed: set[str] | None) -> None:
    """What the table says holds for a whole delivery: reported records are dead-lettered, all of them for a bad answer."""
    source = EventSource(kind="sqs", report_batch_item_failures=True, max_receive_count=2)
    given = b"" if answer is None else answer.encode()

    def handler(event, context):
        # Of a second delivery only what is still in the batch may be reported.
        left = {record["messageId"] for record in event["Records"]}
        return given if left == KNOWN or failed is None else json.dumps(reported(sorted(left))).encode()

    report = deliver(sqs_event(sorted(KNOWN)), handler, source)
    lost = KNOWN if failed is None else failed
    assert {name for name, end in report.dispositions.items() if end == "dead_lettered"} == lost
    assert {name for name, end in report.dispositions.items() if end == "processed"} == KNOWN - lost


def test_a_problem_names_the_place_and_never_the_value() -> None:
    """A problem is safe to print: it says where the answer is wrong, without anything of the answer."""
    response = read_batch_response(
        '{"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "secret"}]}', KNOWN
    )
    assert response.problem == "itemIdentifier of batchItemFailures[1] is of no record in the batch"


def test_without_report_batch_item_failures_a_list_is_ignored() -> None:
    """A function that returns a list although the mapping does not ask for it has processed everything (documented)."""
    report = deliver(sqs_event(["m1", "m2"]), lambda event, context: reported(["m1"]), EventSource(kind="sqs"))
    assert set(report.dispositions.values()) == {"processed"}
