"""How customers reach people: as a text, and where it can be, as a link."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import quote

from django.conf import settings


@dataclass(frozen=True)
class Contact:
    """address: of a link, empty for a text that is none, such as a number with its hours."""

    words: str
    address: str


def support_contact() -> Contact | None:
    """As SUPPORT_CONTACT has it; None when nothing is set."""
    words: str = settings.SUPPORT_CONTACT
    if not words:
        return None
    if words.startswith(("https://", "http://")):
        return Contact(words, words)
    mailbox = parseaddr(words)[1]
    is_mailbox = "@" in mailbox and mailbox in words  # parseaddr makes an address of many a text: it drops spaces
    return Contact(words, f"mailto:{quote(mailbox, safe='@+')}" if is_mailbox else "")
