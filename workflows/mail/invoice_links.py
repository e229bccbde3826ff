"""Links to an invoice's hosted page: who has one sees that invoice and nothing else, without signing in."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.core.signing import BadSignature, Signer

from core.models import Invoice, InvoiceLink, User
from core.validation.email import canonical_email
from workflows.mail import urls
from workflows.periods import database_now, midnight

VALID_FOR = timedelta(days=90)  # after the due date; of an overdue invoice, after the link was made

_SIGNER = Signer(salt="countersign.invoice_link", sep=".")


def address_of(link: InvoiceLink) -> str:
    return urls.hosted_invoice(_SIGNER.sign(link.pk.hex))


def link_of(token: str) -> InvoiceLink | None:
    """With its invoice and account. None for a token that is forged, expired or revoked."""
    try:
        key = _SIGNER.unsign(token)
    except BadSignature:
        return None
    found = InvoiceLink.objects.open().select_related(
        "invoice__account", "invoice__subscription", "invoice__plan", "invoice__payment_method"
    )
    return found.filter(pk=UUID(key)).first()


def new_link(invoice: Invoice, *, recipient: str, by: User | None) -> InvoiceLink:
    """invoice: issued, with its account. recipient: empty if it is not known who gets the link."""
    now, due = database_now(), invoice.due_on
    begins = max(now, midnight(due, invoice.account.time_zone)) if due else now
    return InvoiceLink.objects.create(
        invoice=invoice,
        recipient=canonical_email(recipient) if recipient else "",
        created_by=by,
        expires_at=begins + VALID_FOR,
    )


def address_in_mail(invoice: Invoice, recipient: str) -> str:
    """The same in each mail of an invoice to one recipient, until that link has ended."""
    earlier = InvoiceLink.objects.open().filter(
        invoice=invoice, recipient=canonical_email(recipient), created_by__isnull=True
    )
    link = earlier.order_by("pk").last() or new_link(invoice, recipient=recipient, by=None)
    return address_of(link)
