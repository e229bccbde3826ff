from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import quote


@dataclass(frozen=True)
class Contact:
    """address: empty for a text that is no link, such as a number with its hours."""

    words: str
    address: str


def contacts_of(*texts: str) -> list[Contact]:
    """Each once, without blank ones."""
    return [_contact_of(words) for words in dict.fromkeys(filter(None, texts))]


def _contact_of(words: str) -> Contact:
    if words.startswith(("https://", "http://")):
        return Contact(words, words)
    mailbox = parseaddr(words)[1]
    is_mailbox = "@" in mailbox and mailbox in words  # parseaddr makes an address of many a text
    return Contact(words, f"mailto:{quote(mailbox, safe='@+')}" if is_mailbox else "")
