"""AWS clients as every station uses them: patient, thread-safe, and with errors that say what to do now."""

import re
from typing import Any

from replay.readers.aws_errors import aws_errors

MAX_ATTEMPTS = 6
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
"""Longer than the longest long poll of SQS, 20 s."""

_LOCALSTACK = re.compile(r"localstack(?::(\d{1,5}))?")


def aws_session(*, region: str | None = None, profile: str | None = None) -> Any:
    """
    Open a boto3 session of its own, so that threads and settings of others do not meet it.

    Raises:
        AwsError: The profile does not exist.
    """
    import boto3

    with aws_errors(where=f"profile {profile}" if profile else ""):
        return boto3.Session(region_name=region, profile_name=profile)


def localstack_session(*, host: str | None = None, region: str | None = None) -> Any:
    """
    Open a session for LocalStack, as its users do: with `localstack-client`.

    Args:
        host: `HOST` or `HOST:PORT`; default `LOCALSTACK_HOST`, else `localhost:4566`. `AWS_ENDPOINT_URL` overrides it.
    """
    from localstack_client.session import Session

    return Session(region_name=region or "us-east-1", localstack_host=host)


def aws_client(
    service: str,
    *,
    region: str | None = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
    max_pool_connections: int = 10,
) -> Any:
    """
    Make a client of *service* that several threads may share.

    Args:
        endpoint_url: Another endpoint than AWS's; `localstack` or `localstack:PORT` stands for a LocalStack on this
            machine, without credentials. boto3 itself reads `AWS_ENDPOINT_URL` and the variables of each service.
        max_pool_connections: As many as threads will use it at once.

    Raises:
        AwsError: No region, no such profile, or an endpoint that is no URL.
    """
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=max_pool_connections,
        tcp_keepalive=True,
    )
    with aws_errors(where=f"endpoint {endpoint_url}" if endpoint_url else "", service=service):
        localstack = _LOCALSTACK.fullmatch(endpoint_url or "")
        if localstack:
            host = f"localhost:{localstack[1]}" if localstack[1] else None
            return localstack_session(host=host, region=region).client(service, config=config)
        return aws_session(region=region, profile=profile).client(service, config=config, endpoint_url=endpoint_url)
