"""How fast a run goes, and when it stops."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import ConfigurationError
from replay.replayer.pace import ErrorBudget, Pace, RateLimit, budget_of_text, pace_of, rate_of_text


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
