"""From what a document's row holds to its bytes: pictures are kept once, codes as their text."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from core.models import Logo
from core.payees.code_drawings import drawn_code
from workflows.documents.rendering.pdf import MissingLetters, render

__all__ = ["TEMPLATE_VERSION", "MissingLetters", "draw_document"]

TEMPLATE_VERSION = 2  # another one when the template, a font or the engine changes, so that other bytes are no finding


def draw_document(data: Mapping[str, Any]) -> bytes:
    """Raises MissingLetters."""
    return render({**data, "seller": _with_logo(data["seller"]), "payment": _with_code(data["payment"])})


def _with_logo(seller: Mapping[str, Any]) -> dict[str, Any]:
    if not seller["logo"]:
        return dict(seller)
    logo = Logo.objects.get(sha256=seller["logo"]["sha256"])
    content = base64.b64encode(bytes(logo.content)).decode()
    return {**seller, "logo": {"type": logo.kind, "content": content}}


def _with_code(payment: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if payment is None or not payment["code"]:
        return None if payment is None else dict(payment)
    code = {name: value for name, value in payment["code"].items() if name != "content"}
    return {**payment, "code": {**code, "svg": drawn_code(payment["code"]["content"])}}
