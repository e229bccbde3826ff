from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.models import Account, Invoice, Payment, Refund
from engine.models import Transition
from engine.registry import machine_name
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
    data["facts"] = parts.facts(
        (_("Date"), parts.day(on)), (_("First day"), parts.day(start)), (_("Last day"), parts.day(end))
    )
    columns: list[tuple[Any, bool]] = [
        (_("Date"), False),
        (_("Description"), False),
        (_("Amount"), True),
        (_("Owed"), True),
    ]
    table = [[parts.day(start), _("Owed before"), "", parts.money(opening, currency)]]
    owed = opening
    for row in within:
        owed += row.amount
        table.append([parts.day(row.on), row.what, parts.money(row.amount, currency), parts.money(owed, currency)])
    data["sections"] = [parts.table("", columns, table, strong=0)]
    words = _("In your favour") if closing < 0 else _("To pay")
    data["totals"] = [parts.total(words, abs(closing), currency, strong=True)]
    return data


def movements(account: Account, currency: str) -> Iterator[Movement]:
    """All of an account in one currency, in no order.

    Their sum is what is outstanding of its open invoices without what is in its balance.
    """
    yield from _invoices(account, currency)
    yield from _payments(account, currency)
    yield from _refunds(account, currency)
    yield from _corrections(account, currency)


def _invoices(account: Account, currency: str) -> Iterator[Movement]:
    issued = Invoice.objects.filter(account=account, currency=currency, issued_on__isnull=False).order_by("pk")
    ended = _last_days(account, issued, [Invoice.Status.VOID, Invoice.Status.UNCOLLECTIBLE, Invoice.Status.PAID])
    for invoice in issued:
        assert invoice.issued_on is not None
        of = {"number": invoice.number}
        yield Movement(invoice.issued_on, _("Invoice %(number)s") % of, invoice.total)
        on = ended.get((invoice.pk, invoice.status), invoice.issued_on)
        if invoice.status == Invoice.Status.VOID:
            yield Movement(on, _("Invoice %(number)s cancelled") % of, -invoice.total)
        elif invoice.status == Invoice.Status.UNCOLLECTIBLE:
            yield Movement(on, _("Invoice %(number)s written off") % of, -invoice.outstanding)
        elif invoice.written_off:
            yield Movement(on, _("Bank fees of invoice %(number)s written off") % of, -invoice.written_off)


def _payments(account: Account, currency: str) -> Iterator[Movement]:
    settled = Payment.objects.filter(
        account=account, currency=currency, status__in=[Payment.Status.SUCCEEDED, Payment.Status.REVERSED]
    )
    names = ["settle", "reverse", "reverse_part"]
    steps = Transition.objects.filter(machine="payment", object_id__in=settled.values("pk"), name__in=names)
    rows = {payment.pk: payment for payment in settled.select_related("invoice")}
    for step in steps.order_by("id"):
        payment, on = rows[step.object_id], _day(account, step)
        assert payment.received is not None
        of = {"reference": payment.reference or (payment.invoice.number if payment.invoice else "")}
        if step.name == "settle":
            yield Movement(on, (_("Payment %(reference)s") % of).strip(), -payment.received)
        elif step.name == "reverse":
            yield Movement(on, _("Payment %(reference)s reversed") % of, payment.kept)
        else:
            part = Decimal(step.inputs["amount"])
            yield Movement(on, _("Part of payment %(reference)s taken back") % of, part)


def _refunds(account: Account, currency: str) -> Iterator[Movement]:
    """The money leaves the balance when a refund is requested; what ended before it was sent moved nothing."""
    rows = Refund.objects.filter(account=account, currency=currency).order_by("pk")
    failed = _last_days(account, rows, [Refund.Status.FAILED])
    for refund in rows:
        if refund.status in Refund.NOT_SENT:
            requested_on = today_in(account.time_zone, refund.created_at)
            yield Movement(requested_on, _("Refund that is on its way"), refund.amount)
        elif refund.sent_on is not None:
            yield Movement(refund.sent_on, _("Refund"), refund.amount)
        if refund.status == Refund.Status.FAILED:
            yield Movement(failed[refund.pk, refund.status], _("Refund that came back"), -refund.amount)


def _corrections(account: Account, currency: str) -> Iterator[Movement]:
    """What somebody wrote into the balance by hand, of no payment."""
    for entry in account.balance_entries.filter(currency=currency, payment=None, refund=None).order_by("pk"):
        yield Movement(today_in(account.time_zone, entry.created_at), _("Correction of the balance"), -entry.amount)


def _last_days(account: Account, rows: QuerySet[Any], targets: Sequence[str]) -> dict[tuple[UUID, str], date]:
    """On which each of the rows came to each of the statuses last."""
    steps = Transition.objects.filter(
        machine=machine_name(rows.model), object_id__in=rows.order_by().values("pk"), target__in=targets
    )
    return {(step.object_id, step.target): _day(account, step) for step in steps.order_by("seq")}


def _day(account: Account, step: Transition) -> date:
    return today_in(account.time_zone, step.at)
