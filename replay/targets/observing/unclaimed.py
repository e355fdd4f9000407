"""Invocations of which nothing tells yet whose they were: kept, as far as memory allows, for what may tell it later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from replay.targets.carrier import Sighting, Sought
from replay.targets.observing.signs import keys_in

_MOST_CHARACTERS = 16 * 1024 * 1024
_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    sighting: Sighting
    request_id: str
    texts: Sequence[str]

    @property
    def size(self) -> int:
        return sum(map(len, self.texts))


class Unclaimed:
    """
    Keeps what was seen in a log without a sign; the oldest goes first.

    A dead letter tells later which request an event was, and one replay of an archive's minute brings events that are
    sought only when it is their turn.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._characters = 0

    def keep(self, sighting: Sighting, request_id: str, texts: Sequence[str]) -> None:
        """Keep what was seen, with all that its lines say."""
        kept = _Kept(sighting=sighting, request_id=request_id, texts=texts)
        self._kept[sighting.identity] = kept
        self._characters += kept.size
        while len(self._kept) > _MOST or self._characters > _MOST_CHARACTERS:
            self._take(next(iter(self._kept)))

    def claimed(self, keys_of: Callable[[str], tuple[str, ...]], new: Sequence[Sought]) -> list[Sighting]:
        """
        Take out, and give with its keys, that of which something tells now whose it is.

        Args:
            keys_of: Says whose a request is.
            new: What is sought for the first time: only that can have a sign in lines that were looked through before.
        """
        found = []
        for identity, kept in list(self._kept.items()):
            keys = keys_of(kept.request_id) or (keys_in([kept.request_id, *kept.texts], new) if new else ())
            if keys:
                found.append(replace(kept.sighting, keys=keys))
                self._take(identity)
        return found

    def _take(self, identity: str) -> None:
        self._characters -= self._kept.pop(identity).size
