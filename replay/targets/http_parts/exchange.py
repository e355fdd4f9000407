"""One request and its answer over a connection of its own."""

import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import perf_counter
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from replay.errors import TargetError
from replay.targets.http_parts.endpoint import HttpEndpoint
from replay.targets.http_parts.request_headers import Header

CONNECT_TIMEOUT_S = 10.0
LONGEST_ANSWER_BYTES = 32 * 1024 * 1024
_WITH_A_BODY = {"POST", "PUT", "PATCH"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back: headers as they were written, each value by itself."""

    status_code: int
    headers: tuple[Header, ...]
    body: bytes
    took_s: float

    def header(self, name: str) -> str:
        """Give the first value of a header, or an empty text."""
        return next((value for key, value in self.headers if key.lower() == name), "")


def exchange(
    endpoint: HttpEndpoint, method: str, target: str, headers: Sequence[Header], body: bytes, *, timeout_s: float
) -> HttpResponse:
    """
    Send one request to *endpoint*, and read its answer; nothing is sent twice, and no redirect is followed.

    TLS is verified against the system's authorities, or those of `AWS_CA_BUNDLE`. `HTTPS_PROXY` is used.

    Args:
        target: Path and query string, byte for byte.
        timeout_s: How long the answer may let wait.

    Raises:
        TargetError: There is no connection, or no whole answer: then whether the function ran is not known.
    """
    connection = _connection(endpoint)
    began = perf_counter()
    try:
        _connect(connection, endpoint)
        assert connection.sock is not None
        connection.sock.settimeout(timeout_s)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", endpoint.authority)
        for name, value in headers:
            connection.putheader(name, value.encode("utf-8", "surrogatepass"))
        if body or method.upper() in _WITH_A_BODY:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        content = answer.read(LONGEST_ANSWER_BYTES + 1)
        told = tuple((name, value) for name, value in answer.getheaders())
    except TimeoutError as error:
        raise _unanswered(endpoint, f"there was no answer within {timeout_s:g} s", _LONGER) from error
    except (OSError, HTTPException) as error:
        said = type(error).__name__
        raise _unanswered(endpoint, f"the connection broke before there was a whole answer ({said})") from error
    finally:
        connection.close()
    if len(content) > LONGEST_ANSWER_BYTES:
        raise _unanswered(endpoint, f"the answer has more than {LONGEST_ANSWER_BYTES:,} bytes")
    return HttpResponse(status_code=answer.status, headers=told, body=content, took_s=perf_counter() - began)


_LONGER = "it may have run: look at its log; or wait longer: timeout_s in the target's section"


def _connection(endpoint: HttpEndpoint) -> HTTPConnection:
    if endpoint.scheme == "http":
        return HTTPConnection(endpoint.host, endpoint.port, timeout=CONNECT_TIMEOUT_S)
    context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
    proxy = urlsplit(getproxies().get("https", ""))
    if not proxy.hostname or proxy_bypass(endpoint.host):
        return HTTPSConnection(endpoint.host, endpoint.port, timeout=CONNECT_TIMEOUT_S, context=context)
    connection = HTTPSConnection(proxy.hostname, proxy.port, timeout=CONNECT_TIMEOUT_S, context=context)
    connection.set_tunnel(endpoint.host, endpoint.port or 443)
    return connection


def _connect(connection: HTTPConnection, endpoint: HttpEndpoint) -> None:
    """
    Open the connection; what fails here has sent nothing.

    Raises:
        TargetError: It cannot be opened.
    """
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise TargetError(
            f"its TLS certificate cannot be trusted: {error.verify_message}",
            where=endpoint.url,
            expected="a certificate for this host, of an authority that this machine knows",
            hint="check the url; authorities of your own: AWS_CA_BUNDLE=FILE",
        ) from error
    except (OSError, HTTPException) as error:
        why = "its name is not known" if isinstance(error, socket.gaierror) else type(error).__name__
        raise TargetError(
            f"it cannot be reached: {why}", where=endpoint.url, hint="check the url, the network and HTTPS_PROXY"
        ) from error


def _unanswered(
    endpoint: HttpEndpoint, what: str, hint: str = "it may have run: look at the function's log"
) -> TargetError:
    return TargetError(what, where=endpoint.url, hint=hint)
