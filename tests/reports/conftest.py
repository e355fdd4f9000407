from collections.abc import Callable
from typing import Any

import pytest

from replay.fixtures.fixture import Fixture, FixtureReference, Provenance
from replay.payloads.event_sources import EventSource
from replay.payloads.expectations import Expectation
from tests.cli.conftest import _steady, orders, project, replay_

__all__ = ["_steady", "fixture_of", "orders", "project", "replay_"]


@pytest.fixture
def fixture_of() -> Callable[..., Fixture]:
    """Give a function that makes a fixture of `orders`, with what is to be different in it."""

    def make(**changes: Any) -> Fixture:
        parts: dict[str, Any] = {
            "reference": FixtureReference(function="orders", name="poison--1a2b3c4d"),
            "event_text": "{}",
            "kind": "direct",
            "provenance": Provenance(source="files"),
            "event_source": EventSource(),
            "expectation": Expectation(wants="fails"),
        }
        return Fixture(**(parts | changes))

    return make
