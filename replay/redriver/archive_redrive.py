"""Giving the events of an archive back: EventBridge replays them itself, to the rules that were chosen."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from replay.errors import AwsError
from replay.ledger.ledger import Ledger
from replay.sources.archive_parts.archives import Archive, Window
from replay.sources.archive_parts.made_for_replay import THROTTLED
from replay.targets.bus_parts.archive_replays import ArchiveReplay, ReplayProgress

_FIRST_LOOK_S = 0.1
_LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRedrive:
    """
    A replay of *window* of *archive* to the rules *rule_arns* of its bus.

    It is named after the run: a run that is gone on with finds it again, and none is started twice.
    """

    client: Any
    archive: Archive
    window: Window
    rule_arns: Sequence[str]
    open_ledger: Callable[[], Ledger]
    sleep: Callable[[float], object] = time.sleep

    def events(self) -> Generator[ReplayProgress, None, None]:
        """
        Start the replay, and tell how far it is until it has ended; broken off, it is cancelled.

        What was replayed already stays replayed.

        Raises:
            AwsError: EventBridge does not start it, or it failed.
        """
        with self.open_ledger() as ledger:
            name = f"redrive-{ledger.run}"
            replay = ArchiveReplay(
                self.client,
                self.archive,
                self.window,
                name=name,
                rule_arns=self.rule_arns,
                description="started by `replay redrive`",
            )
            last = ReplayProgress(name=name, window=self.window, state="")
            ledger.sent([name], window=str(self.window))
            try:
                with replay:
                    ledger.acknowledged([name])
                    for last in self._followed(replay):
                        yield last
            except (KeyboardInterrupt, GeneratorExit):
                ledger.ended(interrupted=True, **_told(last))
                raise
            ledger.observed(name, outcome=last.state)
            ledger.ended(**_told(last))
            if last.state != "COMPLETED":
                raise _not_completed(last)

    def _followed(self, replay: ArchiveReplay) -> Generator[ReplayProgress, None, None]:
        pause_s = _FIRST_LOOK_S
        while True:
            self.sleep(pause_s)
            pause_s = min(_LOOK_EVERY_S, 2 * pause_s)
            try:
                progress = replay.progress()
            except AwsError as error:
                if error.code in THROTTLED:
                    continue
                raise
            yield progress
            if progress.has_ended:
                return


def _not_completed(last: ReplayProgress) -> AwsError:
    until = f"--since {last.replayed_until:%Y-%m-%dT%H:%MZ}" if last.replayed_until else "the same command"
    return AwsError(
        f"the replay is {last.state.lower()}" + (f": {last.reason}" if last.reason else ""),
        where=f"replay {last.name} of {last.window}",
        expected="a replay that runs to its end",
        hint=f"what came before was delivered; {until} begins another for the rest",
    )


def _told(progress: ReplayProgress) -> dict[str, str]:
    until = progress.replayed_until.isoformat() if progress.replayed_until else ""
    return {"status": progress.state, "replayed_until": until}
