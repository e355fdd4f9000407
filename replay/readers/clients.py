"""AWS clients as every station uses them: patient, thread-safe, and with errors that say what to do now."""

import os
import re
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors

MAX_ATTEMPTS = 6
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
"""Longer than the longest long poll of SQS, 20 s."""

_ASSUMED_ROLES: dict[str, Any] = {}
_LOCALSTACK_PORT = 4566
_HOST = re.compile(r"([\w.-]+)(?::(\d{1,5}))?", re.ASCII)
_OK = 200
_WEB_PAGE = re.compile(rb"\s*(?:<!doctype html|<html)\b", re.IGNORECASE)
_LOCALSTACK = re.compile(r"localstack(?::(\d{1,5}))?")


def aws_session(*, region: str | None = None, profile: str | None = None) -> Any:
    """
    Open a botocore session of its own, so that threads and settings of others do not meet it.

    boto3 would add resources and file transfers, which nobody here uses, and a third to the time until the first call.
    What botocore knows of the services is read once for all of them: it takes longer than all else of making a client.

    Raises:
        AwsError: The profile does not exist.
    """
    import botocore.session

    with aws_errors(where=f"profile {profile}" if profile else ""):
        session = botocore.session.Session(profile=profile)
        session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
        if region is not None:
            session.set_config_variable("region", region)
        # Else each client would assume a profile's role by itself, and ask for a code of MFA each time.
        session.get_component("credential_provider").get_provider("assume-role").cache = _ASSUMED_ROLES
    return session


@cache
def _user_agent() -> str:
    """
    Say in CloudTrail who calls.

    Without a name of our own botocore puts its own together anew for each call, which is a tenth of all that it does.
    """
    import platform
    from importlib.metadata import version

    import botocore

    return f"event-replay/{version('event-replay')} Botocore/{botocore.__version__} Python/{platform.python_version()}"


@cache
def _loader(data_path: str | None) -> Any:
    from botocore.loaders import create_loader

    return create_loader(data_path)


def localstack_session(*, host: str | None = None, region: str | None = None) -> Any:
    """
    Open a session for LocalStack, as its users do: with `localstack-client`.

    Args:
        host: `HOST` or `HOST:PORT`; default `LOCALSTACK_HOST`, else `localhost:4566`. `AWS_ENDPOINT_URL` does not
            override it: who asks for LocalStack means it.
        region: Default `AWS_DEFAULT_REGION`, else `us-east-1`.

    Raises:
        AwsError: `LOCALSTACK_HOST` is no host.
    """
    from localstack_client.session import Session

    host = host or os.environ.get("LOCALSTACK_HOST", "").strip() or "localhost"
    found = _HOST.fullmatch(host)
    if found is None:
        raise AwsError("that is no host", where=f"LOCALSTACK_HOST={host!r}", expected="such as localhost:4566")
    session = Session(region_name=region or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1", localstack_host=host)
    scheme = "https" if os.environ.get("USE_SSL", "").lower() in {"1", "true"} else "http"
    url = f"{scheme}://{found[1]}:{found[2] or _LOCALSTACK_PORT}"
    endpoints = session._service_endpoint_mapping  # noqa: SLF001 - it lets AWS_ENDPOINT_URL win over every host given
    session._service_endpoint_mapping = dict.fromkeys(endpoints, url)  # noqa: SLF001 - the same
    return session


def aws_client(
    service: str,
    *,
    region: str | None = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
    max_pool_connections: int = 10,
    read_timeout_s: float = READ_TIMEOUT_S,
    max_attempts: int = MAX_ATTEMPTS,
    checks_parameters: bool = True,
) -> Any:
    """
    Make a client of *service* that several threads may share.

    Args:
        endpoint_url: Another endpoint than AWS's; `localstack` stands for the LocalStack of `LOCALSTACK_HOST`, or the
            one on this machine, `localstack:PORT` for another port here; neither needs credentials. It wins over
            `AWS_ENDPOINT_URL` and the variables of each service, which boto3 reads without it.
        max_pool_connections: As many as threads will use it at once.
        max_attempts: How often boto3 tries; 1 where trying again could do a thing twice.
        checks_parameters: Whether boto3 checks each call's parameters before AWS does; not where thousands of calls are
            made of what AWS itself has given.

    Raises:
        AwsError: No region, no such profile, or an endpoint that is no URL.
    """
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": max_attempts},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        max_pool_connections=max_pool_connections,
        tcp_keepalive=True,
        user_agent=_user_agent(),
        parameter_validation=checks_parameters,
    )
    with aws_errors(where=f"endpoint {endpoint_url}" if endpoint_url else "", service=service):
        localstack = _LOCALSTACK.fullmatch(endpoint_url or "")
        if localstack:
            host = f"localhost:{localstack[1]}" if localstack[1] else None
            client = localstack_session(host=host, region=region).client(service, config=config)
        else:
            session = aws_session(region=region, profile=profile)
            client = session.create_client(service, config=config, endpoint_url=endpoint_url)
    client.meta.events.register("before-parse", partial(_refuse_web_page, str(client.meta.endpoint_url)))
    return client


def _refuse_web_page(endpoint_url: str, response_dict: Mapping[str, Any], **_: object) -> None:
    """Refuse what no API of AWS answers: read as an answer, a web page would be one without anything in it."""
    body = response_dict.get("body")
    if response_dict.get("status_code") == _OK and isinstance(body, bytes) and _WEB_PAGE.match(body):
        raise AwsError(
            "a web page was answered, not what AWS or an emulator answers",
            where=f"endpoint {endpoint_url}",
            hint="check --endpoint-url, AWS_ENDPOINT_URL and the proxy: another server listens there",
        )
