"""IP addresses of somebody: the public ones; a private network's, this machine's and documentation's are nobody's."""

import re
from collections.abc import Iterator
from functools import lru_cache

from replay.redaction.spans import Span

# No part of a version (`v1.2.3.4`, `Chrome/119.0.0.0`), of a longer number, or of a name.
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(
    rf"(?<![\w.+-])(?<![\w)]/)(?<!version.)(?<!version=.)({_OCTET}(?:\.{_OCTET}){{3}})(?![\w-])(?!\.[\w])", re.ASCII
)
# With all eight groups, or with the two colons that stand for some.
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]{0,39}+(?![\w:]))(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}")
SOME_GROUPS = re.compile(r":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:")
"""What an IPv6 address without `::` has in it, and a time has not."""
_IPV6_SHORTEST = 6
"""`2a00::`; what is shorter, like `::1`, is nobody's."""


def ip_addresses(text: str) -> Iterator[Span]:
    """Find public IP addresses, IPv4 and IPv6; one that ends in `.0.0` names no machine."""
    for found in _IPV4.finditer(text):
        if _is_somebodys(found[1]):
            yield Span(*found.span(1), "ip-address")
    if "::" in text or SOME_GROUPS.search(text):
        for found in _IPV6.finditer(text):
            if len(found[0]) >= _IPV6_SHORTEST and _is_somebodys(found[0]):
                yield Span(*found.span(), "ip-address")


@lru_cache(maxsize=4096)
def _is_somebodys(written: str) -> bool:
    import ipaddress

    if written.endswith(".0.0"):
        return False
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast
