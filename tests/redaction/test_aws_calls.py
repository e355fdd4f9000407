"""Effects without what is private in them."""

from replay.payloads.aws_calls import AwsCall, AwsError
from replay.redaction.aws_calls import redacted_call
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings

ITEM = {"id": {"S": "a"}, "email": {"S": "ada@example.com"}, "password": {"S": "correct horse"}, "n": {"N": "1"}}
CALL = AwsCall(
    service="dynamodb",
    operation="PutItem",
    parameters={"TableName": "orders", "Item": ITEM},
    result={"Attributes": ITEM},
    error=AwsError(code="X", message="no such customer ada@example.com"),
)


def test_every_part_of_a_call_is_redacted():
    """Parameters, result and the error's message; what is not private stays, and twice is as once."""
    redactor = Redactor(RedactionSettings(key=b"k"))
    safe = redacted_call(CALL, redactor)
    assert "ada@example.com" not in repr(safe)
    assert "correct horse" not in repr(safe)
    assert (safe.parameters["TableName"], safe.parameters["Item"]["id"]) == ("orders", {"S": "a"})
    assert redacted_call(safe, redactor) == safe


def test_what_cannot_be_made_safe_is_left_out():
    """A call whose values the redactor cannot read is there, without them."""
    safe = redacted_call(AwsCall(service="s3", operation="GetObject", parameters={"a": object()}), Redactor())
    assert safe.parameters == {"replay": "left out: it could not be made safe to show"}


def test_redaction_can_be_switched_off():
    """A project that redacts nothing sees its calls as they are."""
    assert redacted_call(CALL, Redactor(RedactionSettings(enabled=False))) == CALL
