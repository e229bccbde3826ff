"""Links that customers give as a proof: staff may open them, we never do."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_plain_https(text: str) -> bool:
    """https, a host with a dot, no user name, no other port, nothing that could break out of an attribute."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except (ValueError, UnicodeError):
        return False
    return (
        parts.scheme == "https"
        and "." in host
        and "@" not in parts.netloc
        and port in (None, 443)
        and text.isprintable()
        and not set(text) & set(" <>\"'`\\")
    )
