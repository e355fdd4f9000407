"""IP addresses and CIDR blocks in patterns."""

import ipaddress
import re
from typing import NamedTuple

from replay.payloads.event_patterns.refusals import refuse

_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_IPV6 = re.compile(r"[0-9a-fA-F:]+")
_MASK = re.compile(r"[+-]?[0-9]{1,10}")
_LONGEST = 39
"""Characters of the longest address literal, IPv6 without zone."""


class Address(NamedTuple):
    """An address as a number, of IP version 4 or 6."""

    version: int
    number: int


class Block(NamedTuple):
    """A CIDR block: every address from `lowest` to `highest`."""

    lowest: Address
    highest: Address

    def holds(self, address: Address) -> bool:
        """Say whether *address* is of this block."""
        return address.version == self.lowest.version and self.lowest <= address <= self.highest


def read_address(text: str) -> Address | None:
    """
    Read an address literal; None when *text* is none.

    Octets are decimal, leading zeros or not, and an IPv4-mapped IPv6 address is the IPv4 one: Java reads them so.
    """
    if len(text) > _LONGEST:
        return None
    if _IPV4.fullmatch(text):
        octets = [int(octet) for octet in text.split(".")]
        return Address(4, int.from_bytes(octets)) if max(octets) <= 0xFF else None  # noqa: PLR2004 - one byte
    if ":" not in text or not _IPV6.fullmatch(text):
        return None
    try:
        six = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    four = six.ipv4_mapped
    return Address(4, int(four)) if four else Address(6, int(six))


def read_block(text: str, where: str) -> Block:
    """
    Read a CIDR block; the address part may be any address of the block.

    Raises:
        PatternRefused: It is none. Source: recordings content_ip_address_*_EXC and event-ruler's CIDR: a mask may not
            cover the whole address (/32, /128).
    """
    parts = text.split("/")
    if len(parts) != 2 or not parts[1]:  # noqa: PLR2004 - address and mask
        refuse("Malformed CIDR, one '/' required", where)
    base, mask = parts
    if not _MASK.fullmatch(mask) or not -(2**31) <= int(mask) < 2**31:
        refuse("Malformed CIDR, mask bits must be an integer", where)
    bits = int(mask)
    if bits < 0:
        refuse("Malformed CIDR, mask bits must not be negative", where)
    address = read_address(base)
    if address is None:
        looks_like_one = _IPV4.fullmatch(base) or (":" in base and _IPV6.fullmatch(base))
        refuse(f"{'Invalid' if looks_like_one else 'Nonstandard'} IP address: {base}", where)
    width = 32 if address.version == 4 else 128  # noqa: PLR2004 - IP version
    if bits >= width:
        refuse(f"IPv{address.version} mask bits must be < {width}", where)
    hosts = (1 << (width - bits)) - 1
    return Block(address._replace(number=address.number & ~hosts), address._replace(number=address.number | hosts))
