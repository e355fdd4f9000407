"""The options of every source that asks AWS: where, as whom, and at which endpoint."""

from dataclasses import dataclass, field
from typing import Any

from replay.readers.clients import aws_client


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsOptions:
    """Region, profile and endpoint; what is not given is taken from where the AWS CLI takes it."""

    region: str | None = field(default=None, metadata={"help": "the AWS region, unless a URL or ARN says it"})
    profile: str | None = field(default=None, metadata={"help": "the AWS profile"})
    endpoint_url: str | None = field(
        default=None, metadata={"help": "another endpoint than AWS's; `localstack` for LocalStack", "metavar": "URL"}
    )

    def client(
        self, service: str, *, region: str = "", max_pool_connections: int = 10, checks_parameters: bool = True
    ) -> Any:
        """
        Make a client of *service*.

        Args:
            region: That of an ARN or a URL, where the user has given none.
            checks_parameters: See `aws_client`.

        Raises:
            AwsError: No region, no such profile, or an endpoint that is no URL.
        """
        return aws_client(
            service,
            region=self.region or region or None,
            profile=self.profile,
            endpoint_url=self.endpoint_url,
            max_pool_connections=max_pool_connections,
            checks_parameters=checks_parameters,
        )
