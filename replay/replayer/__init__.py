"""The second driver: takes fixtures through delivery, target, outcome and expectation, and tells what happens."""

from replay.replayer.further_deliveries import SecondDelivery
from replay.replayer.pace import Pace
from replay.replayer.pinning import pin
from replay.replayer.replayer import FixtureStore, Observation, Replayer, replay_fixture
from replay.replayer.run import run
from replay.replayer.run_events import (
    FixtureNotRun,
    FixtureReplayed,
    RunAdvanced,
    RunEvent,
    RunFinished,
    RunStarted,
)

__all__ = [
    "FixtureNotRun",
    "FixtureReplayed",
    "FixtureStore",
    "Observation",
    "Pace",
    "Replayer",
    "RunAdvanced",
    "RunEvent",
    "RunFinished",
    "RunStarted",
    "SecondDelivery",
    "pin",
    "replay_fixture",
    "run",
]
