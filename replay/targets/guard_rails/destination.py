"""One place that events will be sent to, with all that must be known before the first is sent; and the checks of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from replay.errors import TargetRefused
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.guard_rails.production import production_signs

Role = Literal["receives", "judges", "emptied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """
    A resource as AWS describes it, and who is asking.

    Attributes:
        target: How the user names the target.
        tags: None where they may not be read.
        account_aliases: None where they may not be read; that is a note, and no refusal.
        seen_by: Who else gets what is sent here: consumers, subscribers, rules.
        made: What is made there for the run, in lines for eyes; it is removed afterwards.
        owner_account_id: Whose it is, where its ARN names no account, as that of a bucket.
        emulated_at: Its endpoint, where that is beyond this machine and none of AWS.
        role: What becomes of events there: it gets them, says whether they succeed, or loses them to where they go.
    """

    target: str
    arn: str
    region: str = ""
    on_this_machine: bool = False
    caller_account_id: str = ""
    caller_arn: str = ""
    account_aliases: tuple[str, ...] | None = ()
    tags: Mapping[str, str] | None = field(default_factory=dict)
    seen_by: tuple[str, ...] = ()
    owner_account_id: str = ""
    made: tuple[str, ...] = ()
    emulated_at: str = ""
    role: Role = "receives"

    @property
    def account_id(self) -> str:
        """The account that its ARN names, or its owner."""
        return _part(self.arn, 4) or self.owner_account_id

    @property
    def arn_region(self) -> str:
        """The region that its ARN names; that of a bucket names none, and the bucket's is asked for instead."""
        return _part(self.arn, 3) or (self.region if self.owner_account_id else "")

    @property
    def name(self) -> str:
        """Its name, for eyes and for what looks like production: with its alias or version."""
        return ":".join(self.arn.split(":")[5:]) or self.arn


def check_destination(destination: Destination, options: DeployedOptions) -> None:
    """
    Refuse what could hurt an account.

    Raises:
        TargetRefused: It is beyond this machine, and the account is not named, is another one than the caller's or the
            ARN's, or the region is another; its tags may not be read; or it looks like production, and nobody has said
            that it may.
    """
    if destination.on_this_machine:
        return
    require_account_id(destination.target, options, arn=destination.arn)
    if destination.caller_account_id != options.account_id:
        _refuse(
            destination,
            f"your credentials are those of account {destination.caller_account_id}",
            expected=f"account {options.account_id}, as the target's account_id says",
            hint="use a profile of that account: profile = NAME in the target, or AWS_PROFILE",
        )
    if destination.account_id != options.account_id:
        _refuse(
            destination,
            f"it is in account {destination.account_id}",
            expected=f"account {options.account_id}, as the target's account_id says",
            hint="correct the target's ARN or its account_id",
        )
    if destination.arn_region != destination.region:
        _refuse(
            destination,
            f"its ARN is of {destination.arn_region}, and the target's region is {destination.region}",
            expected="one region",
            hint="correct the target's ARN or its region",
        )
    if destination.tags is None:
        _refuse(
            destination,
            "its tags may not be read, so nobody knows whether it is production",
            expected="a policy that allows reading its tags",
            hint="ask for the permission, or use another profile",
        )
    if not options.production:
        _check_production(destination, options, destination.tags)


def require_account_id(target: str, options: DeployedOptions, *, arn: str) -> None:
    """
    Refuse a target beyond this machine of which the configuration does not say in which account it is.

    Raises:
        TargetRefused: There is no `account_id`.
    """
    if options.account_id:
        return
    kind, _, name = target.partition(":")
    section = f"[tool.replay.targets.{'NAME' if name else kind}]"
    raise TargetRefused(
        f"the target {target} is beyond this machine, and nothing says in which account it may be",
        where=arn,
        expected='account_id = "123456789012" in its section of pyproject.toml',
        hint=f"write it there: {section} " + (f'kind = "{kind}" … ' if name else "") + 'account_id = "…"',
    )


def _check_production(destination: Destination, options: DeployedOptions, tags: Mapping[str, str]) -> None:
    names = {
        "name": destination.name,
        "target": destination.target,
        "account alias": " ".join(destination.account_aliases or ()),
    }
    if options.profile:
        names["profile"] = options.profile
    signs = production_signs(names, tags, patterns=options.production_patterns)
    if signs:
        _refuse(
            destination,
            f"it looks like production: {', '.join(signs)}",
            expected="a target that is none",
            hint="if it is meant, write `production = true` into the target's section; "
            "if it is none, say what production looks like here: production_patterns",
        )


def _refuse(destination: Destination, why: str, *, expected: str, hint: str) -> NoReturn:
    raise TargetRefused(
        f"the target {destination.target} is not sent to: {why}", where=destination.arn, expected=expected, hint=hint
    )


def _part(arn: str, index: int) -> str:
    parts = arn.split(":")
    return parts[index] if index < len(parts) else ""
