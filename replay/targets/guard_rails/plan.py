"""What is about to be sent: shown before anything is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from replay.counted_nouns import counted
from replay.targets.guard_rails.destination import Destination

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    What a run will send, and where.

    Attributes:
        failures: How many of the events belong to each failure, by its headline.
        sent_again: Whether an event that fails is sent again, as often as its event source would deliver it.
        pseudonyms: The names of the fixtures that hold stand-ins for what redaction took out.
    """

    events: int
    destinations: tuple[Destination, ...]
    failures: Mapping[str, int] = field(default_factory=dict)
    sent_again: bool = False
    rate_per_s: float | None = None
    concurrency: int = 1
    pseudonyms: tuple[str, ...] = ()

    @property
    def must_be_confirmed(self) -> bool:
        """Whether anything of it goes beyond this machine."""
        return not all(each.on_this_machine for each in self.destinations)

    @property
    def least_duration_s(self) -> float | None:
        """How long it takes at least, where a rate bounds it."""
        return self.events / self.rate_per_s if self.rate_per_s else None


def plan_lines(plan: Plan) -> list[str]:
    """Write a plan for human eyes, one fact a line."""
    again = "; one that fails is sent again as often as its event source would deliver it" if plan.sent_again else ""
    lines = [f"{counted(plan.events, 'event')}{again}"]
    lines += [f"  {count:>6}  {failure}" for failure, count in plan.failures.items()]
    for each in plan.destinations:
        lines += _destination_lines(each)
    lines.append(_pace(plan))
    if plan.pseudonyms:
        more = len(plan.pseudonyms) - _MOST_NAMED
        named = ", ".join(plan.pseudonyms[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        lines.append(
            f"{counted(len(plan.pseudonyms), 'fixture holds', 'fixtures hold')} stand-ins for what redaction took out, "
            f"and these are sent: {named}"
        )
    return lines


def plan_document(plan: Plan) -> dict[str, object]:
    """Give a plan as the JSON document `plan`."""
    return {
        "type": "plan",
        "events": plan.events,
        "failures": dict(plan.failures),
        "sent_again": plan.sent_again,
        "destinations": [_destination_document(each) for each in plan.destinations],
        "rate_per_s": plan.rate_per_s,
        "concurrency": plan.concurrency,
        "least_duration_s": plan.least_duration_s,
        "pseudonyms": list(plan.pseudonyms),
        "must_be_confirmed": plan.must_be_confirmed,
    }


def _destination_document(destination: Destination) -> dict[str, object]:
    return {
        "target": destination.target,
        "arn": destination.arn,
        "account_id": destination.account_id,
        "on_this_machine": destination.on_this_machine,
        "caller_arn": destination.caller_arn,
        "seen_by": list(destination.seen_by),
    }


def _destination_lines(destination: Destination) -> list[str]:
    if destination.on_this_machine:
        return [f"to {destination.arn} on this machine", *_seen_by(destination)]
    aliases = destination.account_aliases
    alias = "alias may not be read" if aliases is None else ", ".join(aliases) or "no alias"
    return [
        f"to {destination.arn}",
        f"  account {destination.account_id} ({alias}), as {destination.caller_arn}",
        *_seen_by(destination),
    ]


def _seen_by(destination: Destination) -> list[str]:
    return [f"  seen by {each}" for each in destination.seen_by]


def _pace(plan: Plan) -> str:
    at_once = f", {plan.concurrency} at once" if plan.concurrency > 1 else ""
    if plan.rate_per_s is None or plan.least_duration_s is None:
        return f"as fast as it answers{at_once}"
    return f"at most {plan.rate_per_s:g}/s{at_once}: {plan.least_duration_s:,.0f} s at least"
