"""A signature of our own for a request that IAM authorises."""

from collections.abc import Sequence
from typing import Any

from replay.errors import AwsError
from replay.targets.http_parts.endpoint import HttpEndpoint
from replay.targets.http_parts.request_headers import Header

_SERVICE_OF_URLS = "lambda"
_SERVICE_OF_APIS = "execute-api"


def signing_service(endpoint: HttpEndpoint) -> str:
    """
    Say for which service a request is signed.

    Source: Lambda developer guide, "Control access to Lambda function URLs"; API Gateway developer guide, "Control
    access to a REST API with IAM permissions".
    """
    return _SERVICE_OF_URLS if endpoint.hosting == "function-url" else _SERVICE_OF_APIS


def signature_headers(
    endpoint: HttpEndpoint,
    method: str,
    target: str,
    headers: Sequence[Header],
    body: bytes,
    *,
    session: Any,
    region: str,
) -> tuple[Header, ...]:
    """
    Sign with SigV4, and give the headers that this adds: time, session token, authorization.

    Args:
        session: A botocore session, whose credentials sign.

    Raises:
        AwsError: There are no credentials.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    credentials = session.get_credentials()
    if credentials is None:
        raise AwsError(
            'auth = "iam" needs AWS credentials, and none were found',
            where=endpoint.url,
            hint="set AWS_PROFILE, or `profile` in the target's section, or sign in with `aws sso login`",
        )
    request = AWSRequest(method=method, url=f"{endpoint.scheme}://{endpoint.authority}{target}", data=body)
    for name, value in headers:
        request.headers.add_header(name, value)
    before = {name.lower() for name, _ in headers}
    SigV4Auth(credentials.get_frozen_credentials(), signing_service(endpoint), region).add_auth(request)
    return tuple((name, value) for name, value in request.headers.items() if name.lower() not in before)
