"""What every target takes that is reached through an endpoint of AWS."""

from dataclasses import dataclass

PRODUCTION_PATTERNS = ("prod", "production", "prd", "live")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedOptions:
    """
    Where a target is, and what may be done to it.

    Attributes:
        account_id: The account that it must be in; needed for all that is beyond this machine.
        region: Its region; by default that of its ARN, else the profile's.
        endpoint_url: Another endpoint than AWS's; `localstack` for LocalStack.
        production: Whether it may look like production.
        production_patterns: What production looks like: globs over the words of names, tags and account aliases.
    """

    account_id: str = ""
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    production: bool = False
    production_patterns: tuple[str, ...] = PRODUCTION_PATTERNS
