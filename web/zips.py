from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from core.models import Document, DocumentFile


def zipped(documents: Iterable[Document]) -> Iterator[bytes]:
    """A zip of their files, a file at a time: PDFs are compressed already."""
    out = _Outlet()
    names: set[str] = set()
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for document in documents:
            assert document.made_at is not None
            info = ZipInfo(_name(document, names), document.made_at.timetuple()[:6])
            archive.writestr(info, bytes(DocumentFile.objects.get(pk=document.pk).content))
            yield out.take()
    yield out.take()


def _name(document: Document, names: set[str]) -> str:
    name = document.file_name
    if name in names:  # numbers that differ in a stroke alone
        name = f"{document.pk}-{name}"
    names.add(name)
    return name


class _Outlet(io.RawIOBase):
    """Holds what was written until it is taken."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self.parts.append(bytes(part))
        return len(part)

    def take(self) -> bytes:
        taken, self.parts = b"".join(self.parts), []
        return taken
