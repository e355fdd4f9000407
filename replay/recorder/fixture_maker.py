"""A capture, redacted, as the fixture that will be written."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath

from replay.fixtures.fixture import Fixture, Provenance, Redaction
from replay.fixtures.naming import fixture_reference
from replay.outcomes.fingerprint import signature
from replay.payloads.captures import Capture, Event
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure
from replay.recorder.redacted_values import redacted_json, redacted_settings
from replay.redaction.redactor import Redactor
from replay.sources.base import content_identity


class FixtureMaker:
    """Makes the fixtures of one function."""

    def __init__(self, function: str, redact: Redactor, now: Callable[[], datetime]) -> None:
        self._function, self._redact, self._now = function, redact, now
        # The messages of one queue share their settings and its name: redacting them once is enough.
        self._name = lru_cache(maxsize=64)(redact.plain)
        self._settings = lru_cache(maxsize=64)(partial(redacted_settings, redact=redact))

    def fixture(self, capture: Capture, envelope: Envelope, unwrapped: Unwrapped, *, of_several: bool) -> Fixture:
        """
        Make a fixture; nothing of it is unredacted.

        Args:
            of_several: Its failure was seen of several messages at once, so that it may be another one's.

        Raises:
            RedactionError: It cannot be made safe.
            InvalidJson: Its event is not JSON.
        """
        event = unwrapped.event
        redacted = self._redact.event(event.text)
        text = envelope.reseal(event.text, redacted.text)
        failure = self._redact.failure(unwrapped.failure, redacted.replaced) if unwrapped.failure else None
        provenance = self._provenance(capture, unwrapped, _identity(capture, event, text))
        return Fixture(
            reference=fixture_reference(
                self._function, self._title(capture, failure), arn=provenance.arn, identity=provenance.identity
            ),
            event_text=text,
            kind=event.kind,
            provenance=provenance,
            event_source=self._settings(unwrapped.event_source),
            expectation=Expectation(wants="fails") if of_several else _expectation(failure),
            failure=failure,
            redactions=tuple(
                Redaction(at=found.at, detector=found.detector, count=found.count) for found in redacted.redactions
            ),
        )

    def changed_beside_event(self, fixture: Fixture, unwrapped: Unwrapped) -> bool:
        """Say whether what a message told beside its event, its failure and details, is not in *fixture* as it was."""
        told = unwrapped.failure
        if fixture.provenance.details != dict(unwrapped.details):
            return True
        return told is not None and fixture.failure != told and self._redact.failure(told, {}) != told

    def _provenance(self, capture: Capture, unwrapped: Unwrapped, identity: str) -> Provenance:
        origin = capture.origin
        return Provenance(
            source=origin.source,
            arn=origin.arn,
            identity=identity,
            place=self._name(origin.place),
            sent_at=_iso(capture.sent_at) if capture.sent_at else None,
            recorded_at=_iso(self._now()),
            tool_version=_tool_version(),
            details={name: redacted_json(value, self._redact) for name, value in unwrapped.details.items()},
        )

    def _title(self, capture: Capture, failure: Failure | None) -> str:
        if failure is not None:
            return f"{failure.error_type} {failure.message}"
        origin = capture.origin
        resource = origin.arn.partition("/stream/")[0]  # of a table's stream the rest is a time
        named = resource.rpartition(":")[2] or PurePath(origin.place.rpartition(":")[0]).stem or origin.source
        return self._name(named)


def _identity(capture: Capture, event: Event, redacted_text: str) -> str:
    """
    Give the capture's identity; where that digests its content, digest the redacted content instead.

    A digest of the unredacted event would let anyone test guesses of what was redacted.
    """
    identity = capture.origin.identity
    if redacted_text == event.text or identity != content_identity(capture.body):
        return identity
    return content_identity(redacted_text)


def _expectation(failure: Failure | None) -> Expectation:
    """Expect what was observed; without its stack an error cannot be known again, so then any failure will do."""
    if failure is None or not failure.frames:
        return Expectation(wants="fails")
    return Expectation(wants="reproduces", signature=signature(failure))


def _iso(moment_: datetime) -> str:
    return moment_.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def _tool_version() -> str:
    try:
        return version("event-replay")
    except PackageNotFoundError:
        return ""  # run from a checkout that is not installed
