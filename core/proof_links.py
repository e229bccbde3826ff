"""Links that customers give as a proof: staff may open them, we never do."""

from __future__ import annotations

import re

# A plain host with a dot in it, nobody's password, the default port, nothing that would need an escape.
PLAIN_HTTPS = (
    r"https://[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})+(:443)?([/?#][!#-&(-;=?-\[\]^_a-~]*)?"
)


def is_plain_https(text: str) -> bool:
    return re.fullmatch(PLAIN_HTTPS, text) is not None
