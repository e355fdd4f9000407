"""What was seen of one event, told apart from what others that get it, or that invoke its function, have done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from replay.delivery.report import Disposition
from replay.targets.carrier import Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    What is known by now.

    Attributes:
        own: What is of this event, and of the function that is watched, for all that is known.
        is_claimed_elsewhere: Whether a dead letter of the event names a request that the log has not shown yet, and
            nothing in the log is surely of this event.
        is_disputed: Whether what the log shows without a sign cannot all be of this event, or is not of it if a dead
            letter is this function's: then it proves nothing.
        notes: What its user should know of the dead letters that were left out.
    """

    own: Sequence[Sighting]
    is_claimed_elsewhere: bool = False
    is_disputed: bool = False
    notes: Sequence[str] = ()

    @property
    def logged(self) -> Sequence[Sighting]:
        """The invocations."""
        return [each for each in self.own if _is_logged(each)]


def told_apart(keys: Sequence[str], seen: Collection[Sighting], *, log_tells: bool = False) -> Told:
    """
    Tell apart what was *seen* of an event that went as *keys*; *log_tells* of other requests since it was sent.

    All attempts of an asynchronous event have one request id, and so have the dead letter and the record that Lambda
    writes in the end. So a dead letter whose request is in the log is of the watched function, and invocations without
    a sign that are other requests are not of the event. What is in doubt is left out.

    Source: recordings test_retries, test_request_id_async_invoke_with_retry, test_dead_letter_queue.
    """
    logged = [each for each in seen if _is_logged(each)]
    shown = {each.request_id for each in logged if each.request_id}
    letters = [each for each in seen if not _is_logged(each)]
    log_tells = log_tells or bool(logged)
    taken = [each for each in letters if _is_taken(each, shown, log_tells)]
    left = [each for each in letters if not _is_taken(each, shown, log_tells)]
    requests = _requests(keys, [*(each for each in logged if each.keys), *taken])
    own = [each for each in logged if each.keys or not each.request_id or not requests or each.request_id in requests]
    waiting = [each for each in left if each.request_id and not _is_signed(each, own)]
    unsigned = {each.request_id for each in own if not each.keys and each.request_id}
    mixed = len(unsigned) > len(keys)
    return Told(
        own=[*own, *taken],
        is_claimed_elsewhere=bool(waiting),
        is_disputed=mixed or any(each.whose == "presumed" for each in waiting),
        notes=tuple(_note(each) for each in left),
    )


def ends_of(keys: Sequence[str], own: Sequence[Sighting]) -> dict[str, Disposition]:
    """Give the ends that *own* sightings are, by key: what has failed anywhere is not done."""
    ends: dict[str, Disposition] = {}
    for each in own:
        named = frozenset(each.keys)
        mine = [key for key in keys if key in named]
        if each.settled is None or each.settled == "gone" or (not mine and len(keys) > 1):
            continue  # without a sign it may have held but some of the records
        for key in mine or keys:
            if ends.get(key) in {None, "processed"}:
                ends[key] = each.settled
    return ends


def _is_logged(sighting: Sighting) -> bool:
    return bool(sighting.reply and sighting.at_ms)


def _is_taken(letter: Sighting, shown: Collection[str], log_tells: bool) -> bool:
    if letter.whose == "ours" or letter.request_id in shown:
        return True
    return letter.whose == "presumed" and not (letter.request_id and log_tells)


def _is_signed(letter: Sighting, logged: Sequence[Sighting]) -> bool:
    """Say whether the log shows, by a sign, what the function did with that which *letter* tells of."""
    return any(set(letter.keys) & set(each.keys) for each in logged)


def _requests(keys: Sequence[str], sure: Sequence[Sighting]) -> frozenset[str]:
    """Give the requests that the event was; empty where that is not known of every part of it."""
    found: dict[str, set[str]] = {key: set() for key in keys}
    for each in sure:
        for key in each.keys:
            if each.request_id and key in found:
                found[key].add(each.request_id)
    return frozenset().union(*found.values()) if all(found.values()) else frozenset()


def _note(letter: Sighting) -> str:
    why = "its request is not in the log" if letter.request_id else "nothing in it says whose it is"
    return f"a dead letter of the event ({letter.identity}) is not taken for this function's: {why}"
