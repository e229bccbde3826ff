"""Whether documents are as they were made: their bytes, their chain, and what the same words make today."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from core.models import Document, DocumentChain

AT_ONCE = 200  # rows read together


@dataclass
class Verified:
    documents: int = 0
    drawn: int = 0  # again, with the same template
    older: int = 0  # of templates from before


def verify_documents(found: Verified, *, draw: bool = False) -> Iterator[str]:
    """Findings, one sentence each. draw: make the same words a document again, and compare the bytes."""
    before: dict[object, tuple[int, str]] = {}
    rows = Document.objects.made().select_related("file", "seller").order_by("place")
    for document in rows.iterator(chunk_size=AT_ONCE):
        assert document.seller is not None
        found.documents += 1
        place, sha256 = before.get(document.seller.seller_id, (0, ""))
        name = f"{document} ({document.pk})"
        if hashlib.sha256(document.file.content).hexdigest() != document.sha256:
            yield f"{name}: its bytes are not those that were made"
        if document.place != place + 1:
            yield f"{name}: place {document.place} follows {place}"
        if document.previous_sha256 != sha256:
            yield f"{name}: the document before it is another one"
        before[document.seller.seller_id] = document.place or 0, document.sha256 or ""
        if draw:
            yield from _drawn(document, name, found)
    for chain in DocumentChain.objects.all():
        if before.get(chain.seller_id, (0, "")) != (chain.place, chain.sha256):
            yield f"the last of the documents ends at {before.get(chain.seller_id, (0, ''))[0]}, not at {chain.place}"


def _drawn(document: Document, name: str, found: Verified) -> Iterator[str]:
    from workflows.documents import printing  # with typst: of who draws alone

    if document.template_version != printing.TEMPLATE_VERSION:
        found.older += 1
        return
    found.drawn += 1
    if printing.draw_document(document.data) != bytes(document.file.content):
        yield f"{name}: the same words make other bytes today"
