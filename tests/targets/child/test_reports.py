"""From what a process says, or how it ends, to a failure and to the platform's log lines."""

import json
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.attempt import Reply
from replay.payloads.failures import Failure, Frame
from replay.targets.child import endings
from replay.targets.child.error_report import reported_failure
from replay.targets.child.last_trace import cut_trace, last_trace
from replay.targets.child.report_lines import end_lines, start_line
from replay.targets.in_process.code_map import CodeMap

CODE = CodeMap([Path("/home/me/orders")], frozenset())


def failure(**report):
    return reported_failure(json.dumps(report).encode(), "", CODE, "id-1")


def test_a_python_trace_is_read():
    """Frames of the user and of libraries, also of another Python than ours; a repeated line counts as often as it was."""
    trace = [
        '  File "/home/me/orders/app.py", line 3, in handler\n    return down(event)\n',
        '  File "/home/me/orders/app.py", line 6, in down\n    return down(n)\n',
        "  [Previous line repeated 2 more times]\n",
        '  File "/opt/python3.99/lib/python3.99/json/decoder.py", line 7, in decode\n',
    ]
    read = failure(errorType="ValueError", errorMessage="in /home/me/orders/x", stackTrace=trace)
    down = Frame(module="app.py", function="down", code="return down(n)", line=6)
    assert read.frames == (
        Frame(module="app.py", function="handler", code="return down(event)", line=3),
        down,
        down,
        down,
        Frame(module="json/decoder.py", function="decode", owner="library", line=7),
    )
    assert read.message == "in /var/task/x"
    assert read.stack.startswith('Traceback (most recent call last):\n  File "/var/task/app.py", line 3, in handler\n')
    assert read.stack.endswith("decode\nValueError: in /var/task/x\n")


def test_a_node_trace_is_read():
    """Frames go outermost first, packages and Node itself are libraries."""
    trace = [
        "TypeError: no",
        "    at price (/home/me/orders/rules.js:4:11)",
        "    at file:///home/me/orders/node_modules/lib/index.mjs:9:2",
        "    at async node:internal/modules/esm/loader:7:1",
        "    at async Runtime.handler (file:///home/me/orders/app.mjs:2:1)",
        "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ]
    frames = failure(errorType="TypeError", errorMessage="no", trace=trace).frames
    assert [(frame.module, frame.function, frame.owner, frame.line) for frame in frames] == [
        ("node:internal/process/task_queues", "process.processTicksAndRejections", "library", 95),
        ("app.mjs", "async Runtime.handler", "user", 2),
        ("node:internal/modules/esm/loader", "<anonymous>", "library", 7),
        ("node_modules/lib/index.mjs", "<anonymous>", "library", 9),
        ("rules.js", "price", "user", 4),
    ]


@pytest.mark.parametrize(
    ("body", "error_type", "expected"),
    [
        (b'{"errorType": "E", "errorMessage": "m"}', "H", ("E", "m")),
        (b'{"errorMessage": "m"}', "H", ("H", "m")),
        (b"words", "H", ("H", "words")),
        (b"[1]", "", ("Unknown", "[1]")),
        (b"", "", ("Unknown", "")),
        (
            b'{"errorType": null, "errorMessage": {"a": 1}, "stackTrace": {"b": 2}}',
            "",
            ("Unknown", '{"errorType": null, "errorMessage": {"a": 1}, "stackTrace": {"b": 2}}'),
        ),
    ],
)
def test_any_report_is_a_failure(body, error_type, expected):
    """A body without the fields, or none at all, gives what there is."""
    read = reported_failure(body, error_type, CODE, "id-1")
    assert (read.error_type, read.message, read.frames, read.request_id) == (*expected, (), "id-1")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda more: st.lists(more) | st.dictionaries(st.text(), more)
)


@given(
    st.binary()
    | st.fixed_dictionaries({"errorType": JSON, "errorMessage": JSON, "stackTrace": JSON, "trace": JSON}).map(
        lambda r: json.dumps(r).encode()
    )
)
def test_no_report_is_too_odd(body):
    """Whatever a process sends, there is a failure with a type."""
    assert reported_failure(body, "", CODE, "").error_type


def test_a_deep_report_is_a_failure():
    """A report nested deeper than can be read is its own text."""
    assert reported_failure(b"[" * 200_000, "E", CODE, "").error_type == "E"


def test_a_hostile_trace_is_read_in_time():
    """Very many and very long lines are read in part."""
    lines = ["    at " + " (" * 100_000] * 50 + ['  File "' + '", line 1, in x' * 10_000] * 50 + ["x"] * 100_000
    assert len(failure(errorType="E", errorMessage="m", stackTrace=lines).frames) == 50


def test_a_runaway_recursion_keeps_both_ends():
    """A hundred frames at most, as in our own process."""
    trace = [
        '  File "/home/me/orders/app.py", line 1, in a\n',
        "  [Previous line repeated 990 more times]\n",
        '  File "/home/me/orders/app.py", line 2, in b\n',
    ]
    frames = failure(errorType="RecursionError", errorMessage="m", stackTrace=trace).frames
    assert (len(frames), frames[0].function, frames[-1].function) == (100, "a", "b")


@pytest.mark.parametrize(
    ("wait_status", "message"),
    [
        (0, "Runtime exited without providing a reason"),
        (3 << 8, "Runtime exited with error: exit status 3"),
        (9, "Runtime exited with error: signal: killed"),
        (11, "Runtime exited with error: signal: segmentation fault"),
        (11 | 0x80, "Runtime exited with error: signal: segmentation fault"),
        (int(signal.SIGUSR2), "Runtime exited with error: signal: user defined signal 2"),
        (40, "Runtime exited with error: signal: signal 40"),
    ],
)
def test_an_end_is_told_in_lambdas_words(wait_status, message):
    """Exit statuses and signals, with and without a core dump."""
    fault = endings.exited(wait_status)
    assert (fault.error_type, fault.message, fault.status) == ("Runtime.ExitError", message, "exited")


def test_the_platforms_lines():
    """START, END and REPORT, and the last words after a timeout and an exit."""
    reply = Reply(status="returned", payload="1", duration_s=0.0123, memory_mb=40.2)
    assert start_line("id-1") == "START RequestId: id-1 Version: $LATEST\n"
    assert end_lines(reply, "id-1", memory_size_mb=128, init_s=0.5) == (
        "END RequestId: id-1\n"
        "REPORT RequestId: id-1\tDuration: 12.30 ms\tBilled Duration: 513 ms\tMemory Size: 128 MB\tMax Memory Used: 41 MB\t"
        "Init Duration: 500.00 ms\t\n"
    )
    failed = Failure(error_type="Sandbox.Timedout", message="RequestId: id-1 Error: Task timed out after 3.00 seconds")
    late = Reply(status="timed_out", failure=failed, duration_s=3.0)
    lines = end_lines(
        late, "id-1", memory_size_mb=128, init_s=None, now=datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    )
    assert lines.splitlines()[1:] == [
        "REPORT RequestId: id-1\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\t",
        "2026-01-02T03:04:05.678Z id-1 Task timed out after 3.00 seconds",
    ]
    gone = Failure(
        error_type="Runtime.ExitError", message="RequestId: id-1 Error: Runtime exited with error: signal: killed"
    )
    lines = end_lines(Reply(status="exited", failure=gone), "id-1", memory_size_mb=128, init_s=None)
    assert lines.endswith("\t\nRequestId: id-1 Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n")


def test_a_trace_of_faulthandler_is_taken_out_of_the_log():
    """The last one, and nothing of what the function printed."""
    one = 'Current thread 0x00007f (most recent call first):\n  File "app.py", line 1 in a\n'
    other = 'Stack (most recent call first):\n  File "app.py", line 2 in b\n  File "app.py", line 3 in c\n'
    assert cut_trace(f"x\n{one}y\n{other}z\n") == (f"x\n{one}y\nz\n", other)
    assert cut_trace("printed\n") == ("printed\n", "")
    assert last_trace(f"x\n{one}") == one
    raised = "Traceback (most recent call last):\n  File ...\nBaseException: no\n"
    assert last_trace(f"x\n{one}{raised}") == raised
