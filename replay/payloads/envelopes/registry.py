"""Every envelope that is there, and the walk through the envelopes of a capture from the outside in."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache

from replay.extensions import load_extension
from replay.payloads import envelopes as folder
from replay.payloads.captures import Capture, Origin, S3Object
from replay.payloads.envelopes.base import Envelope, Unwrapped
from replay.payloads.envelopes.claim_checks import claim_check, claim_checks
from replay.payloads.envelopes.documents import document
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json

ENTRY_POINTS = "replay.envelopes"
_MOST_LAYERS = 100
_SURE_LAYERS = 10
_MOST_CHARACTERS = 10_000_000
"""Each layer is read whole, so many large ones take long; the longest chain that AWS makes has six."""

_REDRIVEN = "DeadLetterQueueSourceArn"


@cache
def envelopes() -> tuple[Envelope, ...]:
    """
    List the envelopes in the order in which they are asked: low rank first, then by name.

    Raises:
        ConfigurationError: One of another package cannot be imported, or is none.
    """
    from importlib.metadata import entry_points  # processes that only look for failures in logs open no envelope

    kinds = {kind for module in pkgutil.iter_modules(folder.__path__) for kind in _declared(module.name)}
    kinds |= {load_extension(entry, Envelope) for entry in entry_points(group=ENTRY_POINTS)}
    return tuple(sorted((kind() for kind in kinds), key=lambda envelope: (envelope.rank, envelope.name)))


def _declared(module: str) -> set[type[Envelope]]:
    """Find the envelopes that a file of the folder declares; files that only help one declare none."""
    loaded = importlib.import_module(f"{folder.__name__}.{module}")
    return {
        kind
        for _, kind in inspect.getmembers(loaded, inspect.isclass)
        if issubclass(kind, Envelope) and kind.__module__ == loaded.__name__ and not inspect.isabstract(kind)
    }


def unwrap(capture: Capture, function_sources: Sequence[EventSource] = ()) -> tuple[Envelope, Unwrapped]:
    """
    Find the event that a function received, through as many envelopes as there are.

    - A message that a redrive policy moved (`DeadLetterQueueSourceArn`) failed in a consumer of its queue: the event is
      the SQS record, whatever its body holds.
    - Else a record of a failure tells which event failed, however it came here (from a topic to a queue, say).
    - Else it is what the outermost envelope hands over. A notification in a queue was meant for the queue's consumer,
      or it is the dead letter of a function's own subscription: that shows in nothing but *function_sources*.

    Args:
        function_sources: The event sources of the function that the event is for, as far as they are known.
    """
    layers = list(_layers(capture))
    received = _received(layers, function_sources)
    envelope, held = layers[received]
    unwrapped = envelope.unwrap(held)
    names = tuple(each.name for each, _ in layers)
    if len(names) > 1 and names[-1] == "unknown":
        names = names[:-1]
    return envelope, replace(
        unwrapped,
        envelopes=names,
        claim_checks=_claim_checks(layers, unwrapped.event.text),
        details={**unwrapped.details, **_told_layers(names, layers[-1])},
        is_whole=unwrapped.is_whole and _are_told(layers[1 : received + 1], by=envelope),
    )


def _told_layers(names: tuple[str, ...], last: tuple[Envelope, Capture]) -> dict[str, Json]:
    """Tell which envelopes were opened, and whether another may lie in the last."""
    if len(names) == 1:
        return {}
    is_open = len(names) >= _SURE_LAYERS and last[0].inside(last[1]) is not None
    return {"envelopes": list(names), **({"envelopes_left_closed": True} if is_open else {})}


def _are_told(opened: Sequence[tuple[Envelope, Capture]], *, by: Envelope) -> bool:
    """Say whether all message attributes of what was *opened* are told; those of the outermost are in its event."""
    return all(held.message_attributes.keys() <= by.told_attributes for _, held in opened)


def _claim_checks(layers: Sequence[tuple[Envelope, Capture]], event_text: str) -> tuple[S3Object, ...]:
    """List what the event points to; only a message's own attributes tell the size."""
    own = [claim_check(held.body, held.message_attributes) for _, held in layers]
    sized = {(each.bucket, each.key): each for each in own if each is not None}
    return tuple(sized.get((each.bucket, each.key), each) for each in claim_checks(event_text))


def _layers(capture: Capture) -> Iterator[tuple[Envelope, Capture]]:
    """Open one envelope after the other, without recursion."""
    held: Capture | None = capture
    characters = 0
    for number in range(_MOST_LAYERS):
        if held is None or (number >= _SURE_LAYERS and characters + len(held.body) > _MOST_CHARACTERS):
            return
        characters += len(held.body)
        envelope = _envelope_of(held)
        yield envelope, held
        held = envelope.inside(held)


def _envelope_of(capture: Capture) -> Envelope:
    """Ask each envelope in turn, of the shapes only those that could be meant; the last accepts everything."""
    for envelope in worth_asking(document(capture.body)):
        if envelope.detect(capture):
            return envelope
    raise AssertionError("the envelope `unknown` accepts every capture")


def is_known(body: str) -> bool:
    """Say whether an envelope, or the shape of an event, is known by its *body* alone, whatever carried it."""
    nowhere = Capture(origin=Origin(source="", identity=""), body=body, carrier="")
    return _envelope_of(nowhere).name != "unknown"


def worth_asking(event: Json) -> tuple[Envelope, ...]:
    """List the envelopes, but for the shapes that a parsed *event* cannot be of: mostly forty and more."""
    every = envelopes()
    return _worth_asking(every, _marks(every).intersection(event)) if isinstance(event, dict) else every


@lru_cache(maxsize=2)
def _marks(every: tuple[Envelope, ...]) -> frozenset[str]:
    """Give all members by which shapes know their events."""
    return frozenset().union(*(_known_by(envelope) or () for envelope in every))


@lru_cache(maxsize=256)
def _worth_asking(every: tuple[Envelope, ...], marks: frozenset[str]) -> tuple[Envelope, ...]:
    """List the envelopes but for the shapes of which an event with these *marks* has none: mostly forty and more."""
    return tuple(each for each in every if (known_by := _known_by(each)) is None or not known_by.isdisjoint(marks))


def _known_by(envelope: Envelope) -> frozenset[str] | None:
    return envelope.known_by if isinstance(envelope, EventShape) else None


def _received(layers: Sequence[tuple[Envelope, Capture]], function_sources: Sequence[EventSource]) -> int:
    """Say which of the layers is the one that the function received its event from."""
    if _REDRIVEN in layers[0][1].attributes:
        return 0
    for index, (envelope, _) in enumerate(layers):
        if envelope.tells_of_failure:
            return index
        if not envelope.carries:
            break
    known = layers[0][1].event_source
    kinds = {source.kind for source in function_sources or ([known] if known else [])}
    if "sns" in kinds and "sqs" not in kinds:
        return next((index for index, (envelope, _) in enumerate(layers) if envelope.name == "sns-notification"), 0)
    return 0
