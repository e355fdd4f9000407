"""The least policy that recording from a source needs, and whether it is there."""

import re
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replay.diagnosis.finding import Finding, problem
from replay.enrichment.permissions import claim_check_permissions, enrichment_permissions, stream_permissions
from replay.errors import AwsError, ReplayError
from replay.payloads.event_sources import EventSource
from replay.payloads.exact_json import Json
from replay.project import Project, log_place
from replay.readers.sides import on_aws
from replay.sources.base import Source
from replay.sources.permissions import ANY, AwsPlace, Permission

_CHECK = "permissions"
_VERSION = "2012-10-17"
_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):sts::\d{12}:assumed-role/(?P<role>[^/]+)/.+")
_DENIED = "ask for it, with the policy that stands on stdout"

ClientOf = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """
    What would be recorded: `source` with its options, for `function`.

    `named` says that every option that must be given was: else the source stands for any of its kind.
    """

    source: Source
    function: str = ANY
    enriches: bool = True
    named: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who would ask AWS, and where; `arn` is empty where that cannot be told, and then `why` says why."""

    at: AwsPlace
    arn: str = ""
    on_aws: bool = True
    why: str = ""


def caller_of(client_of: ClientOf) -> Caller:
    """Ask AWS who we are (`sts:GetCallerIdentity`, which needs no permission); whatever goes wrong is told."""
    from replay.readers.aws_errors import aws_errors

    region = ANY
    try:
        with aws_errors(where="doctor", service="sts"):
            client = client_of("sts")
            region = _region(client)
            identity = client.get_caller_identity()
    except AwsError as error:
        return Caller(at=AwsPlace(region=region), why=error.what)
    at = AwsPlace(region=region, account_id=str(identity["Account"]))
    return Caller(at=at, arn=str(identity["Arn"]), on_aws=on_aws(client))


def _region(client: Any) -> str:
    """Give the region that was asked for, not that of a global endpoint."""
    named = str(client.meta.region_name or ANY)
    return ANY if named == "aws-global" else named


def permissions_for(project: Project, asked: AskedFor, at: AwsPlace) -> list[Permission] | None:
    """
    List what a recording needs; None where its source does not declare it.

    Raises:
        ReplayError: The options name nothing.
    """
    declared = asked.source.permissions(at)
    if declared is None:
        return None
    permissions = list(declared)
    if asked.source.gives_clients:
        place = log_place(project, asked.function)
        if asked.enriches:
            permissions += enrichment_permissions(place.name, place.log_group, at)
        permissions += stream_permissions(_event_sources(project, asked.function), place.name, at)
        permissions += claim_check_permissions(project.config.claim_checks.buckets, at)
    return permissions


def _event_sources(project: Project, name: str) -> tuple[EventSource, ...]:
    try:
        return project.catalog.get(name).event_sources
    except ReplayError:
        return ()  # a function need not be known to be recorded for


def policy(permissions: Sequence[Permission]) -> dict[str, Json]:
    """Write an IAM policy that allows just these."""
    statements: dict[tuple[tuple[str, ...], bool], dict[str, None]] = defaultdict(dict)
    reasons: dict[tuple[tuple[str, ...], bool], list[str]] = defaultdict(list)
    for each in permissions:
        key = each.resources, each.optional
        statements[key].update(dict.fromkeys(each.actions))
        reasons[key].append(each.why)
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": _statement_id(number, reasons[key], optional=key[1]),
                "Effect": "Allow",
                "Action": list(actions),
                "Resource": list(key[0]),
            }
            for number, (key, actions) in enumerate(statements.items(), 1)
        ],
    }


def _statement_id(number: int, reasons: Sequence[str], *, optional: bool) -> str:
    """Name a statement by what it is for; IAM takes letters and digits only, and wants each name once."""
    words = "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", " and ".join(reasons)))
    return f"{'Optional' if optional else ''}{words[:80]}{number}"


def check_permissions(
    asked: AskedFor, permissions: Sequence[Permission], caller: Caller, client_of: ClientOf
) -> Iterator[Finding]:
    """
    Say of each permission whether it is there: as IAM simulates it, else as opening the source shows, else not at all.

    Nothing is read of the source, and nothing is changed.
    """
    if not permissions:
        yield Finding(check=_CHECK, level="ok", what="nothing of AWS is needed")
        return
    unknown = caller.why
    decisions: Mapping[tuple[str, str], str] = {}
    if caller.arn and caller.on_aws:
        try:
            decisions = _simulated(client_of("iam"), caller.arn, permissions)
        except AwsError as error:
            unknown = f"{error.what}; with iam:SimulatePrincipalPolicy each permission could be checked"
    elif caller.arn:
        unknown = "an emulator does not tell"
    if decisions:
        yield from (_decided(each, decisions) for each in permissions)
        return
    is_open = yield from _opened(asked)
    shown = [each for each in permissions if each.opened and is_open]
    if shown:
        yield Finding(check=_CHECK, level="ok", what=f"{_named(shown)}: allowed, as the source could be opened")
    rest = [each for each in permissions if each not in shown]
    if rest:
        yield Finding(check=_CHECK, level="note", what=f"{_named(rest)}: could not be checked: {unknown}")


def _opened(asked: AskedFor) -> Generator[Finding, None, bool]:
    """Open the source, which reads nothing of it; give True where that went well."""
    if not asked.named:
        return False
    try:
        asked.source.open().close()
    except ReplayError as error:
        yield problem(_CHECK, error, about="the source cannot be opened")
        return False
    return True


def _named(permissions: Sequence[Permission]) -> str:
    return ", ".join(dict.fromkeys(action for each in permissions for action in each.actions))


def _decided(each: Permission, decisions: Mapping[tuple[str, str], str]) -> Finding:
    """Say what IAM decided of one permission."""
    denied = [
        f"{action} on {resource}"
        for action in each.actions
        for resource in each.resources
        if decisions.get((action, resource)) != "allowed"
    ]
    if not denied:
        what = f"{', '.join(each.actions)} on {', '.join(each.resources)}: allowed"
        return Finding(check=_CHECK, level="ok", what=what)
    what = f"not allowed: {', '.join(denied)}; needed to {each.why}"
    return Finding(check=_CHECK, level="note" if each.optional else "problem", what=what, hint=_DENIED)


def _simulated(iam: Any, caller: str, permissions: Sequence[Permission]) -> dict[tuple[str, str], str]:
    """
    Ask IAM what the caller's own policies say; those of resources, and boundaries of the organisation, are not asked.

    Source: IAM API `SimulatePrincipalPolicy`.

    Raises:
        AwsError: It may not be asked, or not of this caller.
    """
    from replay.readers.aws_errors import aws_errors

    decisions = {}
    with aws_errors(where=caller, service="iam"):
        principal = _principal(iam, caller)
        for each in permissions:
            request: dict[str, Any] = {
                "PolicySourceArn": principal,
                "ActionNames": list(each.actions),
                "ResourceArns": list(each.resources),
            }
            for result in _evaluations(iam, request):
                decisions[result["EvalActionName"], result.get("EvalResourceName", ANY)] = result["EvalDecision"]
                for single in result.get("ResourceSpecificResults", []):
                    decisions[result["EvalActionName"], single["EvalResourceName"]] = single["EvalResourceDecision"]
    return decisions


def _evaluations(iam: Any, request: dict[str, Any]) -> Iterator[Any]:
    while True:
        page = iam.simulate_principal_policy(**request)
        yield from page.get("EvaluationResults", [])
        if not page.get("IsTruncated"):
            return
        request = {**request, "Marker": page["Marker"]}


def _principal(iam: Any, caller: str) -> str:
    """Give the ARN of the role behind a session: its path is not in the session's own ARN."""
    role = _ROLE.fullmatch(caller)
    return str(iam.get_role(RoleName=role["role"])["Role"]["Arn"]) if role else caller
