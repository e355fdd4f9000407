"""Whether an endpoint is on this machine."""

import ipaddress
import socket
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_on_this_machine(endpoint_url: str) -> bool:
    """
    Say whether everything that the endpoint's host stands for is a loopback address.

    A name that does not resolve is beyond this machine: nothing is known of where it leads.
    """
    host = urlsplit(endpoint_url).hostname or ""
    if (address := _address(host)) is not None:
        return _is_loopback(address)
    try:
        found = [_address(str(entry[4][0])) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return False
    return bool(host and found) and all(address is not None and _is_loopback(address) for address in found)


def _address(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _is_loopback(address: IPAddress) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
