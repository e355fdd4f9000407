"""The runner of recordings, on made-up folders: it must not pass what is wrong, nor what it cannot read."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.truth.__main__ import main
from tests.truth.checks.shapes import Comparison
from tests.truth.json5 import parse_json5
from tests.truth.report import report_lines
from tests.truth.runner import Results, judge_folder

_FILTER = {
    "stimulus": {
        "esm": {"FilterCriteria": {"body": {"colour": [{"prefix": "r"}]}}},
        "messages": [{"colour": "red"}, {"colour": "green"}],
    },
    "expect": {"delivered": [{"colour": "red"}], "filtered_out_and_deleted": [{"colour": "green"}]},
}
_POISON = {
    "stimulus": {
        "esm": {"BatchSize": 2, "MaximumRetryAttempts": 1, "OnFailure": "sqs"},
        "records": [{"poison": False}, {"poison": True}],
        "handler": {"does": "raise when poison", "errorType": "KeyError"},
    },
    "expect": {"invocations": 2, "condition": "RetryAttemptsExhausted", "functionError": "Unhandled"},
}
_RETRIED = {
    "stimulus": {
        "invoke": {"InvocationType": "Event", "payload": {"order": 7}},
        "config": {"MaximumRetryAttempts": 1, "DeadLetterConfig": "sqs"},
        "handler": {"does": "raise", "errorMessage": "no such order"},
    },
    "expect": {"attempts": 2, "delays_s": [60], "dlq_body": "the event, as is"},
}


def _case(category: str, case: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"id": f"{category}/made-up", "category": category, **case, **changed}


def _judge(folder: Path, *cases: dict[str, Any], lines: bool = False) -> Results:
    text = "\n".join(map(json.dumps, cases)) if lines else json.dumps(list(cases))
    (folder / "index.json").write_text(text, encoding="utf-8")
    return judge_folder(folder)


def _statuses(results: Results) -> list[str]:
    return [verdict.status for verdict in results.verdicts]


_ON_SUCCESS = {
    "stimulus": {
        "invoke": {"payload": {}},
        "config": {"OnSuccess": "eventbridge default bus"},
        "handler": {"returns": 1},
    }
}
_EVENT = (
    'source lambda, detail-type "Lambda Function Invocation Result - Success", '
    "resources [bus arn, function arn with :$LATEST], detail = the invocation record"
)


def test_the_event_at_a_bus_is_judged_clause_by_clause(tmp_path: Path) -> None:
    """What agrees passes; a wrong clause, and a function that never answered, fail."""
    case = {**_ON_SUCCESS, "expect": {"EventBridge_event": _EVENT}}
    never = {"stimulus": {**_ON_SUCCESS["stimulus"], "handler": {"does": "raise"}}, "expect": case["expect"]}
    assert _statuses(_judge(tmp_path, _case("async-invoke", case), _case("async-invoke", never))) == [
        "passed",
        "failed",
    ]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("source lambda", "source wombat"),
        ("- Success", "- Succes"),
        ("[bus arn, function", "[function"),
        ("function arn with :$LATEST", "function arn"),
        ("bus arn, function arn with :$LATEST", "x"),
        ("the invocation record", "nothing"),
        ("detail = ", "and more "),
    ],
)
def test_no_clause_of_an_event_is_passed_over(tmp_path: Path, right: str, wrong: str) -> None:
    """A clause that is wrong, or that nobody can read, fails the case."""
    expect = {"EventBridge_event": _EVENT.replace(right, wrong)}
    assert _statuses(_judge(tmp_path, _case("async-invoke", _ON_SUCCESS, expect=expect))) == ["failed"]


def test_an_unknown_category_is_no_category_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A category with a slip of the pen fails the folder if its cases say anything; others are listed as left out."""
    known, other = _case("esm-sqs", _FILTER), _case("stepfunctions", _FILTER)
    assert _judge(tmp_path, known, other).agree
    _judge(tmp_path, known, _case("esm-sqss", {"expect": {"delivered": []}}))
    assert main([str(tmp_path)]) == 1
    assert "PROBLEM: esm-sqss: there is no such category, and nobody judges its 1 case" in capsys.readouterr().out
    _judge(tmp_path, known, _case("moons", {}))
    assert main([str(tmp_path)]) == 0
    assert "left out: moons: there is no such category" in capsys.readouterr().out


@pytest.mark.parametrize("runtime", ["cobol9", "pythonic", "", 3])
def test_an_unknown_runtime_cannot_be_read(tmp_path: Path, runtime: Any) -> None:
    """An error object of a runtime that Lambda does not have is judged by nobody."""
    stimulus = {"runtime": runtime, "handler": {"does": "raise"}}
    (verdict,) = _judge(
        tmp_path, _case("invoke-errors", {"stimulus": stimulus, "expect": {"FunctionError": "Unhandled"}})
    ).verdicts
    assert verdict.status == "failed"
    assert verdict.lines[0].startswith("cannot read stimulus: runtime")


@pytest.mark.parametrize("lines", [False, True])
def test_passes_what_agrees(tmp_path: Path, lines: bool) -> None:
    """Cases that state what AWS does pass, from an array and from one object per line."""
    cases = [_case("esm-sqs", _FILTER), _case("esm-kinesis", _POISON), _case("async-invoke", _RETRIED)]
    results = _judge(tmp_path, *cases, lines=lines)
    assert _statuses(results) == ["passed"] * 3
    assert results.agree


@pytest.mark.parametrize(
    ("category", "case", "wrong"),
    [
        ("esm-sqs", _FILTER, {"delivered": [{"colour": "green"}]}),
        ("esm-sqs", _FILTER, {"filtered_out_and_deleted": []}),
        ("esm-kinesis", _POISON, {"invocations": 3}),
        ("esm-kinesis", _POISON, {"functionError": None}),
        ("async-invoke", _RETRIED, {"attempts": 3}),
        ("async-invoke", _RETRIED, {"dlq_body": {"order": 8}}),
        ("apigateway", {"stimulus": {"handler": {"returns": {"statusCode": 204}}}}, {"status": 200}),
        ("lambda-url", {"stimulus": {"handler": {"returns": [1]}}}, {"body": "[2]"}),
        ("eventbridge-patterns", {"stimulus": {"Event": {"a": 1}, "EventPattern": {"a": [1]}}}, "no match"),
        ("sns-filter", {"stimulus": {"FilterPolicy": {"a": [1]}, "messages": ["x"]}}, {"delivered": ["x"]}),
    ],
)
def test_fails_a_planted_wrong_expectation(tmp_path: Path, category: str, case: dict[str, Any], wrong: Any) -> None:
    """An expectation that our behaviour does not meet fails the case and the folder."""
    results = _judge(tmp_path, _case(category, case, expect=wrong))
    assert _statuses(results) == ["failed"]
    assert not results.agree


@pytest.mark.parametrize(
    ("stimulus", "expect"),
    [
        ({"phase_of_the_moon": "full"}, {"invocations": 1}),
        ({"esm": {"BatchSizes": 1}}, {"invocations": 1}),
        ({"queue": {"Colour": "red"}}, {"invocations": 1}),
        ({"handler": {"does": "dance"}}, {"invocations": 1}),
        ({"handler": {"does": "raise while moon > 1"}}, {"invocations": 1}),
        ({"handler": {"teleports": True}}, {"invocations": 1}),
        ({"messages": "a few"}, {"invocations": 1}),
        ("handler dances, MaximumRetryAttempts 2", {"invocations": 1}),
        ({"messages": 1}, {"moons": 1}),
        ({"messages": 1}, {"then": "the moon"}),
        ({"messages": 1}, {"outcome": "batch done, more or less"}),
        ({"messages": 1}, "fine"),
    ],
)
def test_fails_what_it_cannot_read(tmp_path: Path, stimulus: Any, expect: Any) -> None:
    """A stimulus or an expectation without words for it fails loudly, and never passes in silence."""
    results = _judge(tmp_path, _case("esm-sqs", {"stimulus": stimulus, "expect": expect}))
    (verdict,) = results.verdicts
    assert verdict.status == "failed"
    assert any(line.startswith("cannot read") for line in verdict.lines)


_TOLD = [
    (
        "esm-sqs",
        {"messages": 1, "queue": {"maxReceiveCount": 3}, "handler": {"does": "time out"}},
        {"deliveries": 3, "then": "DLQ"},
    ),
    (
        "esm-sqs",
        {"messages": 2, "esm": {"BatchSize": 1}, "handler": {"does": "sleep 5 s"}},
        {"processed": 2, "order": "in order"},
    ),
    ("esm-sqs", {"messages": 1, "function": {"ReservedConcurrentExecutions": 0}}, {"invocations": 0, "processed": 0}),
    ("esm-sqs", {"invoke": {"payload": {}}, "config": {"DeadLetterConfig": "sns"}, "handler": "raise"}, {"attempts": 3}),
    (
        "esm-dynamodb",
        {"put_items_in_order": [{"id": "a"}, {"delete": {"id": "a"}}], "esm": {"FilterCriteria": {"eventName": ["REMOVE"]}}},
        {"invocations": 1, "records": 1},
    ),
    (
        "esm-kinesis",
        {"records": {"old": 1, "fresh": 5}, "esm": {"MaximumRecordAgeInSeconds": 90}, "destination": "sqs"},
        {"condition": "RecordAgeExceeded", "batchSize": 1, "delivered": 5, "no_responseContext": True},
    ),
    (
        "esm-kinesis",
        {"records": [{"id": 1, "age_s": 99}, {"id": 2}], "esm": {"MaximumRecordAgeInSeconds": 90}, "destination": "sqs"},
        {"condition": "RecordAgeExceeded", "approximateInvokeCount": 1, "batchSize": 1, "delivered": 1},
    ),
    (
        "async-invoke",
        {"payload": {}, "config": {"MaximumEventAgeInSeconds": [60, 90], "OnFailure": "sqs"}, "handler": "raise"},
        {"condition": "EventAgeExceeded", "attempts": [1, 2]},
    ),
    (
        "async-invoke",
        {"payload": {}, "config": {"MaximumEventAgeInSeconds": "60, then 90", "OnFailure": "sqs"}, "handler": "raise"},
        [{"attempts": 1}, {"attempts": 2}],
    ),
    (
        "async-invoke",
        [{"payload": {}, "config": {"MaximumRetryAttempts": count}, "handler": "raise"} for count in (0, 2)],
        {"attempts": [1, 3]},
    ),
    (
        "esm-dynamodb",
        {"records": 1, "record_age_s": 99, "esm": {"MaximumRecordAgeInSeconds": 90}, "handler": "raise", "destination": "s3"},
        {"invocations": 0, "approximateInvokeCount": 1, "absent": "responseContext"},
    ),
    (
        "invoke-errors",
        {"handler": {"does": "time out"}, "timeout_s": 7},
        {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: <id> Error: Task timed out after 7.00 seconds"},
    ),
    ("invoke-errors", {"handler": {"does": "returns 9 MB"}}, {"errorType": "Function.ResponseSizeTooLarge"}),
    ("apigateway", "REST proxy, handler times out", {"status": 504}),
    ("lambda-url", {"handler": {"does": "time out"}}, {"status": 502}),
    ("eventbridge-patterns", {"event": {"a": 1}, "pattern": {"a": [{"numeric": ["<", 2]}]}}, "match"),
]  # fmt: skip


@pytest.mark.parametrize(("category", "stimulus", "expect"), _TOLD)
def test_stimuli_of_every_kind_are_read(tmp_path: Path, category: str, stimulus: Any, expect: Any) -> None:
    """Timeouts, slow functions, ages, deletions, settings of the function: each is run, and what AWS does passes."""
    results = _judge(tmp_path, _case(category, {"stimulus": stimulus, "expect": expect}))
    assert [each.lines for each in results.verdicts] == [()]
    assert results.agree


@pytest.mark.parametrize("content", [None, "{not json", "[1]"])
def test_fails_an_unreadable_file(tmp_path: Path, content: str | None) -> None:
    """A file that is missing, or is no JSON object, fails its case."""
    if content is not None:
        (tmp_path / "made-up.json").write_text(content, encoding="utf-8")
    results = _judge(tmp_path, _case("esm-sqs", _FILTER, file="made-up.json"))
    assert _statuses(results) == ["failed"]


def test_reads_no_file_outside_the_folder(tmp_path: Path) -> None:
    """A path that leads out of the folder is not read."""
    (tmp_path / "outside.json").write_text("{}", encoding="utf-8")
    inside = tmp_path / "folder"
    inside.mkdir()
    assert _statuses(_judge(inside, _case("esm-sqs", _FILTER, file="../outside.json"))) == ["failed"]


@pytest.mark.parametrize("text", [None, "{", '[{"id": "no category"}]', "[]"])
def test_fails_an_unreadable_or_empty_folder(tmp_path: Path, text: str | None) -> None:
    """A folder without an index that can be read, or without a case of ours, does not agree."""
    if text is not None:
        (tmp_path / "index.json").write_text(text, encoding="utf-8")
    assert not judge_folder(tmp_path).agree


def test_fails_when_more_than_a_tenth_is_left_out(tmp_path: Path) -> None:
    """More than a tenth of a category's cases with a stimulus left out is a problem; cases without one do not count."""
    moved = {"stimulus": {"task": "move"}, "expect": {"moved": 2}}
    kept = {"stimulus": {"queue": {"maxReceiveCount": 1}, "handler": {"does": "raise"}}, "expect": {"then": "DLQ"}}
    cases = [_case("sqs-redrive", kept) for _ in range(9)]
    within = _judge(tmp_path, *cases, _case("sqs-redrive", moved), _case("sqs-redrive", {}))
    assert _statuses(within) == ["passed"] * 9 + ["left out"] * 2
    assert within.agree
    beyond = _judge(tmp_path, *cases, *[_case("sqs-redrive", moved)] * 2)
    assert not beyond.agree
    assert "2 of 11" in beyond.problems[0]


def test_the_recording_is_an_oracle_too(tmp_path: Path) -> None:
    """A document that was recorded otherwise than we write it fails, though its case expects nothing."""
    record = {
        "version": "1.0",
        "timestamp": "date",
        "requestContext": {
            "requestId": "<uuid:1>",
            "functionArn": "arn:<partition>:lambda:<region>:111111111111:function:<resource:1>:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 2,
        },
        "requestPayload": {"order": 7},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "'no'",
            "errorType": "KeyError",
            "requestId": "<uuid:1>",
            "stackTrace": "<x>",
        },
    }
    wrong = {**record, "requestContext": {**record["requestContext"], "moon": 1}}  # type: ignore[dict-item]  # it is a dict
    statuses = []
    for held in (record, wrong):
        content = {"made-up": {"recorded-date": "", "recorded-content": {"message": {"Body": held}}}}
        (tmp_path / "made-up.json").write_text(json.dumps(content), encoding="utf-8")
        statuses += _statuses(_judge(tmp_path, _case("async-invoke", {}, file="made-up.json")))
    assert statuses == ["passed", "failed"]


def test_asserted_facts_are_judged(tmp_path: Path) -> None:
    """The facts of asserted.json are cases, their stimuli told in sentences."""
    fact = {"stimulus": 'REST proxy, handler returns {"statusCode": 200, "moon": {…}}', "expect": {"status": 502}}
    wrong = {"stimulus": "handler always raises, MaximumRetryAttempts 1", "expect": {"attempts_at_s": [0, 61]}}
    held = {"apigateway": [fact], "async-invoke": [wrong]}
    (tmp_path / "asserted.json").write_text(json.dumps(held), encoding="utf-8")
    assert _statuses(_judge(tmp_path)) == ["passed", "failed"]


def test_json5_has_comments_and_trailing_commas() -> None:
    """Comments and trailing commas are read over, and text that looks like them stays."""
    assert parse_json5('// a\n{"a": "//,]", /* b */ "c": [1, 2,],}') == {"a": "//,]", "c": [1, 2]}
    assert parse_json5("{a: 'it\\'s \"b\": c', $d : 'x: y',}") == {"a": 'it\'s "b": c', "$d": "x: y"}


@pytest.mark.parametrize(
    ("recorded", "ours", "alike"),
    [
        ({"b": 1, "a": 2}, {"b": 1, "a": 2}, True),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": "<x:1>", "b": "<x:1>"}, {"a": "p", "b": "p"}, True),
        ({"a": "<x:1>", "b": "<x:1>"}, {"a": "p", "b": "q"}, False),
        ({"a": "<timestamp:2022-07-13T13:48:01.000Z>"}, {"a": "2026-01-01T00:00:00Z"}, False),
        ({"a": "arn:<partition>:sqs:<region>:111111111111:q"}, {"a": "arn:aws:sqs:us-east-1:123456789012:q"}, True),
        ({"a": "arn:<partition>:sqs:<region>:111111111111:q"}, {"a": "arn:aws:sns:us-east-1:123456789012:q"}, False),
        ({"a": {"b": 1}}, {"a": '{"b": 1}'}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {}, True),
        ({}, {"a": 1}, False),
    ],
)
def test_shapes(recorded: Any, ours: Any, alike: bool) -> None:
    """Keys, their order, values and the kinds of placeholders count, as far as the recorder has kept them."""
    assert (not Comparison().differences(recorded, ours)) is alike


def test_prints_a_table_and_the_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report counts per category, names what failed and what was left out, and the command exits by it."""
    _judge(tmp_path, _case("esm-sqs", _FILTER), _case("sqs-redrive", {}))
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "esm-sqs            1        0         0" in printed
    assert "StartMessageMoveTask and its siblings are not imitated" in printed
    _judge(tmp_path, _case("esm-sqs", _FILTER, expect={"delivered": []}))
    assert main([str(tmp_path)]) == 1
    assert "what is delivered: ours is [0], AWS has []" in capsys.readouterr().out
    assert main([]) == 2


def test_the_recordings_of_aws_agree() -> None:
    """The whole folder of recordings agrees with us, and at least 150 of its cases are judged."""
    from tests.truth.recordings import truth_folder

    results = judge_folder(truth_folder())
    assert results.agree, "\n".join(report_lines(results))
    assert sum(verdict.status == "passed" for verdict in results.verdicts) >= 150
