from __future__ import annotations

from dataclasses import dataclass

from core.models import Account, Document

LARGEST = 2_000_000  # bytes; what is larger is a link


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes
    mime_type: str = "application/pdf"


def attachments_of(account: Account, key: str) -> list[Attachment]:
    """The document of that key, if it is made, and not too large for a mail."""
    found = Document.objects.made().filter(account=account, key=key, size__lte=LARGEST).select_related("file").first()
    return [Attachment(found.file_name, bytes(found.file.content))] if found else []
