from __future__ import annotations

from datetime import timedelta

from core.models import Payment, StatementLine
from workflows.bank.clues import find_clues

RETURN_DAYS = 90  # after which banks take no transfer back
MOST = 5


def find_returned(line: StatementLine) -> list[Payment]:
    """Settled payments that this line may have taken back, those that it names first; none for money that came in."""
    if line.amount >= 0:
        return []
    since = line.booked_on - timedelta(days=RETURN_DAYS)
    settled = Payment.objects.filter(
        status=Payment.Status.SUCCEEDED,
        currency=line.currency,
        received__lte=-line.amount,  # a bank may add its fee
        received__gte=-line.amount * 9 / 10,
        created_at__date__gte=since,
    )
    clues = find_clues(line.text, references=line.references, bank_id=line.bank_id)
    found = list(settled.select_related("invoice", "account").order_by("-id")[:200])
    named = {payment.pk for payment in found if _is_named(payment, clues.references, clues.numbers, clues.ids)}
    return sorted(found, key=lambda payment: (payment.pk not in named, payment.received != -line.amount))[:MOST]


def _is_named(payment: Payment, references: frozenset[str], numbers: frozenset[str], ids: frozenset[str]) -> bool:
    invoice = payment.invoice
    return (invoice is not None and (invoice.payment_reference in references or invoice.number in numbers)) or bool(
        payment.reference_key and payment.reference_key in ids
    )
