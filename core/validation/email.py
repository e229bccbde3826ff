from __future__ import annotations

import unicodedata
from contextlib import suppress

LONGEST_EMAIL = 254  # RFC 5321, and its canonical form


def canonical_email(email: str) -> str:
    """NFKC, case folded, the host in IDNA."""
    local, _, host = unicodedata.normalize("NFKC", email.strip()).casefold().rpartition("@")
    with suppress(UnicodeError):  # the form's validator refuses it
        host = host.encode("idna").decode("ascii")
    return f"{local}@{host}"
