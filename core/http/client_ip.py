from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings

UNKNOWN = "unknown"


def client_ip(request: Any) -> str:
    peer: str = request.META.get("REMOTE_ADDR", "")
    # With n trusted proxies the n-th entry from the right is the caller; those before it are the caller's own claim.
    if settings.TRUSTED_PROXIES > 0:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        told = _parsed(hops[-min(settings.TRUSTED_PROXIES, len(hops))])
        if told is not None:
            return str(told)
    return str(_parsed(peer) or UNKNOWN)


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def is_loopback(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Also reads `[2001:db8::1]:443` and `192.0.2.1:80`; IPv4 mapped into IPv6 becomes IPv4."""
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
