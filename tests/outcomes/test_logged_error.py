"""The error behind reported records, as the log has it."""

import json
import traceback
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.attempt import Reply
from replay.delivery.families import begin_delivery, drive
from replay.outcomes.classify import classify
from replay.outcomes.logged_error import logged_error
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.payloads.failures import Frame
from tests.delivery.sqs_events import as_text, reported, sqs_event

TRACE = """\
Traceback (most recent call last):
  File "/var/task/batch.py", line 14, in handler
    take_order(record)
    ~~~~~~~~~~^^^^^^^^
  File "/var/task/app.py", line 3, in take_order
    return order["customer_id"]
           ~~~~~^^^^^^^^^^^^^^^
KeyError: 'customer_id'
"""
FRAMES = (
    Frame(module="batch.py", function="handler", code="take_order(record)", line=14),
    Frame(module="app.py", function="take_order", code='return order["customer_id"]', line=3),
)
NODE = (
    "TypeError: no such order\n    at take (file:///var/task/app.mjs:3:9)\n    at async handler (/var/task/app.mjs:9:5)"
)
NODE_FRAMES = (
    Frame(module="app.mjs", function="async handler", line=9),
    Frame(module="app.mjs", function="take", line=3),
)
RUNTIMES = {
    "the runtime's text": f"START\n[ERROR]\t2026-01-01T00:00:00.000Z\tb2c3\tno order\n{TRACE}\n[INFO]\t2026\tb2c3\tdone\nEND",
    "the runtime's own indentation": TRACE.replace(" ", "\N{NO-BREAK SPACE}").replace("\N{NO-BREAK SPACE}(most\N{NO-BREAK SPACE}recent\N{NO-BREAK SPACE}call\N{NO-BREAK SPACE}last", " (most recent call last"),
    "carriage returns": TRACE.replace("\n", "\r"),
    "the runtime's JSON": json.dumps({"level": "ERROR", "message": "no order", "logger": "x", "errorType": "KeyError", "errorMessage": "'customer_id'", "stackTrace": [f"  File{part}" for part in TRACE.rpartition("KeyError")[0].split("  File")[1:]]}),
    "Powertools": json.dumps({"level": "ERROR", "message": "no order", "exception": TRACE.rstrip("\n"), "exception_name": "KeyError"}),
    "python-json-logger": json.dumps({"message": "no order", "exc_info": TRACE}),
    "after another trace": TRACE.replace("customer_id", "other") + "\nDuring handling of the above exception, another exception occurred:\n\n" + TRACE,
    "the last of two": f"{NODE}\n{TRACE}",
}  # fmt: skip
NODES = {
    "console.error(error)": f"2026-01-01T00:00:00.000Z\tb2c3\tERROR\t{NODE}\nEND RequestId: b2c3",
    "console.error(words, error)": f"2026-01-01T00:00:00.000Z\tb2c3\tERROR\tcould not: {NODE}",
    "an error with more keys": f"{NODE} {{\n  code: 'E1'\n}}\n",
    "carriage returns": NODE.replace("\n", "\r"),
    "the runtime's JSON": json.dumps({"level": "ERROR", "message": {"errorType": "TypeError", "errorMessage": "no such order", "stackTrace": NODE.split("\n")}}),
    "Powertools": json.dumps({"level": "ERROR", "message": "m", "error": {"name": "TypeError", "message": "no such order", "stack": NODE}}),
}  # fmt: skip


def without_marks(code: str) -> str:
    """The first line of a frame's code, which is what a signature has of it."""
    return code.partition("\n")[0].strip()


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_python_error_is_read(name):
    """Type, message and frames, from whatever wrote it."""
    failure = logged_error(RUNTIMES[name])
    assert (failure.error_type, failure.message) == ("KeyError", "'customer_id'")
    assert [(f.module, f.function, without_marks(f.code), f.line, f.owner) for f in failure.frames] == [
        (f.module, f.function, f.code, f.line, f.owner) for f in FRAMES
    ]
    assert failure.stack.startswith('Traceback (most recent call last):\n  File "/var/task/batch.py", line 14')
    assert failure.stack.endswith("KeyError: 'customer_id'\n")


@pytest.mark.parametrize("name", NODES)
def test_a_javascript_error_is_read(name):
    """The same from Node, whose traces are innermost first."""
    failure = logged_error(NODES[name])
    assert (failure.error_type, failure.message, failure.frames) == ("TypeError", "no such order", NODE_FRAMES)
    assert failure.stack.startswith("TypeError: no such order\n    at take")


@pytest.mark.parametrize(
    "log",
    [
        "",
        "all is well\n",
        "Traceback (most recent call last):",
        "Traceback (most recent call last):\nnot an error\n",
        '{"exception": "Traceback"}',
        '{"message": "at x:1:2"}',
        "{",
        "[" * 100_000,
        "{" + '"a":{' * 100_000,
        '  + Exception Group Traceback (most recent call last):\n  |   File "/var/task/a.py", line 1, in f\n',
        "    at nowhere (a.js:1:2)\n",
    ],
)
def test_what_is_no_trace_is_none(log):
    """Words, broken and endless lines, and a trace without its error tell nothing."""
    assert logged_error(log) is None


def test_a_large_log_is_read_in_no_time():
    """Whatever is repeated: traces without an end, frames without a beginning, objects without an error."""
    for part in ("Traceback (most recent call last):\n", "    at x (a.js:1:2)\n", "{}\n", '{"a": "b\\nc"}\n', "x\n"):
        started = perf_counter()
        assert logged_error(part * (2_000_000 // len(part))) is None
        assert perf_counter() - started < 5


class Lost(Exception):
    """An error of the service's own."""


@given(message=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cs")), max_size=60))
def test_what_python_writes_is_read(message):
    """A trace that the standard library has written gives back the error and where it was raised."""

    def lose():
        raise Lost(message)

    try:
        lose()
    except Lost as error:
        written, raised = traceback.format_exc(), error
    failure = logged_error(f"before\n{written}after\n")
    assert (failure.error_type, failure.message) == ("Lost", str(raised).replace("\N{NO-BREAK SPACE}", " "))
    assert failure.frames[-1].code.splitlines()[0] == "raise Lost(message)"


@given(text=st.text(alphabet=st.sampled_from('T{}"\\n: atFile(1)\r\t\u00a0') | st.characters(), max_size=200))
def test_any_log_is_read_or_not(text):
    """Nothing that a function prints makes it raise."""
    logged_error(f"{TRACE}{text}")
    logged_error(text)


# The outcome


def outcome(*logs, **settings):
    """Deliver one record to a function that reports it each time, and logs this."""
    replies = iter(Reply(status="returned", payload=as_text(reported(["a"])), log=log) for log in logs)
    source = EventSource(kind="sqs", report_batch_item_failures=True, max_receive_count=len(logs), **settings)
    return classify(
        drive(begin_delivery(Event(text=as_text(sqs_event("a")), kind="sqs"), source), lambda _: next(replies))
    )


def test_reported_records_fail_with_the_logged_error():
    """Signature, type and stack are those of the bug; it is observed in the logs."""
    seen = outcome(TRACE)
    assert seen.failed_with("KeyError", match="customer_id")
    assert seen.failure.observed == "logs"
    assert seen.signature.frames == (
        "batch.py:handler:take_order(record)",
        'app.py:take_order:return order["customer_id"]',
    )


def test_only_the_log_of_that_invocation_counts():
    """What an earlier attempt logged is not the error of the last one."""
    assert outcome(TRACE, "nothing").failed_with("BatchItemFailures")
    assert outcome("nothing", TRACE).failed_with("KeyError")


def test_without_a_trace_the_records_are_counted():
    """A function that logs words only has failed by its report alone."""
    failure = outcome("[ERROR]\tno order\n").failure
    assert (failure.error_type, failure.message) == (
        "BatchItemFailures",
        "the function reported 1 of 1 records as failed",
    )


def test_the_signature_is_the_same_with_every_logger():
    """Text and JSON tell the same bug."""
    signatures = {name: outcome(log).signature for name, log in RUNTIMES.items()}
    assert set(signatures.values()) == {outcome(TRACE).signature}
