from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.utils.http import parse_etags

from core.models import Document, DocumentFile

MEDIA_TYPES = {Document.Format.PDF: "application/pdf"}


def document_answer(request: Any, document: Document) -> HttpResponse:
    """The file of a made document; 304 to who has it. Its bytes are read only where they are sent."""
    etag = f'"{document.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}  # to be asked again: who may read it can change
    if _has(request, etag):
        return HttpResponse(status=304, headers=headers)
    answer = HttpResponse(content_type=MEDIA_TYPES[Document.Format(document.format)], headers=headers)
    answer["Content-Disposition"] = attachment(document.file_name)
    answer["X-Content-Type-Options"] = "nosniff"
    if request.method == "HEAD":
        answer["Content-Length"] = str(document.size)
    else:
        answer.content = bytes(DocumentFile.objects.values_list("content", flat=True).get(pk=document.pk))
    return answer


def attachment(name: str) -> str:
    """Content-Disposition of RFC 6266: in ASCII, and in full for who reads that."""
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\%' else "_" for letter in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _has(request: Any, etag: str) -> bool:
    """RFC 9110 13.1.2: by the weak comparison."""
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return known == ["*"] or etag in (each.removeprefix("W/") for each in known)
