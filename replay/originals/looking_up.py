"""Looks the originals of fixtures up where they were recorded; what is leased for that is given back."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from replay.config import Config
from replay.enrichment.completers import completers_for
from replay.enrichment.completion import Completer
from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.store import Store
from replay.functions.catalog import Catalog
from replay.originals.originals import Originals
from replay.originals.places import Place, place_of
from replay.originals.swaps import Original, original_of
from replay.payloads.captures import Capture
from replay.payloads.envelopes.registry import unwrap
from replay.payloads.event_sources import EventSource
from replay.recorder.fixture_maker import FixtureMaker
from replay.redaction.redactor import Redactor
from replay.replayer.planning import holds_stand_ins
from replay.sources.base import Recording, content_identity

_NOT_THERE = "it is no longer at its source"


class Project(Protocol):
    """The part of a project that this needs."""

    @property
    def config(self) -> Config:
        """Its configuration."""

    @property
    def store(self) -> Store:
        """Its fixtures."""

    @property
    def catalog(self) -> Catalog:
        """Its functions."""

    @property
    def redactor(self) -> Redactor:
        """What has redacted them."""


def look_up_originals(
    project: Project, references: Sequence[FixtureReference], *, allow_pseudonyms: bool = False
) -> Originals:
    """
    Look up what redaction took out of *references*, at the sources that they were recorded from.

    Sources are read as recording reads them: a queue's messages are leased and given back, nothing is consumed. What is
    found stays in memory.

    Args:
        allow_pseudonyms: Whether stand-ins may be sent where nothing was found.
    """
    found: dict[FixtureReference, Original] = {}
    missing: dict[FixtureReference, str] = {}
    notes: list[str] = []
    wanted: dict[Place, list[Fixture]] = {}
    for loaded in project.store.load_all(project.store.as_stored(references)):
        if not isinstance(loaded, Fixture) or not holds_stand_ins(loaded):
            continue  # one that cannot be read is told by its replay
        try:
            wanted.setdefault(place_of(loaded), []).append(loaded)
        except ReplayError as error:
            missing[loaded.reference] = error.what
    for place, fixtures in wanted.items():
        looking = _Looking(project, fixtures)
        try:
            looking.look(place)
        except ReplayError as error:
            looking.missing |= {each.reference: error.what for each in looking.left()}
        found |= looking.found
        missing |= {each.reference: _NOT_THERE for each in looking.left()} | looking.missing
        notes += looking.notes
    return Originals(
        found=found,
        missing=missing,
        redactor=project.redactor,
        allow_pseudonyms=allow_pseudonyms,
        notes=tuple(dict.fromkeys(notes)),
    )


class _Looking:
    """A look at one place for the originals of some fixtures."""

    def __init__(self, project: Project, fixtures: Sequence[Fixture]) -> None:
        self._project = project
        self._fixtures = {(each.reference.function, each.provenance.identity): each for each in fixtures}
        self._makers = {
            name: FixtureMaker(name, project.redactor, lambda: datetime.now(UTC))
            for name in {each.reference.function for each in fixtures}
        }
        self.found: dict[FixtureReference, Original] = {}
        self.missing: dict[FixtureReference, str] = {}
        self.notes: list[str] = []

    def left(self) -> list[Fixture]:
        """Give those of which nothing is known yet."""
        known = self.found.keys() | self.missing.keys()
        return [each for each in self._fixtures.values() if each.reference not in known]

    def look(self, place: Place) -> None:
        """
        Read the place until everything is found.

        Raises:
            ReplayError: It cannot be read.
        """
        recording = place.open(self._project.config.sources).open()
        with recording:
            recording.within(place.since, place.until)
            completers = {name: self._completers(name, recording) for name in self._makers}
            for capture in self._captures(recording):
                for function in self._makers:
                    self._take(function, capture, completers[function])
        self.notes += recording.notes

    def _captures(self, recording: Recording) -> Iterator[Capture]:
        captures = recording.captures()
        identities = {identity for _, identity in self._fixtures}
        while self.left() and (capture := next(captures, None)) is not None:
            named = capture.origin.identity
            is_digest = named == content_identity(capture.body)  # that of what was redacted is another one
            if is_digest or named in identities:
                yield capture

    def _take(self, function: str, capture: Capture, completers: Sequence[Completer]) -> None:
        """Keep what *capture* was, if it is the original of a fixture of *function*."""
        try:
            envelope, unwrapped = unwrap(capture, self._event_sources(function))
            for completer in completers:
                unwrapped = completer.complete(capture, unwrapped)
            made = self._makers[function].fixture(capture, envelope, unwrapped, of_several=False)
        except ReplayError:
            return  # what could not be recorded has no fixture either
        fixture = self._fixtures.get((function, made.provenance.identity))
        if fixture is None or fixture.reference in self.found or fixture.provenance.arn != made.provenance.arn:
            return
        try:
            self.found[fixture.reference] = original_of(
                unwrapped.event.text, redacted=made.event_text, fixture=fixture.event_text
            )
        except ReplayError as error:
            self.missing[fixture.reference] = error.what

    def _completers(self, function: str, recording: Recording) -> Sequence[Completer]:
        """Give what fetches an event that its capture only points to, as when it was recorded."""
        if recording.client_of is None:
            return ()
        return completers_for(recording.client_of, function, self._event_sources(function))

    def _event_sources(self, function: str) -> tuple[EventSource, ...]:
        try:
            return self._project.catalog.get(function).event_sources
        except ReplayError:
            return ()  # a function need not be known to be recorded for
