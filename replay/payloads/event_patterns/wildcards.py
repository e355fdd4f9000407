"""The `wildcard` operator: reading it, matching it in linear time, and AWS's limit of its complexity."""

from collections.abc import Iterable, Sequence

from replay.payloads.event_patterns.refusals import refuse

Wildcard = tuple[str, ...]
"""The literal texts between the asterisks, unescaped: `a*b` is ("a", "b")."""

_STATES_LOOKED_AT = 4096


def read_wildcard(text: str, where: str) -> Wildcard:
    r"""
    Read a wildcard: `*` is any text, `\*` an asterisk, `\\` a backslash.

    Raises:
        PatternRefused: Two asterisks in a row, or another escape. Positions count UTF-8 bytes of the quoted text.
            Source: recording content_wildcard_repeating_star_EXC.
    """
    literals = [""]
    position = 0
    while position < len(text):
        character, following = text[position], text[position + 1 : position + 2]
        if character == "*":
            if following == "*":
                refuse(f"Consecutive wildcard characters at pos {_byte_position(text, position)}", where)
            literals.append("")
        elif character == "\\":
            if following not in {"*", "\\"}:
                refuse(f"Invalid escape character at pos {_byte_position(text, position)}", where)
            literals[-1] += following
            position += 1
        else:
            literals[-1] += character
        position += 1
    return tuple(literals)


def _byte_position(text: str, position: int) -> int:
    return 1 + len(text[:position].encode("utf-8", errors="replace"))


def matches_wildcard(wildcard: Wildcard, text: str) -> bool:
    """Say whether *text* is of the form of *wildcard*."""
    if len(wildcard) == 1:
        return text == wildcard[0]
    first, *middle, last = wildcard
    start, end = len(first), len(text) - len(last)
    if start > end or not text.startswith(first) or not text.endswith(last):
        return False
    for literal in middle:
        # The leftmost place leaves most room for the rest, so there is nothing to go back to.
        found = text.find(literal, start, end)
        if found < 0:
            return False
        start = found + len(literal)
    return True


class _Positions:
    """The places between the characters of some wildcards, one bit each, and where a character leads from them."""

    def __init__(self) -> None:
        self.size = 0
        self.start = 0
        self.before_asterisk = 0
        self.after_asterisk = 0
        self.before: dict[str, int] = {}
        self.counted = 0

    def add(self, tokens: Sequence[str | None], shared: int) -> None:
        """Add one wildcard; its first *shared* places are also those of another, and are not counted twice."""
        for offset, token in enumerate(tokens):
            bit = 1 << (self.size + offset)
            if token is None:
                self.before_asterisk |= bit
                self.after_asterisk |= bit << 1
            else:
                self.before[token] = self.before.get(token, 0) | bit
            if offset >= shared:
                self.counted |= bit << 1
        self.start |= 1 << self.size
        self.size += len(tokens) + 1

    def move(self, at: int, character: str) -> int:
        """Give the places that *character* leads to from the places *at*."""
        to = ((at & self.before.get(character, 0)) << 1) | (at & self.after_asterisk)
        return to | ((to & self.before_asterisk) << 1)


def too_complex(alternatives: Iterable[tuple[Wildcard, ...]], limit: int) -> bool:
    """
    Say whether some text could keep more than *limit* places of these wildcards open at once.

    Each alternative is one wildcard, or the list of an `anything-but`.

    Source: event-ruler's MachineComplexityEvaluator, which EventBridge refuses rules by.
    """
    positions = _Positions()
    for alternative in dict.fromkeys(alternatives):
        known: list[list[str | None]] = []
        for wildcard in alternative:
            tokens = _tokens(wildcard)
            positions.add(tokens, max((_shared_prefix(tokens, other) for other in known), default=0))
            known.append(tokens)
    characters = [*positions.before, ""]
    seen = {positions.start}
    waiting = [positions.start]
    while waiting and len(seen) < _STATES_LOOKED_AT:
        at = waiting.pop()
        for character in characters:
            to = positions.move(at, character)
            if (to & positions.counted).bit_count() > limit:
                return True
            if to not in seen:
                seen.add(to)
                waiting.append(to)
    return False


def _tokens(wildcard: Wildcard) -> list[str | None]:
    """List the characters of a quoted wildcard, None for an asterisk."""
    tokens: list[str | None] = ['"', *wildcard[0]]
    for literal in wildcard[1:]:
        tokens += [None, *literal]
    return [*tokens, '"']


def _shared_prefix(tokens: Sequence[str | None], other: Sequence[str | None]) -> int:
    """Count the places that two wildcards of one list share: up to their first asterisk."""
    shared = 0
    for one, two in zip(tokens, other, strict=False):
        if one != two:
            break
        shared += 1
        if one is None:
            break
    return shared
