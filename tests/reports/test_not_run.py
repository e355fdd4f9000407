"""What could not be run: each reason once, and where."""

from replay.errors import FixtureError, NotPinned
from replay.fixtures.fixture import FixtureReference
from replay.replayer import FixtureNotRun
from replay.reports.not_run import by_reason, reason_text


def _event(error):
    return FixtureNotRun(reference=FixtureReference(function="orders", name="x--1f9a03c2"), error=error)


def test_one_reason_at_several_places_says_that_there_are_others():
    """What is wrong with several fixtures is told once, with the first place, and that it is not the only one."""
    events = [_event(FixtureError("no longer JSON", where=f"{name}/event.json", expected="a value")) for name in "ab"]
    [reason] = by_reason(events)
    assert reason_text(reason) == "no longer JSON\n  where:    a/event.json, and others\n  expected: a value"


def test_one_place_has_no_others():
    """A single fixture, and one place that keeps several back, are told as they are."""
    events = [_event(FixtureError("cannot be listed", where="fixtures", hint="look")) for _ in "ab"]
    told = "cannot be listed\n  where:    fixtures\n  do now:   look"
    assert [reason_text(events[:1]), reason_text(events)] == [told, told]


def test_what_cannot_be_pinned_is_told_without_what_each_replay_found():
    """The first failures of several fixtures differ, and the reason that none can be written down does not."""
    events = [_event(NotPinned("cannot pin", found=f"KeyError: {name}", where=name)) for name in "ab"]
    assert reason_text(events) == "cannot pin\n  where:    a, and others"
