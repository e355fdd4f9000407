"""Which call meets which fault: pure, counted over one replay."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from replay.payloads.aws_calls import Fault


@dataclass(slots=True)
class _Planned:
    fault: Fault
    seen: int = 0
    met: int = 0

    def meets(self, name: str) -> bool:
        """Count one more call of *name* where the fault is for it, and say whether the call meets it."""
        if not is_for(self.fault, name):
            return False
        if self.fault.times is not None and self.met >= self.fault.times:
            return False
        self.seen += 1
        if self.seen <= self.fault.skip:
            return False
        self.met += 1
        return True


class FaultPlan:
    """
    Decides, call by call, what a call meets: the first of *faults* that is for it and is not used up.

    A call that a fault lets pass (`skip`, `times`) may meet a later one. What counts is the call as the function makes
    it: the SDK's own retries are the same call, and meet the same.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._planned = [_Planned(fault) for fault in faults]

    @property
    def is_empty(self) -> bool:
        """Whether no call can meet anything."""
        return not self._planned

    def meet(self, name: str) -> Fault | None:
        """Count the call *name* (`dynamodb:PutItem`), and give the fault that it meets."""
        return next((planned.fault for planned in self._planned if planned.meets(name)), None)

    def unmet(self) -> list[str]:
        """Say in a sentence each which faults no call has met until now, and why."""
        return [_why_unmet(planned) for planned in self._planned if not planned.met]


def is_for(fault: Fault, name: str) -> bool:
    """Say whether *fault* is for calls of *name*."""
    return fnmatchcase(name.lower(), fault.call.lower())


def unmet_faults(faults: Sequence[Fault], names: Iterable[str]) -> list[str]:
    """Say which of *faults* none of the calls *names*, in the order in which they were made, has met."""
    plan = FaultPlan(faults)
    for name in names:
        plan.meet(name)
    return plan.unmet()


def _why_unmet(planned: _Planned) -> str:
    fault = planned.fault
    if planned.seen:
        calls = "call" if planned.seen == 1 else "calls"
        return f"fault {fault.call} was not met: {planned.seen} {calls}, and it skips {fault.skip}"
    return f"fault {fault.call} was not met: the function did not call it"
