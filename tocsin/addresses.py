"""Which IP addresses are public.

Not public: everything that is not globally routable, and the ranges that carry an IPv4 address inside an IPv6 one.
Sources: IANA special-purpose registries as in Python's `ipaddress`; RFC 6052 (64:ff9b::/96), RFC 8215, RFC 3056 (6to4), RFC 4380 (Teredo).
"""

import ipaddress

_TUNNELS = tuple(ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))


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
