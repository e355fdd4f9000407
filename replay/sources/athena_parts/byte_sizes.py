"""Sizes of data as people write them: `10GB`."""

import re

from replay.errors import ConfigurationError

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([kmgtp]?i?b)?", re.IGNORECASE)
_POWERS = {"b": 0, "kb": 1, "mb": 2, "gb": 3, "tb": 4, "pb": 5}
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_STEP = 1_000


def byte_size(text: str, *, option: str) -> int:
    """
    Read a size such as `500MB`, `10GB` or `1.5TB`, by thousands; `GiB` and the like go by 1,024.

    Raises:
        ConfigurationError: It is no size, or nothing.
    """
    found = _SIZE.fullmatch(text.strip())
    unit = (found[2] or "b").lower() if found else ""
    power = _POWERS.get(unit.replace("i", ""))
    size = round(float(found[1]) * (1_024 if "i" in unit else _STEP) ** power) if found and power is not None else 0
    if size <= 0:
        raise ConfigurationError(
            "that is no size of data", where=f"{option} {text!r}", expected="such as 500MB, 10GB, 1.5TB"
        )
    return size


def shown_bytes(size: int) -> str:
    """Write a size for eyes, by thousands."""
    value, unit = float(size), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{size} B" if unit == 0 else f"{value:.3g} {_UNITS[unit]}"
