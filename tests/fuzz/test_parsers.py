"""Every parser of captured data takes anything: what it cannot read is an error of ours, said soon."""

import base64
import contextlib
import copy
import gzip
import json
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.fixtures.format import FixtureFiles
from replay.fixtures.reading import read_fixture
from replay.functions.catalog import build_catalog
from replay.outcomes.fingerprint import signature
from replay.outcomes.logged_error import logged_error
from replay.outcomes.message_patterns import message_pattern
from replay.payloads.captures import Capture, Event, Origin
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_patterns.patterns import compile_pattern
from replay.payloads.event_views import matches
from replay.payloads.exact_json import is_json, parse, tokens
from replay.payloads.filter_policies import compile_filter_policy
from replay.payloads.lambda_logs import invocations, log_entries
from replay.payloads.log_formats.json_path import json_path, text_of_place
from replay.payloads.log_formats.reading import Forms, read_line, read_stream
from replay.payloads.traces import trace_segments, traced_requests
from replay.redaction.clean_texts import suspects
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.sources.athena_parts.captured_rows import capture_of_row
from replay.sources.athena_parts.event_columns import event_at, event_of
from replay.sources.athena_parts.rows import Column
from replay.sources.json_items import items
from tests.redaction.test_canary import POSITIONS

MOST_S = 10.0
"""Of processor time for one text, on whatever machine: what is not linear needs minutes for the hostile ones."""

_ROOT = Path(__file__).parents[2]
_REDACTOR = Redactor(RedactionSettings(key=b"the key of the tests"))
_BY_RULES = Redactor(
    RedactionSettings(
        key=b"the key of the tests", drop=("$..a",), generalise=("$.Records[*]",), presets=("gdpr", "pci")
    )
)
_LOGS = (
    (
        "START RequestId: 8f5d3c1e-0000-4000-8000-000000000001 Version: $LATEST\n[ERROR] KeyError: 'a'\nTraceback (most recent call last):\n"
        '  File "/var/task/app.py", line 3, in handler\n    raise KeyError("a")\nEND RequestId: 8f5d3c1e-0000-4000-8000-000000000001\n'
        "REPORT RequestId: 8f5d3c1e-0000-4000-8000-000000000001\tDuration: 3.2 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\n"
    ),
    '{"time":"2026-11-20T10:15:30.000Z","type":"platform.report","record":{"requestId":"8f5d3c1e-0000-4000-8000-000000000001","status":"timeout","metrics":{"durationMs":3}}}\n',
    '2026-11-20T10:15:30.000Z\t8f5d3c1e-0000-4000-8000-000000000001\tERROR\tInvoke Error\t{"errorType":"Error","errorMessage":"x","stack":["Error: x","    at h (/var/task/i.js:1:2)"]}\n',
    '127.0.0.1 - - [20/Nov/2026:10:15:30 +0000] "GET /orders HTTP/1.1" 502 36 "-" "curl/8"\n',
    'https 2026-11-20T10:15:30.000000Z app/a/1 192.0.2.1:1 10.0.0.1:80 0.0 0.1 0.0 502 502 1 1 "GET https://a:443/ HTTP/1.1" "curl" - - arn:aws:elasticloadbalancing:a "Root=1-5" "-" "-" 0 2026-11-20T10:15:30.000000Z "forward" "-" "-" "-" "502" "-" "-"\n',
    '{"level":"error","message":"refused","event":{"Records":[]},"requestId":"r"}\n',
    "2026-11-20T10:15:30.000Z 2026/11/20/[$LATEST]abc START RequestId: a Version: 1\n",
)
_TRACES = json.dumps({
    "id": "70de5b6f19ff9a0a", "trace_id": "1-581cf771-a006649127e371903a2de979", "name": "f", "start_time": 1.5, "end_time": 2.5, "error": True,
    "origin": "AWS::Lambda::Function", "aws": {"request_id": "r", "function_arn": "arn:aws:lambda:a:1:function:f"}, "subsegments": [
        {"id": "1", "name": "DynamoDB", "start_time": 1, "fault": True, "cause": {"exceptions": [{"type": "E", "message": "m", "stack": [{"path": "a"}]}]}}],
})  # fmt: skip
_PATTERNS = (
    '{"source":["a",{"prefix":"b"}],"detail":{"n":[{"numeric":[">",1,"<=",2]}],"$or":[{"a":[null]},{"b":[{"exists":false}]}]}}',
    '{"ip":[{"cidr":"10.0.0.0/8"}],"w":[{"wildcard":"a*b*c"}],"x":[{"anything-but":{"suffix":"z"}}]}',
)


@cache
def _events() -> tuple[str, ...]:
    return tuple(json.dumps(make("text of a person", str(number))) for number, make in enumerate(POSITIONS.values()))


def _templates() -> tuple[str, ...]:
    return (
        (_ROOT / "examples" / "orders" / "template.yaml").read_text(),
        (
            'AWSTemplateFormatVersion: "2010-09-09"\nTransform: AWS::Serverless-2016-10-31\nParameters: {P: {Type: String, Default: a}}\n'
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: !Sub '${P}.handler'\n      Runtime: python3.12\n"
            "      Events: {Q: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn, BatchSize: 3}}}\n  Q: {Type: AWS::SQS::Queue}\n"
        ),
        '{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Handler":{"Fn::Join":["",["a",".b"]]},"Runtime":"python3.12","Code":{"ZipFile":"x"}}}}}',
        "service: s\nprovider: {name: aws, runtime: python3.12}\nfunctions:\n  f: {handler: ${self:service}.h, events: [{sqs: {arn: a}}]}\n",
    )


def _fixture_texts() -> tuple[str, ...]:
    golden = sorted((_ROOT / "tests" / "fixtures" / "golden").rglob("fixture.json"))
    return tuple(path.read_text(encoding="utf-8") for path in golden)


def _catalog(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "template.yaml")
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        catalog = build_catalog(root=path.parent, settings={}, templates=[path])
        for name in catalog.names():
            catalog.get(name)


def _all(found: object) -> None:
    if isinstance(found, Iterator):
        for _ in found:
            pass


def _capture(text: str) -> None:
    capture = Capture(origin=Origin(source="files", identity="x", place="a:1"), body=text)
    envelope, unwrapped = unwrap(capture)
    made = _REDACTOR.event(unwrapped.event.text)
    envelope.reseal(unwrapped.event.text, made.text)
    if unwrapped.failure is not None:
        _REDACTOR.failure(unwrapped.failure)
        signature(unwrapped.failure)


def _log(text: str) -> None:
    _all(invocations(log_entries(text.splitlines())))
    for line in text.splitlines():
        read_line(line, Forms(application=True))
    read_stream(text.splitlines(), Forms(application=True))
    failure = logged_error(text)
    if failure is not None:
        signature(failure)
    message_pattern("ValueError", text)


def _pattern(text: str) -> None:
    matches(compile_pattern(text), Event(text='{"source":"a","detail":{"n":1.5,"a":null}}', kind="eventbridge"))
    compile_filter_policy(text)


def _event_of_pattern(text: str) -> None:
    matches(compile_pattern('{"detail":{"n":[{"numeric":["=",1]}]}}'), Event(text=text, kind="unknown"))


def _athena_row(text: str) -> None:
    columns = (
        Column(name="message", type="varchar"),
        Column(name="n", type="bigint"),
        Column(name="timestamp", type="varchar"),
    )
    row = (text, text[:5], text[:30])
    at = event_at(columns, "message")
    event = event_of(row, columns, at)
    if event is not None:
        capture_of_row(row, columns, at, event, place="a:1")


def _fixture(text: str) -> None:
    reference = FixtureReference(function="orders", name="x--12345678")
    read_fixture(reference, FixtureFiles(document=text.encode("utf-8", "surrogatepass"), event=b"{}"), folder=Path("x"))


def _path(text: str) -> None:
    text_of_place(_events()[0], json_path(text, option="--event-at"))


def _base64(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    for content in (
        raw,
        gzip.compress(raw, mtime=0),
        zlib.compress(raw),
        gzip.compress(raw, mtime=0)[: len(raw) // 2 + 9],
    ):
        event = json.dumps({"data": base64.b64encode(content).decode()})
        assert is_json(_REDACTOR.event(event).text)


PARSERS: dict[str, tuple[Callable[[str], object], Callable[[], tuple[str, ...]]]] = {
    "envelopes": (_capture, _events),
    "saved files": (lambda text: _all(items(text)), _events),
    "payload JSON": (lambda text: (is_json(text) and _all(tokens(text))) or parse(text), _events),
    "redaction": (lambda text: (_REDACTOR.plain(text), suspects(text), _REDACTOR.event(text)), _events),
    "redaction by rules": (_BY_RULES.event, _events),
    "base64 and gzip": (_base64, lambda: (*_events(), *_LOGS)),
    "logs": (_log, lambda: _LOGS),
    "event patterns": (_pattern, lambda: _PATTERNS),
    "events for patterns": (_event_of_pattern, _events),
    "JSONPath": (_path, lambda: ("$.Records[0].body", "$['Records'][0]", "a.b[12]", "$..x")),
    "rules by JSONPath": (
        lambda text: Redactor(RedactionSettings.read({"redact": [text]}, key=b"k")).event(_events()[1]),
        lambda: ("$.Records[*].body", "$..email", "$.Records[?@.body.order]", "/Records/0/body#/a", "*_name"),
    ),
    "fixtures": (_fixture, _fixture_texts),
    "templates": (_catalog, _templates),
    "X-Ray": (lambda text: (trace_segments([text]), traced_requests([text])), lambda: (_TRACES,)),
    "Athena's rows": (_athena_row, lambda: (*_events(), *_LOGS)),
}  # fmt: skip

_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**400, 1.5, "", "x" * 300, "\ud800", "\x1b[31m", [], {}, [[]], {"": {}}, "null", "{", "AAAA", "4e999", [None] * 50, {"Records": 1},
)  # fmt: skip


def _changed(text: str, random: Random) -> str:
    """Change a text as an accident or an enemy would: values of other types, keys gone, pieces cut, doubled, put in."""
    if random.random() < 0.7:
        try:
            value = json.loads(text)
        except ValueError:
            pass
        else:
            for _ in range(random.randrange(1, 4)):
                value = _with_other_value(value, random)
            text = json.dumps(value, ensure_ascii=random.random() < 0.5)
            if random.random() < 0.7:
                return text
    for _ in range(random.randrange(1, 4)):
        start, end = sorted(random.randrange(len(text) + 1) for _ in range(2))
        end = min(end, start + random.choice([0, 1, 5, 40]))
        put = random.choice(
            [
                "",
                text[start:end] * 3,
                '"',
                "\\",
                "{",
                "[",
                "\n",
                "\t",
                "\0",
                "%",
                "\ud800",
                "${",
                "!",
                "&a *a ",
                "-" * 9,
                "9" * 30,
            ]
        )
        text = text[:start] + put + text[end:]
    return text


def _with_other_value(value: Any, random: Random) -> Any:
    value = copy.deepcopy(value)
    places: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        each = left.pop()
        inside = (
            list(each.items()) if isinstance(each, dict) else list(enumerate(each)) if isinstance(each, list) else []
        )
        for key, inner in inside:
            places.append((each, key))
            left.append(inner)
    if not places:
        return random.choice(_ODD)
    holder, key = random.choice(places)
    what = random.randrange(3)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder[key], str) and holder[key][:1] in {"{", "["}:
        holder[key] = _changed(holder[key], random)
    else:
        holder[key] = random.choice(_ODD)
    return value


def _takes(parser: Callable[[str], object], text: str) -> None:
    """Let *parser* read a text: it may refuse it in our words, and has some seconds."""
    began = time.process_time()
    with contextlib.suppress(ReplayError):
        parser(text)
    assert time.process_time() - began < MOST_S


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=100)
@given(st.data())
def test_any_change_of_what_it_knows_is_taken(name: str, data: st.DataObject) -> None:
    """Of a thing of its own kind, changed anyhow, each parser makes something, or refuses it with an error of ours."""
    parser, samples = PARSERS[name]
    text = data.draw(st.sampled_from(samples()))
    _takes(parser, _changed(text, Random(data.draw(st.integers(0, 2**32)))))


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=40)
@given(
    st.one_of(
        st.text(), st.text(st.characters(exclude_categories=())), st.text(alphabet='{}[]",:\\0aeE+-.tfn \n\t$!&*|>%@')
    )
)
def test_any_text_is_taken(name: str, text: str) -> None:
    """The same of texts of no kind at all."""
    _takes(PARSERS[name][0], text)


HOSTILE = {
    "deep arrays": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "deep and cut": '{"Records":[' * 20_000,
    "a long number": "9" * 300_000,
    "many quotes": '"' * 100_000,
    "many backslashes": '"' + "\\" * 100_001,
    "one long line": "a" * 400_000,
    "many lines": "START RequestId: a\n" * 20_000,
    "many keys": json.dumps({f"k{number}": number for number in range(30_000)}),
    "one key often": "{" + ",".join(['"Records":[]'] * 20_000) + "}",
    "strings in strings": '"' * 1 + "\\" * 4_095 + '"',
    "aliases of aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)},*{chr(97 + n)},*{chr(97 + n)},*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(12)),
    "no characters": "\0" * 10_000,
    "surrogates": "\ud800" * 10_000,
}  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", PARSERS)
def test_hostile_texts_are_taken(name: str, hostile: str) -> None:
    """Depth, length, repetition and what is no character end in an answer or an error of ours, within seconds."""
    _takes(PARSERS[name][0], HOSTILE[hostile])
