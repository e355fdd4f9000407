"""The other rules of a bus that a replayed event would reach, where nothing kept it from them."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from replay.counted_nouns import counted
from replay.errors import AwsError, InvalidEventPattern, InvalidJson, SourceRefused
from replay.payloads.event_patterns import compile_pattern
from replay.payloads.exact_json import parse
from replay.readers.aws_errors import aws_errors
from replay.readers.sides import on_aws
from replay.sources.archive_parts.archives import Archive, every
from replay.sources.archive_parts.made_for_replay import PREFIX

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

_MOST_TARGETS = 3


def other_rules(client: "EventBridgeClient", archive: Archive, *, forced: bool) -> list[str]:
    """
    Tell of the other rules of the bus: on AWS a replay for one rule leaves them out, elsewhere the user must allow it.

    Raises:
        SourceRefused: Others would get the events again, and the replay is not *forced*.
        AwsError: The rules cannot be listed, and on AWS they need not.

    Source: EventBridge API `ReplayDestination`; moto 5.2.5, LocalStack 4.14.0 and MiniStack 1.5.33 ignore `FilterArns`.
    """
    prevented = on_aws(client)
    try:
        rules = rules_in_reach(client, archive.bus, replay=PREFIX + "0" * 12)
    except AwsError:
        if not prevented and not forced:
            raise
        return []  # on AWS FilterArns keep them out, whichever they are
    if not rules:
        return []
    others = counted(len(rules), f"other rule of bus {archive.bus}", f"other rules of bus {archive.bus}")
    if prevented:
        return [f"{others} got none of these events: the replay was for the rule of this recording alone"]
    named = _with_targets(client, archive.bus, rules)
    if forced:
        return [f"{others} got these events again, if their patterns match: {named}"]
    raise SourceRefused(
        f"{others} would get the replayed events again: {named}",
        where=f"{archive.arn} at {client.meta.endpoint_url}",
        expected="AWS itself, where FilterArns keep a replay from other rules; emulators are known to ignore them",
        hint="disable those rules meanwhile; or add --force, if they may run",
    )


def rules_in_reach(client: "EventBridgeClient", bus: str, *, replay: str) -> list[str]:
    """
    Name the rules of *bus* that could match an event of a *replay* of this name.

    A rule that is disabled, is a schedule, or asks for another `replay-name` or for none (as the rule of an archive
    does) cannot.

    Raises:
        AwsError: The rules cannot be listed.

    Source: EventBridge User Guide, "Archiving events" (`{"replay-name": [{"exists": false}]}`).
    """
    with aws_errors(where=f"bus {bus}", service="events"):
        rules = list(every(client.list_rules, "Rules", EventBusName=bus))
    return [str(rule["Name"]) for rule in rules if _could_match(rule, replay)]


def _could_match(rule: Mapping[str, Any], replay: str) -> bool:
    pattern = rule.get("EventPattern")
    if rule.get("State") == "DISABLED" or not pattern:
        return False
    try:
        asked = parse(pattern)
        if not isinstance(asked, dict) or "replay-name" not in asked:
            return True
        return compile_pattern({"replay-name": asked["replay-name"]}).matches({"replay-name": replay})
    except (InvalidJson, InvalidEventPattern):
        return True  # whatever it is, nobody can say that it does not match


def _with_targets(client: "EventBridgeClient", bus: str, rules: list[str], *, most: int = 5) -> str:
    """Say, for a message, which rules these are and whom they call."""
    named = [f"{rule}{_targets(client, bus, rule)}" for rule in rules[:most]]
    more = len(rules) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _targets(client: "EventBridgeClient", bus: str, rule: str) -> str:
    try:
        arns = list(islice(_target_arns(client, bus, rule), _MOST_TARGETS + 1))
    except client.exceptions.ClientError:
        return ""  # whom it calls is a help, not a must
    named = [arn.rpartition(":")[2] for arn in arns[:_MOST_TARGETS]] + ["…"] * (len(arns) > _MOST_TARGETS)
    return f" (to {', '.join(named)})" if named else " (no target)"


def _target_arns(client: "EventBridgeClient", bus: str, rule: str) -> Iterator[str]:
    targets = every(client.list_targets_by_rule, "Targets", Rule=rule, EventBusName=bus)
    return (str(target["Arn"]) for target in targets)
