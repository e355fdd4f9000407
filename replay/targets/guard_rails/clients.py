"""The clients of a target: all for one place, each made once."""

from typing import Any

from replay.readers.clients import aws_client
from replay.targets.guard_rails.one_place import Asked, refuse_two_places
from replay.targets.guard_rails.options import DeployedOptions


class TargetClients:
    """
    Makes clients for where a target is; several threads may ask.

    Args:
        arn: What names the target; where it is an ARN, its region counts unless the options name one.
        beside: What they must be in one place with; by default the service that is asked first.
    """

    def __init__(self, options: DeployedOptions, *, arn: str = "", beside: Asked | None = None) -> None:
        named = arn.split(":")[3] if arn.startswith("arn:") and arn.count(":") >= 5 else ""  # noqa: PLR2004 - an ARN's parts
        self._where: dict[str, Any] = {
            "region": options.region or named or None,
            "profile": options.profile,
            "endpoint_url": options.endpoint_url,
        }
        self._made: dict[object, Any] = {}
        self._beside = beside

    def __call__(self, service: str, **settings: Any) -> Any:
        """
        Give the client of *service*, the same one for the same settings.

        Raises:
            TargetRefused: It would ask an emulator, and the others ask AWS; or the reverse.
            AwsError: No region, no such profile, or an endpoint that is no URL.
        """
        asked = {**self._where, **settings}
        key = (service, *asked.items())
        if key not in self._made:
            client = aws_client(service, **asked)
            asks = Asked.by(client)
            self._beside = self._beside or asks
            refuse_two_places(self._beside, asks)
            self._made[key] = client
        return self._made[key]

    def sending(self, service: str) -> Any:
        """Give the client to send with: it never tries again by itself, as an answer that was lost proves nothing."""
        return self(service, max_attempts=1)
