"""What a further delivery of the same event tells: is the handler idempotent, and what does it keep from import."""

import time
from dataclasses import dataclass, replace
from datetime import timedelta

from replay.expectations.judgement import Judgement
from replay.outcomes.kept_values import frozen_note, frozen_values, grown_note, grown_values, is_kept
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import AwsCall
from replay.replayer.event_delivery import EventDelivery

_ANOTHER_DAY = timedelta(days=1, hours=1, minutes=1, seconds=1)
_ANOTHER_SECOND_S = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondDelivery:
    """
    What became of the same event when it was delivered again, right after the first delivery had ended.

    `new_writes` are the AWS calls by which it changed something once more; `reason` puts them into words, and is empty
    where there are none.
    """

    outcome: Outcome
    new_writes: tuple[AwsCall, ...] = ()
    reason: str = ""


def second_delivery(delivery: EventDelivery, first: Outcome) -> SecondDelivery:
    """
    Deliver an event again, to AWS as its *first* delivery has left it.

    Raises:
        ReplayError: It could not be delivered.
    """
    from replay.outcomes.idempotence import new_writes, told  # most runs deliver once

    second = delivery.again()
    writes = new_writes(first.effects, second.effects)
    reason = told(first.effects, writes) if writes else ""
    return SecondDelivery(outcome=second, new_writes=tuple(writes), reason=reason)


def judged_twice(judgement: Judgement, second: SecondDelivery) -> Judgement:
    """Let a judgement tell of new writes in a second delivery: they make it unexpected, whatever else it says."""
    if not second.reason:
        return judgement
    if judgement.as_expected:
        return replace(judgement, verdict="changed", as_expected=False, known_bug=False, reason=second.reason, ways=())
    return replace(judgement, reason=f"{judgement.reason}; {second.reason}")


def kept_notes(delivery: EventDelivery, cold: Outcome) -> list[str]:
    """
    Say what a function keeps from one invocation to the next, by two more deliveries after the *cold* one.

    One is warm, one is cold again. A value that only follows cold starts was made at import; one that only a warm
    function has differs by what was kept. A captured clock is set forward, so that a date is another one; a real one is
    looked at once more a second later, so that a slow import is not taken for a frozen second.

    Raises:
        ReplayError: It could not be delivered.
    """
    invoker = delivery.invoker
    if not invoker.cold:
        return []
    warm = _warm(delivery, later=_ANOTHER_DAY)
    cold_again = delivery.afresh(later=_ANOTHER_DAY)
    notes = []
    frozen = frozen_values(cold, warm, cold_again)
    if frozen:
        time.sleep(_ANOTHER_SECOND_S)
        later = _warm(delivery, later=2 * _ANOTHER_DAY)
        frozen = [place for place in frozen if is_kept(place, cold_again, later)]
    if frozen:
        notes.append(f"{delivery.fixture.reference.id}: {frozen_note(frozen)}")
    grown = grown_values(cold, warm, cold_again)
    if grown:
        notes.append(f"{delivery.fixture.reference.id}: {grown_note(grown)}")
    return notes


def _warm(delivery: EventDelivery, *, later: timedelta) -> Outcome:
    """Deliver to the function as the last invocation has left it."""
    invoker = delivery.invoker
    invoker.cold = False
    try:
        return delivery.afresh(later=later)
    finally:
        invoker.cold = True
