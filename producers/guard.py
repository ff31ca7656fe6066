"""The address guard: no request reaches a private network, whatever name, redirect or DNS answer led there.

It sits where the socket is made, so it sees the very address that is about to be connected: literal addresses, names, redirects and a DNS
answer that changes between check and use all end here. (A guard in the resolver is bypassed by literal addresses: measured.)
Refused: everything that is not globally routable, and the ranges that carry an IPv4 address inside an IPv6 one.
Sources: IANA special-purpose registries as in Python's `ipaddress`; RFC 6052 (64:ff9b::/96), RFC 8215, RFC 3056 (6to4), RFC 4380 (Teredo).
"""

import errno
import ipaddress
import socket
from collections.abc import Callable, Collection
from typing import Any

from tocsin.errors import UsageError

BLOCKED = "address is not public"  # part of every refusal's message: the connector may wrap the error or join several
_TUNNELS = tuple(ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]  # as getaddrinfo returns it


class BlockedAddress(OSError):
    """A connection was refused because its address is not public."""


def is_public(address: str) -> bool:
    """Is this literal IP address globally routable unicast? Anything unreadable is not."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in net for net in _TUNNELS):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local)


def parse_allowed(text: str) -> frozenset[tuple[str, int]]:
    """Turn the setting `allow_private` ("127.0.0.1:8000, localhost:9000") into (address, port) pairs; names are resolved once.

    Raises UsageError for anything that is not host:port.
    """
    allowed: set[tuple[str, int]] = set()
    for entry in filter(None, (part.strip() for part in text.split(","))):
        host, colon, port = entry.rpartition(":")
        host = host.strip("[]")
        if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise UsageError(f"allow_private: {entry!r} is not host:port, e.g. 127.0.0.1:8000")
        try:
            found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UsageError(f"allow_private: cannot resolve {host!r}; give an address") from error
        allowed.update((str(info[4][0]), int(port)) for info in found)
    return frozenset(allowed)


def socket_factory(allowed: Collection[tuple[str, int]] = ()) -> Callable[[AddressInfo], socket.socket]:
    """Make the function that aiohttp's TCPConnector asks for each socket. It raises BlockedAddress for what may not be reached."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        host, port = str(address[0]), int(address[1])
        if not is_public(host) and (host, port) not in allowed:
            raise BlockedAddress(errno.EACCES, f"{BLOCKED}: {host}")
        return socket.socket(family=family, type=kind, proto=protocol)

    return make
