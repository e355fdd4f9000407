"""Failed requests and their events, put together over all objects of a log: what waits for its event, within bounds."""

import pickle
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping

from replay.payloads.log_formats.log_record import Kind
from replay.sources.s3_log_parts.lookup import FoundEvent
from replay.sources.s3_log_parts.sightings import Sighting, merged, with_event

SHOWN_TYPE = re.compile(r"[\w.:<>$+` -]{1,80}", re.ASCII)
"""What an error type looks like; a line may say anything."""

MOST_WAITING = 20_000
"""So many failures may wait for their event, about 2 kB each; more are counted, and said to be missing."""


class Joined:
    """
    The failed requests of a log.

    A request that has its failure and its event is given at once, and never again. The others wait, packed; what only
    an access log saw waits until all failures of functions are known, as it may be one of them.
    """

    def __init__(self) -> None:
        self._given: set[int] = set()
        self._waiting: dict[str, tuple[int, bytes]] = {}
        self._sought: dict[str, Kind] = {}
        self.beyond: Counter[str] = Counter()
        self.nameless: Counter[str] = Counter()
        self.same_request = 0

    def see(self, found: Sighting, number: int) -> Sighting | None:
        """Take a sighting in object *number*; give the request where it is complete and new."""
        request_id = found.request_id
        if request_id is None:
            if found.event is not None:
                return found
            self.nameless[shown_type(found)] += 1
            return None
        if hash(request_id) in self._given:
            return None
        earlier = self._take(request_id)
        if earlier is not None:
            number, found = earlier[0], merged(earlier[1], found)
        if found.event is not None and found.kind == "invocation":
            self._given.add(hash(request_id))
            return found
        if len(self._waiting) >= MOST_WAITING:
            self.beyond[shown_type(found)] += 1
            return None
        if found.event is None:
            self._sought[request_id] = found.kind
        self._waiting[request_id] = (number, zlib.compress(pickle.dumps(found), 1))
        return None

    def meet(self, event: FoundEvent) -> Sighting | None:
        """Take an event that was sought; give its request, unless it was given under another id."""
        waiting = self._take(event.request_id)
        if waiting is None:
            return None
        return self._complete(with_event(waiting[1], event.event, event.logged_for, event.lines))

    def sought(self) -> Mapping[str, Kind]:
        """Map the ids of the requests that still lack their event to what saw them fail."""
        return dict(self._sought)

    def places(self) -> set[int]:
        """List the objects in which they failed."""
        return {self._waiting[each][0] for each in self._sought}

    def complete(self) -> Iterator[tuple[int, Sighting]]:
        """Give what an access log saw, with its event and object, and was not given as the failure of a function."""
        for request_id in [each for each in self._waiting if each not in self._sought]:
            taken = self._take(request_id)
            if taken is not None and (completed := self._complete(taken[1])):
                yield taken[0], completed

    def without_event(self) -> Iterator[Sighting]:
        """Give the failures whose event was found nowhere."""
        yield from (_loaded(held) for _, held in self._waiting.values())

    def _complete(self, found: Sighting) -> Sighting | None:
        for request_id in (found.logged_for, found.request_id):
            if request_id is not None and hash(request_id) in self._given:
                self.same_request += 1
                return None
        self._given.update(hash(each) for each in (found.request_id, found.logged_for) if each is not None)
        return found

    def _take(self, request_id: str) -> tuple[int, Sighting] | None:
        held = self._waiting.pop(request_id, None)
        self._sought.pop(request_id, None)
        return None if held is None else (held[0], _loaded(held[1]))


def _loaded(held: bytes) -> Sighting:
    found: Sighting = pickle.loads(zlib.decompress(held))  # noqa: S301 - packed above
    return found


def shown_type(found: Sighting) -> str:
    told = found.failure.error_type if found.failure else ""
    return told if SHOWN_TYPE.fullmatch(told) else "another error"
