"""Deciding on a line: payments are approved, recorded or reversed by the verbs that staff use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.transaction import atomic

from core.models import Account, Invoice, LinePayment, Payment, PaymentMethod, StatementLine, User
from core.money import check_amount, money_text
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from engine import perform
from workflows.actions import approve_payment, record_from_line, reverse_payment
from workflows.bank.payers import remember_payer
from workflows.bank.refund_lines import unsettle_refunds
from workflows.bank.service_users import statement_user
from workflows.periods import database_now, today_in

REFERENCE_LENGTH = 140
LIVE = (Payment.Status.APPROVED, Payment.Status.SUCCEEDED)


@dataclass(frozen=True)
class Part:
    """What a part of a line pays: a payment that was claimed or decided, an invoice that nobody claimed, or an account.

    An account's goes to its balance. So does what came instead of a claim in another currency, which is rejected.
    """

    amount: Decimal
    payment: Payment | None = None
    invoice: Invoice | None = None
    account: Account | None = None
    is_instead: bool = False

    @property
    def currency(self) -> str | None:
        """None: an account takes any."""
        paid = self.payment or self.invoice
        return paid.currency if paid else None

    @property
    def account_id(self) -> UUID:
        if self.account is not None:
            return self.account.pk
        paid = self.payment or self.invoice
        assert paid is not None
        return paid.account_id


def match_line(
    line: StatementLine, parts: Sequence[Part], *, by: User, rule: str = "", reasons: Sequence[str] = ()
) -> StatementLine:
    """Approve what the line pays, and say so on both. All of it, or nothing.

    A claim is approved with what arrived, or rejected for its currency. Of an invoice or an account a payment is
    recorded and approved. A payment that was approved before only gets its evidence. rule: of a match without a
    person, reasons: what spoke for it.
    Raises PermissionDenied; ValidationError for parts that are more than the line; WrongState or Conflict for a line or
    payment that was decided meanwhile; what approving raises.
    """
    _check(line, parts)
    with atomic():
        perform(line.match, by=by, rule=rule)  # first: of two at the same moment one is refused
        for number, part in enumerate(parts, 1):
            if part.is_instead:
                _reject_currency(part, by)  # first: the bank's id may be the claim's reference
            payment = part.payment if part.payment and not part.is_instead else _record(line, part, number, by)
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
                remember_payer(line, payment, by=by)
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


def return_line(
    line: StatementLine, payment: Payment, *, by: User, amount: Decimal | None = None, rule: str = ""
) -> StatementLine:
    """Reverse the payment that this line took back, or a part of it.

    amount: how much of the payment went back; none: all that is left of it. The line may hold the bank's fee beside.
    Raises PermissionDenied, ValidationError for a line of money in or of less than the amount, WrongState.
    """
    if line.amount >= 0:
        raise ValidationError({"payment": ["This line brought money: it takes none back."]})
    if payment.currency != line.currency:
        raise ValidationError({"payment": [f"A line in {line.currency} takes nothing in {payment.currency} back."]})
    why = f"Returned by the bank on {line.booked_on}: {line.return_reason or 'no reason given'}"
    with atomic():
        payment.refresh_from_db(from_queryset=Payment.objects.select_for_update(no_key=True))
        taken = payment.kept if amount is None else amount
        _check_taken(line, payment, taken, is_named=amount is not None)
        perform(line.mark_returned, by=by, rule=rule)
        reverse_payment(payment, by=by, amount=taken, reason_given=why)
        LinePayment.objects.create(line=line, payment=payment, amount=taken, is_decision=True, decided_by=by, rule=rule)
    return line


def _check_taken(line: StatementLine, payment: Payment, taken: Decimal, *, is_named: bool) -> None:
    check_amount(taken, line.currency, field="amount")
    back, left = (f"{money_text(amount, line.currency)} {line.currency}" for amount in (-line.amount, payment.kept))
    if taken > payment.kept:
        raise ValidationError({"amount": [f"Of the payment {left} are left."]})
    if taken > -line.amount:
        more = "" if is_named else f" of {left}: name the amount if it is a part"
        raise ValidationError({"amount" if is_named else "payment": [f"The bank took {back} back{more}."]})


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
        if part.is_instead:
            _check_instead(line, part)
        elif part.currency not in (None, line.currency):
            raise ValidationError({"payments": [f"A line in {line.currency} pays nothing in {part.currency}."]})


def _check_instead(line: StatementLine, part: Part) -> None:
    if part.payment is None:
        raise ValidationError({"payments": ["Only a claim is rejected for its currency."]})
    if part.payment.currency == line.currency:
        raise ValidationError({"payments": [f"The claim is in {line.currency}, as the line: match it."]})


def _reject_currency(part: Part, by: User) -> None:
    """The claimed invoice stays open; the customer is told of both. Raises WrongState if the claim is decided."""
    assert part.payment is not None
    perform(part.payment.reject, by=by, reason_code=Payment.Reason.WRONG_CURRENCY)


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


def _record(line: StatementLine, part: Part, number: int, by: User) -> Payment:
    """A payment that nobody claimed, submitted by the statement, decided by a person. number: of the part, from 1."""
    if not by.may_decide_on(part.account_id, "core.approve_payment"):
        raise PermissionDenied("You may not decide on payments of this account.")
    return record_from_line(
        line,
        account_id=part.account_id,
        invoice=part.invoice,
        method=_method(line, part.invoice),
        amount=part.amount,
        reference=_reference(line, number),
        paid_on=_day_of(line),
        by=by,
        submitted_by=statement_user(),
        retry_of=part.payment,
    )


def _reference(line: StatementLine, number: int) -> str:
    """Parts of one line differ, as an account has each reference once."""
    words = line.bank_id or f"{line.booked_on} {line.pk}"
    more = f" part {number}" if number > 1 else ""
    return words[: REFERENCE_LENGTH - len(more)] + more


def _method(line: StatementLine, invoice: Invoice | None) -> PaymentMethod:
    """That of the invoice if its money arrives in this account, else the account's first."""
    methods = list(line.bank_account.payment_methods.order_by("position", "code"))
    named = invoice.payment_method if invoice else None
    chosen = named if named in methods else (methods[0] if methods else named)
    if chosen is None:
        raise ValidationError({"payments": [f"Say which payment methods arrive at {line.bank_account} first."]})
    return chosen


def _day_of(line: StatementLine) -> date:
    """The value date; a bank may name one that is yet to come, the product knows no such days."""
    return min(line.value_on or line.booked_on, today_in("UTC", database_now()))
