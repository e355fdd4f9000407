"""An event as it once was, put in the place of its redacted one at the last moment. Pure; in memory only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from replay.errors import FixtureError, TargetError
from replay.payloads.exact_json import Edit, Step, Token, splice, steps, tokens

_RECEIPT_HANDLE = "receiptHandle"
Group = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One token that redaction has replaced: which of its group's it is, and both as they are written."""

    index: int
    stand_in: str
    original: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """
    What an event was before its redaction.

    Attributes:
        redacted: The tokens of the redacted event, group by group; a group is a record, or all that is in none.
        swaps: What redaction has replaced, group by group.
    """

    redacted: tuple[tuple[str, ...], ...] = field(repr=False)
    swaps: tuple[tuple[Swap, ...], ...] = field(repr=False)

    def put_into(self, payload: str) -> str:
        """
        Give *payload*, the redacted event or some of its records as a delivery hands them over, as it once was.

        Raises:
            TargetError: A record of it is none of this event: nothing may be sent.
        """
        taken: set[int] = set()
        edits: list[Edit] = []
        for group in _grouped(payload):
            texts = [payload[token.start : token.end] for token in group]
            found = self._find(texts, taken)
            taken.add(found)
            edits += [Edit(group[swap.index].start, group[swap.index].end, swap.original) for swap in self.swaps[found]]
        return splice(payload, edits)

    def _find(self, texts: Sequence[str], taken: set[int]) -> int:
        """Find the group that a delivery has made *texts* of: it may have changed a count or a handle, no stand-in."""
        likeness = {
            number: sum(one == other for one, other in zip(texts, known, strict=True))
            for number, known in enumerate(self.redacted)
            if number not in taken
            and len(known) == len(texts)
            and all(texts[swap.index] == swap.stand_in for swap in self.swaps[number])
        }
        if not likeness:
            raise TargetError("what was redacted cannot be found again in what is to be delivered: it is not sent")
        return max(likeness, key=lambda number: likeness[number])

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Give every token that was replaced, and its stand-in, both as they are written in JSON."""
        for group in self.swaps:
            for swap in group:
                yield swap.original, swap.stand_in


def original_of(text: str, *, redacted: str, fixture: str) -> Original:
    """
    Say how the event of a fixture was before its redaction.

    Args:
        text: The event at its source.
        redacted: The same, redacted now.
        fixture: The event of the fixture.

    Raises:
        FixtureError: The fixture's event was edited since, or redacted by other rules or with another key.
    """
    then, now, kept = (_grouped(each) for each in (text, redacted, fixture))
    shapes = [[len(group) for group in each] for each in (then, now, kept)]
    if not shapes[0] == shapes[1] == shapes[2]:
        raise _changed()
    swaps = []
    for one, two, three in zip(then, now, kept, strict=True):
        swaps.append(tuple(_swaps(one, two, three, (text, redacted, fixture))))
    known = tuple(tuple(fixture[token.start : token.end] for token in group) for group in kept)
    return Original(redacted=known, swaps=tuple(swaps))


def _swaps(then: list[Token], now: list[Token], kept: list[Token], texts: tuple[str, str, str]) -> Iterator[Swap]:
    for index, three in enumerate(zip(then, now, kept, strict=True)):
        was, stand_in, there = (text[token.start : token.end] for text, token in zip(texts, three, strict=True))
        if was == stand_in or (three[0].path is not None and three[0].path[1] == _RECEIPT_HANDLE):
            continue  # a receipt handle is the lease of whoever looked it up
        if there != stand_in:
            raise _changed()
        yield Swap(index=index, stand_in=stand_in, original=was)


def _changed() -> FixtureError:
    return FixtureError("its event was edited since it was recorded, or redacted by other rules or with another key")


def _grouped(text: str) -> list[list[Token]]:
    """Put the tokens of each record together, in order; those that are in no list make the last group."""
    groups: dict[Group, list[Token]] = {}
    outside: list[Token] = []
    for token in tokens(text):
        group = _record(steps(token.path))
        (outside if group is None else groups.setdefault(group, [])).append(token)
    return [*groups.values(), outside]


def _record(path: tuple[Step, ...]) -> Group | None:
    for length, step in enumerate(path, start=1):
        if isinstance(step, int):
            return path[:length]
    return None
