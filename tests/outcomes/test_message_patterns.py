"""Messages without their data."""

import pytest

from replay.outcomes.message_patterns import message_pattern

UUID = "6f1d2c0a-4b5e-4f6a-8c7d-0123456789ab"


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        (f"no order {UUID}", "no order <uuid>"),
        ("no order ORD-2024-0017 for cust_88", "no order <id> for <id>"),
        ("object at 0x7f3a2b1c9d00 is gone", "object at <hex> is gone"),
        ("<Order object at 0x7f3a2b1c9d00> is gone", "<Order object at <hex>> is gone"),
        ("sent at 2026-01-31T08:15:00.123Z, again at 08:20", "sent at <time>, again at <time>"),
        ("mail to ada@example.com and user-1a2b@redacted.invalid", "mail to <email> and <email>"),
        ("GET https://api.example.com/v1/orders?id=7 gave 503", "GET <url> gave <n>"),
        ("cannot write /tmp/orders/17/out.json", "cannot write <path>"),
        ("[Errno 2] No such file or directory: '/tmp/a/b.txt'", "[Errno <n>] No such file or directory: <value>"),
        ("-12.50 is less than 1e3 or 7%", "<n> is less than <n> or <n>"),
        ("expected 1, 2, 3 but got 4", "expected <n> but got <n>"),
        ("field 'customer_id' is missing", "field 'customer_id' is missing"),
        ('field "customer_id" is missing', "field 'customer_id' is missing"),
        ("field 'line2' is missing", "field 'line2' is missing"),
        ("customer 'Ada Lovelace' is unknown", "customer <value> is unknown"),
        ("customer 'ada@example.com' is unknown", "customer <value> is unknown"),
        ("customer 'O'Brien 2' is unknown, isn't it", "customer <value> is unknown, isn't it"),
        ("the body is b'\\x00\\xff'", "the body is <value>"),
        ("the value is ''", "the value is <value>"),
        ("bad order {'id': 'a', 'lines': [{'sku': 1}]} refused", "bad order <value> refused"),
        ("bad order {'id': 'a', 'lines': [{'sku'", "bad order <value>"),
        ("bad lines ['a', 2]", "bad lines <value>"),
        ("[<class 'decimal.InvalidOperation'>]", "[<class 'decimal.InvalidOperation'>]"),
        ("token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9abc refused", "token <token> refused"),
        (
            "User: arn:aws:sts::123456789012:assumed-role/x/y is not authorized to perform: s3:GetObject",
            "User: <arn> is not authorized to perform: s3:GetObject",
        ),
        (
            "An error occurred (ConditionalCheckFailedException) when calling the PutItem operation: The conditional request failed",
            "An error occurred (ConditionalCheckFailedException) when calling the PutItem operation: The conditional request failed",
        ),
        ("two\n  lines\tof text", "two lines of text"),
    ],
)
def test_data_is_replaced_and_words_stay(message: str, pattern: str) -> None:
    """What a payload puts into a message goes, what the programmer wrote stays."""
    assert message_pattern("OrderError", message) == pattern


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("'customer_id'", "'customer_id'"),
        ("'Order Date'", "'Order Date'"),
        ("'x-amz-id-2'", "'x-amz-id-2'"),
        ("'ORD-2024-0017'", "<value>"),
        ("17", "<n>"),
        ("(1, 'sku')", "(<n>, 'sku')"),
    ],
)
def test_the_key_of_a_key_error_stays_unless_it_is_data(message: str, pattern: str) -> None:
    """KeyError 'a' is not KeyError 'b'; a key with a number in it is an id from a payload."""
    assert message_pattern("KeyError", message) == pattern


@pytest.mark.parametrize(
    ("error_type", "variants"),
    [
        ("AttributeError", ["'Order' object has no attribute 'totl'. Did you mean: 'total'?", "'Order' object has no attribute 'totl'"]),
        ("NameError", ["name 'jsn' is not defined. Did you forget to import 'jsn'?", "name 'jsn' is not defined"]),
        ("TypeError", ["string indices must be integers", "string indices must be integers, not 'str'"]),
        ("TypeError", ["__init__() got an unexpected keyword argument 'a'", "Order.__init__() got an unexpected keyword argument 'a'. Did you mean 'b'?"]),
        ("TypeError", ["make.<locals>.order() missing 1 required positional argument: 'a'", "order() missing 1 required positional argument: 'a'"]),
        ("ValueError", ["too many values to unpack (expected 2)", "too many values to unpack (expected 2, got 3)"]),
        ("UnboundLocalError", ["local variable 'a' referenced before assignment", "cannot access local variable 'a' where it is not associated with a value"]),
        ("RecursionError", ["maximum recursion depth exceeded", "maximum recursion depth exceeded while calling a Python object"]),
        ("JSONDecodeError", ["Expecting value: line 1 column 1 (char 0)", "Extra data: line 1 column 5 (char 4)", "Illegal trailing comma before end of object: line 1 column 8 (char 7)"]),
        ("UnicodeEncodeError", ["'ascii' codec can't encode character '\\xe9' in position 3: ordinal not in range(128)", "'ascii' codec can't encode characters in position 3-4: ordinal not in range(128)"]),
        ("SyntaxError", ["Unexpected token o in JSON at position 1", "Unexpected token 'h', \"hello\" is not valid JSON"]),
        ("Sandbox.Timedout", [f"RequestId: {UUID} Error: Task timed out after 3.00 seconds", f"2026-01-31T08:15:00.123Z {UUID} Task timed out after 1.00 seconds"]),
        ("Runtime.ExitError", [f"RequestId: {UUID} Error: Runtime exited with error: signal: killed", "Runtime exited with error: signal: killed"]),
    ],
)  # fmt: skip
def test_versions_of_one_message_are_one(error_type: str, variants: list[str]) -> None:
    """What Python's or Lambda's versions word differently, or data decides, has one pattern."""
    assert len({message_pattern(error_type, message) for message in variants}) == 1


@pytest.mark.parametrize(
    ("error_type", "one", "other"),
    [
        ("KeyError", "'a'", "'b'"),
        ("AttributeError", "'Order' object has no attribute 'x1y2'", "'Order' object has no attribute 'x1y3'"),
        ("AttributeError", "'NoneType' object has no attribute 'get'", "'str' object has no attribute 'get'"),
        ("TypeError", "f() missing 1 required positional argument: 'a'", "f() missing 1 required positional argument: 'b'"),
        ("TypeError", "'<' not supported between instances of 'int' and 'str'", "'>' not supported between instances of 'int' and 'str'"),
        ("ValueError", "'x' is not a valid Status", "'x' is not a valid Currency"),
        ("ValueError", "time data 'x' does not match format '%Y'", "time data 'x' does not match format '%d'"),
        ("UnicodeDecodeError", "'utf-8' codec can't decode byte 0xff in position 0: x", "'ascii' codec can't decode byte 0xff in position 0: x"),
        ("ClientError", "not allowed: s3:GetObject", "not allowed: s3:PutObject"),
        ("OrderError", "field 'customer_id' is missing", "field 'amount' is missing"),
    ],
)  # fmt: skip
def test_names_tell_bugs_apart(error_type: str, one: str, other: str) -> None:
    """Names of keys, attributes, arguments, types and operations stay: they are what the bug is."""
    assert message_pattern(error_type, one) != message_pattern(error_type, other)


def test_tracebacks_inside_a_message_count_by_their_last_line() -> None:
    """A batch error that carries the records' tracebacks differs by their errors, not by their line numbers."""
    trace = (
        '\n\nTraceback (most recent call last):\n  File "/var/task/app.py", line {line}, in f\n    x[{key}]\n{error}\n'
    )

    def message(line: int, key: str) -> str:
        error = f"KeyError: {key}"
        return "All records failed processing. 1 individual errors logged separately below." + trace.format(
            line=line, key=key, error=error
        )

    patterns = [
        message_pattern("BatchProcessingError", message(*each)) for each in ((1, "'a'"), (9, "'a'"), (1, "'b'"))
    ]
    assert patterns[0] == patterns[1] != patterns[2]
