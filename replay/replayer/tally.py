"""The counts of a run."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from replay.expectations.judgement import Verdict
from replay.replayer.run_events import FixtureNotRun, FixtureReplayed, RunFinished


class Tally:
    """Counts verdicts, and what is not as expected, of a run of `total` fixtures."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.unexpected = 0
        self._verdicts: Counter[Verdict] = Counter()

    def count(self, told: FixtureReplayed | FixtureNotRun) -> None:
        """Count one fixture."""
        judgement = told.judgement if isinstance(told, FixtureReplayed) else None
        self._verdicts[judgement.verdict if judgement else "error"] += 1
        self.unexpected += not (judgement and judgement.as_expected)

    def count_observed(self, observed: Mapping[str, Any]) -> None:
        """Count one fixture that a ledger knows the verdict of."""
        self._verdicts[observed["verdict"]] += 1
        self.unexpected += not observed["as_expected"]

    def count_before(self, verdicts: Mapping[tuple[str, bool], int]) -> None:
        """Count all that a ledger knows the verdicts of: how many of each verdict, as expected or not."""
        for (verdict, as_expected), count in verdicts.items():
            self._verdicts[cast("Verdict", verdict)] += count
            self.unexpected += 0 if as_expected else count

    def finished(self, *, elapsed_s: float, interrupted: bool) -> RunFinished:
        """Give the end of the run."""
        return RunFinished(
            total=self.total,
            verdicts=dict(self._verdicts.most_common()),
            unexpected=self.unexpected,
            elapsed_s=elapsed_s,
            interrupted=interrupted,
        )
