"""The rules of a bus: which of them an event reaches, and whom they call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from replay.counted_nouns import counted
from replay.errors import InvalidEventPattern, TargetRefused
from replay.payloads.event_patterns import EventPattern, compile_pattern
from replay.payloads.exact_json import Json
from replay.readers.aws_errors import aws_errors
from replay.sources.archive_parts.archives import every
from replay.targets.guard_rails.identity import unless_denied

_MOST_NAMED = 5
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class BusRule:
    """
    A rule that is not disabled and matches events.

    Attributes:
        pattern: None where we cannot read it: then it may match anything.
        targets: The ARNs of what it calls.
        managed_by: The service of AWS whose own it is (archives, schema discovery); empty for a user's.
    """

    name: str
    arn: str
    pattern: EventPattern | None
    targets: tuple[str, ...] = ()
    managed_by: str = ""

    def matches(self, event: Json) -> bool:
        """Say whether it gets *event*; for None, an event that cannot be looked at, it may."""
        return self.pattern is None or event is None or self.pattern.matches(event)

    def calls(self, function: str) -> bool:
        """Say whether one of its targets is the *function*, by its name, `name:qualifier` or ARN."""
        wanted = function.rpartition(":function:")[2]
        called = [arn.partition(":function:")[2] for arn in self.targets]
        return bool(wanted) and any(wanted in {name, name.partition(":")[0]} for name in called)


def read_rules(client: Any, bus: str) -> list[BusRule] | None:
    """
    Read the rules of *bus* and their targets; None where that is not allowed.

    Raises:
        AwsError: They cannot be read for another reason.

    Source: EventBridge API `ListRules`, `ListTargetsByRule`.
    """
    where = f"bus {bus}"

    def read() -> list[BusRule]:
        with aws_errors(where=where, service="events"):
            rules = list(every(client.list_rules, "Rules", EventBusName=bus))
            return [_rule(client, bus, each) for each in rules if _is_in_use(each)]

    found: list[BusRule] | None = unless_denied(read, service="events", where=where)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """
    Which rules of a bus get an event.

    Attributes:
        meant: Those that hand it to the function, and those that the target's section names.
        others: The other ones of users.
        managed: AWS's own, which keep a copy or its schema, and call nobody.
    """

    meant: tuple[BusRule, ...] = ()
    others: tuple[BusRule, ...] = ()
    managed: tuple[BusRule, ...] = ()

    def lines(self, *, account_id: str) -> list[str]:
        """Name them all and whom they call, one a line."""
        lines = [f"rule {rule.name}{_called(rule, account_id)}" for rule in self.meant]
        lines += [f"another rule, {rule.name}{_called(rule, account_id)}" for rule in self.others]
        return lines + [f"rule {rule.name} of {rule.managed_by}" for rule in self.managed]


def reach_of(rules: Iterable[BusRule], event: Json, *, function: str, named: Sequence[str]) -> Reach:
    """
    Part the *rules* that get *event*.

    Args:
        function: The function that is meant to get it.
        named: The rules that are meant, by name or ARN.
    """
    meant: list[BusRule] = []
    others: list[BusRule] = []
    managed: list[BusRule] = []
    for rule in rules:
        if not rule.matches(event):
            continue
        if rule.name in named or rule.arn in named or rule.calls(function):
            meant.append(rule)
        else:
            (managed if rule.managed_by else others).append(rule)
    return Reach(meant=tuple(meant), others=tuple(others), managed=tuple(managed))


def refuse_others(reach: Reach, *, bus: str, bus_arn: str) -> None:
    """
    Refuse what other rules would get.

    Raises:
        TargetRefused: There are any.
    """
    if not reach.others:
        return
    count = counted(len(reach.others), f"other rule of bus {bus}", f"other rules of bus {bus}")
    account_id = bus_arn.split(":")[4]
    named = ", ".join(f"{rule.name}{_called(rule, account_id)}" for rule in reach.others[:_MOST_NAMED])
    more = len(reach.others) - _MOST_NAMED
    raise TargetRefused(
        f"{count} would get it too: {named}" + (f" and {more} more" if more > 0 else ""),
        where=bus_arn,
        expected="events that reach only the rules that are meant: those of the function, or rules = [NAME, …]",
        hint="name the rules that are meant in the target's section, disable the others meanwhile, "
        "or write `other_rules = true` there if they may run",
    )


def refuse_unknown(*, bus: str, bus_arn: str) -> NoReturn:
    """
    Refuse a bus whose rules may not be read.

    Raises:
        TargetRefused: Always.
    """
    raise TargetRefused(
        f"the rules of bus {bus} may not be read, so nobody knows who would get its events",
        where=bus_arn,
        expected="a policy that allows events:ListRules and events:ListTargetsByRule",
        hint="ask for the permission, or write `other_rules = true` into the target's section if they all may run",
    )


def _is_in_use(rule: Mapping[str, Any]) -> bool:
    return rule.get("State") != "DISABLED" and bool(rule.get("EventPattern"))


def _rule(client: Any, bus: str, rule: Mapping[str, Any]) -> BusRule:
    name = str(rule["Name"])
    try:
        pattern = compile_pattern(str(rule["EventPattern"]))
    except InvalidEventPattern:
        pattern = None
    targets = every(client.list_targets_by_rule, "Targets", Rule=name, EventBusName=bus)
    return BusRule(
        name=name,
        arn=str(rule.get("Arn", "")),
        pattern=pattern,
        targets=tuple(str(target["Arn"]) for target in targets),
        managed_by=str(rule.get("ManagedBy") or ""),
    )


def _called(rule: BusRule, account_id: str) -> str:
    return f" (to {', '.join(_named(rule.targets, account_id))})" if rule.targets else " (no target)"


def _named(arns: Sequence[str], account_id: str) -> Iterator[str]:
    for arn in arns[:_MOST_NAMED]:
        parts = arn.split(":", _ARN_PARTS - 1)
        if len(parts) < _ARN_PARTS:
            yield arn
            continue
        elsewhere = f" of account {parts[4]}" if parts[4] not in {"", account_id} else ""
        kind = {"sqs": "queue ", "sns": "topic "}.get(parts[2], "")
        yield f"{kind or parts[2] + ' '}{parts[5].removeprefix('function:')}{elsewhere}"
    if len(arns) > _MOST_NAMED:
        yield "…"
