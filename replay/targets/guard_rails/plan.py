"""What is about to be sent: shown before anything is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from replay.counted_nouns import counted
from replay.targets.guard_rails.destination import Destination, Role

_MOST_NAMED = 5
_MINUTE_S, _HOUR_S = 60, 3600
_UNITS = ((1, "s"), (_MINUTE_S, "m"), (_HOUR_S, "h"))
_ROLES: Mapping[Role, str] = {
    "receives": "to",
    "judges": "judged by",
    "emptied": "deleted, once they have arrived, from",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    What a run will send, and where.

    Attributes:
        events: How many are to be sent now.
        failures: How many of the events belong to each failure, by its headline.
        taken_from: Where events that are no fixtures are read from, and how much of them.
        sent_again: Whether an event that fails is sent again, as often as its event source would deliver it.
        pseudonyms: The names of fixtures that hold stand-ins for what redaction took out: the first hundred.
        with_pseudonyms: How many hold such.
        ramp_up_s: For how long the rate grows to what it is.
        speed: How many times as fast as once, with the original spacing.
        undated: How many have no time, and so no spacing.
        spacing_s: How long the original spacing makes it.
        originals: How many of those with stand-ins are sent as they once were; None where nobody asked for that.
        travels: Through what they travel, where the target gives no answer.
        observed_at: Where their ends are looked for.
        observed_for_s: How long the end of each is waited for.
        all_at_once: Whether all go by one, and their answers are read behind it.
        most_together: How many go by one call at most.
        resumed: The run that is gone on with; empty for a new one.
        done: How many events of it have a verdict, and are not sent.
        under_way: How many of it have no verdict, and are not sent either: they were, and that was acknowledged.
    """

    events: int
    destinations: tuple[Destination, ...]
    failures: Mapping[str, int] = field(default_factory=dict)
    sent_again: bool = False
    rate_per_s: float | None = None
    concurrency: int = 1
    pseudonyms: tuple[str, ...] = ()
    with_pseudonyms: int = 0
    ramp_up_s: float = 0.0
    speed: float | None = None
    undated: int = 0
    spacing_s: float = 0.0
    originals: int | None = None
    travels: tuple[str, ...] = ()
    observed_at: tuple[str, ...] = ()
    observed_for_s: float = 0.0
    taken_from: tuple[str, ...] = ()
    most_together: int = 1
    resumed: str = ""
    done: int = 0
    under_way: int = 0
    all_at_once: bool = False

    @property
    def must_be_confirmed(self) -> bool:
        """Whether anything of it goes beyond this machine."""
        return not all(each.on_this_machine for each in self.destinations)

    @property
    def least_duration_s(self) -> float | None:
        """
        How long after the first event the last is sent at the earliest, where a rate or the original spacing bounds it.

        The first call waits for nothing, and no further try of an event that fails is in it.
        """
        if not self.rate_per_s:
            return self.spacing_s if self.speed else None
        before_last = max(0, self.events - self.most_together)
        in_ramp = self.rate_per_s * self.ramp_up_s / 2
        if before_last < in_ramp:
            return max(self.spacing_s, math.sqrt(2 * before_last * self.ramp_up_s / self.rate_per_s))
        return max(self.spacing_s, self.ramp_up_s + (before_last - in_ramp) / self.rate_per_s)


def plan_lines(plan: Plan) -> list[str]:
    """Write a plan for human eyes, one fact a line."""
    lines = _events(plan)
    lines += [f"  from {each}" for each in plan.taken_from]
    lines += [f"  {count:>6}  {failure}" for failure, count in plan.failures.items()]
    for each, following in zip_longest(plan.destinations, plan.destinations[1:]):
        lines += _destination_lines(each)
        if following is None or following.made != each.made:  # what is made for several is told once, behind them
            lines += _made(each)
    lines += _observation(plan)
    lines.append(_pace(plan))
    lines += _pseudonyms(plan)
    return lines


def plan_document(plan: Plan) -> dict[str, object]:
    """Give a plan as the JSON document `plan`."""
    return {
        "type": "plan",
        "events": plan.events,
        "failures": dict(plan.failures),
        "taken_from": list(plan.taken_from),
        "sent_again": plan.sent_again,
        "destinations": [_destination_document(each) for each in plan.destinations],
        "rate_per_s": plan.rate_per_s,
        "concurrency": plan.concurrency,
        "ramp_up_s": plan.ramp_up_s,
        "speed": plan.speed,
        "undated": plan.undated,
        "least_duration_s": plan.least_duration_s,
        "pseudonyms": list(plan.pseudonyms),
        "with_pseudonyms": plan.with_pseudonyms,
        "originals": plan.originals,
        "travels": list(plan.travels),
        "observed_at": list(plan.observed_at),
        "observed_for_s": plan.observed_for_s,
        "must_be_confirmed": plan.must_be_confirmed,
        "resumed": plan.resumed or None,
        "done": plan.done,
        "under_way": plan.under_way,
    }


def _destination_document(destination: Destination) -> dict[str, object]:
    return {
        "target": destination.target,
        "arn": destination.arn,
        "account_id": destination.account_id,
        "on_this_machine": destination.on_this_machine,
        "emulated_at": destination.emulated_at or None,
        "caller_arn": destination.caller_arn,
        "seen_by": list(destination.seen_by),
        "made": list(destination.made),
        "role": destination.role,
    }


def _destination_lines(destination: Destination) -> list[str]:
    to = _ROLES[destination.role]
    if destination.on_this_machine:
        return [f"{to} {destination.arn} on this machine", *_seen_by(destination)]
    aliases = destination.account_aliases
    alias = "alias may not be read" if aliases is None else ", ".join(aliases) or "no alias"
    return [
        f"{to} {destination.arn}",
        *([f"  at {destination.emulated_at}, which is none of AWS's endpoints"] if destination.emulated_at else []),
        f"  account {destination.account_id} ({alias}), as {destination.caller_arn}",
        *_seen_by(destination),
    ]


def _made(destination: Destination) -> list[str]:
    first, *rest = destination.made or ("",)
    return [f"  by {first}", *(f"    {line}" for line in rest)] if first else []


def _seen_by(destination: Destination) -> list[str]:
    return [f"  seen by {each}" for each in destination.seen_by]


def _events(plan: Plan) -> list[str]:
    """Say how many there are; of a run that is gone on with, how many are left, and what becomes of the rest."""
    again = "one that fails is sent again as often as its event source would deliver it" if plan.sent_again else ""
    if not plan.resumed:
        return ["; ".join(filter(None, [counted(plan.events, "event"), again]))]
    total = plan.events + plan.done + plan.under_way
    lines = [f"going on with {plan.resumed}: {plan.events:,} of {counted(total, 'event')} left to send"]
    if again:
        lines.append(f"  {again}")
    if plan.done:
        lines.append(f"  {counted(plan.done, 'event has its verdict', 'events have their verdicts')}: not sent again")
    if plan.under_way:
        were = counted(plan.under_way, "event was under way", "events were under way")
        then = "but looked for" if plan.travels or plan.all_at_once else "and told as not run"
        lines.append(f"  {were}, and acknowledged: not sent again, {then}")
    return lines


def _pace(plan: Plan) -> str:
    said = []
    if plan.speed is not None:
        undated = f" ({counted(plan.undated, 'event')} without a time at the end)" if plan.undated else ""
        said.append(f"at {plan.speed:g} x the original spacing{undated}")
    if plan.rate_per_s is not None:
        ramp_up = f", growing to that in {_duration(plan.ramp_up_s)}" if plan.ramp_up_s else ""
        said.append(f"at most {_rate(plan.rate_per_s)}{ramp_up}")
    if plan.travels and plan.speed is None:
        alone = "one after the other" + (", each observed to its end" if plan.observed_at else "")
        said.append(alone if plan.concurrency == 1 else "as fast as their ends are seen")
    at_once = f", {plan.concurrency} at once" if plan.concurrency > 1 else ""
    return f"{', '.join(said) or 'as fast as it answers'}{at_once}{_least(plan)}"


def _least(plan: Plan) -> str:
    """Say how long sending takes, in whole seconds that are surely needed."""
    least_s = math.floor(plan.least_duration_s or 0)
    if not least_s:
        return ""
    again = ", longer where one that fails is sent again" if plan.sent_again and plan.rate_per_s else ""
    return f": sending takes at least {_duration(least_s)}{again}"


def _rate(per_s: float) -> str:
    """Write a rate as people would ask for it: `300/h` rather than `0.0833333/s`."""
    seconds, unit = next((each for each in _UNITS if per_s * each[0] >= 1), _UNITS[-1])
    return f"{per_s * seconds:g}/{unit}"


def _duration(seconds: float) -> str:
    """Write `20 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < _MINUTE_S:
        return f"{seconds:g} s"
    small, unit, smaller = (_MINUTE_S, "min", "s") if seconds < _HOUR_S else (_HOUR_S, "h", "min")
    whole, rest = divmod(int(seconds), small)
    rest = rest if unit == "min" else rest // _MINUTE_S
    return f"{whole:,} {unit}" + (f" {rest} {smaller}" if rest else "")


def _observation(plan: Plan) -> list[str]:
    if not plan.travels:
        return []
    lines = [f"events travel through {', '.join(plan.travels)}: AWS delivers them, as often as it does"]
    if plan.observed_at:
        lines.append(f"  their ends are looked for in {', '.join(plan.observed_at)}")
        lines.append(f"  each for {_duration(plan.observed_for_s)} at most (observe_for_s)")
    return lines


def _pseudonyms(plan: Plan) -> list[str]:
    count = max(plan.with_pseudonyms, len(plan.pseudonyms))
    if not count:
        return []
    more = count - min(len(plan.pseudonyms), _MOST_NAMED)
    named = ", ".join(plan.pseudonyms[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    holds = counted(count, "fixture holds", "fixtures hold")
    if plan.originals is None:
        return [
            f"{holds} stand-ins for what redaction took out, and these are sent: {named}",
            "  --originals looks up at its source what was there, and keeps it in memory only",
        ]
    found = counted(plan.originals, "original was found at its source", "originals were found at their source")
    return [
        f"{holds} stand-ins for what redaction took out: {named}",
        f"  {found}: kept in memory only, and sent instead",
    ]
