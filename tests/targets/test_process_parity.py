"""
In our own process or in one of its own: a function's outcome is the same.

What cannot be had in our own process: a `KeyboardInterrupt` that the function raises (it is the user's Ctrl-C there), the
memory limit and signals. An error whose text has more than 6 MB is raised there, and too large for a process.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from replay.delivery.families import begin_delivery, drive
from replay.outcomes.fingerprint import signature
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.targets import process
from replay.targets.in_process import python_runtime
from replay.targets.local import LocalTarget
from replay.targets.process import ProcessTarget
from tests.targets.conftest import attempt, table

pytest.importorskip("awslambdaric", reason="needs the extra `process`")

HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Case:
    """A function, the events that it gets, and its settings."""

    code: str | dict[str, str]
    events: tuple[Any, ...] = (None,)
    settings: dict[str, Any] = field(default_factory=dict)


def body(text: str) -> str:
    return f"def handler(event, context):\n    {text}"


CALLS = """
import boto3
table = boto3.resource("dynamodb").Table("orders")
def handler(event, context):
    table.put_item(Item={"id": event})
    return table.scan()["Count"]
"""

CASES = {
    "answer": Case(body("return {'a': [1, 2.5, None, True, 'ü']}")),
    "event": Case(body("return event"), ({"n": 12345678901234567890, "f": 1e400, "s": "\ud800"}, [], "x")),
    "decimal": Case("import decimal\n" + body("return [decimal.Decimal('1.10'), decimal.Decimal('NaN'), float('inf')]")),
    "bytes": Case(body("return b'\\xff not json'")),
    "tuple keys": Case(body("return {(1, 2): 3}")),
    "datetime": Case("import datetime\n" + body("return datetime.datetime(2020, 1, 1)")),
    "set": Case(body("return {1}")),
    "circular": Case(body("a = []; a.append(a); return a")),
    "coroutine": Case("async def handler(event, context): return 1"),
    "too large": Case(body("return 'x' * 7_000_000"), (None, None)),
    "surrogate": Case(body("return '\\ud800'"), settings={"runtime": "python3.13"}),
    "escaped surrogate": Case(body("return '\\ud800ü'"), settings={"runtime": "python3.11"}),
    "raise": Case(body("raise KeyError('customer_id')")),
    "raise own": Case("class NoStock(Exception): pass\n" + body("raise NoStock(f'no {event}')"), ("tea",)),
    "empty message": Case(body("raise ValueError")),
    "multi-line message": Case(body("raise ValueError('one\\ntwo\\r\\n  File \"x\", line 1, in y')")),
    "cause": Case(body("try:\n        {}['a']\n    except KeyError as e:\n        raise ValueError('bad') from e")),
    "group": Case(body("raise ExceptionGroup('several', [ValueError('a'), KeyError('b')])")),
    "deep": Case("def down(n):\n    if n == 0: raise ValueError('bottom')\n    return down(n - 1)\n" + body("return down(60)")),
    "endless recursion": Case("def down(n):\n    return down(n + 1)\n" + body("return down(0)")),
    "mutual recursion": Case("def a(n):\n    return b(n)\ndef b(n):\n    return a(n)\n" + body("return a(0)")),
    "library frames": Case("import json\n" + body("return json.loads(event)"), ("{",)),
    "comprehension": Case(body("return [item['id'] for item in event]"), ([{}],)),
    "generated code": Case(body("exec('raise ValueError(1)')")),
    "package": Case({"pkg/__init__.py": "", "pkg/app.py": "from . import rules\n" + body("return rules.price(event)"),
                     "pkg/rules.py": "def price(event):\n    return event['price']\n"}, ({},), {"handler": "pkg/app.handler"}),
    "vendored": Case({"app.py": "import tool\n" + body("tool.work()"), "tool/__init__.py": "def work():\n    raise OSError('tool')\n",
                      "tool-1.dist-info/RECORD": "tool/__init__.py,,\n"}),
    "message with a path": Case(body("open(__file__ + '.missing')")),
    "sys.exit": Case("import sys\n" + body("sys.exit()")),
    "sys.exit(3)": Case("import sys\n" + body("sys.exit(3)")),
    "sys.exit('text')": Case("import sys\n" + body("sys.exit('text')")),
    "cancelled": Case("import asyncio\n" + body("raise asyncio.CancelledError")),
    "os._exit": Case("import os\n" + body("os._exit(event)"), (0, 7)),
    "exit, then the next": Case("import sys\ncount = 0\n" + body("global count; count += 1\n    sys.exit(1) if event else None\n    return count"), (None, 1, None)),
    "time": Case("import time\n" + body("time.sleep(9)"), settings={"timeout_s": 0.3}),
    "spin": Case(body("while True: pass"), settings={"timeout_s": 0.3}),
    "timeout, then the next": Case("count = 0\n" + body("global count; count += 1\n    while event: pass\n    return count"), (None, 1, None), {"timeout_s": 0.3}),
    "state": Case("seen = []\n" + body("seen.append(event); return seen"), (1, 2, 3)),
    "import raises": Case("{}['a']\n"),
    "import raises deeper": Case({"app.py": "import rules\n" + body("pass"), "rules.py": "def load():\n    raise KeyError('TABLE')\nload()\n"}),
    "import of a missing name": Case({"app.py": "from rules import nothing\n" + body("pass"), "rules.py": ""}),
    "import of a missing own module": Case({"app.py": "import pkg.missing\n" + body("pass"), "pkg/__init__.py": ""}),
    "syntax error": Case("def handler(event, context):\n    return (\n"),
    "syntax error elsewhere": Case({"app.py": "import rules\n" + body("pass"), "rules.py": "x = = 1\n"}),
    "no handler": Case("def handle(event, context): pass"),
    "malformed handler": Case("", settings={"handler": "handler"}),
    "built-in module": Case("", settings={"handler": "sys.exit"}),
    "exit at import": Case("import sys\nsys.exit(4)"),
    "handler that is no function": Case("handler = 3"),
    "wrong signature": Case("def handler(event): pass"),
    "closed network": Case("import socket\n" + body("with socket.socket() as tcp: tcp.connect(('192.0.2.1', 80))")),
    "closed name": Case("import urllib.request\n" + body("urllib.request.urlopen('http://example.com/')")),
    "closed datagram": Case("import socket\n" + body("with socket.socket(type=socket.SOCK_DGRAM) as udp: udp.sendto(b'', ('192.0.2.1', 53))")),
    "environment": Case("import os\n" + body("return [os.environ[n] for n in ('STAGE', 'AWS_REGION', 'TZ', '_HANDLER')]"), settings={"environment": {"STAGE": "x"}}),
    "missing variable": Case("import os\n" + body("return os.environ['NOT_SET']")),
    "aws": Case(CALLS, ("a", "b"), {"resources": (table(),)}),
    "aws error": Case(CALLS, ("a",)),
    "aws parameters": Case(CALLS, (7,), {"resources": (table(),)}),
    "setup": Case({"app.py": "import boto3\nVALUE = boto3.client('ssm').get_parameter(Name='/p')['Parameter']['Value']\n" + body("return VALUE"),
                   "prepare.py": "import boto3\ndef fill(): boto3.client('ssm').put_parameter(Name='/p', Value='v', Type='String')\n"},
                  settings={"setup": "prepare:fill"}),
    "setup that stubs": Case({"app.py": "def call(): raise OSError('real')\n" + body("return call()"),
                              "prepare.py": "import app\ndef wrap():\n    app.call = lambda: 'stubbed'\n    yield\n"}, (1, 2), {"setup": "prepare:wrap"}),
}  # fmt: skip


ODD = "class Odd(Exception):\n    def __str__(self): "
ENUMS = (
    "import enum\nclass Plain(enum.Enum): A = 1\nclass Number(enum.IntEnum): A = 1\nclass Text(enum.StrEnum): A = 's'\n"
)

ODDITIES = {
    "a text that raises": Case(f"{ODD}raise ValueError('no words')\n" + body("raise Odd"), (None, None)),
    "a text that exits": Case(f"{ODD}raise SystemExit(3)\n" + body("raise Odd")),
    "a text that is none": Case(f"{ODD}return 7\n" + body("raise Odd")),
    "a text that raises at import": Case(f"{ODD}raise ValueError('no words')\nraise Odd"),
    "a text without UTF-8": Case(body("raise ValueError('\\ud800')")),
    "control characters": Case(body("raise ValueError('a\\0b\\x1b[31m')")),
    "class of another module": Case({"app.py": "from pkg.errors import OutOfStock\n" + body("raise OutOfStock('tea', 3)"),
                                     "pkg/__init__.py": "", "pkg/errors.py": "class OutOfStock(LookupError): pass\n"}),
    "class in a class": Case("class Shop:\n    class Closed(Exception): pass\n" + body("raise Shop.Closed('sunday')")),
    "class with a false name": Case("class A(Exception): pass\nA.__name__, A.__module__ = 'Other', 'other'\n" + body("raise A('x')")),
    "groups in groups": Case(body("raise ExceptionGroup('a', [ExceptionGroup('b', [ValueError('c')]), TypeError()])")),
    "group beyond Exception": Case(body("raise BaseExceptionGroup('several', [GeneratorExit()])")),
    "task group": Case("import asyncio\nasync def bad(): raise KeyError('x')\nasync def work():\n    async with asyncio.TaskGroup() as group: group.create_task(bad())\n"
                       + body("asyncio.run(work())")),
    "notes": Case(body("error = ValueError('a'); error.add_note('note'); raise error")),
    "no cause": Case(body("try:\n        {}['a']\n    except KeyError: raise ValueError('bad') from None")),
    "the same exception again": Case("ERROR = ValueError('same')\n" + body("raise ERROR"), (1, 2, 3)),
    "no exception": Case(body("raise 3")),
    "code of several lines": Case(body("return dict(\n        a=1,\n        b=event['x'],\n    )"), ({},)),
    "undecodable bytes": Case(body("b'\\xff'.decode()")),
    "BaseException": Case(body("raise BaseException('no')")),
    "GeneratorExit": Case(body("raise GeneratorExit")),
    "StopIteration": Case(body("raise StopIteration(3)")),
    "MemoryError": Case(body("raise MemoryError")),
    "exit codes": Case(body("raise SystemExit(eval(event))"), ("None", "True", "256", "-1", "10**30", "object()")),
    "BaseException at import": Case("raise BaseException('x')"),
    "group at import": Case("raise ExceptionGroup('a', [ValueError(1)])"),
    "generator": Case("def handler(event, context):\n    yield 1"),
    "coroutine that would raise": Case("async def handler(event, context):\n    raise ValueError"),
    "coroutine that is run": Case("import asyncio\nasync def work(): return 3\n" + body("return asyncio.run(work())"), (1, 2)),
    "decimal beyond floats": Case("import decimal\n" + body("return decimal.Decimal('1e400')")),
    "decimal as key": Case("import decimal\n" + body("return {decimal.Decimal('1'): 2}")),
    "NaN": Case(body("return [float('nan'), float('-inf')]")),
    "surrogate in a key": Case(body("return {'\\udfff': 1}"), settings={"runtime": "python3.12"}),
    "nesting without end": Case(body("v = []\n    for _ in range(100_000): v = [v]\n    return v")),
    "deep nesting": Case(body("v = 1\n    for _ in range(900): v = {'a': v}\n    return v")),
    "deep event": Case(body("return 1"), (json.loads("[" * 900 + "]" * 900),)),
    "bytes in a list": Case(body("return [b'1']")),
    "bytearray": Case(body("return bytearray(b'1')")),
    "named tuple": Case("import collections\nP = collections.namedtuple('P', 'x y')\n" + body("return P(1, 2)")),
    "enums": Case(ENUMS + body("return [Number.A, Text.A] if event else Plain.A"), (None, 1)),
    "data class": Case("import dataclasses\n@dataclasses.dataclass\nclass D: x: int = 1\n" + body("return D()")),
    "integer beyond str": Case(body("return 10**5000")),
    "context": Case(body("return context")),
    "tabs": Case("def handler(e, c):\n\tif e:\n        return 1\n"),
    "null byte": Case("def handler(e, c): return '\0'\n"),
    "unknown encoding": Case("# coding: nonsense\ndef handler(e, c): return 1\n"),
    "relative import": Case("from . import x"),
    "circular import": Case({"app.py": "from rules import x\n" + body("pass"), "rules.py": "from app import handler\nx = 1\n"}),
    "handler by __getattr__": Case("def __getattr__(name): raise RuntimeError('lazy ' + name)"),
    "callable object": Case("class H:\n    def __call__(self, event, context): return event\nhandler = H()", (4,)),
    "prints": Case("import os, sys\n" + body("print('a\\rb\\r\\nc'); sys.stdout.buffer.write(b'\\xff\\x00\\n'); return 1"), (1, 2)),
    "closed standard output": Case("import sys\n" + body("sys.stdout.close(); return 1"), (1, 2)),
    "standard input": Case("import sys\n" + body("return sys.stdin.read() + input() if event else list(sys.stdin)"), (0, 1)),
    "warnings": Case("import warnings\nwarnings.simplefilter('error')\n" + body("warnings.warn('x')")),
    "JSON log": Case("import logging\n" + body("logging.getLogger().error('bad', extra={'a': 1}); raise ValueError('x')"),
                     settings={"environment": {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}}),
    "a finally that returns": Case("import time\n" + body("try:\n        time.sleep(9)\n    finally: return 'caught'"), (1, 2), {"timeout_s": 0.3}),
    "another error at the timeout": Case("import time\n" + body("try:\n        time.sleep(9)\n    except BaseException: raise ValueError('late')"), settings={"timeout_s": 0.3}),
}  # fmt: skip


@pytest.mark.parametrize("name", [*CASES, *ODDITIES])
def test_both_targets_give_the_same_outcome(service, name):
    """Status, answer, error type, message and signature are the same in both."""
    case = (CASES | ODDITIES)[name]
    function = service(case.code, **{"runtime": HERE, "memory_mb": 256, **case.settings})
    outcomes = []
    for kind in (LocalTarget, ProcessTarget):
        with kind(function) as target:
            target.begin()
            outcomes.append([_outcome(target.invoke(attempt(event))) for event in case.events])
    ours, its_own = outcomes
    assert its_own == ours


LOGGING = """
import asyncio, datetime, logging, sys
log = logging.getLogger("shop.orders")
class Odd:
    def __repr__(self): return "odd"
async def in_a_task(): log.warning("in a task")
def handler(event, context):
    for level in (5, 10, 15, 20, 25, 30, 40, 50, 60):
        log.log(level, "at %d", level)
    log.error({"order": 7, "at": datetime.date(2020, 1, 1), "odd": Odd()}, extra={"customer": "ü", "odd": Odd(), "nothing": None})
    log.error("%s of %s", 1, 2, extra={"message_id": 3, "timestamp_": 4})
    log.warning("two\\nlines", stack_info=False)
    try:
        {}["customer_id"]
    except KeyError:
        log.exception("no customer")
    logging.info("to the root")
    asyncio.run(in_a_task())
    print("printed", file=sys.stderr)
    if event == "nothing raised": log.error(event, exc_info=True)
    return [logging.getLogger().level, log.isEnabledFor(logging.DEBUG), len(logging.getLogger().handlers)]
"""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@pytest.mark.parametrize("log_format", [None, "Text", "JSON", "json"])
@pytest.mark.parametrize("level", [None, "TRACE", "debug", "INFO", "WARN", "ERROR", "FATAL", "nonsense"])
def test_both_targets_log_the_same(service, log_format, level):
    """The root logger's level and handler are those of AWS's runtime, in each format, and so is every line."""
    wanted = {"AWS_LAMBDA_LOG_FORMAT": log_format, "AWS_LAMBDA_LOG_LEVEL": level}
    environment = {name: value for name, value in wanted.items() if value is not None}
    function = service(LOGGING, runtime=HERE, memory_mb=256, environment=environment)
    seen = []
    for kind in (LocalTarget, ProcessTarget):
        with kind(function) as target:
            target.begin()
            replies = [target.invoke(attempt(event)) for event in ("a", "b", "nothing raised")]
        lines = [line for reply in replies[:2] for line in reply.log.splitlines() if not line.startswith(_PLATFORM)]
        seen.append(([_outcome(reply) for reply in replies], [_MOMENT.sub("(now)", line) for line in lines]))
    ours, its_own = seen
    assert ours == its_own


_PLATFORM = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")


@pytest.mark.parametrize("code", ["import time\ntime.sleep(9)", "while True: pass"])
def test_a_start_out_of_time_is_told_in_the_same_words(service, monkeypatch, code):
    """A module that does not end its import ends in the function's own timeout, in both."""
    monkeypatch.setattr(python_runtime, "_INIT_LIMIT_S", 0.2)
    monkeypatch.setattr(process, "_INIT_LIMIT_S", 0.2)
    outcomes = []
    for kind in (LocalTarget, ProcessTarget):
        with kind(service(code, timeout_s=0.4)) as target:
            target.begin()
            outcomes.append(_outcome(target.invoke(attempt())))
    ours, its_own = outcomes
    assert its_own == ours
    assert ours[:2] == ("timed_out", "Sandbox.Timedout")
    assert ours[2].endswith(" Error: Task timed out after 0.40 seconds")


BATCHES = {
    "all done": "return None",
    "one reported": "return {'batchItemFailures': [{'itemIdentifier': r['messageId']} for r in event['Records'] if r['body'] == 'bad']}",
    "raises": "raise ValueError('no')",
    "unknown identifier": "return {'batchItemFailures': [{'itemIdentifier': 'nobody'}]}",
    "empty identifier": "return {'batchItemFailures': [{'itemIdentifier': ''}]}",
    "not JSON": "return b'not JSON'",
    "unserialisable": "return {1}",
    "too large": "return 'x' * 7_000_000",
    "exits": "raise SystemExit(1)",
    "late": "while True: pass",
    "better at the second receive": "assert event['Records'][0]['attributes']['ApproximateReceiveCount'] == '2'",
}


@pytest.mark.parametrize("name", BATCHES)
def test_both_targets_give_the_same_dispositions(service, name):
    """Each record of a batch ends alike, after as many deliveries."""
    function = service(body(BATCHES[name]), timeout_s=0.3)
    source = EventSource(kind="sqs", report_batch_item_failures=True, max_receive_count=2)
    records = [
        {"messageId": word, "body": word, "attributes": {"ApproximateReceiveCount": "1"}} for word in ("good", "bad")
    ]
    event = Event(text=json.dumps({"Records": records}), kind="sqs")
    reports = []
    for kind in (LocalTarget, ProcessTarget):
        with kind(function) as target:
            target.begin()
            reports.append(drive(begin_delivery(event, source, function.arn), target.invoke))
    ours, its_own = reports
    assert its_own.dispositions == ours.dispositions
    assert [one.failed_records for one in its_own.invocations] == [one.failed_records for one in ours.invocations]


def _outcome(reply):
    failure = reply.failure
    if failure is None:
        return reply.status, reply.payload
    return (
        reply.status,
        failure.error_type,
        failure.message,
        failure.request_id,
        signature(failure),
        _user_frames(failure),
    )


def _user_frames(failure):
    """Compare the frames of the function's own; of a runaway recursion, which ones there are."""
    frames = [
        (frame.module, frame.function, frame.code, frame.line) for frame in failure.frames if frame.owner == "user"
    ]
    return sorted(set(frames)) if failure.error_type == "RecursionError" else frames
