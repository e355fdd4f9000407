"""Minimises one fixture: probes are replays, and what is left becomes a new revision."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from replay.errors import ConfigurationError, InvalidEvent, InvalidJson
from replay.expectations.known_failure import is_known
from replay.fixtures.fixture import Fixture
from replay.fixtures.revisions import new_revision
from replay.minimizer.free_parts import free_parts
from replay.minimizer.payload_tree import Node, places, tree_of, written
from replay.minimizer.reduction import Probes, reduce
from replay.outcomes.outcome import Outcome
from replay.payloads.envelopes.sqs_digests import renew_digests
from replay.payloads.failures import Signature

MOST_PROBES = 2_000
WITHIN_S = 120.0
Observe = Callable[[Fixture], Outcome]
"""Replays a fixture that is on no disk and gives its outcome; raises ReplayError where it cannot be replayed."""

Ahead = Callable[[Fixture, Signature, str], Future[bool | None]]
"""Begins to say in another process whether a fixture still fails so with another event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimized:
    """
    What became of a fixture: `fixture` has the smallest event that was found, and is not written yet.

    `is_smallest` is False where probes or time were used up before nothing more could go.
    """

    fixture: Fixture
    bytes_before: int
    bytes_now: int
    probes: int
    is_smallest: bool

    @property
    def changed(self) -> bool:
        """Whether anything could be left out."""
        return self.bytes_now < self.bytes_before


def minimize(
    fixture: Fixture,
    observe: Observe,
    *,
    most_probes: int = MOST_PROBES,
    within_s: float = WITHIN_S,
    is_safe: Callable[[str], bool] = lambda _: True,
    ahead: Ahead | None = None,
) -> Minimized:
    """
    Find the smallest event that still fails with the signature of *fixture*.

    What AWS always sends around a payload stays; JSON inside of strings and base64 is taken apart too. The result has
    one revision more.

    Args:
        is_safe: Says whether redaction would leave an event as it is: of a stand-in not so much may go that the rest
            could be somebody's own.
        ahead: Probes in other processes; the result is the same as without it.

    Raises:
        ConfigurationError: It does not fail here as it is known to.
        InvalidJson: Its event is no JSON, or nested too deep.
        ReplayError: It cannot be replayed.
    """
    known = _known(fixture, observe(fixture))
    size = len(fixture.event_text.encode("utf-8", "surrogatepass"))
    probes = Probes(
        partial(fails, fixture, observe, known),
        most=most_probes,
        within_s=within_s,
        is_safe=is_safe if is_safe(fixture.event_text) else lambda _: True,
        ahead=ahead and partial(ahead, fixture, known),
    )
    root = tree_of(fixture.event_text, free_parts(fixture.event_source.kind))
    if not probes.still_fails(written(root)):
        raise ConfigurationError(
            "it no longer fails in the same way when its JSON is written without white space",
            where=str(fixture.reference),
            expected="a failure that comes from the values of the event, not from how they are written",
        )
    is_smallest = reduce(root, probes)
    text = _with_digests(fixture, written(root), observe, known)
    now = len(text.encode("utf-8", "surrogatepass"))
    return Minimized(
        fixture=_revised(fixture, root, text, f"minimised from {size:,} to {now:,} bytes, {probes.made} probes"),
        bytes_before=size,
        bytes_now=now,
        probes=probes.made,
        is_smallest=is_smallest,
    )


def _known(fixture: Fixture, outcome: Outcome) -> Signature:
    seen = outcome.signature
    if seen is None or not is_known(fixture.expectation.signature, outcome):
        raise ConfigurationError(
            "it does not fail here" if seen is None else f"it fails here with another failure: {seen.error_type}",
            where=str(fixture.reference),
            expected="the failure that it is known for",
            hint=f"replay run {fixture.reference.short}",
        )
    return seen


def fails(fixture: Fixture, observe: Observe, known: Signature, event_text: str) -> bool:
    """Say whether *fixture* fails with the signature *known* when its event is another one."""
    try:
        return observe(replace(fixture, event_text=event_text)).signature == known
    except (InvalidEvent, InvalidJson):
        return False  # AWS would deliver no such event


def _with_digests(fixture: Fixture, text: str, observe: Observe, known: Signature) -> str:
    renewed = renew_digests(fixture.event_text, text)
    return renewed if renewed == text or fails(fixture, observe, known, renewed) else text


def _revised(fixture: Fixture, root: Node, text: str, why: str) -> Fixture:
    if len(text) >= len(fixture.event_text):
        return fixture
    now = places(root)
    redactions = [
        replace(each, at=now.get(each.at, each.at))
        for each in fixture.redactions
        if each.at in now or "/*" in each.at  # a key that is not told
    ]
    verified = fixture.verification
    if verified is not None:
        verified = replace(verified, matters=tuple(dict.fromkeys(now[at] for at in verified.matters if at in now)))
    return replace(
        fixture,
        event_text=text,
        redactions=tuple(dict.fromkeys(redactions)),
        verification=verified,
        revisions=(*fixture.revisions, new_revision("replay minimize", why)),
        edited=False,
    )
