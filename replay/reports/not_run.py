"""What could not be run, each reason once."""

from collections.abc import Hashable, Iterable, Sequence

from replay.errors import FixtureError, FunctionError, NotPinned, ReplayError
from replay.replayer import FixtureNotRun


def reason_key(event: FixtureNotRun) -> Hashable:
    """
    Give equal keys for one reason: a function that cannot be imported is one, whatever it says each time.

    (An error at import time may quote a time or an address of its own; what cannot be written fails at many paths.)
    """
    error = event.error
    if isinstance(error, FunctionError):
        return (event.reference.function, error.where)
    if isinstance(error, FixtureError):
        return (event.reference.function, error.apart_from_found if isinstance(error, NotPinned) else error.what)
    return str(error)


def by_reason(events: Iterable[FixtureNotRun]) -> list[list[FixtureNotRun]]:
    """Put together what one reason has kept from being replayed, in the order in which it happened."""
    reasons: dict[Hashable, list[FixtureNotRun]] = {}
    for event in events:
        reasons.setdefault(reason_key(event), []).append(event)
    return list(reasons.values())


def reason_text(events: Sequence[FixtureNotRun]) -> str:
    """Write the one reason of *events*."""
    error = events[0].error
    places = {str(getattr(event.error, "where", "")) for event in events}
    if not isinstance(error, FixtureError) or len(places) == 1:
        return str(error)
    what = error.apart_from_found if isinstance(error, NotPinned) else error.what
    return str(ReplayError(what, where=f"{error.where}, and others", expected=error.expected, hint=error.hint))


def named(event: FixtureNotRun) -> str:
    """Name the fixture, with what its replay has found all the same."""
    found = event.error.found if isinstance(event.error, NotPinned) else ""
    return f"{event.reference}  {found}".rstrip()
