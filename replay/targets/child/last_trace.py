"""Where a Python function was when its process ended, as far as it printed that."""

import re

_WHERE_IT_IS = re.compile(r"(?:Current thread 0x[0-9a-f]+|Stack) \(most recent call first\):\n(?:  File .*\n)+")
_RAISED = "Traceback (most recent call last):\n"
_LOOKED_AT = 64 * 1024


def cut_trace(log: str) -> tuple[str, str]:
    """Take the last trace that faulthandler wrote out of *log*: the function did not print it. Give both."""
    place = None
    for place in _WHERE_IT_IS.finditer(log, max(len(log) - _LOOKED_AT, 0)):  # noqa: B007 - the last one is wanted
        pass
    if place is None:
        return log, ""
    return log[: place.start()] + log[place.end() :], place[0]


def last_trace(log: str) -> str:
    """Give the last trace in *log*, of an exception or of a crash; empty where there is none."""
    start = log.rfind(_RAISED, max(len(log) - _LOOKED_AT, 0))
    return log[start:] if start >= 0 else cut_trace(log)[1]
