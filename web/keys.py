from __future__ import annotations

from uuid import UUID

from django.http import Http404


def key_or_404(text: str) -> UUID:
    """Of a row that an address or a form names."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error
