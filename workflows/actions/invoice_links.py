from __future__ import annotations

from django.db.models.functions import Now
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Invoice, InvoiceLink, Membership, User
from core.problems import PermissionDenied, WrongState
from core.security import rate_limits
from workflows.mail.invoice_links import new_link
from workflows.settlement.locking import lock_account


def may_hand_out_links(invoice: Invoice, user: User) -> bool:
    is_payer = user.role_in(invoice.account_id) in Membership.MAY_PAY
    return is_payer or user.may_decide_on(invoice.account_id, "core.review_payment")


def make_link(invoice: Invoice, *, recipient: str = "", by: User) -> InvoiceLink:
    """recipient: the address of who gets it from `by`; nothing is sent. Raises WrongState, TooManyRequests."""
    _check_may(invoice, by)
    with atomic():
        account = lock_account(invoice.account)
        invoice = Invoice.objects.get(pk=invoice.pk)
        invoice.account = account
        if invoice.status not in Invoice.OPEN:
            raise WrongState(
                f"There is nothing to pay of this invoice: it is {invoice.status}.",
                object_status=str(invoice.status),
                available=[],
                unmet=[],
            )
        rate_limits.enforce_account_limit("link", account.pk)
        return new_link(invoice, recipient=recipient, by=by)


def revoke_links(invoice: Invoice, *, by: User) -> int:
    """All of them, also those in mails. Returns how many there were."""
    _check_may(invoice, by)
    return invoice.links.filter(revoked_at__isnull=True).update(revoked_at=Now(), revoked_by=by)


def _check_may(invoice: Invoice, by: User) -> None:
    if not may_hand_out_links(invoice, by):
        raise PermissionDenied(_("Only owners and admins of the account may hand out links to its invoices."))
