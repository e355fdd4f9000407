"""Parts that lines of JSON share, whatever they tell: the name of a fixture, and what went wrong."""

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.payloads.exact_json import Json


def reference_document(reference: FixtureReference) -> dict[str, Json]:
    """Give the part of a line that names a fixture."""
    return {"fixture": reference.id, "function": reference.function, "name": reference.name}


def problem(error: ReplayError) -> dict[str, Json]:
    """Give an error of ours as a document."""
    parts: dict[str, Json] = {"what": error.what, "where": error.where, "expected": error.expected, "hint": error.hint}
    return {"problem": {name: value for name, value in parts.items() if value}}
