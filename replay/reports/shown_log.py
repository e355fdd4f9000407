"""What a function has logged, as it may be shown: an event holds stand-ins only, but its environment holds secrets."""

from functools import cache
from typing import TYPE_CHECKING

from replay.errors import RedactionError

if TYPE_CHECKING:  # most runs show no log, and need not wait for it
    from replay.redaction.redactor import Redactor


def shown_log(log: str) -> str:
    """Give *log* without what is private in it; terminal escapes stay."""
    if not log.strip():
        return ""
    try:
        return _redactor().plain(log)
    except RedactionError:
        return "(left out: it could not be made safe to show)"


@cache
def _redactor() -> "Redactor":
    from replay.redaction.redactor import Redactor

    return Redactor()
