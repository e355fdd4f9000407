"""Bytes that AWS writes in base64 stay what they are, unless what they say is private."""

import base64
import json
import random
from typing import Any

import pytest

from replay.redaction.redactor import Redactor

PLACES = {
    "sqs": lambda text: {"Records": [{"messageAttributes": {"b": {"binaryValue": text, "dataType": "Binary"}}}]},
    "kinesis": lambda text: {"Records": [{"kinesis": {"data": text}}]},
    "dynamodb": lambda text: {"Records": [{"dynamodb": {"NewImage": {"image": {"B": text}}}}]},
    "kafka": lambda text: {"records": {"orders-0": [{"key": text, "value": text}]}},
    "mq": lambda text: {"messages": [{"data": text}]},
    "rabbit": lambda text: {"rmqMessagesByQueue": {"orders::/": [{"data": text}]}},
}


@pytest.fixture(params=PLACES)
def event_of(request: pytest.FixtureRequest) -> Any:
    return PLACES[request.param]


def test_random_bytes_stay(event_of: Any) -> None:
    """A key, a digest or a compressed block of any length up to 300 bytes is handed over exactly."""
    chance = random.Random(7)
    redactor = Redactor()
    for size in range(1, 300):
        event = json.dumps(event_of(base64.b64encode(chance.randbytes(size)).decode()))
        assert redactor.event(event).text == event


def test_what_bytes_say_is_redacted(event_of: Any) -> None:
    """An e-mail address and a key of AWS inside are found, as anywhere."""
    said = json.dumps({"email": "ada@example.com", "id": "AKIA" + "IOSFODNN7" + "QXJMPLE"}).encode()
    redacted = Redactor().event(json.dumps(event_of(base64.b64encode(said).decode())))
    assert {"email", "aws-access-key-id"} <= {each.detector for each in redacted.redactions}


def test_what_is_no_base64_is_looked_at_as_text(event_of: Any) -> None:
    """A place for bytes that holds a text instead hides nothing."""
    assert "ada@example.com" not in Redactor().event(json.dumps(event_of("mail ada@example.com now"))).text
