"""
The lines of a ledger: JSON Lines, of which the last may be torn.

    {"type": "run", "run": ID, "command": …, "at": …, "by": …, "version": …, "target": …, "account_id": …, …}
    {"type": "resumed", "at": …, "by": …}
    {"type": "sent", "key": KEY, "at": …}                 about to be sent: what comes of it is not known yet
    {"type": "acknowledged", "key": KEY, "at": …, …}      the other side has it
    {"type": "refused", "key": KEY, "at": …, …}           the other side has said that it does not have it
    {"type": "observed", "key": KEY, "at": …, …}          what became of it is known
    {"type": "ended", "at": …, …}

No line holds a payload. A key is what a run sends once: the name of a fixture, the id of a message.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]


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
        kind, key = document.get("type"), str(document.get("key", ""))
        if kind == "run":
            self.header = document
        elif kind == "resumed":
            self.ended = None
        elif kind == "ended":
            self.ended = document
        elif kind == "sent":
            self.sent[key] = self.sent.get(key, 0) + 1
        elif kind in {"acknowledged", "refused"}:
            self.answers[key] = self.answers.get(key, 0) + 1
            if kind == "acknowledged":
                self.acknowledged[key] = document
        elif kind == "observed":
            self.observed[key] = document


def line_of(document: Document) -> bytes:
    """Write one line; a document has no line break inside it."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def progress_of(lines: Iterable[bytes]) -> Progress:
    """Read a ledger; a line that is not whole (it was being written when the run was killed) promised nothing."""
    progress = Progress()
    for document in _documents(lines, progress):
        progress.note(document)
    return progress


def _documents(lines: Iterable[bytes], progress: Progress) -> Iterator[Document]:
    for line in lines:
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            yield document
        else:
            progress.torn += 1
