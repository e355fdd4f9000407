"""The runtime's JSON rules, held against AWS's own runtime client."""

import decimal
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.delivery.python_answers import MAXIMUM_RESPONSE_BYTES, UnsendableAnswer
from replay.targets.in_process.runtime_faults import RuntimeFault
from replay.targets.in_process.runtime_json import RuntimeJson

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text()
    | st.binary(max_size=4)
    | st.dates()
    | st.frozensets(st.integers(), max_size=2)
)
KEYS = st.text(max_size=5) | st.integers() | st.booleans() | st.none() | st.floats() | st.tuples(st.integers())
ANSWERS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def aws_answer(value: Any, runtime: str) -> tuple[str, str]:
    """What AWS's own client makes of an answer: the word for it, and its text."""
    from awslambdaric.lambda_runtime_exception import FaultException
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_EXECUTION_ENV", f"AWS_Lambda_{runtime}")
        try:
            text, _ = LambdaMarshaller().marshal_response(value)
        except FaultException as fault:
            return fault.exception_type, fault.msg
    if isinstance(text, bytes):
        return "returned", text.decode("utf-8", "replace")
    try:
        text.encode("utf-8")  # as the client sends it
    except UnicodeEncodeError:
        return "dies", ""
    return "returned", text


def our_answer(value: Any, runtime: str) -> tuple[str, str]:
    try:
        return "returned", RuntimeJson(runtime).write_answer(value)
    except RuntimeFault as fault:
        return fault.error_type, fault.message
    except UnsendableAnswer:
        return "dies", ""


@pytest.mark.parametrize("runtime", ["python3.11", "python3.13"])
@given(value=ANSWERS)
def test_an_answer_is_written_as_aws_writes_it(runtime, value):
    """Whatever a handler returns becomes the same text, or the same error, as with AWS's own runtime client."""
    assert our_answer(value, runtime) == aws_answer(value, runtime)


@given(text=st.text() | st.from_regex(r'[\[\]{}",:0-9.eE+\-NaInfity\\ ]{0,30}', fullmatch=True))
def test_an_event_is_read_as_aws_reads_it(text):
    """Whatever text arrives is the same value, or the same error, as with AWS's own runtime client."""
    from awslambdaric.lambda_runtime_exception import FaultException
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    try:
        theirs = repr(LambdaMarshaller().unmarshal_request(text.encode("utf-8", "surrogatepass")))
    except FaultException as fault:
        theirs = f"{fault.exception_type} {fault.msg}"
    try:
        ours = repr(RuntimeJson.read_event(text))
    except RuntimeFault as fault:
        ours = f"{fault.error_type} {fault.message}"
    assert ours == theirs


@pytest.mark.parametrize(
    ("value", "kind"),
    [(datetime(2026, 1, 1, tzinfo=UTC), "datetime"), ({1, 2}, "set"), (object(), "object"), (1j, "complex")],
)
def test_what_has_no_json_is_a_marshal_error(value, kind):
    """A value of a type that JSON does not have is Runtime.MarshalError in AWS's words, and the answer is unserialisable."""
    with pytest.raises(RuntimeFault) as caught:
        RuntimeJson("python3.12").write_answer(value)
    assert caught.value.message == f"Unable to marshal response: Object of type {kind} is not JSON serializable"
    assert (caught.value.error_type, caught.value.status) == ("Runtime.MarshalError", "unserialisable")
    assert caught.value.stack == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (decimal.Decimal("12.30"), "12.30"),
        (decimal.Decimal("NaN"), "NaN"),
        (math.inf, "Infinity"),
        (None, "null"),
        (b'{"raw": true}', '{"raw": true}'),
    ],
)
def test_decimals_nan_and_bytes_go_through(value, text):
    """Decimals are numbers, NaN and Infinity pass, None is null, and bytes go out as they are."""
    assert RuntimeJson("python3.12").write_answer(value) == text


def test_newer_runtimes_do_not_escape():
    """From python3.12 on, text is written as it is; before, as escapes."""
    assert RuntimeJson("python3.11").write_answer("é") == '"\\u00e9"'
    assert RuntimeJson("python3.12").write_answer("é") == '"é"'


@pytest.mark.parametrize("character", ["a", "é", "€"])
def test_the_size_limit_counts_bytes(character):
    """An answer of 6,291,556 bytes passes, one byte more does not."""
    json, width = RuntimeJson("python3.12"), len(character.encode())
    fits = character * ((MAXIMUM_RESPONSE_BYTES - 2) // width)
    fits += "x" * (MAXIMUM_RESPONSE_BYTES - 2 - len(fits.encode()))
    assert json.write_answer(fits)
    with pytest.raises(RuntimeFault) as caught:
        json.write_answer(fits + "x")
    assert (caught.value.status, caught.value.error_type) == ("response_too_large", "Function.ResponseSizeTooLarge")
    assert caught.value.message == "Response payload size exceeded maximum allowed payload size (6291556 bytes)."


def test_a_deep_event_is_an_error_and_not_a_crash():
    """An event nested too deep for the parser is Runtime.UnmarshalError."""
    with pytest.raises(RuntimeFault) as caught:
        RuntimeJson.read_event("[" * 200_000 + "]" * 200_000)
    assert caught.value.error_type == "Runtime.UnmarshalError"
