"""The watches of several ways to one function: each sees only the events that went its own way."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from replay.targets.carrier import Sighting, Sought, Watch
from replay.targets.observing.dead_letters import DeadLetters

PlaceOf = Callable[[str], str | None]
"""Gives the name of the place that an entry was sent to, by the entry's key."""


class OwnWatch:
    """
    Sees what *watch* sees of the events that were sent to one of *sent_to*.

    What an invocation means depends on the way: after a failure a queue delivers again, and Lambda's own queue perhaps
    not. Both ways look at the same log. And what one way's dead letters hold of an event that went another way is of
    another function that gets it too: of a second subscriber of the topic, whose dead letters go there as well.
    """

    def __init__(self, watch: Watch, sent_to: Collection[str], place_of: PlaceOf) -> None:
        self._watch, self._sent_to, self._place_of = watch, sent_to, place_of

    @property
    def place(self) -> str:
        """Where it looks, for eyes."""
        return self._watch.place

    def begin(self) -> None:
        """
        See what is there already.

        Raises:
            ReplayError: It may not be looked at.
        """
        self._watch.begin()

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """
        Look for everything, and give what is of its own: what was seen of others is not seen again.

        Raises:
            ReplayError: It may not be looked at.
        """
        own = {each.key for each in sought if self._place_of(each.key) in self._sent_to}
        seen = self._watch.look(sought)
        named = [(each, tuple(key for key in each.keys if key in own)) for each in seen]
        return [replace(each, keys=keys) for each, keys in named if keys or (own and not each.keys)]

    def close(self) -> Sequence[str]:
        """Give everything back."""
        return self._watch.close()

    def reason(self) -> str:
        """Say why the end of something may not be seen here."""
        return self._watch.reason()


def own_watches(found: Iterable[tuple[str, Sequence[Watch]]], place_of: PlaceOf) -> list[Watch]:
    """Put the watches of all places together; into a queue only one looks, since it hides what it holds."""
    watches: list[Watch] = []
    users: dict[str, set[str]] = {}
    for sent_to, own in found:
        for watch in own:
            if not isinstance(watch, DeadLetters):
                watches.append(OwnWatch(watch, {sent_to}, place_of))
                continue
            if watch.place not in users:
                users[watch.place] = set()
                watches.append(OwnWatch(watch, users[watch.place], place_of))
            users[watch.place].add(sent_to)
    return watches
