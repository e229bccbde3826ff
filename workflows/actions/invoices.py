from __future__ import annotations

from django.db.transaction import atomic

from core.models import Invoice, User
from core.problems import PermissionDenied
from engine import available, perform
from workflows.settlement.locking import lock_rows_for
from workflows.settlement.settle import Settlement


def void_invoice(invoice: Invoice, *, by: User, reason: str = "", to_balance: bool = False) -> Invoice:
    """to_balance: a partial payment goes to the balance first, unless the service was given.

    Raises WrongState if it is paid, over, or has money on it.
    """
    if not invoice.may_be_voided_by(by):
        raise PermissionDenied("You may not void this invoice.")
    with atomic():
        settlement = Settlement(lock_rows_for([], invoices=[invoice]))
        row = settlement.locked.invoices[invoice.pk]
        if to_balance and row.is_partly_paid_before_service:
            settlement.release([row], None)
            settlement.write()
        perform(row.void, by=by, reason=reason)
    return row


def available_to(invoice: Invoice, user: User) -> list[str]:
    """Transitions, and `void` if its money may go to the balance first."""
    verbs = available(invoice, user)
    if invoice.is_partly_paid_before_service and invoice.may_be_voided_by(user):
        verbs = sorted({*verbs, "void"})
    return verbs
