"""Where requests are sent to: the URL of the configuration, and what its host says of what is behind it."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from replay.errors import ConfigurationError

Hosting = Literal["api", "function-url", "load-balancer", "unknown"]

_API = re.compile(
    r"(?P<id>[a-z0-9]+)(?:-vpce-[a-z0-9]+)?\.execute-api\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
)
_FUNCTION_URL = re.compile(r"(?P<id>[a-z0-9]+)\.lambda-url\.(?P<region>[a-z0-9-]+)\.on\.aws")
_LOAD_BALANCER = re.compile(r"(?P<id>[a-z0-9-]+)\.(?P<region>[a-z0-9-]+)\.elb\.amazonaws\.com(?:\.cn)?")
_HOSTS: tuple[tuple[Hosting, re.Pattern[str]], ...] = (
    ("api", _API), ("function-url", _FUNCTION_URL), ("load-balancer", _LOAD_BALANCER),
)  # fmt: skip
_EXPECTED = 'url = "https://HOST/STAGE"'


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpEndpoint:
    """
    A URL, read.

    Attributes:
        base_path: What stands before every path, without a slash at its end: the stage, mostly.
        hosting: What the host's name says that it is; `unknown` is a name of the user's own.
        resource_id: The id of the API, or what else the name begins with; empty where it is unknown.
        region: As the name says; empty where it is unknown.
        named: What the header `Host` says, where that is not the host of the URL.
    """

    url: str
    scheme: str
    host: str
    port: int | None
    base_path: str
    hosting: Hosting = "unknown"
    resource_id: str = ""
    region: str = ""
    named: str = ""

    @property
    def authority(self) -> str:
        """The value of the header `Host`."""
        if self.named:
            return self.named
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port is not None else host

    @property
    def stage(self) -> str:
        """The first part of the base path."""
        return self.base_path.strip("/").partition("/")[0]


def endpoint_of_url(url: str) -> HttpEndpoint:
    """
    Read a URL.

    Source: API Gateway developer guide, "Invoke URL"; Lambda developer guide, "Function URLs"; Elastic Load Balancing
    user guide, "DNS name".

    Raises:
        ConfigurationError: It is none that requests could be sent to.
    """
    parts, port = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError("that is no URL of a host", where=f"url = {url!r}", expected=_EXPECTED)
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            "a url with a user, a query string or a fragment in it cannot be used",
            where=f"the target's url, host {parts.hostname}",
            expected=_EXPECTED,
            hint="credentials come from the environment: headers_from_environment",
        )
    host = parts.hostname
    found = next(((hosting, match) for hosting, form in _HOSTS if (match := form.fullmatch(host))), None)
    hosting: Hosting = found[0] if found else "unknown"
    return HttpEndpoint(
        url=url,
        scheme=parts.scheme,
        host=host,
        port=port,
        base_path=parts.path.rstrip("/"),
        hosting=hosting,
        resource_id=found[1]["id"] if found else "",
        region=found[1]["region"] if found else "",
    )


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError("that is no URL", where=f"url = {url!r}", expected=_EXPECTED) from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError("a URL is of ASCII characters", where=f"url = {url!r}", expected=_EXPECTED)
    return parts, port
