"""Which headers of a captured request are sent again."""

import re
from collections.abc import Iterable, Iterator

from replay.errors import InvalidEvent

Header = tuple[str, str]

_OF_ONE_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
"""Source: RFC 9110, "Connection-Specific Header Fields" and "Expect"."""

_MADE_AFRESH = frozenset({"host", "content-length"})
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "x-api-key"})
_SIGNATURE = frozenset(
    {
        "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "x-amz-algorithm", "x-amz-credential",
        "x-amz-signature", "x-amz-signedheaders", "x-amz-expires", "x-amz-region-set",
    }
)  # fmt: skip
_ADDED_ON_THE_WAY = frozenset(
    {
        "via", "forwarded", "x-amzn-trace-id",
        "x-amz-cf-id", "x-amzn-tls-version", "x-amzn-tls-cipher-suite",
    }
)  # fmt: skip
_ADDED_PREFIXES = ("x-forwarded-", "cloudfront-", "x-amzn-oidc-", "x-amzn-mtls-")
"""Source: recordings test_lambda_aws_proxy_integration and test_lambda_url_echo_http_fixture_default; Elastic Load
Balancing user guide, "Authenticate users" and "Mutual authentication"."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_A_VALUE = re.compile(r"[\x00\r\n]")


def sent_headers(captured: Iterable[Header]) -> tuple[Header, ...]:
    """
    Give those of the *captured* headers that are sent again, in their order, each value by itself.

    Left out are those of one connection, the host, captured credentials and signatures, and what AWS adds itself.

    Raises:
        InvalidEvent: A header's name or value could not have come over HTTP.
    """
    headers = list(captured)
    named = {name.strip().lower() for key, value in headers if key.lower() == "connection" for name in value.split(",")}
    left_out = _OF_ONE_CONNECTION | _MADE_AFRESH | _CREDENTIALS | _SIGNATURE | _ADDED_ON_THE_WAY | named
    return tuple(_checked(headers, left_out))


def is_of_a_signature(name: str) -> bool:
    """Say whether a header, or a parameter of a presigned query string, belongs to a signature."""
    return name.lower() in _SIGNATURE


def _checked(headers: Iterable[Header], left_out: frozenset[str]) -> Iterator[Header]:
    for name, value in headers:
        lowered = name.lower()
        if lowered in left_out or lowered.startswith(_ADDED_PREFIXES):
            continue
        if not _NAME.fullmatch(name) or _NOT_IN_A_VALUE.search(value):
            raise InvalidEvent(
                "a header of the event cannot be sent: its name or value has characters that HTTP does not allow",
                where="/headers",
                hint="correct the fixture's event.json",
            )
        yield name, value
