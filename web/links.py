"""Links to the hosted page, as those who hand them out see them."""

from __future__ import annotations

from dataclasses import dataclass

from core.models import Invoice, InvoiceLink, User
from workflows.mail.invoice_links import address_of

SHOWN = 20


@dataclass(frozen=True)
class ShownLink:
    """address: empty for who must not use it."""

    link: InvoiceLink
    address: str


def shown_links(invoice: Invoice, *, maker: User | None = None) -> list[ShownLink]:
    """The newest open ones. maker: only the addresses of theirs are shown."""
    rows = invoice.links.open().select_related("created_by").order_by("-pk")[:SHOWN]
    return [ShownLink(row, address_of(row) if maker is None or row.is_made_by(maker) else "") for row in rows]
