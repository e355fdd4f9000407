"""What becomes of each message: asked for a chunk at a time, judged, moved, and noted."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from replay.ledger.ledger import Ledger
from replay.payloads.captures import Capture
from replay.redriver.dead_letters import DeadLetters
from replay.redriver.judges import Judges
from replay.redriver.moving import Moved, Mover
from replay.redriver.outlet import Outlet
from replay.redriver.redrive_events import MessageOutcome, MessageSettled, RedriveFinished
from replay.redriver.routes import Routes
from replay.replayer.pace import Pace
from replay.sources.sqs_leases import Leases

MakeMover = Callable[[Leases, Ledger], Mover]
_CAME_BACK = "it failed again where it was moved to"
_ERRORS: frozenset[MessageOutcome] = frozenset({"not_judged", "not_sent", "not_deleted"})


class Settling:
    """
    Settles messages, and counts what became of them.

    A chunk is judged while those before it are still being moved.
    """

    def __init__(
        self,
        *,
        judges: Judges,
        routes: Routes,
        ledger: Ledger | None,
        make_mover: MakeMover,
        pace: Pace,
        total: int,
        chunk_size: int,
    ) -> None:
        self._judges, self._routes, self._ledger, self._make_mover = judges, routes, ledger, make_mover
        self._pace, self._total, self._chunk_size = pace, total, chunk_size
        self._chunk: list[Capture] = []
        self._told: deque[MessageSettled] = deque()
        self._mover: Mover | None = None
        self._blocked_groups: set[str] = set()
        self._outcomes: Counter[MessageOutcome] = Counter()
        self._reasons: Counter[tuple[MessageOutcome, str]] = Counter()
        self._doubtful = 0
        self.stopped = ""
        self.interrupted = False

    @property
    def is_idle(self) -> bool:
        """Whether everything that was given is done with."""
        return not self._chunk and (self._mover is None or self._mover.is_idle)

    def settle(self, letters: DeadLetters) -> Iterator[MessageSettled]:
        """
        Settle every message of *letters*, until there are none, or too many errors.

        Raises:
            AwsError: The queue can no longer be read.
            ReplayError: The ledger cannot be written.
        """
        if self._ledger is None:
            yield from self._settle_all(letters)
            return
        with self._make_mover(letters.leases, self._ledger) as self._mover:
            yield from self._settle_all(letters)

    def rest(self) -> Iterator[MessageSettled]:
        """Tell what else was settled, where `settle` was broken off."""
        self._collect()
        yield from self._tell()

    def finished(self, *, elapsed_s: float, notes: tuple[str, ...], unseen: int) -> RedriveFinished:
        """Give the end of the redrive."""
        return RedriveFinished(
            outcomes=dict(self._outcomes.most_common()),
            reasons=dict(self._reasons.most_common()),
            doubtful=self._doubtful,
            unseen=unseen,
            elapsed_s=elapsed_s,
            interrupted=self.interrupted,
            stopped=self.stopped,
            run=self._ledger.run if self._ledger else "",
            notes=notes,
        )

    def _settle_all(self, letters: DeadLetters) -> Iterator[MessageSettled]:
        for capture in letters.captures(self._settle_chunk):
            self._chunk.append(capture)
            if len(self._chunk) >= self._chunk_size:
                self._settle_chunk()
            yield from self._tell()
            if self.stopped:
                break
        self._settle_chunk()
        if self._mover is not None:
            self._mover.wait()
        yield from self.rest()

    def _tell(self) -> Iterator[MessageSettled]:
        while self._told:
            yield self._told.popleft()

    def _settle_chunk(self) -> None:
        if not self.stopped:
            self._note(self._begin(self._chunk))
        self._chunk = []
        self._collect()

    def _collect(self) -> None:
        """Take in what was moved meanwhile."""
        if self._mover is not None:
            self._note(map(_settled_move, self._mover.settled()))

    def _note(self, settled: Iterable[MessageSettled]) -> None:
        told = list(settled)
        if self._ledger is not None and told:
            lines = {each.message_id: {"outcome": each.outcome, "why": each.why} for each in told}
            self._ledger.note_each({"observed": lines}, waits=False)  # who goes on with it can do without
        for each in told:
            self._count(each)

    def _count(self, settled: MessageSettled) -> None:
        self._told.append(settled)
        self._outcomes[settled.outcome] += 1
        self._doubtful += settled.doubtful
        if settled.why:
            self._reasons[settled.outcome, settled.why] += 1
        errors = sum(self._outcomes[outcome] for outcome in _ERRORS)
        self.stopped = self.stopped or self._pace.why_stop(errors, self._total)

    def _begin(self, chunk: Sequence[Capture]) -> Iterator[MessageSettled]:
        """Judge a chunk, and begin to move what succeeds; give what is settled by that."""
        acknowledged = self._ledger.progress.acknowledged if self._ledger else {}
        to_move: list[tuple[Capture, Outlet]] = []
        to_judge: list[tuple[Capture, Outlet]] = []
        for capture in chunk:
            identity, outlet = capture.origin.identity, self._routes.way_back(capture)
            if isinstance(outlet, str):
                yield MessageSettled(message_id=identity, outcome="not_sent", why=outlet)
            elif self._mover is not None and outlet.returns_as(capture) in self._mover.new_ids:
                yield MessageSettled(message_id=identity, outcome="came_back", why=_CAME_BACK)
            elif identity in acknowledged:
                to_move.append((capture, outlet))
            else:
                to_judge.append((capture, outlet))
        for (capture, outlet), verdict in zip(to_judge, self._judges.verdicts(to_judge), strict=True):
            if verdict.succeeds:
                to_move.append((capture, outlet))
            else:
                outcome: MessageOutcome = "still_fails" if verdict.judged else "not_judged"
                yield MessageSettled(message_id=capture.origin.identity, outcome=outcome, why=verdict.why)
        yield from self._move(to_move)

    def _move(self, to_move: Sequence[tuple[Capture, Outlet]]) -> Iterator[MessageSettled]:
        by_outlet: dict[str, tuple[Outlet, list[Capture]]] = {}
        for capture, outlet in to_move:
            by_outlet.setdefault(outlet.arn, (outlet, []))[1].append(capture)
        for outlet, captures in by_outlet.values():
            if self._mover is None:
                for capture in captures:
                    yield MessageSettled(message_id=capture.origin.identity, outcome="would_move", to=outlet.arn)
            elif outlet.order:
                yield from self._move_in_order(self._mover, outlet, captures)
            else:
                self._mover.move(outlet, captures)

    def _move_in_order(self, mover: Mover, outlet: Outlet, captures: Sequence[Capture]) -> Iterator[MessageSettled]:
        """Move at most one message of a group at a time: one that cannot be sent is not overtaken by a later one."""
        mover.wait()
        yield from map(_settled_move, mover.settled())
        for layer in _layers(captures):
            for capture in layer:
                if _group(capture) in self._blocked_groups:
                    why = "an earlier message of its group could not be sent"
                    yield MessageSettled(message_id=capture.origin.identity, outcome="not_sent", why=why, to=outlet.arn)
            mover.move(outlet, [capture for capture in layer if _group(capture) not in self._blocked_groups])
            mover.wait()
            for moved in mover.settled():
                if not moved.sent:
                    self._blocked_groups.add(_group(moved.capture))
                yield _settled_move(moved)


def _settled_move(moved: Moved) -> MessageSettled:
    outcome: MessageOutcome = "moved" if moved.deleted else "not_deleted" if moved.sent else "not_sent"
    return MessageSettled(
        message_id=moved.capture.origin.identity,
        outcome=outcome,
        why=moved.problem,
        to=moved.to,
        doubtful=moved.doubtful,
    )


def _layers(captures: Iterable[Capture]) -> list[list[Capture]]:
    """Part messages into layers with one of each group, in their order; a batch is one layer or less."""
    layers: list[list[Capture]] = []
    depth: Counter[str] = Counter()
    for capture in captures:
        number = depth[_group(capture)]
        depth[_group(capture)] += 1
        if number == len(layers):
            layers.append([])
        layers[number].append(capture)
    return layers


def _group(capture: Capture) -> str:
    return capture.attributes.get("MessageGroupId") or capture.origin.identity
