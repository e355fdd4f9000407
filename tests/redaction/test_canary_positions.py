"""A secret at every place of every envelope, and of all that is known of a failure: none is in what would be written."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from replay.errors import InvalidJson, RedactionError
from replay.fixtures.format import document_bytes, event_bytes, to_document
from replay.payloads.aws_calls import AwsCall, AwsError
from replay.payloads.captures import Capture, MessageAttribute, Origin
from replay.payloads.envelopes.registry import envelopes, unwrap
from replay.payloads.failures import Failure, Frame, Segment, Signature
from replay.recorder.fixture_maker import FixtureMaker
from replay.redaction.aws_calls import redacted_call
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from tests.payloads.envelopes.aws_shapes import destination_record, notification, on_a_bus, stream_record
from tests.payloads.envelopes.test_shapes import EVENTS
from tests.redaction.labelled_corpus import STRUCTURED, Labelled, readable
from tests.redaction.test_canary import POSITIONS, _forms

REDACTOR = Redactor(RedactionSettings(key=b"the key of the tests"))
NOW = datetime(2026, 11, 20, tzinfo=UTC)
SAMPLES: dict[str, Any] = {
    **{f"{name} ({kind}) {number}": event for number, (name, kind, event) in enumerate(EVENTS)},
    **{f"canary {name}": make("a text", "1") for name, make in POSITIONS.items()},
    "sns-notification": json.loads(notification("a text")),
    "lambda-destination": json.loads(destination_record('{"order": "a text"}')),
    "lambda-destination on a bus": json.loads(on_a_bus(destination_record('{"order": "a text"}'))),
    "stream-failure": json.loads(stream_record()),
}


def test_every_envelope_has_a_sample() -> None:
    """A new envelope of events needs a sample there, and gets its canaries by itself."""
    of_messages = {"sqs-message", "unknown", *(each.name for each in envelopes() if "dead-letter" in each.name)}
    known = {name for name, _, _ in EVENTS} | {name.partition(" ")[0] for name in SAMPLES}
    assert {each.name for each in envelopes()} - of_messages <= known


def _planted(sample: Any, secret: str) -> Iterator[tuple[str, Any]]:
    """Give *sample* with *secret* in the place of each value, inside of each text, as a new key, and as a new value."""
    places: list[tuple[tuple[str | int, ...], Any]] = [((), sample)]
    while places:
        way, value = places.pop()
        if isinstance(value, dict):
            places += [((*way, key), inner) for key, inner in value.items()]
            yield f"{way} new", _with(sample, way, {**value, "note": secret, secret: 1})
        elif isinstance(value, list):
            places += [((*way, number), inner) for number, inner in enumerate(value)]
            yield f"{way} element", _with(sample, way, [*value, secret])
        elif way:
            yield f"{way} value", _with(sample, way, secret)
            if isinstance(value, str):
                yield f"{way} within", _with(sample, way, f"{value} {secret}")


def _with(sample: Any, way: tuple[str | int, ...], value: Any) -> Any:
    if not way:
        return value
    made = copy.deepcopy(sample)
    holder = made
    for step in way[:-1]:
        holder = holder[step]
    holder[way[-1]] = value
    return made


def _written(capture: Capture) -> str:
    """Give all that a recording would write of a capture, and nothing where it cannot be recorded."""
    try:
        envelope, unwrapped = unwrap(capture)
        maker = FixtureMaker("f", REDACTOR, lambda: NOW)
        fixture = maker.fixture(capture, envelope, unwrapped, of_several=False)
    except (InvalidJson, RedactionError):
        return ""
    event = event_bytes(fixture.event_text)
    document = document_bytes(to_document(fixture, event)).decode()
    return "\n".join([str(fixture.reference), document, readable(fixture.event_text)])


def _secrets(count: int, seed: str) -> list[Labelled]:
    random, kinds = Random(seed), list(STRUCTURED.values())
    return [kinds[(number * 7 + len(seed)) % len(kinds)](random) for number in range(count)]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_secret_at_any_place_of_any_envelope_is_gone(name: str) -> None:
    """Wherever it stands, it is neither in the event nor in its document, nor in the name of the fixture."""
    count = sum(1 for _ in _planted(SAMPLES[name], ""))
    left = []
    for number, labelled in enumerate(_secrets(count, name)):
        place, event = [*_planted(SAMPLES[name], labelled.text)][number]
        origin = Origin(source="files", identity=f"{number}", place="events.json:1")
        written = _written(Capture(origin=origin, body=json.dumps(event)))
        left += [(place, form) for form in _forms(labelled.secret) if form in written]
    assert count > 1
    assert left == []


@pytest.mark.parametrize("carrier", ["sqs", "text", "log"])
def test_a_secret_at_any_place_of_a_message_is_gone(carrier: str) -> None:
    """The same of a message's body, its attributes by name and value, and what its source knew of the failure."""
    for labelled in _secrets(60, carrier):
        text = labelled.text
        attributes = {
            name: MessageAttribute(data_type="String", string_value=text)
            for name in ("note", "ErrorMessage", "ERROR_MESSAGE", "RULE_ARN")
        }
        attributes["raw"] = MessageAttribute(data_type="Binary", binary_value=text.encode())
        attributes[text.replace("\n", " ")] = MessageAttribute(data_type="String", string_value="x")
        written = _written(
            Capture(
                origin=Origin(source="sqs", arn="arn:aws:sqs:eu-west-1:1:q", identity="1", place=f"https://x/{text}"),
                body=f"refused {text}", carrier=carrier, attributes={"SentTimestamp": "1763683200000", "MessageGroupId": text},
                message_attributes=attributes, failure=_failure(text),
            )
        )  # fmt: skip
        assert written
        assert [form for form in _forms(labelled.secret) if form in written] == []


def _failure(text: str) -> Failure:
    """Give a failure that has *text* in every field that holds one."""
    return Failure(
        error_type=f"ValueError {text}", message=f"no {text}", stack=f"Traceback\n  {text}", log_lines=(f"[ERROR] {text}", text),
        signature=Signature(error_type="ValueError", message=f"no {text}", frames=(f"app.py:handler:call('{text}')",)),
        frames=(Frame(module="app.py", function="handler", code=f"call('{text}')"),), trace=(Segment(name=text, cause=f"because {text}"),),
    )  # fmt: skip


def test_a_secret_in_any_part_of_an_aws_call_is_gone() -> None:
    """What a function asked of AWS, what it was answered, and the error that it met."""
    for labelled in _secrets(60, "calls"):
        text = labelled.text
        call = AwsCall(
            service="dynamodb", operation="PutItem", parameters={"Item": {"note": {"S": text}, text: {"L": [{"S": f"a {text}"}]}}},
            result={"Attributes": {"note": {"S": text}}}, error=AwsError(code="ValidationException", message=f"no {text}"),
        )  # fmt: skip
        told = repr(redacted_call(call, REDACTOR))
        assert [form for form in _forms(labelled.secret) if form in told] == []
