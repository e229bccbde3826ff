"""Documents as rows: the number and all words are fixed in one commit with what they tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import override

from core.models import Account, Document, SellerVersion, User
from core.models.document import SELLER
from engine import create
from engine.models import Effect, Transition
from workflows.documents.composing.parts import with_seller
from workflows.documents.numbers import Number, next_number
from workflows.documents.rendering.data import DocumentData

# From the language, the number and the seller to all that is printed but the seller.
Composer = Callable[[str, str, SellerVersion | None], DocumentData]


@dataclass(frozen=True)
class Draft:
    """series: the kind of numbers that it takes; empty: none. number: that it has already."""

    kind: Document.Kind
    key: str
    account: Account
    subject_id: UUID
    on: date
    compose: Composer
    series: str = ""
    number: str = ""
    language: str = ""  # empty: the account's
    seller: SellerVersion | None = None  # None: the present one


def write_documents(
    drafts: Sequence[Draft], causes: Sequence[Effect | Transition | None], *, by: User | None = None
) -> list[Document]:
    """Those that are not there yet. Without a seller they wait, with their words and number. by: who asked for them."""
    keys = [draft.key for draft in drafts]
    there = set(Document.objects.filter(key__in=keys).values_list("key", flat=True))
    present = SellerVersion.current()
    return [
        _write(draft, draft.seller or present, cause, by)
        for draft, cause in zip(drafts, causes, strict=True)
        if draft.key not in there
    ]


def _write(draft: Draft, seller: SellerVersion | None, cause: Effect | Transition | None, by: User | None) -> Document:
    number = next_number(draft.series, on=draft.on) if draft.series else None
    language = draft.language or draft.account.language
    text = number.text if number else draft.number
    with override(language):
        data: Any = draft.compose(language, text, seller)
        if seller is not None:
            data = with_seller(data, seller)
    document = Document(
        account=draft.account,
        status=Document.Status.PREPARED if seller else Document.Status.WAITING,
        kind=draft.kind,
        key=draft.key,
        subject_id=draft.subject_id,
        number=text or None,
        seller=seller,
        language=language,
        data=data,
        missing=[] if seller else [SELLER],
        **_place(number),
    )
    create(document, cause=cause, by=by)
    return document


def _place(number: Number | None) -> dict[str, Any]:
    return {"series": number.series, "series_count": number.count} if number else {}
