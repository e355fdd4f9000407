"""Every envelope that is there: the files of this folder, and what third parties add."""

import importlib
import inspect
import pkgutil
from functools import cache
from importlib.metadata import entry_points

from replay.payloads import envelopes as folder
from replay.payloads.captures import Capture
from replay.payloads.envelopes.base import Envelope, Unwrapped

ENTRY_POINTS = "replay.envelopes"


@cache
def envelopes() -> tuple[Envelope, ...]:
    """List the envelopes in the order in which they are asked: low rank first, then by name."""
    kinds = {kind for module in pkgutil.iter_modules(folder.__path__) for kind in _declared(module.name)}
    kinds |= {entry.load() for entry in entry_points(group=ENTRY_POINTS)}
    return tuple(sorted((kind() for kind in kinds), key=lambda envelope: (envelope.rank, envelope.name)))


def _declared(module: str) -> set[type[Envelope]]:
    """Find the envelopes that a file of the folder declares; files that only help one declare none."""
    loaded = importlib.import_module(f"{folder.__name__}.{module}")
    return {
        kind
        for _, kind in inspect.getmembers(loaded, inspect.isclass)
        if issubclass(kind, Envelope) and kind.__module__ == loaded.__name__ and not inspect.isabstract(kind)
    }


def unwrap(capture: Capture) -> tuple[Envelope, Unwrapped]:
    """Ask each envelope in turn; the last accepts everything."""
    for envelope in envelopes():
        if envelope.detect(capture):
            return envelope, envelope.unwrap(capture)
    raise AssertionError("the envelope `unknown` accepts every capture")
