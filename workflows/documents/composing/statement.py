from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from core.models import Account, CreditNote, Invoice, Payment, Refund
from engine.models import Transition
from workflows.documents.composing import parts
from workflows.documents.rendering.data import DocumentData
from workflows.periods import today_in


@dataclass(frozen=True)
class Movement:
    """amount: what the account owes more; below zero: less."""

    on: date
    what: str
    amount: Decimal


def statement_data(account: Account, language: str, *, currency: str, start: date, end: date, on: date) -> DocumentData:
    """What was billed, paid and given back from `start` to `end`, both within, with what was owed before."""
    rows = sorted(movements(account, currency), key=lambda row: row.on)
    opening = sum((row.amount for row in rows if row.on < start), Decimal(0))
    within = [row for row in rows if start <= row.on <= end]
    closing = opening + sum((row.amount for row in within), Decimal(0))
    data = parts.blank("statement", language=language, on=on, title=_("Statement of account"))
    data["recipient"] = parts.account_recipient(_("Account"), account)
    data["facts"] = parts.facts((_("From"), parts.day(start)), (_("To"), parts.day(end)), (_("Currency"), currency))
    columns: list[tuple[Any, bool]] = [(_("Date"), False), ("", False), (_("Amount"), True), (_("Owed"), True)]
    table = [[parts.day(start), _("Owed before"), "", parts.money(opening, currency)]]
    owed = opening
    for row in within:
        owed += row.amount
        table.append([parts.day(row.on), row.what, parts.money(row.amount, currency), parts.money(owed, currency)])
    data["sections"] = [parts.table("", columns, table, strong=0)]
    words = _("To pay") if closing > 0 else _("In your favour")
    data["totals"] = [parts.total(words, abs(closing), currency, strong=True)]
    return data


def movements(account: Account, currency: str) -> Iterator[Movement]:
    """All of an account in one currency, in no order."""
    yield from _invoices(account, currency)
    yield from _credit_notes(account, currency)
    yield from _payments(account, currency)
    yield from _refunds(account, currency)


def _invoices(account: Account, currency: str) -> Iterator[Movement]:
    issued = Invoice.objects.filter(account=account, currency=currency, issued_on__isnull=False)
    ended = _voided(account, issued.filter(status=Invoice.Status.VOID))
    for invoice in issued:
        assert invoice.issued_on is not None
        yield Movement(invoice.issued_on, _("Invoice %(number)s") % {"number": invoice.number}, invoice.total)
        if invoice.pk in ended:
            words = _("Invoice %(number)s cancelled") % {"number": invoice.number}
            yield Movement(ended[invoice.pk], words, -invoice.demanded)
        if invoice.written_off:
            words = _("Bank fees of invoice %(number)s written off") % {"number": invoice.number}
            yield Movement(invoice.issued_on, words, -invoice.written_off)


def _credit_notes(account: Account, currency: str) -> Iterator[Movement]:
    for note in CreditNote.objects.standing().filter(account=account, currency=currency).select_related("invoice"):
        assert note.issued_on is not None
        words = _("Credit note of invoice %(number)s") % {"number": note.invoice.number}
        yield Movement(note.issued_on, words, -note.total)


def _payments(account: Account, currency: str) -> Iterator[Movement]:
    settled = Payment.objects.filter(account=account, currency=currency).filter(
        Q(status=Payment.Status.SUCCEEDED) | Q(status=Payment.Status.REVERSED)
    )
    steps = Transition.objects.filter(
        machine="payment", object_id__in=settled.values("pk"), name__in=["settle", "reverse", "reverse_part"]
    )
    rows = {payment.pk: payment for payment in settled.select_related("invoice")}
    for step in steps.order_by("id"):
        payment = rows[step.object_id]
        assert payment.received is not None
        of = {"reference": payment.reference or (payment.invoice.number if payment.invoice else "")}
        if step.name == "settle":
            yield Movement(_day(account, step), _("Payment %(reference)s") % of, -payment.received)
        elif step.name == "reverse":
            yield Movement(_day(account, step), _("Payment %(reference)s reversed") % of, payment.kept)
        else:
            part = Decimal(step.inputs["amount"])
            yield Movement(_day(account, step), _("Part of payment %(reference)s taken back") % of, part)


def _refunds(account: Account, currency: str) -> Iterator[Movement]:
    sent = Refund.objects.filter(account=account, currency=currency, status__in=Refund.PAID)
    for refund in sent:
        assert refund.sent_on is not None
        yield Movement(refund.sent_on, _("Refund"), refund.amount)


def _voided(account: Account, rows: Any) -> dict[Any, date]:
    steps = Transition.objects.filter(machine="invoice", object_id__in=rows.values("pk"), target="void")
    return {step.object_id: _day(account, step) for step in steps}


def _day(account: Account, step: Transition) -> date:
    return today_in(account.time_zone, step.at)
