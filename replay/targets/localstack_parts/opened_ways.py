"""The targets through which events reach a function on LocalStack: one of its own for each way in."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from replay.errors import InvalidEvent, TargetError
from replay.fixtures.fixture import StoredObject
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSourceKind
from replay.targets.carrier import Answer, Carrier, Entry, Refusal, Watch
from replay.targets.guard_rails.deployed import Deployed
from replay.targets.localstack_parts.own_watches import own_watches
from replay.targets.localstack_parts.ways_in import LACKING, WORDS, WayIn, rounded_numbers, source_name
from replay.targets.registry import open_target
from replay.targets.sending import answered_error, packed

OptionsOf = Callable[[WayIn], Mapping[str, Any]]
"""Gives the options of the target for a way."""

THROUGH_FUNCTION = 'invoke the function itself: through = "function" in the target\'s section'


class OpenedWays:
    """
    The *ways* to *function*, which is called *deployed* on LocalStack, each checked.

    Raises:
        TargetRefused: One may not be used.
        AwsError: One may not be looked at.
    """

    def __init__(self, ways: Sequence[WayIn], options_of: OptionsOf, *, function: Function, deployed: str) -> None:
        self._deployed = deployed
        self._carriers: dict[WayIn, Carrier] = {}
        self._asked: dict[EventSourceKind, Deployed] = {}
        self._way_of: dict[str, WayIn] = {}
        self._entered = ExitStack()
        self.seen_by: list[str] = []
        for way in ways:
            opened = open_target(way.target, function, **options_of(way), **dict(way.settings))
            assert isinstance(opened, Deployed)
            seen = opened.checked_destination().seen_by
            if isinstance(opened, Carrier):
                self._carriers[way] = opened
                self.seen_by += [f"{each}, through {way.place}" for each in seen]
            else:
                self._asked.setdefault(way.kind, opened)

    @property
    def carriers(self) -> Sequence[Carrier]:
        """Those that give no answer."""
        return list(self._carriers.values())

    def enter(self) -> None:
        """Enter them all."""
        for each in (*self._carriers.values(), *self._asked.values()):
            self._entered.enter_context(each)

    def leave(self) -> None:
        """Leave them all."""
        self._entered.close()

    def asked(self, kind: EventSourceKind) -> Deployed:
        """
        Give what answers the requests of a *kind*.

        Raises:
            TargetError: There is none.
        """
        if kind in self._asked:
            return self._asked[kind]
        lacks = LACKING.get(kind)
        what = f"LocalStack's community release has no {lacks}" if lacks else f"no {WORDS.get(kind, kind)} leads there"
        raise TargetError(
            f"a request cannot reach the function {self._deployed} on LocalStack: {what}",
            where=f"function {self._deployed}",
            expected=f"a {WORDS['apigateway']} or a {WORDS['function_url']}",
            hint=THROUGH_FUNCTION,
        )

    def of(self, event: Event, key: str) -> Mapping[WayIn, Carrier]:
        """
        Give the ways that *event* may take, best first: to the queue, topic or bucket whose name it bears.

        Raises:
            InvalidEvent: There is none of its kind, or several, and none of that name.
        """
        kind = "eventbridge" if event.kind == "schedule" else event.kind
        ways = {way: carrier for way, carrier in self._carriers.items() if way.kind == kind}
        source = source_name(event)
        named = {way: carrier for way, carrier in ways.items() if way.name == source}
        if named or len({way.name for way in ways}) == 1:
            return named or ways
        found = ", ".join(dict.fromkeys(way.place for way in ways or self._carriers))
        lacking = f"several {WORDS[kind]}s lead" if ways else f"no {WORDS.get(kind or '', kind)} leads"
        raise InvalidEvent(
            f"{lacking} to the function {self._deployed} on LocalStack, and the event names {source or 'none'}",
            where=key,
            expected=f"one of: {found}",
            hint=THROUGH_FUNCTION,
        )

    def place_objects(self, objects: Sequence[StoredObject]) -> None:
        """Give what the fixture has of objects to those that put them."""
        for carrier in self._carriers.values():
            carrier.place_objects(objects)

    def entries(self, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        """
        Give the entries of the first way that takes *event*.

        Raises:
            InvalidEvent: None takes it, or LocalStack would change it on the way.
            TargetRefused: Others would get it, and nobody has said that they may.
        """
        ways = self.of(event, key)
        if event.kind == "sqs" and (number := rounded_numbers(event)):
            raise InvalidEvent(
                f"LocalStack would round a number of {len(number)} digits on the way from the queue to the function",
                where=key,
                expected="a body whose numbers are doubles, which LocalStack 4 writes anew",
                hint=THROUGH_FUNCTION,
            )
        *others, last = ways
        for way in others:
            with suppress(InvalidEvent):
                return self._noted(way, event, key=key, marker=marker)
        return self._noted(last, event, key=key, marker=marker)

    def send(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """Send each through its own way, by as many calls as it takes; one that fails loses no answer of another."""
        by_way: dict[WayIn, dict[str, Entry]] = {}
        for entry in entries:
            by_way.setdefault(self._way_of[entry.key], {})[entry.key] = entry
        answers: dict[str, Answer] = {}
        for way, mine in by_way.items():
            carrier = self._carriers[way]
            sizes = ((entry.key, entry.size_bytes) for entry in mine.values())
            for keys in packed(sizes, most_entries=carrier.most_entries, most_bytes=carrier.most_bytes):
                answers |= _sent(carrier, [mine[key] for key in keys])
        return answers

    def watches(self, function: Function) -> list[Watch]:
        """
        Give the places where the end of an event can be seen, whatever way it takes.

        Raises:
            AwsError: Who gets what is sent cannot be found out.
        """
        carriers = {way.place: carrier for way, carrier in self._carriers.items()}
        found = ((place, carrier.watches(function)) for place, carrier in carriers.items())
        return own_watches(found, lambda key: self._way_of[key].place if key in self._way_of else None)

    def patience_s(self, function: Function) -> float:
        """Say how long the slowest way takes."""
        return max((carrier.patience_s(function) for carrier in self._carriers.values()), default=0.0)

    def _noted(self, way: WayIn, event: Event, *, key: str, marker: str) -> Sequence[Entry]:
        entries = self._carriers[way].entries(event, key=key, marker=marker)
        self._way_of.update((entry.key, way) for entry in entries)
        return entries


def _sent(carrier: Carrier, entries: Sequence[Entry]) -> Mapping[str, Answer]:
    """Make one call; where it fails, give what that says of its entries, and nothing of those that are in doubt."""
    try:
        return carrier.send(entries)
    except Exception as error:  # noqa: BLE001 - as in `sending.py`: not all is a BotoCoreError
        told = answered_error(error, [entry.key for entry in entries])
        refused = {**told.refused, **told.throttled}
        return {key: Refusal(code=code, retryable=key not in told.final) for key, code in refused.items()}
