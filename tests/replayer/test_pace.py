"""How fast a run goes, and when it stops."""

import itertools
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.errors import ConfigurationError
from replay.replayer.pace import (
    ErrorBudget,
    Pace,
    RateLimit,
    budget_of_text,
    duration_of_text,
    pace_of,
    rate_of_text,
    seconds_until,
    sent_within,
    speed_of_text,
    timeline,
)


class Clock:
    """A clock that moves only when somebody sleeps or works."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@given(
    rate=st.floats(min_value=0.1, max_value=1000),
    work=st.lists(st.floats(min_value=0, max_value=3), min_size=2, max_size=60),
)
def test_never_faster_than_the_rate(rate, work):
    """Whatever each takes, two never begin nearer to each other than the rate allows; idle time is not made up for."""
    clock = Clock()
    limit = RateLimit(rate, clock=clock, sleep=clock.sleep)
    begun = []
    for seconds in work:
        limit.wait()
        begun.append(clock.now)
        clock.now += seconds
    gaps = [later - earlier for earlier, later in pairwise(begun)]
    assert all(gap >= 1 / rate - 1e-9 for gap in gaps)
    if all(seconds <= 1 / rate for seconds in work):
        assert begun[-1] - begun[0] <= (len(begun) - 1) / rate * 1.05 + 1e-9  # and it holds it, within 5%


def test_no_rate_waits_for_nothing():
    """Without a rate nobody waits."""
    RateLimit(None, sleep=pytest.fail).wait()


@pytest.mark.parametrize(("text", "rate"), [("5/s", 5), ("300/m", 5), ("36/h", 0.01), ("2.5", 2.5), (" 5/s ", 5)])
def test_rates(text, rate):
    """A rate is so many in a second, minute or hour."""
    assert rate_of_text(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["", "0/s", "-1/s", "5/d", "fast", "1e9/s", "5 /s"])
def test_no_rates(text):
    """What is none is refused, with an example."""
    with pytest.raises(ConfigurationError, match="no rate"):
        rate_of_text(text)


@pytest.mark.parametrize(
    ("text", "budget"),
    [("5%", ErrorBudget(share=0.05)), ("100%", ErrorBudget(share=1.0)), ("0", ErrorBudget(count=0)), ("10", ErrorBudget(count=10))],
)  # fmt: skip
def test_budgets(text, budget):
    """A budget is a share of all, or a count."""
    assert budget_of_text(text) == budget


@pytest.mark.parametrize("text", ["", "101%", "-1", "1.5", "some", "%"])
def test_no_budgets(text):
    """What is none is refused."""
    with pytest.raises(ConfigurationError, match="no bound"):
        budget_of_text(text)


@given(errors=st.integers(0, 100), total=st.integers(1, 100))
def test_a_run_stops_behind_its_budget(errors, total):
    """More than the share, or more than the count, stops it; as many as allowed do not."""
    assert bool(Pace(budget=ErrorBudget(share=0.05)).why_stop(errors, total)) == (errors > 0.05 * total)
    assert bool(Pace(budget=ErrorBudget(count=3)).why_stop(errors, total)) == (errors > 3)
    assert bool(Pace(stop_on_first=True).why_stop(errors, total)) == (errors > 0)
    assert not Pace().why_stop(errors, total)


@pytest.mark.parametrize("concurrency", [0, -1, 257])
def test_concurrency_has_bounds(concurrency):
    """Nobody starts no thread, or thousands."""
    with pytest.raises(ConfigurationError, match="out of its range"):
        pace_of(rate=None, concurrency=concurrency, max_errors=None, stop_on_first=False)


@given(
    rate=st.floats(min_value=0.5, max_value=500),
    late=st.lists(st.floats(min_value=0, max_value=0.5), min_size=1, max_size=8),
    works=st.floats(min_value=0, max_value=0.9),
)
@settings(max_examples=30)
def test_the_rate_holds_for_half_a_minute(rate, late, works):
    """Over 30 s the rate holds within 5 % (or one event), however late a busy machine wakes a sleeper now and then."""
    clock = Clock()
    woken_late = itertools.cycle([*late, *[0] * 9 * len(late)])

    def sleep(seconds):
        clock.now += seconds + next(woken_late) / rate

    limit = RateLimit(rate, clock=clock, sleep=sleep)
    began = clock.now
    sent = 0
    while clock.now - began < 30:
        limit.wait()
        sent += clock.now - began < 30
        clock.now += works * 0.5 / rate
    assert sent == pytest.approx(30 * rate, rel=0.05, abs=1.5)


def test_a_long_sleep_is_not_made_up_for():
    """A machine that slept for an hour does not send an hour's worth at once: one, and then as before."""
    clock = Clock()
    begun = []

    def sleep(seconds):
        clock.now += seconds + (3600 if len(begun) == 3 else 0)

    limit = RateLimit(10, clock=clock, sleep=sleep)
    for _ in range(8):
        limit.wait()
        begun.append(clock.now)
    assert sum(later - earlier < 0.1 - 1e-9 for earlier, later in pairwise(begun)) == 1


@given(rate=st.floats(min_value=1, max_value=200), ramp_up_s=st.floats(min_value=0.5, max_value=60))
@settings(max_examples=40)
def test_a_ramp_up_grows_evenly(rate, ramp_up_s):
    """At half the ramp-up a quarter of its events are sent, at its end half of what the rate gives; then the rate holds."""
    clock = Clock()
    limit = RateLimit(rate, ramp_up_s=ramp_up_s, clock=clock, sleep=clock.sleep)
    begun = []
    while not begun or begun[-1] - begun[0] < 2 * ramp_up_s:
        limit.wait()
        begun.append(clock.now)
    times = [each - begun[0] for each in begun]
    sent = lambda until: sum(each < until for each in times)  # noqa: E731 - a count
    assert sent(ramp_up_s / 2) == pytest.approx(rate * ramp_up_s / 8, abs=1.01)
    assert sent(ramp_up_s) == pytest.approx(rate * ramp_up_s / 2, abs=1.01)
    assert sent(2 * ramp_up_s) == pytest.approx(rate * ramp_up_s * 1.5, abs=1.01)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(gaps))
    assert all(gap >= 1 / rate - 1e-6 for gap in gaps)


@given(
    rate=st.floats(min_value=0.01, max_value=1e4),
    ramp_up_s=st.floats(min_value=0, max_value=3600),
    elapsed_s=st.floats(min_value=0.001, max_value=1e5),
)
def test_a_ramp_up_can_be_read_both_ways(rate, ramp_up_s, elapsed_s):
    """When so many were sent is the moment until which so many were sent."""
    sent = sent_within(elapsed_s, rate_per_s=rate, ramp_up_s=ramp_up_s)
    if elapsed_s > ramp_up_s / 1000:
        assert seconds_until(sent, rate_per_s=rate, ramp_up_s=ramp_up_s) == pytest.approx(elapsed_s, rel=1e-6)


@given(
    moments=st.lists(st.one_of(st.none(), st.integers(0, 10**6)), max_size=30),
    speed=st.floats(min_value=0.1, max_value=1000),
)
def test_original_spacing(moments, speed):
    """Each is due as long after the first as once, divided by the speed; what has no time comes last, and is named."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    sent_at = [
        (str(number), None if at is None else began + timedelta(milliseconds=at)) for number, at in enumerate(moments)
    ]
    found = timeline(sent_at, speed=speed)
    assert sorted(found.keys) == sorted(key for key, _ in sent_at)
    dated = [at for at in moments if at is not None]
    for key, at in enumerate(moments):
        if at is None:
            assert str(key) in found.undated
            assert found.due(str(key)) == found.duration_s
        else:
            assert found.due(str(key)) * speed == pytest.approx((at - min(dated)) / 1000, abs=1e-6)
    assert list(map(found.due, found.keys)) == sorted(map(found.due, found.keys))


@pytest.mark.parametrize(("text", "speed"), [("10x", 10), ("0.5x", 0.5), ("3", 3)])
def test_speeds(text, speed):
    """A speed is so many times the original one."""
    assert speed_of_text(text) == speed


@pytest.mark.parametrize("text", ["", "0x", "-1x", "fast", "x"])
def test_no_speeds(text):
    """What is none is refused, with an example."""
    with pytest.raises(ConfigurationError, match="no speed"):
        speed_of_text(text)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("1h", 3600), ("2.5", 2.5)])
def test_durations(text, seconds):
    """A duration is so many seconds, minutes or hours."""
    assert duration_of_text(text) == seconds


@pytest.mark.parametrize("text", ["", "-1s", "5d", "soon"])
def test_no_durations(text):
    """What is none is refused, with an example."""
    with pytest.raises(ConfigurationError, match="no duration"):
        duration_of_text(text)


def test_a_ramp_up_needs_a_rate():
    """There is nothing to grow to without one."""
    with pytest.raises(ConfigurationError, match="there is none"):
        pace_of(rate=None, concurrency=1, max_errors=None, stop_on_first=False, ramp_up="30s")
