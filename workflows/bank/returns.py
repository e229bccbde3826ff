from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import F, Q

from core.models import Payment, StatementLine
from core.money import money_text
from workflows.bank.clues import Clues, find_clues
from workflows.bank.payers import accounts_of_payer
from workflows.documents.numbers import invoice_templates

RETURN_DAYS = 90  # after which banks take no transfer back
MOST = 5
READ_MOST = 200  # payments, the newest


@dataclass(frozen=True)
class Returned:
    """A settled payment that a line may have taken back, and how much of it."""

    payment: Payment
    amount: Decimal

    @property
    def typed(self) -> str:
        return money_text(self.amount, self.payment.currency)

    @property
    def is_part(self) -> bool:
        return self.amount < self.payment.kept


def find_returned(line: StatementLine) -> list[Returned]:
    """Those that the line names first; of a larger payment a part, if the line names it or its payer is known.

    None for money that came in.
    """
    if line.amount >= 0:
        return []
    back = -line.amount
    clues = find_clues(line.text, references=line.references, bank_id=line.bank_id, templates=invoice_templates())
    settled = Payment.objects.filter(
        status=Payment.Status.SUCCEEDED,
        currency=line.currency,
        created_at__date__gte=line.booked_on - timedelta(days=RETURN_DAYS),
    ).annotate(left=F("received") - F("returned"))
    whole = Q(left__lte=back, left__gte=back * 9 / 10)  # a bank may add its fee
    part = Q(left__gt=back) & (_named(clues) | Q(account__in=[row.pk for row in accounts_of_payer(line)]))
    found = list(settled.filter(whole | part).select_related("invoice", "account").order_by("-id")[:READ_MOST])
    found.sort(key=lambda payment: (not _is_named(payment, clues), payment.kept > back, payment.kept != back))
    return [Returned(payment, min(payment.kept, back)) for payment in found[:MOST]]


def _named(clues: Clues) -> Q:
    return (
        Q(invoice__payment_reference__in=clues.references)
        | Q(invoice__number__in=clues.numbers)
        | Q(reference_key__in=clues.ids - {""})
    )


def _is_named(payment: Payment, clues: Clues) -> bool:
    invoice = payment.invoice
    if invoice is not None and (invoice.payment_reference in clues.references or invoice.number in clues.numbers):
        return True
    return bool(payment.reference_key) and payment.reference_key in clues.ids
