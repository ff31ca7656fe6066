"""The address guard: no request reaches a private network, whatever name, redirect or DNS answer led there.

It sits where the socket is made, so it sees the very address that is about to be connected: literal addresses, names, redirects and a DNS
answer that changes between check and use all end here. (A guard in the resolver is bypassed by literal addresses: measured.)
Which addresses are public: `tocsin.addresses`.
"""

import errno
import socket
from collections.abc import Callable, Collection
from typing import Any

from tocsin.addresses import is_public
from tocsin.errors import UsageError

BLOCKED = "address is not public"  # part of every refusal's message: the connector may wrap the error or join several
AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]  # as getaddrinfo returns it


__all__ = ["BLOCKED", "BlockedAddress", "is_public", "parse_allowed", "socket_factory"]


class BlockedAddress(OSError):
    """A connection was refused because its address is not public."""


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
