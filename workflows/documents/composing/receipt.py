from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core.models import Invoice, Payment, SellerVersion
from workflows.documents.composing import parts
from workflows.documents.rendering.data import DocumentData, Section


def receipt_data(
    payment: Payment, language: str, *, number: str, on: date, seller: SellerVersion | None
) -> DocumentData:
    """Of a settled payment with its account, method, decider, allocations and balance entries."""
    assert payment.received is not None
    data = parts.blank("receipt", language=language, on=on, title=_("Receipt"), number=number)
    data["recipient"] = parts.account_recipient(_("Received from"), payment.account)
    data["facts"] = parts.facts(
        (_("Date"), parts.day(on)),
        (_("Value date"), parts.day(payment.value_date or payment.paid_on)),
        (_("Payer"), payment.payer_name),
        (_("Paid by"), payment.method.name),
        (_("Bank reference"), payment.reference),
        (_("Countersigned by"), signer_of(payment, seller)),
    )
    data["sections"] = [_paid(payment)]
    data["totals"] = [
        *_to_balance(payment),
        parts.total(_("Received"), payment.received, payment.currency, strong=True),
    ]
    return data


def reversal_data(
    payment: Payment, language: str, *, amount: Decimal, reason: str, number: str, on: date, first: str
) -> DocumentData:
    """The bank took all or a part of it back. first: the number of its receipt."""
    data = parts.blank("receipt", language=language, on=on, title=_("Receipt for a reversal"), number=number)
    data["recipient"] = parts.account_recipient(_("Taken back from"), payment.account)
    data["facts"] = parts.facts(
        (_("Date"), parts.day(on)),
        (_("Receipt"), first),
        (_("Invoice"), payment.invoice.number if payment.invoice else ""),
        (_("Bank reference"), payment.reference),
        (_("Reason"), reason),
    )
    data["totals"] = [parts.total(_("Taken back"), -amount, payment.currency, strong=True)]
    if payment.invoice is not None:
        data["notes"] = [_("What it had paid is open again, as far as the balance does not cover it.")]
    return data


def signer_of(payment: Payment, seller: SellerVersion | None) -> str:
    """The person only where the seller wants them named: customers read no names of staff by themselves."""
    if seller is None:
        return ""
    name = payment.decided_by.name if seller.names_signer and payment.decided_by else ""
    return f"{name}, {seller.trade_name}" if name else seller.trade_name


def _paid(payment: Payment) -> Section:
    columns: list[tuple[Any, bool]] = [
        (_("Invoice"), False),
        (_("Invoice total"), True),
        (_("Paid with this"), True),
        (_("Still to pay"), True),
    ]
    paid: dict[Invoice, Decimal] = {}
    for line in sorted(payment.allocations.all(), key=lambda line: line.pk):
        if line.stands_or_was_cut:
            paid[line.invoice] = paid.get(line.invoice, Decimal(0)) + line.amount
    rows = [_row(invoice, amount) for invoice, amount in paid.items() if amount]
    return parts.table(_("What it paid"), columns, rows)


def _row(invoice: Invoice, amount: Decimal) -> list[str]:
    currency = invoice.currency
    return [
        f"{invoice.number}, {invoice.plan_name}" if invoice.plan_name else str(invoice.number),
        parts.money(invoice.demanded, currency),
        parts.money(amount, currency),
        parts.money(invoice.outstanding, currency),
    ]


def _to_balance(payment: Payment) -> list[Any]:
    rest = sum((entry.amount for entry in payment.balance_entries.all() if entry.amount > 0), Decimal(0))
    return [parts.total(_("Kept in your balance"), rest, payment.currency)] if rest else []
