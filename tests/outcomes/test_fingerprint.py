"""The identity of a failure."""

import pytest

from replay.delivery.raised import frames_of
from replay.outcomes.fingerprint import signature
from replay.payloads.failures import Failure, Frame
from tests.outcomes.buggy_handlers import (
    deep_tree,
    missing_customer,
    not_a_status,
    not_ascii,
    not_json,
    null_nested,
    refused_with_f_string,
    too_deep,
    too_few_values,
)


def frame(code: str, function: str = "handler", module: str = "app.py", **rest) -> Frame:
    return Frame(module=module, function=function, code=code, **rest)


def failure(*frames: Frame, error_type: str = "KeyError", message: str = "'a'", **rest) -> Failure:
    return Failure(error_type=error_type, message=message, frames=frames, **rest)


def test_a_signature_has_type_message_and_user_frames() -> None:
    """The parts are readable: what failed, with which words, and from where."""
    found = signature(failure(frame("total = price(event)"), frame("event['a']", "price", "shop/prices.py")))
    assert (found.error_type, found.message) == ("KeyError", "'a'")
    assert found.frames == ("app.py:handler:total = price(event)", "shop/prices.py:price:event['a']")


def test_lines_and_spacing_and_circumstances_do_not_count() -> None:
    """A moved line, another request, another observer: the same bug."""
    one = failure(frame("x  = event['a']", line=3), observed="logs", request_id="1", stack="…")
    other = failure(frame("x = event['a']\n    ^^^^^", line=40), observed="local", request_id="2")
    assert signature(one).digest == signature(other).digest


def test_the_code_counts() -> None:
    """The same error from another line of code is another bug."""
    assert signature(failure(frame("x = event['a']"))) != signature(failure(frame("y = event['a']")))
    assert signature(failure(frame("x = event['a']"))) != signature(failure(frame("x = event['a']", "other")))


def test_library_frames_do_not_count() -> None:
    """An error inside a library is that of the user's line which called it, whatever version the library has."""
    user = frame("json.loads(body)")
    deep = [frame("return _default_decoder.decode(s)", "loads", "json/__init__.py", owner="library")]
    deeper = [*deep, frame("raise JSONDecodeError", "raw_decode", "json/decoder.py", owner="library")]
    assert signature(failure(user, *deep)) == signature(failure(user, *deeper)) == signature(failure(user))


def test_only_the_three_innermost_frames_count() -> None:
    """Who called whom far away is no part of a bug."""
    inner = [frame(f"step{n}()", f"step{n}") for n in range(3)]
    assert signature(failure(frame("main()"), *inner)) == signature(failure(*inner))


def test_repeated_frames_count_once() -> None:
    """How deep a payload is nested does not make another bug."""
    shallow = failure(frame("walk(event)"), frame("walk(child)", "walk"), frame("leaf['a']", "walk"))
    deep = failure(frame("walk(event)"), *[frame("walk(child)", "walk")] * 50, frame("leaf['a']", "walk"))
    assert signature(shallow) == signature(deep)


def test_where_a_recursion_ran_out_does_not_count() -> None:
    """A circle of calls is one bug, whichever of them was the one too many."""
    even, odd = frame("odd(n)", "even"), frame("even(n)", "odd")
    message = "maximum recursion depth exceeded"

    def circle(*frames: Frame) -> Failure:
        return failure(frame("even(9)"), *frames, error_type="RecursionError", message=message)

    assert signature(circle(*[even, odd] * 300)) == signature(circle(*[even, odd] * 300, even))


def test_comprehensions_are_part_of_their_function() -> None:
    """Python 3.11 has a frame of its own for a comprehension, 3.12 has not."""
    old = failure(frame("return [", "prices"), frame('line["a"] for line in lines', "<listcomp>"))
    new = failure(frame('line["a"] for line in lines', "prices"))
    assert signature(old) == signature(new)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("KeyError", "KeyError"),
        ("json.decoder.JSONDecodeError", "JSONDecodeError"),
        ("shop.errors.OrderError", "OrderError"),
        ("Runtime.ImportModuleError", "Runtime.ImportModuleError"),
        ("Sandbox.Timedout", "Sandbox.Timedout"),
        ("Function.ResponseSizeTooLarge", "Function.ResponseSizeTooLarge"),
    ],
)
def test_the_type_is_without_its_module(given: str, expected: str) -> None:
    """Logs write the module before a class, the runtime does not; AWS's own types have dotted names."""
    assert signature(failure(error_type=given)).error_type == expected


def test_a_timeout_is_one_signature_wherever_it_happened() -> None:
    """Where a function was when its time ran out is chance; so is the wording of the year."""
    old = failure(error_type="", message="2024-04-01T00:00:00Z 1-2 Task timed out after 1.00 seconds")
    new = failure(
        frame("time.sleep(9)"),
        error_type="Sandbox.Timedout",
        message="RequestId: 1 Error: Task timed out after 3.00 seconds",
    )
    assert signature(old) == signature(new)


@pytest.mark.parametrize(
    "code",
    [
        'raise OrderError(f"no stock of {sku} in {place!r}, {count} wanted")',
        'raise OrderError("no stock of %s in %r, %d wanted" % (sku, place, count)) from error',
        'raise OrderError("no stock of {} in {!r}, {} wanted".format(sku, place, count))',
    ],
)
def test_what_the_raising_line_filled_in_is_data(code: str) -> None:
    """Of a message that the line itself composes, only the composed-in values are replaced."""
    messages = [
        "no stock of shoes in 'Oslo', 3 wanted",
        "no stock of red wine in 'Bad Ems', 12 wanted",
        "no stock of  in '', -1 wanted",
    ]
    found = {signature(failure(frame(code), error_type="OrderError", message=message)) for message in messages}
    assert [each.message for each in found] == ["no stock of <value> in <value>, <value> wanted"]


def test_a_field_name_that_was_filled_in_stays() -> None:
    """A value that can only be the name of a field tells bugs of one validator apart."""
    code = 'raise OrderError(f"{field} is missing from the order")'

    def message_of(field: str) -> str:
        return signature(
            failure(frame(code), error_type="OrderError", message=f"{field} is missing from the order")
        ).message

    assert message_of("customer_id") == "customer_id is missing from the order"
    assert message_of("unitPrice") == "unitPrice is missing from the order"
    assert message_of("Ada Lovelace") == message_of("17") == "<value> is missing from the order"


@pytest.mark.parametrize(
    "code",
    [
        "raise",
        "raise OrderError(",
        "raise OrderError(message)",
        'raise OrderError(f"{message}")',
        'raise OrderError(f"another text {x}")',
        'raise OrderError("\\d {}".format(x))',
        "raise " + "(" * 900,
    ],
)
def test_a_line_that_tells_nothing_leaves_the_message_to_the_rules(code: str) -> None:
    """Where the raising line does not compose the message, its data is found by its looks."""
    found = signature(failure(frame(code), error_type="OrderError", message="order 17 is bad"))
    assert found.message == "order <n> is bad"


@pytest.mark.parametrize(
    ("handler", "body", "digest"),
    [
        (missing_customer, {"order": {}}, "c7e8bcb076b2"),
        (not_json, {"text": '{"a": 1,}'}, "41e6971e1461"),
        (not_a_status, {"status": "X"}, "8c102cce1881"),
        (not_ascii, {"name": "ü"}, "a71108964445"),
        (null_nested, {"customer": {"name": None}}, "eabf5cb3ec9d"),
        (refused_with_f_string, {"name": "x", "place": "y"}, "fac927377396"),
        (too_few_values, {"line": []}, "be4a4d4647b4"),
        (too_deep, {"tree": deep_tree(1300)}, "317ee6d5573b"),
    ],
)
def test_signatures_are_the_same_on_every_python_and_machine(handler, body, digest) -> None:
    """These digests stand in fixtures: each Python that we support must find the same ones, here and everywhere."""
    with pytest.raises(Exception) as raised:
        handler(body)
    error = raised.value
    # Pytest's own frame is the outermost, as our caller's is in a delivery.
    found = signature(failure(*frames_of(error, handler), error_type=type(error).__name__, message=str(error)))
    assert found.digest == digest


@pytest.mark.parametrize(
    "function",
    [
        "handler",
        "async handler",
        "Runtime.handler",
        "async BufferedInvokeProcessor.handler",
        "Runtime.exports.handler [as handler]",
        "Object.handler",
    ],
)
def test_what_a_javascript_function_was_called_on_does_not_count(function: str) -> None:
    """The same handler has the same signature on Lambda, under AWS's client here, and under one of the user's own."""

    def frames(name: str, module: str = "app.mjs") -> tuple[str, ...]:
        called = Frame(module=module, function=name)
        return signature(Failure(error_type="TypeError", message="no", frames=(called,))).frames

    assert frames(function) == ("app.mjs:handler:",)
    assert frames("Object.<anonymous>") == ("app.mjs:<anonymous>:",)
    assert frames("new Order") == ("app.mjs:Order:",)
    assert frames(function, "app.py") == (f"app.py:{function}:",)
