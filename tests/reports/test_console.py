"""The last words of a run."""

import pytest

from replay.replayer import RunFinished
from replay.reports.console import RunConsole


@pytest.mark.parametrize(
    ("total", "interrupted", "last"),
    [
        (0, False, "0 fixtures in 0.10 s: nothing to replay"),
        (3, True, "interrupted after 0 of 3 fixtures in 0.10 s: nothing replayed"),
    ],
)
def test_a_run_of_nothing_says_why(total: int, interrupted: bool, last: str) -> None:
    """There was nothing, or Ctrl-C came before the first."""
    lines: list[str] = []
    console = RunConsole(lines.append)
    console.notice(RunFinished(total=total, verdicts={}, unexpected=0, elapsed_s=0.1, interrupted=interrupted))
    assert last in lines[-1]
