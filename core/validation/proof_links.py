"""Links that customers give as a proof: staff may open them, we never do."""

from __future__ import annotations

import re
import unicodedata
from string import ascii_letters, digits
from urllib.parse import quote

# As stored: a host with a dot, the default port, no user, no escapes.
PLAIN_HTTPS = (
    r"https://[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})+(:443)?([/?#][!#-&(-;=?-\[\]^_a-~]*)?"
)
# As typed: host and path in any script, and apostrophes.
TYPED_HTTPS = r"[Hh][Tt][Tt][Pp][Ss]://[^\s/?#@:\\]+\.[^\s/?#@:\\]+(:443)?([/?#][^\s\\<>\"`]*)?"
PARTS = re.compile(r"https://([^\s/?#@:\\]+)((?::443)?)((?:[/?#][^\s\\<>\"`]*)?)", re.IGNORECASE)

# A percent sign is one that was typed.
AS_IS = ascii_letters + digits + "!#$%&()*+,-./:;=?@[]^_{|}~"
# Of a host, beyond ASCII (RFC 5892, roughly): small letters, marks and digits.
IN_A_LABEL = {"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"}


def is_plain_https(text: str) -> bool:
    return re.fullmatch(PLAIN_HTTPS, text) is not None


def plain_https(text: str) -> str:
    """As a browser asks for it: the host in IDNA, the rest percent-encoded. Raises ValueError."""
    found = PARTS.fullmatch(text)
    # Not normalized: a file whose name was made decomposed is found only so.
    if found is None:
        raise ValueError("no https link")
    host, port, rest = found.groups()
    plain = f"https://{'.'.join(_ascii_label(label) for label in host.split('.'))}{port}{quote(rest, safe=AS_IS)}"
    if not is_plain_https(plain):
        raise ValueError("no plain host")
    return plain


def _ascii_label(label: str) -> str:
    """Python's own codec is of 2003: it makes ss of U+00DF, which is somebody else's host today."""
    label = unicodedata.normalize("NFKC", label).lower()
    if label.isascii():
        return label
    label = unicodedata.normalize("NFC", label)
    if any(not (sign == "-" or sign.isascii() or unicodedata.category(sign) in IN_A_LABEL) for sign in label):
        raise ValueError("no host")
    return f"xn--{label.encode('punycode').decode('ascii')}"
