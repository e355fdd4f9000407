"""In our own process or in one of its own: a function's outcome is the same."""

import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from replay.outcomes.fingerprint import signature
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


@pytest.mark.parametrize("name", CASES)
def test_both_targets_give_the_same_outcome(service, name):
    """Status, answer, error type, message and signature are the same in both."""
    case = CASES[name]
    function = service(case.code, **{"runtime": HERE, "memory_mb": 256, **case.settings})
    outcomes = []
    for kind in (LocalTarget, ProcessTarget):
        with kind(function) as target:
            target.begin()
            outcomes.append([_outcome(target.invoke(attempt(event))) for event in case.events])
    ours, its_own = outcomes
    assert its_own == ours


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
