from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core.models import Account, Allocation, CreditNote, Invoice, Payment, Refund
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
    """All of an account in one currency; those of one day in the order in which they are read best.

    Their sum is what is outstanding of its open invoices without what is in its balance.
    """
    issued = list(Invoice.objects.filter(account=account, currency=currency, issued_on__isnull=False).order_by("pk"))
    yield from map(_bill, issued)
    yield from _payments(account, currency)
    yield from _refunds(account, currency)
    yield from _corrections(account, currency)
    credited = _credited(account, currency)
    for note, on in credited.items():
        yield Movement(on, _("Credit note of invoice %(number)s") % {"number": note.invoice.number}, -note.total)
    yield from _all_given_up(account, issued, credited)


def _bill(invoice: Invoice) -> Movement:
    assert invoice.issued_on is not None
    return Movement(invoice.issued_on, _("Invoice %(number)s") % {"number": invoice.number}, invoice.total)


def _payments(account: Account, currency: str) -> Iterator[Movement]:
    settled = Payment.objects.filter(
        account=account, currency=currency, status__in=[Payment.Status.SUCCEEDED, Payment.Status.REVERSED]
    )
    names = ["settle", "reverse", "reverse_part"]
    steps = Transition.objects.filter(machine="payment", object_id__in=settled.values("pk"), name__in=names)
    rows = {payment.pk: payment for payment in settled.select_related("invoice", "method")}
    for step in steps.order_by("id"):
        payment, on = rows[step.object_id], _day(account, step.at)
        assert payment.received is not None
        of = {"reference": payment.reference or (payment.invoice.number if payment.invoice else payment.method.name)}
        if step.name == "settle":
            yield Movement(on, _("Payment %(reference)s") % of, -payment.received)
        elif step.name == "reverse":
            yield Movement(on, _("Payment %(reference)s reversed") % of, payment.kept)
        else:
            part = Decimal(step.inputs["amount"])
            yield Movement(on, _("Part of payment %(reference)s taken back") % of, part)


def _refunds(account: Account, currency: str) -> Iterator[Movement]:
    """The money leaves the balance when a refund is requested, and is there again if it does not reach its payee."""
    entries = account.balance_entries.filter(currency=currency, refund__isnull=False).select_related("refund")
    taken: dict[tuple[date, Refund], Decimal] = defaultdict(Decimal)
    for entry in entries.order_by("pk"):
        assert entry.refund is not None
        taken[_day(account, entry.created_at), entry.refund] -= entry.amount
    for (on, refund), amount in taken.items():
        if amount:
            yield Movement(on, _refund_words(refund, is_taken=amount > 0), amount)


def _refund_words(refund: Refund, *, is_taken: bool) -> str:
    if is_taken:
        return _("Refund that is on its way") if refund.status in Refund.NOT_SENT else _("Refund")
    return _("Refund that came back") if refund.status == Refund.Status.FAILED else _("Refund that was not sent")


def _corrections(account: Account, currency: str) -> Iterator[Movement]:
    """What somebody wrote into the balance by hand, of no payment."""
    for entry in account.balance_entries.filter(currency=currency, payment=None, refund=None).order_by("pk"):
        yield Movement(_day(account, entry.created_at), _("Correction of the balance"), -entry.amount)


def _credited(account: Account, currency: str) -> dict[CreditNote, date]:
    notes = CreditNote.objects.standing().filter(account=account, currency=currency).select_related("invoice")
    found = {note.pk: note for note in notes}
    steps = Transition.objects.filter(machine="creditnote", object_id__in=found, name="apply").order_by("id")
    return {found[step.object_id]: _day(account, step.at) for step in steps}


def _all_given_up(
    account: Account, issued: Sequence[Invoice], credited: Mapping[CreditNote, date]
) -> Iterator[Movement]:
    statuses: dict[UUID, dict[date, str]] = defaultdict(dict)
    paid: dict[UUID, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    keys = [invoice.pk for invoice in issued]
    steps = Transition.objects.filter(machine="invoice", object_id__in=keys).exclude(target=Invoice.Status.DRAFT)
    for step in steps.order_by("seq"):
        statuses[step.object_id][_day(account, step.at)] = step.target
    for line in Allocation.objects.filter(invoice__in=keys):
        paid[line.invoice_id][_day(account, line.created_at)] += line.amount
    off: dict[UUID, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for note, on in credited.items():
        off[note.invoice_id][on] += note.total
    for invoice in issued:
        yield from _given_up(invoice, statuses[invoice.pk], paid[invoice.pk], off[invoice.pk])


def _given_up(
    invoice: Invoice, statuses: Mapping[date, str], paid: Mapping[date, Decimal], off: Mapping[date, Decimal]
) -> Iterator[Movement]:
    """What is not asked for any more, or is again, without having been paid or credited.

    From what happened and not from how it stands: what a statement said of a day that is over stays as it was.
    """
    asked = left = invoice.total
    status: str = Invoice.Status.PENDING
    for on in sorted({*statuses, *paid, *off}):
        before, status = asked, statuses.get(on, status)
        taken = paid.get(on, Decimal(0)) + off.get(on, Decimal(0))
        left -= taken
        asked = left if status in Invoice.OPEN else Decimal(0)
        more = asked - before + taken
        if more:
            words = _("Write-off of invoice %(number)s taken back") if more > 0 else _giving_up(status)
            yield Movement(on, words % {"number": invoice.number}, more)


def _giving_up(status: str) -> str:
    if status == Invoice.Status.VOID:
        return _("Invoice %(number)s cancelled")
    if status == Invoice.Status.PAID:
        return _("Bank fees of invoice %(number)s written off")
    return _("Invoice %(number)s written off")


def _day(account: Account, at: datetime) -> date:
    return today_in(account.time_zone, at)
