from __future__ import annotations

import re
import unicodedata

# "Booking.com" is a name, "bit.ly/x" is none.
LINK = re.compile(r"[a-z][a-z0-9+.-]*://|\bwww\.|[^\s/.。@][.。][^\W\d_]{2,}(:[0-9]+)?/", re.IGNORECASE)


def looks_like_a_link(name: str) -> bool:
    return LINK.search(unicodedata.normalize("NFKC", name)) is not None
