"""What becomes of each message: asked for a chunk at a time, judged, moved, and noted."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from replay.ledger.ledger import Ledger
from replay.payloads.captures import Capture
from replay.redriver.dead_letters import DeadLetters
from replay.redriver.judges import Judges
from replay.redriver.moving import Moved, Mover
from replay.redriver.redrive_events import MessageOutcome, MessageSettled, RedriveFinished
from replay.replayer.pace import Pace
from replay.sources.sqs_batches import BATCH_SIZE
from replay.sources.sqs_leases import Leases
from replay.sources.sqs_queue import Queue

MakeMover = Callable[[Queue, Leases, Ledger], Mover]
_ERRORS: frozenset[MessageOutcome] = frozenset({"not_judged", "not_sent", "not_deleted"})


class Settling:
    """Settles messages, and counts what became of them."""

    def __init__(
        self,
        *,
        judges: Judges,
        to: Mapping[str, Queue],
        ledger: Ledger | None,
        make_mover: MakeMover,
        pace: Pace,
        total: int,
        chunk_size: int,
    ) -> None:
        self._judges, self._to, self._ledger, self._make_mover = judges, to, ledger, make_mover
        self._pace, self._total, self._chunk_size = pace, total, chunk_size
        self._chunk: list[Capture] = []
        self._told: deque[MessageSettled] = deque()
        self._movers: dict[str, Mover] = {}
        self._leases: Leases | None = None
        self._blocked_groups: set[str] = set()
        known = ledger.progress.acknowledged.values() if ledger else ()
        self._own = {str(each.get("message_id")) for each in known}
        self._outcomes: Counter[MessageOutcome] = Counter()
        self._reasons: Counter[str] = Counter()
        self._doubtful = 0
        self.stopped = ""
        self.interrupted = False
        self.is_idle = True
        """Whether everything that was given is done with."""

    def settle(self, letters: DeadLetters) -> Iterator[MessageSettled]:
        """
        Settle every message of *letters*, until there are none, or too many errors.

        Raises:
            AwsError: The queue can no longer be read.
        """
        self._leases = letters.leases
        for capture in letters.captures(self._settle_chunk):
            self.is_idle = False
            self._chunk.append(capture)
            if len(self._chunk) >= self._chunk_size:
                self._settle_chunk()
            yield from self._tell()
            if self.stopped:
                return
        self._settle_chunk()
        yield from self._tell()

    def finished(self, *, elapsed_s: float, notes: tuple[str, ...]) -> RedriveFinished:
        """Give the end of the redrive."""
        return RedriveFinished(
            outcomes=dict(self._outcomes.most_common()),
            reasons=dict(self._reasons.most_common()),
            doubtful=self._doubtful,
            elapsed_s=elapsed_s,
            interrupted=self.interrupted,
            stopped=self.stopped,
            run=self._ledger.run if self._ledger else "",
            notes=notes,
        )

    def _tell(self) -> Iterator[MessageSettled]:
        while self._told:
            yield self._told.popleft()

    def _settle_chunk(self) -> None:
        chunk, self._chunk = self._chunk, []
        if chunk and not self.stopped:
            settled = list(self._settled(chunk))
            if self._ledger is not None:
                lines = {each.message_id: {"outcome": each.outcome, "why": each.why} for each in settled}
                self._ledger.note_each({"observed": lines})
            for each in settled:
                self._count(each)
        self.is_idle = True

    def _count(self, settled: MessageSettled) -> None:
        self._told.append(settled)
        self._outcomes[settled.outcome] += 1
        self._doubtful += settled.doubtful
        if settled.why:
            self._reasons[settled.why] += 1
        errors = sum(self._outcomes[outcome] for outcome in _ERRORS)
        self.stopped = self.stopped or self._pace.why_stop(errors, self._total)

    def _settled(self, chunk: Sequence[Capture]) -> Iterator[MessageSettled]:
        acknowledged = self._ledger.progress.acknowledged if self._ledger else {}
        to_move: list[tuple[Capture, Queue]] = []
        to_judge: list[tuple[Capture, Queue]] = []
        for capture in chunk:
            identity = capture.origin.identity
            to = self._destination(capture)
            if identity in self._own:
                yield MessageSettled(message_id=identity, outcome="came_back", why="it failed again in its queue")
            elif to is None:
                why = "the queue that it failed in is not known: name it with --to"
                yield MessageSettled(message_id=identity, outcome="not_sent", why=why)
            elif identity in acknowledged:
                to_move.append((capture, to))
            else:
                to_judge.append((capture, to))
        verdicts = self._judges.verdicts([(capture, to.event_source) for capture, to in to_judge])
        for (capture, to), verdict in zip(to_judge, verdicts, strict=True):
            if verdict.succeeds:
                to_move.append((capture, to))
            else:
                outcome: MessageOutcome = "still_fails" if verdict.judged else "not_judged"
                yield MessageSettled(message_id=capture.origin.identity, outcome=outcome, why=verdict.why)
        yield from self._moved(to_move)

    def _destination(self, capture: Capture) -> Queue | None:
        if "" in self._to:
            return self._to[""]
        arn = capture.attributes.get("DeadLetterQueueSourceArn", "")
        only = next(iter(self._to.values())) if len(self._to) == 1 else None
        return self._to.get(arn) if arn else only

    def _moved(self, to_move: Sequence[tuple[Capture, Queue]]) -> Iterator[MessageSettled]:
        by_queue: dict[str, tuple[Queue, list[Capture]]] = {}
        for capture, to in to_move:
            by_queue.setdefault(to.arn, (to, []))[1].append(capture)
        for to, captures in by_queue.values():
            if self._ledger is None:
                for capture in captures:
                    yield MessageSettled(message_id=capture.origin.identity, outcome="would_move", to=to.arn)
            else:
                for moved in self._move(to, captures, self._ledger):
                    yield _settled_move(moved, to)

    def _move(self, to: Queue, captures: Sequence[Capture], ledger: Ledger) -> Iterator[Moved]:
        assert self._leases is not None
        mover = self._movers.get(to.arn) or self._make_mover(to, self._leases, ledger)
        self._movers[to.arn] = mover
        if to.fifo:
            yield from self._move_in_order(mover, captures)
        else:
            batches = [captures[start : start + BATCH_SIZE] for start in range(0, len(captures), BATCH_SIZE)]
            with ThreadPoolExecutor(self._pace.concurrency, thread_name_prefix="redrive-move") as pool:
                for moved in pool.map(mover.move, batches):
                    yield from moved
        self._own |= mover.new_ids

    def _move_in_order(self, mover: Mover, captures: Sequence[Capture]) -> Iterator[Moved]:
        """Move at most one message of a group at a time: one that cannot be sent is not overtaken by a later one."""
        for layer in _layers(captures):
            free = [capture for capture in layer if _group(capture) not in self._blocked_groups]
            for capture in layer:
                if _group(capture) in self._blocked_groups:
                    why = "an earlier message of its group could not be sent"
                    yield Moved(identity=capture.origin.identity, problem=why)
            for capture, moved in zip(free, mover.move(free), strict=True):
                if not moved.sent:
                    self._blocked_groups.add(_group(capture))
                yield moved


def _settled_move(moved: Moved, to: Queue) -> MessageSettled:
    outcome: MessageOutcome = "moved" if moved.deleted else "not_deleted" if moved.sent else "not_sent"
    return MessageSettled(
        message_id=moved.identity, outcome=outcome, why=moved.problem, to=to.arn, doubtful=moved.doubtful
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
