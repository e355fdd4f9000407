"""What every envelope keeps to, whoever wrote it: one suite over all that are registered."""

import json

import pytest

from replay.payloads.captures import Capture, MessageAttribute, Origin
from replay.payloads.envelopes import registry
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.envelopes.registry import envelopes, unwrap
from replay.payloads.envelopes.unknown import Unknown
from replay.payloads.exact_json import is_json
from replay.payloads.failures import Failure

_DEEP = "[" * 50_000 + "]" * 50_000
_BODIES = [
    "", " ", "null", "0", '"text"', "plain", "{}", "[]", "\x00\ud800", _DEEP, '{"Records":' + _DEEP + "}", "9" * 10_000,
    '{"Records": {}}', '{"Records": [[]]}', '{"Records": [null]}', '{"requestContext": []}', '{"awslogs": {"data": []}}',
    '{"source": 1, "detail-type": [], "detail": null}', '{"eventSource": {}}', '{"a": 1, "a": 2}', "NaN",
]  # fmt: skip


def _captures() -> list[Capture]:
    origin = Origin(source="any", arn="arn:aws:sqs:eu-west-1:1:q", identity="id", place="here")
    attribute = MessageAttribute(data_type="Binary", binary_value=b"\xff")
    return [
        Capture(origin=origin, body=body, carrier=carrier, message_attributes=attributes)
        for body in _BODIES
        for carrier in ("sqs", "file", "text")
        for attributes in ({}, {"x": attribute})
    ]


@pytest.fixture(params=envelopes(), ids=lambda envelope: envelope.name)
def envelope(request: pytest.FixtureRequest) -> Envelope:
    found: Envelope = request.param
    return found


def test_it_looks_at_anything_without_harm(envelope: Envelope) -> None:
    """Whatever the body is, detecting answers, and what is accepted unwraps to an event of valid JSON."""
    for capture in _captures():
        if envelope.detect(capture):
            unwrapped = envelope.unwrap(capture)
            assert is_json(unwrapped.event.text), capture.body[:50]


def test_it_unwraps_the_same_each_time(envelope: Envelope) -> None:
    """Unwrapping invents nothing: the same capture gives the same event, so a fixture never changes by itself."""
    for capture in _captures():
        if envelope.detect(capture):
            assert envelope.unwrap(capture) == envelope.unwrap(capture)


def test_it_passes_on_the_failure_that_the_source_knew(envelope: Envelope) -> None:
    """A failure told by the source is not lost on the way."""
    failure = Failure(error_type="KeyError", message="'x'")
    for capture in _captures()[:6]:
        known = Capture(origin=capture.origin, body=capture.body, carrier=capture.carrier, failure=failure)
        if envelope.detect(known):
            assert envelope.unwrap(known).failure == failure


def test_its_seal_survives_any_text(envelope: Envelope) -> None:
    """Resealing what was not changed changes nothing, whatever it is."""
    for body in _BODIES:
        assert envelope.reseal(body, body) == body


def test_its_details_are_plain_json(envelope: Envelope) -> None:
    """What goes into a fixture's provenance can be written as JSON."""
    for capture in _captures():
        if envelope.detect(capture):
            json.dumps(dict(envelope.unwrap(capture).details))


def test_everything_is_unwrapped_by_somebody() -> None:
    """No capture is refused."""
    for capture in _captures():
        unwrap(capture)


class _Loud(Unknown):
    name = "loud"
    rank = 1

    def unwrap(self, capture: Capture) -> Unwrapped:
        return super().unwrap(Capture(origin=capture.origin, body=json.dumps(capture.body.upper())))


class _Entry:
    def load(self) -> type[Envelope]:
        return _Loud


def test_another_package_adds_an_envelope_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third party's envelope takes its place among ours by rank."""
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda *, group: [_Entry()] if group == "replay.envelopes" else []
    )
    registry.envelopes.cache_clear()
    try:
        chosen, unwrapped = unwrap(_captures()[-1])
    finally:
        registry.envelopes.cache_clear()
    assert chosen.name == "loud"
    assert unwrapped.event.text == '"NAN"'
