"""A name is no message: what reads like an address to follow is no name of an account."""

from __future__ import annotations

import re
import unicodedata

# A scheme, a host that begins with www, or a host with a path. "Booking.com" is a name, "bit.ly/x" is none.
LINK = re.compile(r"[a-z][a-z0-9+.-]*://|\bwww\.|[^\s/.。@][.。][^\W\d_]{2,}(:[0-9]+)?/", re.IGNORECASE)


def looks_like_a_link(name: str) -> bool:
    """Whether mail programs would make a link of it, or people would follow it."""
    return LINK.search(unicodedata.normalize("NFKC", name)) is not None
