"""What CloudWatch has counted of a function: no proof of any single event, but a reason where nothing else is seen."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors
from replay.targets.carrier import Sighting, Sought

_PERIOD_S = 60
_NAMES = ("Invocations", "Errors", "Throttles", "AsyncEventsDropped")


class FunctionMetrics:
    """
    Counts of `AWS/Lambda` for *function* since `begin`; they are some minutes late.

    Source: Lambda Developer Guide, "Types of metrics for Lambda functions"; CloudWatch API `GetMetricStatistics`.
    """

    def __init__(self, client: Any, function: str, *, clock: Callable[[], float] = time.time) -> None:
        self._client, self._function, self._clock = client, function, clock
        self._began = datetime.now(UTC)

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return f"the metrics of {self._function}"

    def begin(self) -> None:
        """Note the moment."""
        self._began = self._now()

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """Give nothing: a count does not say whose it is."""
        del sought
        return ()

    def close(self) -> Sequence[str]:
        """Give nothing back."""
        return ()

    def reason(self) -> str:
        """Say what was counted, where that may be read."""
        try:
            counts = {name: self._sum(name) for name in _NAMES}
        except AwsError as error:
            return f"{self.place} cannot be read: {error.what}"
        told = ", ".join(f"{count:,.0f} {name}" for name, count in counts.items() if count)
        return f"CloudWatch counts {told} of {self._function} since" if told else ""

    def _sum(self, name: str) -> float:
        began = self._began - timedelta(seconds=self._began.second, microseconds=self._began.microsecond)
        with aws_errors(where=self.place, service="cloudwatch"):
            answer: Any = self._client.get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName=name,
                Dimensions=[{"Name": "FunctionName", "Value": self._function}],
                StartTime=began,
                EndTime=self._now() + timedelta(seconds=_PERIOD_S),
                Period=_PERIOD_S,
                Statistics=["Sum"],
            )
        return sum(float(each.get("Sum", 0)) for each in answer.get("Datapoints", []))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
