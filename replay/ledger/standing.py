"""How far every key of a run is, in a byte for each: also of a million numbered lines of a few places."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from replay.ledger.lines import Document, keys_of

_SENT, _ACKNOWLEDGED, _OBSERVED, _OPEN = 1, 2, 4, 8
_MOST_OPEN = 31
_MOST_DIGITS = 8
_MOST_IDENTITIES = 64
_MOST_LEAP = 1_000_000
"""So many numbers may be missing before one; a number farther away is kept like any other key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many keys of a run were sent, acknowledged and observed, and how many of them are in doubt."""

    sent: int
    acknowledged: int
    observed: int
    in_doubt: int


@dataclass(slots=True, kw_only=True)
class Standing:
    """
    What `Progress` knows of a run, without what each line has said.

    A key `PLACE:NUMBER` takes a byte; any other takes a place in a dictionary.

    Attributes:
        header: The first line of the ledger; empty where that was torn.
        ended: How the run ended; None while it runs, or where it was killed.
        torn: How many lines are not whole.
        verdicts: How many keys were observed with each verdict, and whether that was as expected.
        identities: By what the acknowledgements are known, in their order, each once; the first few.
    """

    header: Document = field(default_factory=dict)
    ended: Document | None = None
    torn: int = 0
    verdicts: Counter[tuple[str, bool]] = field(default_factory=Counter)
    identities: dict[str, None] = field(default_factory=dict)
    _lines: dict[str, bytearray] = field(default_factory=dict)
    _others: dict[str, int] = field(default_factory=dict)

    def note(self, document: Document) -> None:
        """Take in one line of the ledger."""
        kind = str(document.get("type"))
        if kind == "run":
            self.header = document
        elif kind == "resumed":
            self.ended = None
        elif kind == "ended":
            self.ended = document
        elif kind in _CHANGES:
            for key in keys_of(document):
                self.mark(kind, key)
            if kind == "observed":
                self.verdicts[str(document.get("verdict")), bool(document.get("as_expected"))] += 1
            identity = str(document.get("identity") or "")
            if identity and kind == "acknowledged" and len(self.identities) < _MOST_IDENTITIES:
                self.identities[identity] = None

    def mark(self, kind: str, key: str) -> None:
        """Note that *key* was sent, withdrawn, acknowledged, refused or observed."""
        adds, opens = _CHANGES[kind]
        byte = self._byte(key)
        count = min(max(byte // _OPEN + opens, 0), _MOST_OPEN)
        byte = (byte % _OPEN | adds) + count * _OPEN
        if kind == "withdrawn" and not count and not byte & (_ACKNOWLEDGED | _OBSERVED):
            byte = 0
        self._put(key, byte)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was sent yet."""
        return not self._lines and not self._others

    def is_sent(self, key: str) -> bool:
        """Say whether it was sent, perhaps without an answer."""
        return bool(self._byte(key) & _SENT)

    def is_acknowledged(self, key: str) -> bool:
        """Say whether the other side has it."""
        return bool(self._byte(key) & _ACKNOWLEDGED)

    def is_observed(self, key: str) -> bool:
        """Say whether it is known what became of it."""
        return bool(self._byte(key) & _OBSERVED)

    def is_in_doubt(self, key: str) -> bool:
        """Say whether it was sent more often than answered."""
        return self._byte(key) >= _OPEN

    def unacknowledged(self) -> Iterator[str]:
        """Give what was sent, and is neither acknowledged nor observed."""
        return (key for key, byte in self._all() if byte & _SENT and not byte & (_ACKNOWLEDGED | _OBSERVED))

    def unobserved(self) -> Iterator[str]:
        """Give what was sent, and of which nobody knows what became of it."""
        return (key for key, byte in self._all() if byte & _SENT and not byte & _OBSERVED)

    def counts(self) -> Counts:
        """Count the keys."""
        bytes_ = Counter(self._others.values())
        for line in self._lines.values():
            bytes_.update(line)
        return Counts(
            sent=sum(count for byte, count in bytes_.items() if byte & _SENT),
            acknowledged=sum(count for byte, count in bytes_.items() if byte & _ACKNOWLEDGED),
            observed=sum(count for byte, count in bytes_.items() if byte & _OBSERVED),
            in_doubt=sum(count for byte, count in bytes_.items() if byte >= _OPEN),
        )

    def _all(self) -> Iterator[tuple[str, int]]:
        yield from self._others.items()
        for place, lines in self._lines.items():
            yield from ((f"{place}:{number}", byte) for number, byte in enumerate(lines) if byte)

    def _byte(self, key: str) -> int:
        place, number = _numbered(key)
        lines = self._lines.get(place, b"")
        byte = lines[number] if number is not None and number < len(lines) else 0
        return byte or self._others.get(key, 0)

    def _put(self, key: str, byte: int) -> None:
        place, number = _numbered(key)
        lines = self._lines.setdefault(place, bytearray()) if number is not None else bytearray()
        if number is None or number >= len(lines) + _MOST_LEAP or key in self._others:
            self._others[key] = byte
            return
        if number >= len(lines):
            lines.extend(bytes(number + 1 - len(lines)))
        lines[number] = byte


_CHANGES = {
    "sent": (_SENT, 1),
    "withdrawn": (0, -1),
    "acknowledged": (_ACKNOWLEDGED, -1),
    "refused": (0, -1),
    "observed": (_OBSERVED, 0),
}
"""What a line of each type adds to a byte, and to how often its key is under way."""


def _numbered(key: str) -> tuple[str, int | None]:
    place, colon, digits = key.rpartition(":")
    if colon and digits.isdecimal() and digits.isascii() and len(digits) <= _MOST_DIGITS and digits[0] != "0":
        return place, int(digits)
    return key, None
