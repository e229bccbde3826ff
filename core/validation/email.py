from __future__ import annotations

import unicodedata
from contextlib import suppress

LONGEST_EMAIL = 254  # RFC 5321, and its canonical form


def canonical_email(email: str) -> str:
    """The unique form of an address: NFKC, case folded, the host in IDNA."""
    local, _, host = unicodedata.normalize("NFKC", email.strip()).casefold().rpartition("@")
    with suppress(UnicodeError):  # not a host name: the validator of the form says so
        host = host.encode("idna").decode("ascii")
    return f"{local}@{host}"
