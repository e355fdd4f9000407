"""Replaying beyond this process: what is planned and agreed to, and the run of it."""

from replay.deployed_replay.events import PlannedEvents, begun_events, plan_events, refuse_others, replay_events
from replay.deployed_replay.ledgers import Noted, begun_header, pace_document, resumed
from replay.deployed_replay.plans import plan_replay
from replay.deployed_replay.runs import replay_deployed
from replay.deployed_replay.the_project import function_of, gives_answers, is_invoked

__all__ = [
    "Noted",
    "PlannedEvents",
    "begun_events",
    "begun_header",
    "function_of",
    "gives_answers",
    "is_invoked",
    "pace_document",
    "plan_events",
    "plan_replay",
    "refuse_others",
    "replay_deployed",
    "replay_events",
    "resumed",
]
