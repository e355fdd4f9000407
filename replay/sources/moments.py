"""Moments as people write them: `2h` for two hours ago, or a date and time."""

import re
from datetime import UTC, datetime, timedelta

from replay.errors import ConfigurationError

_AGO = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(s|m|h|d|w)", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, *, now: datetime, option: str = "") -> datetime:
    """
    Read a moment: a time ago (`90s`, `15m`, `2h`, `3d`, `1w`) or ISO 8601 (`2026-11-21`, `2026-11-21T08:30+01:00`).

    Without a zone it is UTC, as AWS's own times are.

    Raises:
        ConfigurationError: It is neither.
    """
    text = text.strip()
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2].lower()]: float(ago[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ConfigurationError(
            "that is no moment",
            where=f"{option} {text!r}".strip(),
            expected="a time ago such as 90s, 15m, 2h, 3d, 1w, or ISO 8601 such as 2026-11-21T08:30Z",
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
