"""Credit notes: written by one person, issued by another where money that was paid goes to the balance."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db.transaction import atomic

from core.models import CreditNote, CreditNoteLine, Invoice, User
from core.models.credit_note import LONGEST_REASON
from core.money import check_amount
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from core.validation.text import check_reason
from engine import available, caused_by, create, perform, perform_many
from workflows.periods import today_in
from workflows.settlement.locking import lock_rows_for
from workflows.settlement.settle import Settlement
from workflows.tax.crediting import credited, lines_left, spread

CREDITABLE = (*Invoice.OPEN, Invoice.Status.PAID)


def write_credit_note(
    invoice: Invoice,
    *,
    amount: Decimal | None = None,
    lines: Mapping[int, Decimal] | None = None,
    reason: str,
    by: User,
) -> CreditNote:
    """Of an amount, spread over all lines, or of amounts by the position of the line; both with tax.

    Issued at once if nothing of it was paid and `by` may issue; else a draft that somebody else issues. Raises
    PermissionDenied; ValidationError for more than is left; WrongState for an invoice that asks for nothing; Conflict
    if another draft of it waits, or if there is a better way.
    """
    if not invoice.may_be_credited_by(by):
        raise PermissionDenied("You may not write credit notes for this account.")
    if (amount is None) == (lines is None):
        raise ValidationError({"amount": ["Say either an amount or lines."]})
    reason = check_reason(reason, longest=LONGEST_REASON)
    for each in [amount] if amount is not None else list((lines or {}).values()):
        check_amount(each, invoice.currency, field="lines" if lines is not None else "amount")
    with atomic():
        settlement = Settlement(lock_rows_for([], invoices=[invoice]))
        row = settlement.locked.invoices[invoice.pk]
        _check_creditable(row)
        if row.credit_notes.drafts().exists():
            raise Conflict("A credit note of this invoice waits to be decided on already.")
        left = lines_left(row)
        part = credited(row, left, spread(row, left, amount) if amount is not None else lines or {})
        _check_way(settlement, row, part.total)
        note = CreditNote(
            account_id=row.account_id,
            invoice=row,
            currency=row.currency,
            net=part.net,
            tax=part.tax,
            total=part.total,
            tax_details={"taxes": part.taxes},
            reason=reason,
            requested_by=by,
        )
        note.check_texts()
        create(note, by=by, total=part.total, currency=row.currency)
        for line in part.lines:
            line.credit_note = note
        CreditNoteLine.objects.bulk_create(part.lines)
        moves_money = row.to_balance_if_credited(part.total) > 0
        if not moves_money and note.may_be_issued_by(by):
            _issue(note, settlement, by=by)
    return note


def issue_credit_note(note: CreditNote, *, by: User) -> CreditNote:
    """Take it off its invoice, and what was paid of it into the balance; both or neither.

    Raises PermissionDenied, also to who wrote it where money was paid; WrongState; Conflict where its invoice has
    changed so that less is left, or that there is a better way.
    """
    if not note.may_be_issued_by(by):
        raise PermissionDenied("You may not issue credit notes of this account.")
    with atomic():
        settlement = Settlement(lock_rows_for([], invoices=[note.invoice]))
        note = CreditNote.objects.select_for_update(of=["self"], no_key=True).get(pk=note.pk)
        invoice = settlement.locked.invoices[note.invoice_id]
        if note.status == CreditNote.Status.DRAFT:
            _check_creditable(invoice)
            if note.total > invoice.demanded:
                raise Conflict("Less is left of the invoice by now: write another credit note.")
            _check_way(settlement, invoice, note.total)
            if note.requested_by_id == by.pk and invoice.to_balance_if_credited(note.total) > 0:
                raise PermissionDenied("Of this credit note money was paid: somebody else has to issue it.")
        _issue(note, settlement, by=by)
    return note


def _issue(note: CreditNote, settlement: Settlement, *, by: User) -> None:
    invoice = settlement.locked.invoices[note.invoice_id]
    account = settlement.locked.accounts[note.account_id]
    step = perform(note.issue, by=by, issued_on=today_in(account.time_zone, settlement.now))
    back = settlement.credit(invoice, note.total, step)
    settlement.write()
    perform_many([caused_by(step, note.apply, to_balance=back)])


def _check_creditable(invoice: Invoice) -> None:
    if invoice.status not in CREDITABLE:
        raise WrongState(
            f"Cannot credit this invoice: it is {invoice.status}.",
            object_status=str(invoice.status),
            available=available(invoice, None),
            unmet=[],
        )


def _check_way(settlement: Settlement, invoice: Invoice, amount: Decimal) -> None:
    """What leaves nothing to pay for a service that was not given is a void invoice, and no credit note."""
    if settlement.would_buy_nothing(invoice, amount):
        raise Conflict("What was paid of it would buy nothing: void the invoice, so that it goes to the balance.")
    if amount < invoice.demanded:
        return
    if invoice.allocated == 0 and invoice.status in Invoice.OPEN:
        raise Conflict("Nothing of it is paid, and nothing would be left: void the invoice instead.")
    if invoice.began_on is None:
        raise Conflict(
            "Its service has not begun, and nothing would be left to pay: void the invoice, or end the subscription."
        )
