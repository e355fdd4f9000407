"""The runner on recordings of which little is told, on made-up folders: no index, no stimulus, values that are masked."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.truth.runner import Results, judge_folder

_EVENT = {"source": "shop", "detail": {"colour": "red"}}
_ON_SUCCESS = {
    "version": "1.0",
    "timestamp": "date",
    "requestContext": {
        "requestId": "<uuid:1>",
        "functionArn": "arn:aws:lambda:<region>:111111111111:function:<resource:1>:$LATEST",
        "condition": "Success",
        "approximateInvokeCount": 1,
    },
    "requestPayload": {"order": 7},
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
    "responsePayload": {"handled_by": "<uuid:1>"},
}
_ON_FAILURE = {
    **_ON_SUCCESS,
    "requestContext": {**_ON_SUCCESS["requestContext"], "condition": "RetriesExhausted", "approximateInvokeCount": 3},
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "responsePayload": {
        "errorMessage": "no", "errorType": "E", "requestId": "<uuid:1>", "stackTrace": ['  File "/var/task/a.py", line 1, in b\n    c\n'],
    },
}  # fmt: skip
_LETTER = {
    "Body": {"order": 7},
    "MD5OfBody": "<md5-of-body:1>",
    "MessageAttributes": {
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "no"},
        "RequestID": {"DataType": "String", "StringValue": "<uuid:1>"},
    },
    "MessageId": "<uuid:2>",
}
_MAPPING = {"EventSourceMappingArn": "arn:m", "BatchSize": 15, "MaximumBatchingWindowInSeconds": 5}
_RECORDS = [
    {
        "messageId": f"<uuid:{number}>",
        "body": {"order": number},
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:<region>:111111111111:<resource:1>",
        "awsRegion": "<region>",
    }
    for number in (1, 2)
]


def _write(folder: Path, file: str, held: Any, node: str = "test_made_up") -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if file.endswith(".json"):
        held = {f"tests/test_x.py::{node}": {"recorded-date": "01-01-2026", "recorded-content": held}}
    path.write_text(json.dumps(held), encoding="utf-8")


def _judge(folder: Path, category: str, held: Any, **told: Any) -> Results:
    _write(folder, f"{category}/x.json", held)
    entry = {"id": f"{category}/x", "category": category, "file": f"{category}/x.json", **told}
    (folder / "index.json").write_text(json.dumps([entry]), encoding="utf-8")
    return judge_folder(folder)


def _refusal(message: str) -> dict[str, Any]:
    return {"answer": {"Error": {"Code": "InvalidParameter", "Message": message}}}


def test_without_an_index_every_file_is_a_case_of_its_folder(tmp_path: Path) -> None:
    """A folder without an index is judged file by file, each by the category that its folder is named by."""
    _write(tmp_path, "esm-sqs/orders.json", {"mapping": _MAPPING, "events": [{"Records": _RECORDS}]})
    _write(tmp_path, "async-invoke/orders.json", {"message": {"Body": _ON_FAILURE, "MessageId": "<uuid:3>"}})
    results = judge_folder(tmp_path)
    assert [(each.case_id, each.category, each.status) for each in results.verdicts] == [
        ("async-invoke/orders", "async-invoke", "passed"),
        ("esm-sqs/orders", "esm-sqs", "passed"),
    ]
    assert results.agree


def test_without_an_index_a_file_that_is_no_recording_fails_as_one(tmp_path: Path) -> None:
    """A file that cannot be read is a failed case, and stops neither the search for cases nor the others."""
    _write(tmp_path, "esm-sqs/orders.json", {"mapping": _MAPPING, "events": [{"Records": _RECORDS}]})
    (tmp_path / "esm-sqs" / "torn.json").write_text('{"a": ', encoding="utf-8")
    assert [each.status for each in judge_folder(tmp_path).verdicts] == ["passed", "failed"]


@pytest.mark.parametrize(
    ("name", "colours", "agrees"),
    [
        ("colour", ["red"], True),
        ("colour", ["green"], False),
        ("colour_NEG", ["green"], True),
        ("colour_NEG", ["red"], False),
        ("colour_EXC", [], True),
        ("colour_EXC", ["red"], False),
    ],
)
def test_the_name_of_a_patterns_file_tells_what_comes_of_it(
    tmp_path: Path, name: str, colours: list[str], agrees: bool
) -> None:
    """Of a pattern that nothing is told of, the last letters of its file's name tell: match, no match, refused."""
    _write(
        tmp_path,
        f"eventbridge-patterns/{name}.json5",
        {"Event": _EVENT, "EventPattern": {"detail": {"colour": colours}}},
    )
    assert judge_folder(tmp_path).agree is agrees


def test_the_words_of_a_refusal_beside_a_pattern_are_compared(tmp_path: Path) -> None:
    """What was recorded of a refusal is found by the pattern's name, is no case of its own, and its words count."""
    _write(tmp_path, "eventbridge-patterns/none_EXC.json5", {"Event": _EVENT, "EventPattern": {"source": []}})
    said = {
        "e": {"Error": {"Code": "InvalidEventPatternException", "Message": "Event pattern is not valid. Reason: no"}}
    }
    _write(tmp_path, "eventbridge-patterns/none_EXC.recorded.json", said)
    (verdict,) = judge_folder(tmp_path).verdicts
    assert "the words of the refusal" in verdict.lines[0]


def test_an_answer_that_is_recorded_with_a_placeholder_is_given_back(tmp_path: Path) -> None:
    """A function made to answer as recorded gives the placeholder in its answer back, which is no difference."""
    assert _judge(tmp_path, "async-invoke", {"message": _ON_SUCCESS}).agree


def test_words_of_a_success_are_not_held_against_the_failure_beside_it(tmp_path: Path) -> None:
    """Where a success and a failure are recorded, and no stimulus tells which is meant, words of the success are of that."""
    events = [
        {
            "version": "0",
            "id": f"<uuid:{number}>",
            "detail-type": f"Lambda Function Invocation Result - {result}",
            "source": "lambda",
            "account": "111111111111",
            "time": "date",
            "region": "<region>",
            "resources": [
                "arn:aws:events:<region>:111111111111:event-bus/default",
                record["requestContext"]["functionArn"],
            ],
            "detail": record,
        }
        for number, result, record in ((5, "Success", _ON_SUCCESS), (6, "Failure", _ON_FAILURE))
    ]
    told = {"EventBridge_event": 'source lambda, detail-type "Lambda Function Invocation Result - Success"'}
    results = _judge(tmp_path, "async-invoke", {"events": events}, expect=told)
    assert results.agree, results.verdicts


def test_a_dead_letter_is_made_again_with_the_retries_that_a_function_has_unless_told(tmp_path: Path) -> None:
    """How often an event was tried before it was dead-lettered is, where nothing is told, what Lambda does by default."""
    assert _judge(tmp_path, "async-invoke", {"message": _LETTER}, expect={"attempts": 3}).agree
    assert not _judge(tmp_path, "async-invoke", {"message": _LETTER}, expect={"attempts": 1}).agree


def test_a_window_that_is_masked_does_not_forbid_the_batch_size(tmp_path: Path) -> None:
    """A batch of more than ten is delivered again although the recorder has put a word for the window that allows it."""
    masked = {**_MAPPING, "MaximumBatchingWindowInSeconds": "maximum-batching-window-in-seconds"}
    assert _judge(tmp_path, "esm-sqs", {"mapping": masked, "events": [{"Records": _RECORDS}]}).agree


def test_a_filter_that_is_masked_is_left_out_and_said(tmp_path: Path) -> None:
    """A pattern of which the recorder has masked a part is not held to be invalid, and the report says so."""
    masked = {**_MAPPING, "FilterCriteria": {"Filters": [{"Pattern": {"body": {"sent": "<timestamp>"}}}]}}
    results = _judge(tmp_path, "esm-sqs", {"mapping": masked, "events": [{"Records": _RECORDS}]})
    assert results.agree
    assert "the filter of mapping 1" in results.verdicts[0].unjudged[0]


def test_a_recorded_refusal_of_a_filter_is_judged_beside_its_stimulus(tmp_path: Path) -> None:
    """A stimulus whose filter is refused needs no expectation where the refusal itself was recorded."""
    said = {
        "answer": {"Error": {"Code": "InvalidParameterValueException", "Message": "Invalid filter pattern definition."}}
    }
    (verdict,) = _judge(tmp_path, "esm-sqs", said, stimulus={"esm": {"FilterCriteria": "text"}}).verdicts
    assert verdict.status == "passed"


@pytest.mark.parametrize("operation", ["Attributes Reason: ", ""])
def test_a_policy_is_refused_in_the_same_words_by_either_operation(tmp_path: Path, operation: str) -> None:
    """SNS gives one reason for a refusal, whether Subscribe or SetSubscriptionAttributes was asked."""
    start = f"Invalid parameter: {operation}FilterPolicy: "
    quoted = '"a" must be an object or an array\n at [Source: (String)"{"a":1}"; line: 1, column: 7]'
    for reason in (quoted, "Filter policy is too complex", "Filter policy can not have more than 5 keys"):
        assert _judge(tmp_path, "sns-filter", _refusal(start + reason)).agree
    assert not _judge(tmp_path, "sns-filter", _refusal(start + "something else")).agree


def test_a_refusal_that_hides_the_policy_is_left_out_and_said(tmp_path: Path) -> None:
    """Where SNS no longer quotes what it refused there is nothing to refuse again, which is no difference."""
    hidden = "Invalid parameter: FilterPolicy: failed to parse JSON.\n at [Source: REDACTED; line: 1, column: 2]"
    (verdict,) = _judge(tmp_path, "sns-filter", _refusal(hidden)).verdicts
    assert verdict.status == "left out"
    assert "failed to parse JSON" in verdict.unjudged[0]


def test_a_status_that_only_repeats_the_recording_is_left_out(tmp_path: Path) -> None:
    """An expected status that the recording holds under its own name is no unreadable expectation."""
    held = {"answer": {"content": "hi", "headers": {}, "statuscode": 201}}
    assert [each.status for each in _judge(tmp_path, "lambda-url", held, expect={"status": 201}).verdicts] == [
        "left out"
    ]
    assert [each.status for each in _judge(tmp_path, "lambda-url", held, expect={"status": 200}).verdicts] == ["failed"]
