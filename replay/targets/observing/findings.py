"""What the sightings of one event add up to: the report that a delivery by us would have given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import DeliveryReport, Disposition, Invocation
from replay.payloads.exact_json import Json
from replay.payloads.failures import Failure
from replay.targets.carrier import Sighting
from replay.targets.observing.told_apart import Told, ends_of, told_apart

LOG_LAG_S = 10.0
"""For so long an end that is known waits for the log that tells how it came to it."""

COUNT_LAG_S = 60.0
"""For so long an end of which nothing but a count of AWS's tells waits for an invocation: counts are a minute late."""

UNSIGNED_LAG_S = 5.0
"""For so long a success waits that an invocation without a sign tells: another one shows that others invoke it too."""

_CONTRADICTED_LAG_S = 2.0
"""For so long it is waited for another invocation, whose log tells more."""

_TIMES_GONE = 2
_DONE: frozenset[Disposition] = frozenset({"processed", "filtered"})
_NEVER_SEEN = "no invocation of it was seen: how long it took and what it logged is not known"
_NO_ERROR = "no line of its log and no dead letter tells which error it was"
_UNTOLD = Reply(status="raised", failure=Failure(error_type="", message=_NO_ERROR, observed="logs"))
"""It failed, and nobody has seen how."""


class Findings:
    """
    Collects what was seen of one event, which went as the entries *keys*, in the order of its records.

    Args:
        alone: Whether it is the only one under way: then invocations that nobody can tell apart are its own, if they
            began after it was sent (`sent_at_ms`); what began before is a late line of an event before it.
        doubts: Whether an event before it failed without a line of its failure in the log: then the only error in the
            log of an invocation may be that one's, where an emulator writes it there, and how this failed is not known.
        record_ids: The ids of its records, one an entry; empty where the event is one delivery, whatever it holds.
        lag_s: For how long an end waits for the log; 0 where logs are not late.
        count_lag_s: For how long an end waits for it of which only a count tells.
        unsigned_lag_s: For how long a success of which no sign tells whose it is waits for another one.
    """

    def __init__(
        self,
        keys: Sequence[str],
        *,
        alone: bool,
        doubts: bool = False,
        record_ids: Sequence[str] = (),
        lag_s: float = LOG_LAG_S,
        count_lag_s: float = COUNT_LAG_S,
        unsigned_lag_s: float = 0.0,
    ) -> None:
        self._keys, self._alone, self._doubts = tuple(keys), alone, doubts
        self._lag_s, self._count_lag_s, self._unsigned_lag_s = lag_s, count_lag_s, unsigned_lag_s
        self._record_ids = tuple(record_ids)
        self._names = self._record_ids or _names(len(self._keys))
        self._seen: dict[str, Sighting] = {}
        self._log_tells = False
        self._told_by_now: Told | None = None
        self._settled_by_now: dict[str, Disposition] | None = None
        self._gone: dict[str, set[str]] = {key: set() for key in keys}
        self._settled_at_s: float | None = None
        self.sent_at_ms = 0
        """When it was sent, in epoch milliseconds by our clock."""

    def note(self, sighting: Sighting) -> None:
        """Take in one sighting, where it is of this event."""
        named = frozenset(sighting.keys)
        mine = tuple(key for key in self._keys if key in named)
        is_anybodys = sighting.keys or not self._alone or sighting.whose == "unknown"
        if not mine and (is_anybodys or sighting.at_ms < self.sent_at_ms):
            self._note_others(sighting)
            return
        if sighting.settled == "gone":
            for key in mine or self._keys:
                if len(self._gone[key]) < _TIMES_GONE:
                    self._gone[key].add(sighting.identity)
            return
        self._told_by_now = self._settled_by_now = None
        known = self._seen.get(sighting.identity)
        if known is not None:
            self._seen[sighting.identity] = replace(known, keys=known.keys or sighting.keys)
            return
        if self._doubts and sighting.may_be_earlier and sighting.reply is not None:
            sighting = replace(sighting, reply=replace(_UNTOLD, duration_s=sighting.reply.duration_s))
        self._seen[sighting.identity] = sighting

    def _note_others(self, sighting: Sighting) -> None:
        """Note that the log shows requests meanwhile: then it would show that of a dead letter, too."""
        if not self._log_tells and sighting.request_id and self.sent_at_ms <= sighting.at_ms:
            self._log_tells, self._told_by_now, self._settled_by_now = bool(sighting.at_ms), None, None

    def has_ended(self, now_s: float) -> bool:
        """Say whether everything of it has come to its end, and how is known, or is long enough overdue."""
        if not all(key in self._settled or self._is_gone(key) for key in self._keys):
            return False
        if self._settled_at_s is None:
            self._settled_at_s = now_s
        waited_s = now_s - self._settled_at_s
        if self._told.is_claimed_elsewhere and waited_s < self._lag_s:
            return False
        if self._told.is_disputed and not self.is_mixed:
            return False
        if self._unsigned_successes and not self.is_mixed and waited_s < self._unsigned_lag_s:
            return False
        lag_s = self._count_lag_s if self.is_only_gone else self._lag_s
        if self._is_contradicted():
            lag_s = min(lag_s, _CONTRADICTED_LAG_S)
        return self._is_explained() or waited_s >= lag_s

    @property
    def is_mixed(self) -> bool:
        """Whether more invocations succeeded than it can have had: one of them at least is of somebody else."""
        return self._unsigned_successes > len(self._keys)

    @property
    def is_only_gone(self) -> bool:
        """Whether no more is known, of a part of it, than that it is no longer where it was: that proves no success."""
        return not self._replies() and any(key not in self._settled and self._is_gone(key) for key in self._keys)

    @property
    def is_signed(self) -> bool:
        """Whether an invocation was seen, and each that was held a sign of it."""
        logged = self._told.logged
        return bool(logged) and all(each.keys for each in logged)

    @property
    def lacks_lines(self) -> bool:
        """
        Whether it failed, and a log that an emulator has written does not tell how.

        Its lines may come in the log of another invocation.
        """
        own = self._told.own
        unsure = any(not each.is_sure or each.may_be_earlier for each in own)
        return unsure and self._has_undone and not any(_says_how(each) for each in own)

    @property
    def shows_its_own(self) -> bool:
        """Whether the log showed what is surely its own end: no line of an earlier one can come behind that."""
        logged = self._told.logged
        return bool(logged) and not any(each.may_be_earlier for each in logged)

    @property
    def has_failed(self) -> bool:
        """Whether an invocation of it failed, whatever came later; where others' may be among them, one with a sign."""
        told = self._told
        if not told.is_disputed and not self.is_mixed:
            return any(not reply.succeeded for reply in self._replies())
        return any(each.keys and each.reply and not each.reply.succeeded for each in told.logged)

    def report(self, payload: str) -> DeliveryReport:
        """
        Give what is known of the event whose text is *payload*, also before its end.

        What has not come to an end is `still_queued`. A record that a failed invocation had, and that is gone, was
        processed by a later one. Where it failed and nobody has seen how, the failure has no error type.
        """
        dispositions = {name: self._disposition(key) for name, key in zip(self._names, self._keys, strict=True)}
        undone = tuple(name for name, each in dispositions.items() if each not in _DONE)
        seen = self._replies()
        replies = seen or [_UNTOLD if undone else Reply(status="returned")]
        if seen and self._has_undone and self._is_contradicted():
            replies = [*seen, _UNTOLD]
        has_failing = any(not reply.succeeded for reply in replies)
        invocations = [
            Invocation(
                attempt=Attempt(
                    payload=payload, record_ids=self._record_ids, number=number, request_id=_request_id(reply)
                ),
                reply=reply,
                failed_records=() if reply.succeeded and has_failing else undone,
            )
            for number, reply in enumerate(replies, start=1)
        ]
        return DeliveryReport(
            invocations=tuple(invocations),
            dispositions=dispositions,
            failure_records=tuple(self._failure_records()),
            notes=(*(() if seen else (_NEVER_SEEN,)), *self._told.notes),
        )

    @property
    def _unsigned_successes(self) -> int:
        return sum(each.settled in _DONE for each in self._told.logged if not each.keys)

    def _is_explained(self) -> bool:
        """Say whether how it failed is known, where it has; and that it was invoked, where it has not."""
        if self._has_undone:
            return any(_says_how(each) for each in self._told.own)
        return bool(self._replies())

    @property
    def _told(self) -> Told:
        if self._told_by_now is None:
            self._told_by_now = told_apart(self._keys, self._seen.values(), log_tells=self._log_tells)
        return self._told_by_now

    @property
    def _settled(self) -> Mapping[str, Disposition]:
        """The ends that were seen, by key: what has failed anywhere is not done."""
        if self._settled_by_now is None:
            self._settled_by_now = ends_of(self._keys, self._told.own)
        return self._settled_by_now

    @property
    def _has_undone(self) -> bool:
        return any(self._disposition(key) not in _DONE for key in self._keys)

    def _is_contradicted(self) -> bool:
        """Say whether the log tells of no failure, although something failed that it would have to tell of."""
        if any(not reply.succeeded for reply in self._replies()):
            return False
        ended = any(each not in _DONE for each in self._settled.values())
        return ended and any(each.unless_undone for each in self._told.own)

    def _replies(self) -> list[Reply]:
        """Give what its invocations answered, in their order; what a dead letter tells counts where no log does."""
        told = self._told
        logged = sorted(told.logged, key=lambda each: each.at_ms)
        return [each.reply for each in logged or told.own if each.reply]

    def _failure_records(self) -> list[Json]:
        return [each.failure_record for each in self._told.own if each.failure_record is not None]

    def _disposition(self, key: str) -> Disposition:
        if key in self._settled:
            return self._settled[key]
        return "processed" if self._is_gone(key) else "still_queued"

    def _is_gone(self, key: str) -> bool:
        """Say whether it was processed: it is gone for certain, and it was not its failure that came last."""
        replies = self._replies()
        known = not replies or replies[-1].succeeded or any(each not in _DONE for each in self._settled.values())
        return known and len(self._gone[key]) >= _TIMES_GONE


def _says_how(sighting: Sighting) -> bool:
    """Say whether it tells how an invocation failed; a dead letter has no type of error, and comes before the log."""
    reply = sighting.reply
    if reply is None:
        return False
    if sighting.at_ms:
        if reply.succeeded:
            return not sighting.unless_undone  # it reported records as failed, whatever it logged
        return reply.failure is None or bool(reply.failure.error_type)
    return bool(reply.failure and reply.failure.stack)


def _names(count: int) -> tuple[str, ...]:
    return ("event",) if count == 1 else tuple(f"event-{number}" for number in range(1, count + 1))


def _request_id(reply: Reply) -> str:
    return (reply.failure.request_id if reply.failure else None) or ""


def by_key(sightings: Sequence[Sighting], findings: Mapping[str, Findings]) -> None:
    """Give every sighting to all *findings*: each takes what is of its own event."""
    for sighting in sightings:
        for each in findings.values():
            each.note(sighting)
