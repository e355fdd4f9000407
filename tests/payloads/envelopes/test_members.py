"""Members of JSON objects by position, documents at any depth, and pointers to S3."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.payloads.captures import S3Object
from replay.payloads.envelopes import members as module
from replay.payloads.envelopes.claim_checks import claim_check, claim_checks
from replay.payloads.envelopes.documents import document, object_in
from replay.payloads.envelopes.members import member, members
from replay.payloads.envelopes.registry import unwrap
from tests.payloads.envelopes.aws_shapes import notification, number, received, saved, text_of

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), _JSON, max_size=5), st.sampled_from([None, 1, 3]), st.booleans())
def test_members_are_found_as_they_are_written(value: dict[str, object], indent: int | None, escaped: bool) -> None:
    """Each member's text parses to its value, and stands in the object's text."""
    written = json.dumps(value, indent=indent, ensure_ascii=escaped)
    found = members(written)
    assert {name: json.loads(each) for name, each in found.items()} == value
    assert all(each in written for each in found.values())


_FRAGMENTS = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\n",
        '"a"',
        '"\\u00e9\\ud800"',
        "1.50",
        "-0",
        "1e5",
        "9" * 5_000,
        "true",
        "NaN",
        "nul",
        '"',
        "\0",
    ]
)


@given(st.lists(_FRAGMENTS, max_size=12).map("".join), st.booleans())
def test_whoever_reads_the_members_they_are_the_same(fragments: str, is_object: bool) -> None:
    """Python's parser and the walk, which alone reads what is deep, agree on every text: also on what is no JSON."""
    text = f'{{"k": {fragments}}}' if is_object else "{" + fragments
    assert members(text) == module._walked(text)


def test_of_duplicate_keys_the_last_counts() -> None:
    """As for the handler, on every level."""
    assert member('{"a": {"b": 1}, "a": {"b": 2 , "b":  [3] }, "c": 4}', "a", "b") == "[3]"


@pytest.mark.parametrize("text", ["", "[]", "null", '"x"', '{"a": 1', '{"a" 1}', "{}", '{"b": 1}'])
def test_what_has_no_such_member_gives_none(text: str) -> None:
    """No JSON, no object, or no such member."""
    assert member(text, "a") is None


def test_depth_hides_nothing_that_an_envelope_looks_at() -> None:
    """A member 100,000 levels deep is cut out exactly, and the outer levels can still be looked at."""
    deep = '{"x":' * 50_000 + "[" * 50_000 + "]" * 50_000 + "}" * 50_000
    text = f'{{"a": {{"b": "c", "d": [1, {{"e": 2}}]}}, "deep": {deep}, "last": true}}'
    assert member(text, "deep") == deep
    seen = object_in(text)
    assert (seen["a"], seen["last"]) == ({"b": "c", "d": [1, {"e": 2}]}, True)
    assert document(text[:-1]) is None


# Claim checks

_POINTER = ["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": "large", "s3Key": "a/b"}]
_OLD_POINTER = ["com.amazon.sqs.javamessaging.MessageS3Pointer", {"s3BucketName": "large", "s3Key": "a/b"}]


@pytest.mark.parametrize(
    ("pointer", "attribute"), [(_POINTER, "ExtendedPayloadSize"), (_OLD_POINTER, "SQSLargePayloadSize")]
)
def test_a_pointer_of_an_extended_client_is_known(pointer: list[object], attribute: str) -> None:
    """The handler gets the pointer as the body; the object behind it is told, with its size."""
    body = text_of(pointer)
    envelope, unwrapped = unwrap(received(body, {attribute: number("300000")}))
    assert envelope.name == "sqs-message"
    assert json.loads(unwrapped.event.text)["Records"][0]["body"] == body
    assert unwrapped.claim_checks == (S3Object(bucket="large", key="a/b", size_bytes=300_000),)


def test_pointers_are_found_wherever_a_message_may_stand() -> None:
    """In a notification in a queue, in a function's event of many records, each object once."""
    _, unwrapped = unwrap(received(notification(text_of(_POINTER))))
    assert unwrapped.claim_checks == (S3Object(bucket="large", key="a/b"),)
    other = [_POINTER[0], {"s3BucketName": "large", "s3Key": "c"}]
    records = [{"eventSource": "aws:sqs", "body": text_of(each)} for each in (_POINTER, "x", other, _POINTER)]
    _, unwrapped = unwrap(saved(text_of({"Records": records})))
    assert [each.key for each in unwrapped.claim_checks] == ["a/b", "c"]


@pytest.mark.parametrize(
    "body",
    [
        "S3Pointer", '["S3Pointer"]', text_of([_POINTER[0]]), text_of([_POINTER[0], {"s3Key": "x"}]),
        text_of([_POINTER[0], {"s3BucketName": 1, "s3Key": "x"}]), text_of([_POINTER[0], "x"]), text_of([[], _POINTER]),
    ],
)  # fmt: skip
def test_what_is_no_pointer_is_none(body: str) -> None:
    """A text that only names the class, or lacks bucket or key, points nowhere."""
    assert claim_check(body) is None


def test_looking_for_pointers_survives_depth() -> None:
    """Neither deep JSON nor JSON inside of JSON inside of JSON ends in an error."""
    assert claim_checks('"S3Pointer"' + "[" * 100_000) == ()
    assert claim_checks("[" * 100_000 + '"S3Pointer"' + "]" * 100_000) == ()
    nested = text_of(_POINTER)
    for _ in range(8):
        nested = text_of({"Message": nested})
    assert claim_checks(nested) == (S3Object(bucket="large", key="a/b"),)
