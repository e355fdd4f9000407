"""
The lines of a ledger: JSON Lines, of which the last may be torn.

    {"type": "run", "run": ID, "command": …, "at": …, "by": …, "version": …, "target": …, "account_id": …, …}
    {"type": "chosen", "keys": [KEY, …]}                  what the run is of, in parts; the last says `of`, how many
    {"type": "resumed", "at": …, "by": …}
    {"type": "sent", "key": KEY, "at": …}                 about to be sent: what comes of it is not known yet
    {"type": "acknowledged", "key": KEY, "at": …, …}      the other side has it
    {"type": "refused", "key": KEY, "at": …, …}           the other side has said that it does not have it
    {"type": "withdrawn", "key": KEY, "at": …}            it was not sent after all
    {"type": "observed", "key": KEY, "at": …, …}          what became of it is known
    {"type": "ended", "at": …, …}

No line holds a payload. A key is what a run sends once: the name of a fixture, the id of a message. A line of several
says `keys` instead of `key`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@dataclass(slots=True, kw_only=True)
class Progress:
    """
    How far a run has come.

    Attributes:
        header: Its first line; empty where that was torn.
        sent: How often each key was sent.
        acknowledged: The last acknowledgement of each key.
        observed: What was last observed of each key.
        answers: How many acknowledgements and refusals each key has.
        ended: How it ended; None while it runs, or where it was killed.
        torn: How many lines are not whole.
    """

    header: Document = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[str, Document] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    observed: dict[str, Document] = field(default_factory=dict)
    ended: Document | None = None
    torn: int = 0

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """What was sent more often than answered: it may have arrived once more than acknowledged."""
        return tuple(key for key, count in self.sent.items() if count > self.answers.get(key, 0))

    def note(self, document: Document) -> None:
        """Take in one line."""
        kind = document.get("type")
        if kind == "run":
            self.header = document
        elif kind == "resumed":
            self.ended = None
        elif kind == "ended":
            self.ended = document
        else:
            for key in keys_of(document):
                self._note_key(str(kind), key, document)

    def _note_key(self, kind: str, key: str, document: Document) -> None:
        if kind == "sent":
            self.sent[key] = self.sent.get(key, 0) + 1
        elif kind == "withdrawn":
            self.sent[key] = self.sent.get(key, 0) - 1
            if self.sent[key] <= 0:
                del self.sent[key]
        elif kind in {"acknowledged", "refused"}:
            self.answers[key] = self.answers.get(key, 0) + 1
            if kind == "acknowledged":
                self.acknowledged[key] = document
        elif kind == "observed":
            self.observed[key] = document


def keys_of(document: Document) -> Sequence[str]:
    """Give the keys that a line is about; none where it is about the run."""
    if "keys" in document:
        keys: Sequence[str] = document["keys"]
        return keys
    return (str(document["key"]),) if "key" in document else ()


def line_of(document: Document) -> bytes:
    """Write one line; a document has no line break inside it."""
    return _ENCODER.encode(document).encode("ascii") + b"\n"


def line_of_key(kind: str, key: str, at: str, known: Document) -> bytes:
    """Write the line of one key, as `line_of` does; there are millions of them."""
    rest = _ENCODER.encode(known)[1:]
    return f'{{"type":"{kind}","key":{_ENCODER.encode(key)},"at":"{at}"{"," if known else ""}{rest}\n'.encode("ascii")


def progress_of(lines: Iterable[bytes]) -> Progress:
    """Read a ledger; a line that is not whole (it was being written when the run was killed) promised nothing."""
    progress = Progress()
    progress.torn = note_all(lines, progress.note)
    return progress


def note_all(lines: Iterable[bytes], *listeners: Callable[[Document], object]) -> int:
    """Tell *listeners* each line that is whole, and say how many are not."""
    torn = 0
    for line in lines:
        if not line.strip():
            continue
        document = document_of(line)
        if document is None:
            torn += 1
            continue
        for listener in listeners:
            listener(document)
    return torn


def document_of(line: bytes) -> Document | None:
    """Read one line; None where it is not whole."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
