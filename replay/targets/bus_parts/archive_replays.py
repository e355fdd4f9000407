"""A replay of an archive to chosen rules: started, followed to its end, and cancelled where nobody waits for it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors, error_code
from replay.sources.archive_parts.archives import Archive, Window
from replay.sources.archive_parts.made_for_replay import THROTTLED, UNFINISHED, cancel_replay

_MINUTE = timedelta(minutes=1)
_ASKS_EVERY_S = 2.0
_ASKS_FIRST_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayProgress:
    """
    How far a replay is.

    Attributes:
        state: In AWS's word: STARTING, RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED.
        reason: AWS's, for the state.
        replayed_until: The time of the last event that was replayed; None before the first, or where AWS does not say.
    """

    name: str
    window: Window
    state: str
    reason: str = ""
    replayed_until: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes."""
        return self.state not in {*UNFINISHED, "CANCELLING"}

    @property
    def share(self) -> float | None:
        """How much of its time is replayed, from 0 to 1; None where AWS does not say."""
        if self.replayed_until is None:
            return None
        whole_s = (self.window.end - self.window.start).total_seconds()
        return min(1.0, max(0.0, (self.replayed_until - self.window.start).total_seconds() / whole_s))

    def __str__(self) -> str:
        """Say first what changes: a line of a terminal may be cut off."""
        share = f" ({self.share:.0%})" if self.share is not None and not self.has_ended else ""
        until = f", replayed up to {self.replayed_until:%Y-%m-%d %H:%M} UTC{share}" if self.replayed_until else ""
        why = f": {self.reason}" if self.reason else ""
        return f"{self.state}{until}{why}; replay {self.name} of {self.window}"


class ArchiveReplay:
    """
    A replay of *window* of *archive* to the rules *rule_arns* of its bus; to all of them where none are named.

    Entering it starts the replay, or finds the one of this name that was started before. Leaving it before its end, as
    Ctrl-C does, cancels it.

    Source: EventBridge API `StartReplay`, `DescribeReplay`, `CancelReplay`.
    """

    def __init__(
        self,
        client: Any,
        archive: Archive,
        window: Window,
        *,
        name: str,
        rule_arns: Sequence[str],
        description: str = "",
    ) -> None:
        self._client, self._archive, self._window = client, archive, window
        self._name, self._rule_arns, self._description = name, tuple(rule_arns), description
        self._has_ended = False

    def __enter__(self) -> Self:
        """
        Start it.

        Raises:
            AwsError: AWS does not start it.
        """
        filtered = {"FilterArns": list(self._rule_arns)} if self._rule_arns else {}
        with aws_errors(where=self._where, service="events"):
            try:
                self._client.start_replay(
                    ReplayName=self._name,
                    Description=self._description,
                    EventSourceArn=self._archive.arn,
                    EventStartTime=self._window.start,
                    EventEndTime=self._window.end,
                    Destination={"Arn": self._archive.bus_arn, **filtered},
                )
            except self._client.exceptions.ClientError as error:
                # Nobody else has this name: a former try has started it, and its answer did not come.
                if error_code(error) != "ResourceAlreadyExistsException":
                    raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._has_ended:
            cancel_replay(self._client, self._name)

    def progress(self) -> ReplayProgress:
        """
        Ask how far it is.

        Raises:
            AwsError: AWS does not say.
        """
        with aws_errors(where=self._where, service="events"):
            answer: Any = self._client.describe_replay(ReplayName=self._name)
        progress = ReplayProgress(
            name=self._name,
            window=self._window,
            state=str(answer.get("State", "")),
            reason=str(answer.get("StateReason") or ""),
            replayed_until=answer.get("EventLastReplayedTime"),
        )
        self._has_ended = progress.has_ended
        return progress

    def follow(
        self, told: Callable[[ReplayProgress], object], *, sleep: Callable[[float], object] = time.sleep
    ) -> ReplayProgress:
        """
        Wait until it has ended, and tell how far it is each time that this has changed.

        Raises:
            AwsError: AWS does not say.
        """
        last: ReplayProgress | None = None
        pause_s = _ASKS_FIRST_S
        while True:
            try:
                progress = self.progress()
            except AwsError as error:
                if error.code not in THROTTLED:
                    raise
                sleep(_ASKS_EVERY_S)
                continue
            if progress != last:
                told(progress)
            if progress.has_ended:
                return progress
            last = progress
            sleep(pause_s)
            pause_s = min(_ASKS_EVERY_S, pause_s * 2)

    @property
    def _where(self) -> str:
        return f"replay {self._name} of archive {self._archive.name}"


def minute_of(moment: datetime) -> Window:
    """Give the minute that *moment* lies in: AWS replays whole ones."""
    start = moment.replace(second=0, microsecond=0)
    return Window(start=start, end=start + _MINUTE)


def joined(windows: Sequence[Window]) -> list[Window]:
    """Join what overlaps or follows without a gap, so that nothing is replayed twice."""
    found: list[Window] = []
    for window in sorted(windows, key=lambda each: each.start):
        if found and window.start <= found[-1].end:
            found[-1] = Window(start=found[-1].start, end=max(found[-1].end, window.end))
        else:
            found.append(window)
    return found
