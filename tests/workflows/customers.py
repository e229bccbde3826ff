from __future__ import annotations

from collections import Counter
from decimal import Decimal

from core.models import Invoice
from tests.factories import MembershipFactory, PaymentMethodFactory
from workflows.actions import claim_payment


def status(*rows):
    for row in rows:
        row.refresh_from_db()
    return [str(row.status) for row in rows]


def kinds_of(mailoutbox):
    return Counter(mail.extra_headers["X-Countersign-Kind"] for mail in mailoutbox)


def renewal(signed):
    return Invoice.objects.filter(subscription=signed.subscription, purpose="renewal").latest("id")


def claim(invoice, reference, *, by=None, method=None, amount="89.00", currency="USD"):
    return claim_payment(
        invoice=invoice,
        method=method or PaymentMethodFactory(),
        amount=Decimal(amount),
        currency=currency,
        reference=reference,
        by=by or MembershipFactory(account=invoice.account).user,
    )
