"""On which side a client is: AWS itself, or an emulator."""

from typing import Any

from replay.errors import ConfigurationError
from replay.payloads.partitions import is_aws_url


def on_aws(client: Any) -> bool:
    """Say whether *client* talks to AWS itself, and not to an emulator, which has one account whatever an ARN says."""
    return is_aws_url(str(client.meta.endpoint_url))


def refuse_two_sides(first: Any, second: Any, *, services: str, expected: str, otherwise: str) -> None:
    """
    Refuse two clients of which one would be led to AWS alone: with an endpoint for one service, the other's is real.

    Raises:
        ConfigurationError: They are on two sides; *otherwise* is what its user can do instead of giving both.
    """
    if on_aws(first) != on_aws(second):
        raise ConfigurationError(
            f"{services} are asked in two places, of which one is AWS",
            where=f"{first.meta.endpoint_url} and {second.meta.endpoint_url}",
            expected=expected,
            hint=f"set AWS_ENDPOINT_URL or --endpoint-url for both, or {otherwise}",
        )
