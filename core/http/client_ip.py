"""Where a request comes from: the peer, or what the proxies in front of us say, as many as an operator vouches for."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings

UNKNOWN = "unknown"


def client_ip(request: Any) -> str:
    """The caller's address; `unknown` for a peer without one, such as a socket file.

    Each proxy appends whom it heard to X-Forwarded-For, so with n of them the n-th from the right is the caller, and
    what stands before it is only what the caller says. With TRUSTED_PROXIES=0 the header counts for nothing.
    """
    peer: str = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES > 0:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        told = _parsed(hops[-min(settings.TRUSTED_PROXIES, len(hops))])
        if told is not None:
            return str(told)
    return str(_parsed(peer) or UNKNOWN)


def network_of(address: str) -> str:
    """Whom limits count as one: an IPv4 address, or the /64 that an IPv6 customer is given."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def is_loopback(address: str) -> bool:
    """Whether who calls is on this machine."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: also `[2001:db8::1]:443` and `192.0.2.1:80`; IPv4 inside IPv6 as IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
