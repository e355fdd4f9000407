"""The clients of a target: all for the same place, each made once."""

from typing import Any

from replay.readers.clients import aws_client
from replay.targets.guard_rails.options import DeployedOptions


class TargetClients:
    """
    Makes clients for where a target is; several threads may ask.

    Args:
        arn: What names the target; where it is an ARN, its region counts unless the options name one.
    """

    def __init__(self, options: DeployedOptions, *, arn: str = "") -> None:
        named = arn.split(":")[3] if arn.startswith("arn:") and arn.count(":") >= 5 else ""  # noqa: PLR2004 - an ARN's parts
        self._where: dict[str, Any] = {
            "region": options.region or named or None,
            "profile": options.profile,
            "endpoint_url": options.endpoint_url,
        }
        self._made: dict[object, Any] = {}

    def __call__(self, service: str, **settings: Any) -> Any:
        """
        Give the client of *service*, the same one for the same settings.

        Raises:
            AwsError: No region, no such profile, or an endpoint that is no URL.
        """
        key = (service, *settings.items())
        if key not in self._made:
            self._made[key] = aws_client(service, **self._where, **settings)
        return self._made[key]

    def sending(self, service: str) -> Any:
        """Give the client to send with: it never tries again by itself, as an answer that was lost proves nothing."""
        return self(service, max_attempts=1)
