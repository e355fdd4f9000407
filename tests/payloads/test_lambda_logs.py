"""Lambda's logs: every entry is kept, every failed request is found, and its error is read with its stack."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replay.payloads import log_continuation
from replay.payloads.failures import Report
from replay.payloads.lambda_logs import Invocation, LogEntry, invocations, log_entries, log_entry

ID = "0a1b2c3d-1111-4222-8333-444455556666"
OTHER = "9f8e7d6c-1111-4222-8333-444455556666"
NBSP = "\N{NO-BREAK SPACE}"
START, END = f"START RequestId: {ID} Version: $LATEST\n", f"END RequestId: {ID}\n"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t"
    "Init Duration: 110.25 ms\t\n"
)
TRACE = (
    "[ERROR] KeyError: 'customer_id'\n"
    "Traceback (most recent call last):\n"
    f'{NBSP * 2}File "/var/task/app.py", line 12, in handler\n'
    f"{NBSP * 4}return price(order)\n"
    f'{NBSP * 2}File "/opt/python/shared/prices.py", line 7, in price\n'
    f'{NBSP * 4}order["customer_id"]\n'
)


def only(text: str) -> Invocation:
    (found,) = invocations(log_entries(text.splitlines(keepends=True)))
    return found


def frames(entry: LogEntry) -> list[tuple[str, str, str, str]]:
    assert entry.failure is not None
    return [(each.module, each.function, each.code, each.owner) for each in entry.failure.frames]


def platform(name: str, **record: Any) -> str:
    held = {"time": "2026-01-01T00:00:00.000Z", "type": f"platform.{name}", "record": {"requestId": ID, **record}}
    return json.dumps(held) + "\n"


def test_a_report_is_read() -> None:
    """All numbers of a REPORT line come out, the trace too."""
    entry = log_entry(REPORT.rstrip("\n") + "\nXRAY TraceId: 1-65a1b2c3-0123\tSegmentId: 01\tSampled: true\n")
    assert (entry.kind, entry.request_id, entry.trace_id) == ("report", ID, "1-65a1b2c3-0123")
    assert entry.report == Report(
        duration_ms=12.5, billed_duration_ms=13, memory_size_mb=128, max_memory_used_mb=64, init_duration_ms=110.25
    )


def test_a_trace_with_no_break_spaces_is_read() -> None:
    """Python's uncaught error: type, message and frames, outermost first, with Lambda's folders taken off."""
    entry = log_entry(TRACE)
    assert entry.kind == "error"
    assert entry.failure is not None
    assert (entry.failure.error_type, entry.failure.message) == ("KeyError", "'customer_id'")
    assert frames(entry) == [
        ("app.py", "handler", "return price(order)", "user"),
        ("shared/prices.py", "price", 'order["customer_id"]', "library"),
    ]
    assert entry.failure.stack.splitlines()[1] == '  File "/var/task/app.py", line 12, in handler'


@pytest.mark.parametrize(
    ("text", "error_type", "message"),
    [
        ("[ERROR] KeyError\nTraceback (most recent call last):\n", "KeyError", ""),
        ("[ERROR] ValueError: two\nlines\nTraceback (most recent call last):\n", "ValueError", "two\nlines"),
        ("[ERROR] Runtime.MarshalError: Unable to marshal response\n", "Runtime.MarshalError", "Unable to marshal response"),
        (f"2026-01-01T00:00:03.000Z {ID} Task timed out after 3.00 seconds\n\n", "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
        (f"RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n", "Runtime.ExitError",
         "Runtime exited with error: signal: killed"),
        (f"RequestId: {ID} Error: Runtime exited without providing a reason", "Runtime.ExitError",
         "Runtime exited without providing a reason"),
        (f'2026-01-01T00:00:00.000Z\t{ID}\tERROR\tInvoke Error \t{{"errorType":"TypeError","errorMessage":"x","stack":["TypeError: x"]}}',
         "TypeError", "x"),
        ('Error raised from handler method\n{\n  "errorMessage": "x",\n  "errorType": "Function<KeyError>"\n}', "Function<KeyError>", "x"),
        (f'{{"log_level":"ERROR","errorMessage":"x","errorType":"KeyError","requestId":"{ID}","stackTrace":[]}}',
         "KeyError", "x"),
        (f'{{"level":"ERROR","requestId":"{ID}","message":{{"errorType":"E","errorMessage":"x","stack":[]}}}}', "E", "x"),
        (platform("report", status="timeout"), "Sandbox.Timedout", ""),
        (platform("runtimeDone", status="error", errorType="Runtime.ExitError"), "Runtime.ExitError", ""),
        (platform("runtimeDone", status="failure"), "Unhandled", ""),
        (f"REPORT RequestId: {ID}\tDuration: 1.00 ms\tStatus: timeout\n", "Sandbox.Timedout", ""),
        (f"REPORT RequestId: {ID}\tDuration: 1.00 ms\tStatus: error\tError Type: Runtime.ExitError\n", "Runtime.ExitError", ""),
    ],
)  # fmt: skip
def test_each_way_to_fail_is_known(text: str, error_type: str, message: str) -> None:
    """Errors, timeouts and ended processes are failures in text and in JSON, of every runtime that writes its own form."""
    failure = log_entry(text).failure
    assert failure is not None
    assert (failure.error_type, failure.message) == (error_type, message)


@pytest.mark.parametrize(
    "text",
    [
        f"[ERROR]\t2026-01-01T00:00:00.000Z\t{ID}\tit went wrong, and was handled",
        f"2026-01-01T00:00:00.000Z\t{ID}\tERROR\tit went wrong, and was handled",
        f'{{"message":"handled","logger":"app","errorType":"KeyError","errorMessage":"x","requestId":"{ID}"}}',
        "[ERROR] ValueError: printed by the function itself",
        "Traceback (most recent call last):\n",
        platform("report", status="success"),
        platform("initRuntimeDone", status="error"),
        "REPORT invalid report log line",
        '{"order": 1}', "{", "", "[]", "null", "\x00", "[" * 100_000, '{"a":' * 100_000,
        '{"type": "platform.report", "record": 1}', '{"type": "platform.report", "record": {"metrics": [], "status": 1}}',
    ],
)  # fmt: skip
def test_what_a_function_only_logged_is_no_failure(text: str) -> None:
    """An error that was handled, a text that looks like one, and what cannot be read fail no request."""
    entry = log_entry(text)
    assert entry.failure is None
    assert entry.text == text


def test_what_runtimes_write_before_a_message_is_told_apart() -> None:
    """Level, time and request id come out of the loggers of Python and Node, also where the tabs were lost."""
    forms = [
        f"[INFO]\t2026-01-01T00:00:00.000Z\t{ID}\thello\n",
        f"[INFO]  2026-01-01T00:00:00.000Z    {ID}    hello",
        f"2026-01-01T00:00:00.000Z\t{ID}\tINFO\thello\n",
        json.dumps({"timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO", "message": "hello", "requestId": ID}),
        json.dumps(
            {"timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO", "message": "hello", "function_request_id": ID}
        ),
    ]
    for form in forms:
        entry = log_entry(form)
        told = (entry.kind, entry.level, entry.at, entry.request_id, entry.message)
        assert told == ("application", "INFO", "2026-01-01T00:00:00.000Z", ID, "hello")


def test_a_request_has_its_own_lines_its_error_and_its_report() -> None:
    """Lines without an id belong to the request that runs; the stack goes before the status."""
    found = only(START + "printed\n" + TRACE + END + REPORT)
    assert (found.request_id, found.status) == (ID, "failed")
    assert [each.kind for each in found.entries] == ["start", "text", "error", "end", "report"]
    assert found.failure is not None
    assert (found.failure.error_type, found.failure.request_id, found.failure.observed) == ("KeyError", ID, "logs")
    assert found.report is not None
    assert found.report.max_memory_used_mb == 64


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (START + END + REPORT, "succeeded"),
        (START + "printed\n", "unknown"),
        (START + END + REPORT + f"2026-01-01T00:00:03.000Z {ID} Task timed out after 3.00 seconds\n", "timed_out"),
        (START + f"RequestId: {ID} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n" + END + REPORT, "exited"),
        (START + f"RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n" + END
         + REPORT.replace("64 MB", "128 MB"), "out_of_memory"),
        (platform("start") + platform("runtimeDone", status="success") + platform("report", status="success"), "succeeded"),
        (platform("start") + platform("report", status="failure", errorType="KeyError"), "failed"),
    ],
)  # fmt: skip
def test_what_became_of_a_request(lines: str, status: str) -> None:
    """The words of outcomes, also where the failure is told behind the report."""
    assert only(lines).status == status


def test_requests_of_one_stream_are_told_apart() -> None:
    """A request ends where the next begins; what stands before the first belongs to none."""
    text = "INIT_START Runtime Version: python:3.12\n" + START + TRACE + END + REPORT
    text += START.replace(ID, OTHER) + "fine\n" + END.replace(ID, OTHER) + REPORT.replace(ID, OTHER)
    found = list(invocations(log_entries(text.splitlines(keepends=True))))
    assert [(each.request_id, each.status) for each in found] == [(ID, "failed"), (OTHER, "succeeded")]


def test_the_format_may_change_half_way() -> None:
    """JSON behind text, as after a change of the function's log format."""
    text = START + TRACE + END + REPORT + (platform("start") + platform("report", status="timeout")).replace(ID, OTHER)
    found = list(invocations(log_entries(text.splitlines(keepends=True))))
    assert [each.status for each in found] == ["failed", "timed_out"]


def test_printed_lines_are_entries_of_their_own() -> None:
    """As CloudWatch has it; an object that is written over several lines is one, for it cannot be read otherwise."""
    entries = list(
        log_entries(["multi\n", "line\n", "{\n", '  "errorType": "E",\n', '  "errorMessage": "x"\n', "}\n", "end\n"])
    )
    assert [each.text.count("\n") for each in entries] == [1, 1, 4, 1]
    assert entries[2].failure is not None


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        (['{"a": 1,\n', ' "b": {\n', " }}\n", " printed\n"], 2),
        (["  {\n", '    "a": {\n', "    }\n", "  }\n", "  printed\n"], 2),
        (["{}\n", " printed\n"], 2),
    ],
)  # fmt: skip
def test_where_an_object_over_several_lines_ends(lines: list[str], count: int) -> None:
    """However it is laid out, an object ends where its braces do, and what is printed behind it is no part of it."""
    assert len(list(log_entries(lines))) == count


def test_an_object_over_many_lines_is_not_parsed_for_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed events have thousands of lines: only one that closes the object can be its end."""
    parsed: list[str] = []

    def counted(text: str) -> Any:
        parsed.append(text)
        return json.loads(text)

    monkeypatch.setattr(log_continuation, "parse", counted)
    value = {f"k{number}": {"deep": [number]} for number in range(300)}
    entry, _ = log_entries([*f"{json.dumps(value, indent=2)}\n".splitlines(keepends=True), " printed\n"])
    assert json.loads(entry.text) == value
    assert 0 < len(parsed) < 5


_LINES = st.lists(
    st.sampled_from(
        [START, END, REPORT, *TRACE.splitlines(keepends=True), platform("report", status="error"), "{\n", "}\n"]
    )
    | st.text(st.characters(exclude_categories=()), max_size=30),
    max_size=12,
)


@given(_LINES)
@example(["[ERROR] A: b\n", "Traceback (most recent call last):\n", '  File "x", line 99999999999999999999, in y\n'])
@example([f"REPORT RequestId: {ID}\tDuration: 1.2.3 ms\n"])
@example([f"REPORT RequestId: {ID}\tDuration: . ms\n"])
@example([platform("report", metrics={"durationMs": 10**400, "memorySizeMB": True, "maxMemoryUsedMB": None})])
def test_no_line_is_lost_and_none_is_fatal(lines: list[str]) -> None:
    """Whatever the lines are, put together again they are what they were; grouping them invents nothing."""
    entries = list(log_entries(lines))
    assert "".join(entry.text for entry in entries) == "".join(lines)
    for found in invocations(entries):
        assert found.entries
        assert found.status in {"succeeded", "failed", "timed_out", "exited", "out_of_memory", "unknown"}
