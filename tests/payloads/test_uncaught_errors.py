"""Errors that nobody caught are told by each runtime in a form of its own; all of them are failed requests."""

import json

import pytest

from replay.payloads.lambda_logs import Invocation, invocations, log_entries, log_entry
from replay.payloads.log_formats.cues import failure_offsets

ID = "7c6b5a49-2222-4333-8444-aaaabbbbcccc"
NBSP = "\N{NO-BREAK SPACE}"
START, END = f"START RequestId: {ID} Version: 7\n", f"END RequestId: {ID}\n"
JAVA = (
    "no price for wombat: shop.NoSuchPrice\n"
    "shop.NoSuchPrice: no price for wombat\n"
    "\tat shop.Prices.of(Prices.java:31)\n"
    "\tat shop.Handler.handleRequest(Handler.java:12)\n"
    "Caused by: java.lang.IllegalStateException: closed\n"
    "\t... 2 more\n"
)
GO = '2026/05/06 07:08:09 {"errorMessage":"no such order","errorType":"errorString"}\n'
FAULT = f"RequestId: {ID} Process exited before completing request\n"


def only(text: str) -> Invocation:
    (found,) = invocations(log_entries(text.splitlines(keepends=True)))
    return found


def test_carriage_returns_end_the_lines_of_an_unframed_python_error() -> None:
    """Where nobody frames its log, Python's client ends the lines of an error by carriage returns."""
    text = (
        "[ERROR] KeyError: 'sku'\rTraceback (most recent call last):\r"
        f'{NBSP * 2}File "/var/task/app.py", line 3, in handler\r{NBSP * 4}order["sku"]\n'
    )
    for entry in (log_entry(text), *[each for each in only(START + text + END).entries if each.kind == "error"]):
        assert entry.failure is not None
        assert (entry.failure.error_type, entry.failure.message) == ("KeyError", "'sku'")
        assert [(each.module, each.function, each.code) for each in entry.failure.frames] == [
            ("app.py", "handler", 'order["sku"]')
        ]
    assert log_entry(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "Unknown application error occurred while we saved\n",
        "LAMBDA_WARNING: Unhandled exception. See the guide\n",
        f"{ID}\tInvoke Error\tno object\n",
    ],
)
def test_words_that_only_begin_like_a_failure(text: str) -> None:
    """What a function writes with the same words, and a warning with no error behind it, fail no request."""
    assert log_entry(text).failure is None
    assert log_entry(text).text == text


def test_the_type_below_an_unknown_application_error() -> None:
    """Lambda names the type that it was told in a line of its own; what the function prints next is no part of it."""
    found = only(f"{START}Unknown application error occurred\nError\nclosing the pool\n{END}")
    assert [each.kind for each in found.entries] == ["start", "error", "text", "end"]
    assert (found.status, found.failure and found.failure.error_type) == ("failed", "Error")


def test_a_java_error_is_one_entry_with_its_frames() -> None:
    """The message, the class, and the trace behind it belong together, also when a file is read line by line."""
    found = only(START + JAVA + END)
    assert [each.kind for each in found.entries] == ["start", "error", "end"]
    assert (found.status, found.failure and found.failure.error_type) == ("failed", "shop.NoSuchPrice")
    assert found.failure is not None
    assert found.failure.message == "no price for wombat"
    assert [(each.function, each.line) for each in found.failure.frames] == [
        ("shop.Handler.handleRequest", 12),
        ("shop.Prices.of", 31),
    ]


def test_a_java_error_without_a_message_has_none() -> None:
    """Java's client writes null where there is no message."""
    failure = log_entry(
        "null: java.lang.NullPointerException\njava.lang.NullPointerException\n\tat a.B.c(B.java:1)\n"
    ).failure
    assert failure is not None
    assert (failure.error_type, failure.message) == ("java.lang.NullPointerException", "")


@pytest.mark.parametrize(
    "text",
    [
        "shop.NoSuchPrice: no price for wombat\n\tat shop.Prices.of(Prices.java:31)\n",
        "WARN retrying: shop.Busy\nother.Error: x\n\tat shop.Prices.of(Prices.java:31)\n",
        "a price: shop.Busy\nshop.Busy: not a trace\n",
    ],
)
def test_a_trace_that_a_java_function_only_logged_is_no_failure(text: str) -> None:
    """Only the form of the runtime's own client says that nobody caught an error."""
    assert log_entry(text).failure is None


def test_the_report_of_a_go_function_is_read() -> None:
    """Go's client logs the error object behind the time of its logger."""
    failure = only(START + GO + END).failure
    assert failure is not None
    assert (failure.error_type, failure.message, failure.request_id) == ("errorString", "no such order", ID)
    assert log_entry("2026/05/06 07:08:09 {not JSON}").failure is None


@pytest.mark.parametrize("pretty", [False, True])
def test_a_fault_of_the_platform_is_a_failed_request(pretty: bool) -> None:
    """A record that is words, not an object, names the request whose process went away."""
    told = {"time": "2026-05-06T07:08:09.000Z", "type": "platform.fault", "record": FAULT.strip()}
    entry = log_entry(json.dumps(told, indent=2 if pretty else None))
    assert (entry.kind, entry.request_id, entry.at) == ("platform", ID, "2026-05-06T07:08:09.000Z")
    assert entry.failure is not None
    assert entry.failure.error_type == "Runtime.ExitError"
    assert only(START + FAULT).status == "exited"
    assert log_entry(json.dumps({**told, "record": "something else"})).failure is not None


@pytest.mark.parametrize("level", ["info", "fail", "ERROR"])
def test_lines_of_dotnet_name_their_request(level: str) -> None:
    """.NET's levels are words of four small letters."""
    entry = log_entry(f"2026-05-06T07:08:09.000Z\t{ID}\t{level}\tSystem.Exception: logged only\n")
    assert (entry.kind, entry.request_id, entry.level, entry.failure) == ("application", ID, level, None)


@pytest.mark.parametrize("text", [JAVA, json.dumps({"logEvents": [{"message": JAVA}]}), GO, FAULT])
def test_each_form_is_a_cue_in_a_block_of_bytes(text: str) -> None:
    """A scan of many megabytes stops at every form, also inside a JSON string, and not at a logged trace."""
    assert failure_offsets(f"{START}{text}{END}".encode(), application=False)
    logged = "caught:\nshop.Busy: x\n\tat shop.Prices.of(Prices.java:31)\n"
    assert failure_offsets(f"{START}{logged}{END}".encode(), application=False) == []


def test_an_error_that_net_code_caught_is_no_failure() -> None:
    """Where .NET's trace ends in the function, its client never saw the error; where it goes on to that, it caught it."""
    logged = (
        f"2026-05-06T07:08:09.100Z\t{ID}\tfail\tShop.BadOrder: no price\n"
        "   at Shop.Function.Handle(SQSEvent batch) in /src/Function.cs:line 12\n"
    )
    assert only(START + logged + END).failure is None
    failure = only(START + logged + "   at lambda_method1(Closure , Stream )\n" + END).failure
    assert failure is not None
    assert (failure.error_type, failure.message) == ("Shop.BadOrder", "no price")
