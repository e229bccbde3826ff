from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.models import Invoice, Payment
from engine.models import Transition
from web.customer.banner import HOW_TO_PAY
from web.status_labels import person_name
from workflows.mail.rejection_reasons import reason_for

# Transitions that are not listed are not shown to customers.
INVOICE = {
    "issue": (_("Invoice issued"), "done"),
    "release": (_("A payment was reversed, the invoice is open again"), "bad"),
    "credit": (_("A part of the invoice was credited"), "done"),
    "void": (_("Invoice cancelled"), ""),
    "lapse": (_("Invoice withdrawn: what it was for will not be"), ""),
    "write_off": (_("Invoice written off"), ""),
}
PAYMENT = {
    "begin": (_("You told us that you paid"), "done"),
    "approve": (_("We found your payment"), "done"),
    "reject": (_("We could not accept it"), "bad"),
    "withdraw": (_("You withdrew it"), ""),
    "reverse": (_("The payment was reversed"), "bad"),
    "reverse_part": (_("A part of the payment was returned"), "bad"),
}


@dataclass
class Step:
    words: str | Promise
    look: str = ""
    at: datetime | None = None
    by: str = ""
    detail: str | Promise = ""
    note: str = ""  # written by staff, plain text
    payment: Payment | None = None
    again: str = ""  # URL of another try


def story_of(invoice: Invoice | None, payments: Iterable[Payment]) -> list[Step]:
    """Past steps, then those to come; of an invoice, or of payments on account. One query."""
    mine = {payment.pk: payment for payment in payments}
    own = Q(machine="payment", object_id__in=list(mine))
    rows = (
        Transition.objects.filter(Q(machine="invoice", object_id=invoice.pk) | own if invoice else own)
        .select_related("actor__membership")
        .order_by("at", "id")
    )
    steps = [step for row in rows if (step := _step(row, mine)) is not None]
    if invoice is None:
        return steps
    last = max(mine.values(), key=lambda payment: payment.pk, default=None)
    if last is not None and last.status == Payment.Status.FAILED and invoice.status in Invoice.OPEN:
        said = next(step for step in reversed(steps) if step.payment is last)
        said.again = reverse("invoice", args=[invoice.pk]) + HOW_TO_PAY
    return steps + list(_to_come(invoice, last))


def _step(row: Transition, payments: Mapping[UUID, Payment]) -> Step | None:
    if row.machine == "invoice" and row.name == "pay":
        is_paid = row.target == Invoice.Status.PAID
        return Step(_("Paid in full") if is_paid else _("Paid in part"), "done", row.at)
    words = (INVOICE if row.machine == "invoice" else PAYMENT).get(row.name)
    if words is None:
        return None
    payment = payments.get(row.object_id)
    step = Step(words[0], words[1], row.at, payment=payment)
    if row.name == "begin" and row.actor is not None:
        # Neither staff nor former members are named.
        step.by = person_name(row.actor) if row.actor.role_in(row.account_id) else ""
        if row.actor.is_staff or (payment is not None and payment.bank_line_id):
            step.words = _("We recorded your payment")
        elif payment is not None and payment.claimed_by_link is not None:
            step.words, step.by = _("Somebody told us by a link that they paid"), payment.claimed_by_link.recipient
    if row.name == "reject" and payment is not None:
        step.detail = reason_for(payment.reason_code).what
        step.note = payment.admin_notes
    return step


def _to_come(invoice: Invoice, last: Payment | None) -> Iterable[Step]:
    if invoice.status not in Invoice.OPEN:
        return
    if last is not None and last.status == Payment.Status.PENDING_APPROVAL:
        yield Step(_("We are checking it"), "now")
    elif last is not None and last.status == Payment.Status.APPROVED:
        yield Step(_("We are booking it"), "now")
    else:
        yield Step(_("You pay, and tell us the reference"), "now")
        yield Step(_("We check it"), "to-come")
    yield Step(_("The invoice is paid"), "to-come")
