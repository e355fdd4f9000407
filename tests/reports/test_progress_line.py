"""One line while a long run goes on, and nothing for a short one."""

from replay.errors import ReplayError
from replay.fixtures.fixture import FixtureReference
from replay.replayer import FixtureNotRun, RunAdvanced, RunFinished, RunStarted
from replay.reports.progress_line import ProgressLine


def told(*times_s: float, name: str = "order--0000000a") -> list[str]:
    """Give what is written when a fixture ends at each of *times_s*."""
    written: list[str] = []
    clock = [0.0]
    line = ProgressLine(written.append, now=lambda: clock[0])
    line.notice(RunStarted(total=len(times_s)))
    for at in times_s:
        clock[0] = at
        reference = FixtureReference(function="orders", name=name)
        line.notice(FixtureNotRun(reference=reference, error=ReplayError("x")))
    line.notice(RunFinished(total=len(times_s), verdicts={}, unexpected=0, elapsed_s=0))
    return written


def test_a_short_run_shows_nothing() -> None:
    """Less than a moment is no reason to flicker."""
    assert told(0.1, 0.2, 0.5) == []


def test_a_long_run_shows_where_it_is_and_leaves_nothing() -> None:
    """The line says how many of how many, and is cleared at the end."""
    written = told(0.5, 1.0, 2.0)
    assert written[0].endswith("replaying 2 of 3, 2 not as expected: orders/order--0000000a")
    assert written[-1] == "\r\x1b[2K"


def test_a_fast_run_does_not_write_all_the_time() -> None:
    """Ten times a second are enough."""
    assert len(told(*(1 + number / 1_000 for number in range(1_000)))) <= 12


def test_a_name_cannot_break_the_line() -> None:
    """A long or hostile name stays in its line."""
    (line, _) = told(1.0, name="\x1b[31m" + "x" * 500)
    assert "\x1b" not in line.removeprefix("\r\x1b[2K")
    assert len(line) < 200


def test_what_was_handed_over_at_once_is_counted_too() -> None:
    """While a Distributed Map runs, the line says how many were invoked, and how many failed; it is cleared at the end."""
    written: list[str] = []
    line = ProgressLine(written.append)
    line.notice(RunStarted(total=1_000))
    line.notice(RunAdvanced(done=0, failed=0, total=1_000))
    line.notice(RunAdvanced(done=700, failed=12, total=1_000))
    line.notice(RunFinished(total=1_000, verdicts={}, unexpected=0, elapsed_s=0))
    assert written == ["\r\x1b[2Kinvoked 0 of 1,000", "\r\x1b[2Kinvoked 700 of 1,000, 12 failed", "\r\x1b[2K"]
