"""Where AWS itself delivers, originals are sent, and nothing that is seen of them afterwards tells one."""

import json
from pathlib import Path

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import DeliveryReport, Invocation
from replay.fixtures.fixture import Fixture, FixtureReference, Provenance
from replay.functions.function import Function
from replay.originals.originals import Originals
from replay.originals.swaps import original_of
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.replayer.as_sent import report_as_told, text_as_sent, words_as_told
from replay.replayer.replayer import as_it_is
from replay.targets.process import ProcessTarget

NAME = "Zebulon Quackenbush"
EVENT = json.dumps({"id": 1, "customer": {"name": NAME}})


def test_a_carrier_sends_originals_and_tells_none(tmp_path: Path) -> None:
    """The text that is sent is the original; reply, log, dead letter and response come back with stand-ins."""
    redactor = Redactor(RedactionSettings(redact=("customer",), key=b"of the tests"))
    redacted = redactor.event(EVENT).text
    reference = FixtureReference(function="f", name="x--12345678")
    fixture = Fixture(
        reference=reference,
        event_text=redacted,
        kind="sqs",
        provenance=Provenance(source="sqs"),
        event_source=EventSource(kind="sqs"),
        expectation=Expectation(wants="fails"),
    )
    found = {reference: original_of(EVENT, redacted=redacted, fixture=redacted)}
    originals = Originals(found=found, missing={}, redactor=redactor)
    target = ProcessTarget(Function(name="f", handler="a.h", code=tmp_path))
    assert text_as_sent(fixture, target, originals.as_sent) == EVENT
    assert text_as_sent(fixture, target, as_it_is) == redacted
    reply = Reply(
        status="raised", log=f"no {NAME}", failure=Failure(error_type="KeyError", message=NAME), payload=f'"{NAME}"'
    )
    report = DeliveryReport(
        invocations=(Invocation(attempt=Attempt(payload=redacted), reply=reply, problem=f"what of {NAME}?"),),
        failure_records=({"Body": EVENT}, {"requestPayload": json.loads(EVENT)}),
        response={"to": NAME},
        problem=NAME,
        notes=(f"seen: {NAME}",),
    )
    told = report_as_told(fixture, report, as_sent=originals.as_sent)
    assert "Zebulon" not in repr(told)
    assert "Quackenbush" not in repr(told)
    assert told.failure_records[1] == {"requestPayload": json.loads(redacted)}
    assert told.invocations[0].reply.status == "raised"
    assert "Zebulon" not in words_as_told(fixture, f"InvalidParameterValue: {NAME}", as_sent=originals.as_sent)
    assert words_as_told(fixture, NAME, as_sent=as_it_is) == NAME
