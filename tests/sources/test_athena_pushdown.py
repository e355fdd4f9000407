"""What of a pattern SQL decides: no event that matches may be left out, whatever it looks like."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replay.errors import InvalidEventPattern, InvalidJson
from replay.payloads.captures import Capture, Origin
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_patterns import EventPattern, compile_pattern
from replay.payloads.event_views import matches
from replay.sources.athena_parts.local_engine import LocalEngine
from replay.sources.athena_parts.pushdown import condition_of
from replay.sources.s3_log_parts.log_objects import Window


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    made = LocalEngine((), None, table="logs", window=Window(), most_bytes=1)
    yield made
    made.close()


def kept(engine: LocalEngine, condition: str | None, texts: list[str]) -> list[str]:
    """Ask DuckDB which of these events hold the condition."""
    if condition is None:
        return texts
    query = f"SELECT line FROM (SELECT unnest(?::VARCHAR[]) AS line) WHERE {condition}"
    return [row[0] for row in engine.connection().execute(query, [texts]).fetchall()]


def wanted(pattern: EventPattern, text: str) -> bool:
    """Hold the pattern against the event that a function would get, as the recorder does."""
    capture = Capture(origin=Origin(source="athena", identity="x"), body=text, carrier="log")
    try:
        _, unwrapped = unwrap(capture)
    except InvalidJson:
        return False
    return matches(pattern, unwrapped.event)


NAMES = st.sampled_from(
    ["a", "b", "id", "orderId", "a.b", "body", "Records", "Message", "data", "é", "x/y", 'q"', "b c", "x[0]"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 5, 10, 300, 1.5, 3.0e2, 9007199254740993, 10**400, -0.0]),
    st.sampled_from(
        ["", "A-1", "A-10", "a", "b/c", 'say "b"', "10.0.0.1", "10.0.0.01", "é", "5", "true", "tab\t", "x\\y"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def events(draw: st.DrawFn) -> str:
    """JSON in all its spellings, and in envelopes."""
    value: Any = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    form = draw(
        st.sampled_from(["plain", "escaped", "sqs", "sns", "kinesis", "destination", "apigw", "twice", "string"])
    )
    if form == "sns":
        value = {
            "Type": "Notification",
            "TopicArn": "arn:aws:sns:us-east-1:1:t",
            "MessageId": "m",
            "Message": dumped(value),
            "Timestamp": "2026-11-21T08:00:00.000Z",
        }
    elif form == "sqs":
        value = {"Records": [{"messageId": "A-1", "body": dumped(value), "eventSource": "aws:sqs", "attributes": {}}]}
    elif form == "kinesis":
        packed = base64.b64encode(dumped(value).encode("utf-8", "surrogatepass")).decode()
        value = {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": packed}}]}
    elif form == "destination":
        context = {"requestId": "r", "functionArn": "arn", "condition": "RetriesExhausted", "approximateInvokeCount": 3}
        value = {
            "version": "1.0",
            "timestamp": "t",
            "requestContext": context,
            "requestPayload": value,
            "responseContext": {},
            "responsePayload": {},
        }
    elif form == "apigw":
        packed = draw(st.booleans())
        body = base64.b64encode(dumped(value).encode()).decode() if packed else dumped(value)
        value = {
            "httpMethod": "POST",
            "path": "/",
            "headers": {},
            "requestContext": {},
            "body": body,
            "isBase64Encoded": packed,
        }
    elif form == "string":
        return json.dumps(dumped(value))
    text = json.dumps(value, ensure_ascii=form == "escaped", indent=draw(st.sampled_from([None, 1])))
    if form == "escaped":
        text = text.replace("a", "\\u0061") if draw(st.booleans()) else text.replace("/", "\\/")
    if form == "twice":
        again = dumped(draw(st.dictionaries(NAMES, VALUES, min_size=1, max_size=2)))
        text = dumped(value)[:-1] + ("," if value else "") + again[1:]
    return text


def dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


TEXTS = st.sampled_from(["", "A-1", "A-10", "a", "b/c", 'say "b"', "10.0.0.1", "é", "5", "tab\t"])
EXPRESSIONS = st.one_of(
    SCALARS.filter(lambda value: value != 10**400),
    st.builds(lambda text: {"prefix": text}, TEXTS),
    st.builds(lambda text: {"suffix": text}, TEXTS),
    st.builds(lambda text: {"anything-but": [text]}, TEXTS),
    st.builds(lambda text: {"equals-ignore-case": text}, TEXTS),
    st.builds(lambda text: {"wildcard": f"{text}*"}, TEXTS),
    st.builds(lambda exists: {"exists": exists}, st.booleans()),
    st.builds(lambda op, n: {"numeric": [op, n]}, st.sampled_from(["=", ">", ">=", "<", "<="]), st.integers(-2, 301)),
    st.just({"numeric": [">", 0, "<=", 10]}),
)
FIELDS = st.lists(EXPRESSIONS, min_size=1, max_size=2)
PATTERNS = st.recursive(
    st.dictionaries(NAMES, FIELDS, min_size=1, max_size=2),
    lambda inner: st.dictionaries(NAMES, inner | FIELDS, min_size=1, max_size=2),
    max_leaves=4,
)


@given(
    PATTERNS | st.builds(lambda one, two: {"$or": [one, two]}, PATTERNS, PATTERNS),
    st.lists(events(), min_size=1, max_size=6),
)
@example({"id": [5]}, ['{"id": 4, "id": 5}', '{"id": 5, "id": 4}'])
@example({"a": {"b": [5]}}, ['{"a": {"b": 4}, "a.b": 5}', '{"a": [{"b": 5}]}', '{"a": {"b": [1, 5]}}'])
@example({"n": [9007199254740993]}, ['{"n": 9007199254740993}', '{"n": 9007199254740992}'])
@example({"n": [{"numeric": [">", 1]}]}, ['{"n": 1.00000000000000000001}', '{"n": 1}', '{"n": "2"}', "{"])
@example({"body": ["x"]}, ['{"body": "[\\"x\\"]"}', '{"body": "[\\"y\\"]"}'])
@example({"status": ["F"], "reason": [{"exists": False}]}, ['{"status": "F"}', '{"status": "F", "reason": 1}'])
@example({"MessageId": ["A-1"]}, ['{"Records": [{"messageId": "A-1", "body": "{}", "eventSource": "aws:sqs"}]}'])
@example({"orderId": ["A-1"]}, ['{"order\\u0049d": "A-1"}', '{"orderId": "\\u0041-1", "x": "A-2"}'])
def test_asking_less_of_athena_gives_the_same(engine: LocalEngine, pattern: Any, texts: list[str]) -> None:
    """What SQL lets through, held against the pattern here, is what all rows held against it are."""
    try:
        compiled = compile_pattern(json.dumps(pattern))
    except InvalidEventPattern:
        return
    through = kept(engine, condition_of(compiled, "line"), texts)
    assert [text for text in through if wanted(compiled, text)] == [text for text in texts if wanted(compiled, text)]


@pytest.mark.parametrize(
    ("pattern", "left_out", "let_through"),
    [
        ({"status": ["FAILED"]}, '{"status": "OK"}', '{"status": "FAILED"}'),
        ({"status": ["FAILED"]}, '{"status": "OK", "was": "FAILED"}', '{"was": "OK", "status": "FAILED"}'),
        ({"status": [{"prefix": "FAIL"}]}, '{"status": "OK"}', '{"status": "FAILING"}'),
        ({"detail": {"id": [{"exists": True}]}}, '{"detail": {"no": 1}}', '{"detail": {"id": null}}'),
        ({"detail": {"amount": [{"numeric": [">", 100]}]}}, '{"detail": {"amount": 99}}', '{"detail": {"amount": 101}}'),
        ({"detail": {"amount": [5]}}, '{"detail": {"amount": 6}}', '{"detail": {"amount": 5.0}}'),
        ({"detail-type": ["Order"]}, '{"detail-type": "Refund", "x": "Order"}', '{"detail-type": "Order"}'),
        ({"ok": [False]}, '{"ok": true}', '{"ok": false}'),
        ({"$or": [{"a": ["x"]}, {"b": [1]}]}, '{"a": "y", "b": 2}', '{"a": "y", "b": 1}'),
    ],
)  # fmt: skip
def test_rows_that_cannot_match_do_not_come(engine: LocalEngine, pattern: Any, left_out: str, let_through: str) -> None:
    """Equality, prefix, existence and numbers are decided by the engine, at any depth of members."""
    assert kept(engine, condition_of(compile_pattern(pattern), "line"), [left_out, let_through]) == [let_through]


def test_the_event_may_lie_inside_the_json_of_the_column(engine: LocalEngine) -> None:
    """A pattern is about the event, wherever in the line it stands."""
    condition = condition_of(compile_pattern({"n": [{"numeric": [">", 5]}]}), "line", ("request", 0))
    lines = ['{"request": [{"n": 6}]}', '{"request": [{"n": 4}]}', '{"request": "[{\\"n\\": 4}]"}']
    assert kept(engine, condition, lines) == [lines[0], lines[2]]


@pytest.mark.parametrize(
    "hostile", ["' OR '1'='1", "'; DROP TABLE t; --", "\\' OR 1=1 --", "x''y", '"]', "a\x00b", "\ud800"]
)
def test_no_text_of_a_pattern_becomes_sql(engine: LocalEngine, hostile: str) -> None:
    """Names and values of a pattern are texts of the query, or are left out of it."""
    for pattern in (
        {hostile: ["x"]},
        {"a": [hostile]},
        {"a": {hostile: [{"prefix": hostile}]}},
        {"a": [{"numeric": ["=", 1]}]},
    ):
        condition = condition_of(compile_pattern(pattern), "line")
        assert kept(engine, condition, ['{"zz": 1}']) in ([], ['{"zz": 1}'])
        ((name, below),) = pattern.items()
        if name == "a" and below == [hostile] and hostile.isprintable():
            assert kept(engine, condition, [json.dumps({"a": hostile}), '{"a": 1}']) == [json.dumps({"a": hostile})]


def test_a_pattern_too_large_for_a_query_is_held_here_alone() -> None:
    """A thousand alternatives are not sent to Athena."""
    many = {"$or": [{"a": [str(number)]} for number in range(100)]}
    assert condition_of(compile_pattern(many), "line") is None
    assert condition_of(compile_pattern({"a": ["x" * 70_000]}), "line") is None
