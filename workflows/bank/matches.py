"""Deciding on a line: payments are approved, recorded or reversed by the verbs that staff use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.transaction import atomic

from core.models import Invoice, LinePayment, PayerIdentity, Payment, PaymentMethod, StatementLine, User
from core.money import check_amount, money_text
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from core.validation.text import search_key
from engine import perform
from workflows.actions import approve_payment, record_payment
from workflows.bank.clues import fold_account
from workflows.bank.refund_lines import unsettle_refunds
from workflows.bank.service_users import statement_user
from workflows.periods import database_now, today_in

REFERENCE_LENGTH = 140
LIVE = (Payment.Status.APPROVED, Payment.Status.SUCCEEDED)


@dataclass(frozen=True)
class Part:
    """What a part of a line pays: a payment that was claimed or decided, or an invoice that nobody claimed."""

    amount: Decimal
    payment: Payment | None = None
    invoice: Invoice | None = None


def match_line(
    line: StatementLine, parts: Sequence[Part], *, by: User, rule: str = "", reasons: Sequence[str] = ()
) -> StatementLine:
    """Approve what the line pays, and say so on both. All of it, or nothing.

    A claim is approved with what arrived; of an invoice a payment is recorded and approved; a payment that was approved
    before only gets its evidence. rule: of a match without a person, reasons: what spoke for it.
    Raises PermissionDenied; ValidationError for parts that are more than the line; WrongState or Conflict for a line or
    payment that was decided meanwhile; what approving raises.
    """
    _check(line, parts)
    with atomic():
        perform(line.match, by=by, rule=rule)  # first: of two at the same moment one is refused
        for part in parts:
            payment = part.payment or _record(line, part, by)
            is_decision = payment.status == Payment.Status.PENDING_APPROVAL
            if is_decision:
                approve_payment(payment, by=by, received=part.amount, value_date=_day_of(line))
            else:
                _check_evidence(payment, part, by)
            LinePayment.objects.create(
                line=line,
                payment=payment,
                amount=part.amount,
                is_decision=is_decision,
                decided_by=by,
                rule=rule,
                reasons=list(reasons),
            )
            if not rule:
                _remember_payer(line, payment, by)
    return line


def unmatch_line(line: StatementLine, *, by: User) -> StatementLine:
    """Take a match back. Raises Conflict where it approved a payment that stands: that is reversed instead."""
    with atomic():
        unsettle_refunds(line, by=by)
        perform(line.unmatch, by=by)
        parts = LinePayment.objects.live().filter(line=line).select_related("payment")
        for part in parts:
            if part.is_decision and part.payment.status in LIVE:
                raise Conflict("The payment that was approved by this match is settled: reverse it instead.")
            LinePayment.objects.create(
                line=line, payment=part.payment, amount=-part.amount, takes_back=part, decided_by=by
            )
    return line


def return_line(line: StatementLine, payment: Payment, *, by: User, rule: str = "") -> StatementLine:
    """Reverse the payment that this line took back, as a whole.

    Raises PermissionDenied, ValidationError for a line of money in or of less than the payment, WrongState.
    """
    if line.amount >= 0:
        raise ValidationError({"payment": ["This line brought money: it takes none back."]})
    received = payment.received or payment.amount
    if payment.currency != line.currency or -line.amount < received:
        back = f"{money_text(-line.amount, line.currency)} {line.currency}"
        raise ValidationError({"payment": [f"The bank took {back} back; a payment is reversed as a whole."]})
    why = f"Returned by the bank on {line.booked_on}: {line.return_reason or 'no reason given'}"
    with atomic():
        perform(line.mark_returned, by=by, rule=rule)
        perform(payment.reverse, by=by, reason_given=why)
        LinePayment.objects.create(
            line=line, payment=payment, amount=received, is_decision=True, decided_by=by, rule=rule
        )
    return line


def _check(line: StatementLine, parts: Sequence[Part]) -> None:
    if line.amount <= 0:
        raise ValidationError({"payments": ["This line took money out: it pays nothing."]})
    if not parts:
        raise ValidationError({"payments": ["Name what the line pays."]})
    for part in parts:
        check_amount(part.amount, line.currency, field="amount")
    if sum((part.amount for part in parts), Decimal(0)) > line.amount:
        whole = f"{money_text(line.amount, line.currency)} {line.currency}"
        raise ValidationError({"payments": [f"Together they are more than the {whole} of the line."]})
    for part in parts:
        currency = part.payment.currency if part.payment else part.invoice.currency if part.invoice else ""
        if currency != line.currency:
            raise ValidationError({"payments": [f"A line in {line.currency} pays nothing in {currency or 'none'}."]})


def _check_evidence(payment: Payment, part: Part, by: User) -> None:
    if not by.may_decide_on(payment.account_id, "core.approve_payment"):
        raise PermissionDenied("You may not decide on payments of this account.")
    if payment.status not in LIVE:
        raise WrongState(
            f"This payment is {payment.status}.", object_status=str(payment.status), available=[], unmet=[]
        )
    if payment.received != part.amount:
        received = money_text(payment.received or Decimal(0), payment.currency)
        raise ValidationError({"payments": [f"It was approved with {received}."]})
    Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)  # so that two lines are not its evidence
    if LinePayment.objects.live().filter(payment=payment).exists():
        raise Conflict("Another line of a statement stands for this payment.")


def _record(line: StatementLine, part: Part, by: User) -> Payment:
    """A payment that nobody claimed, submitted by the statement and decided by a person."""
    assert part.invoice is not None
    if not by.may_decide_on(part.invoice.account_id, "core.approve_payment"):
        raise PermissionDenied("You may not decide on payments of this account.")
    return record_payment(
        invoice=part.invoice,
        method=_method(line, part.invoice),
        amount=part.amount,
        currency=line.currency,
        reference=(line.bank_id or f"{line.booked_on} {line.pk}")[:REFERENCE_LENGTH],
        by=by,
        submitted_by=statement_user(),
        paid_on=_day_of(line),
        payer_name=" ".join(line.payer_name.split())[:REFERENCE_LENGTH],
    )


def _method(line: StatementLine, invoice: Invoice) -> PaymentMethod:
    """That of the invoice if its money arrives in this account, else the account's first."""
    methods = list(line.bank_account.payment_methods.order_by("position", "code"))
    own = next((method for method in methods if method.pk == invoice.payment_method_id), None)
    chosen = own or (methods[0] if methods else invoice.payment_method)
    if chosen is None:
        raise ValidationError({"payments": [f"Say which payment methods arrive at {line.bank_account} first."]})
    return chosen


def _day_of(line: StatementLine) -> date:
    """The value date; a bank may name one that is yet to come, the product knows no such days."""
    return min(line.value_on or line.booked_on, today_in("UTC", database_now()))


def _remember_payer(line: StatementLine, payment: Payment, by: User) -> None:
    known = [
        (PayerIdentity.Kind.ACCOUNT, fold_account(line.payer_account)),
        (PayerIdentity.Kind.NAME, search_key(line.payer_name)[:200]),
    ]
    PayerIdentity.objects.bulk_create(
        [
            PayerIdentity(account_id=payment.account_id, kind=kind, value=value, confirmed_by=by)
            for kind, value in known
            if value
        ],
        ignore_conflicts=True,
    )
