"""Money that somebody says has moved: the customer claims it, or staff record it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Invoice, Membership, Payment, PaymentMethod, User
from core.models.payment import normal_reference
from core.problems import DuplicateClaim, PermissionDenied, WrongState
from workflows.books import lock_account
from workflows.engine import begin


def claim_payment(
    *,
    invoice: Invoice,
    method: PaymentMethod,
    amount: Decimal,
    currency: str,
    reference: str,
    by: User,
    notes: str = "",
    proof_url: str = "",
    paid_on: date | None = None,
    payer_name: str = "",
) -> Payment:
    """Keep the customer's word that an invoice has been paid, for staff to decide on.

    Raises PermissionDenied for anybody but owners and admins, WrongState when nothing of the invoice is
    open, DuplicateClaim when this account has claimed the same reference already.
    """
    if by.role_in(invoice.account_id) not in Membership.MAY_PAY:
        raise PermissionDenied(_("Only owners and admins of the account may confirm payments."))
    with atomic():
        lock_account(invoice.account)  # either what expires sees the claim, or the claim sees what has expired
        invoice = Invoice.objects.get(pk=invoice.pk)
        if invoice.status not in Invoice.OPEN:
            raise WrongState(
                f"Cannot claim a payment of this invoice: it is {invoice.status}.",
                object_status=str(invoice.status),
                available=[],
                unmet=[],
            )
        return _begin(
            invoice,
            method,
            by=by,
            amount=amount,
            currency=currency,
            reference=reference,
            notes=notes,
            proof_url=proof_url,
            paid_on=paid_on,
            payer_name=payer_name,
            retry_of=Payment.objects.filter(invoice=invoice, status=Payment.Status.FAILED).order_by("-id").first(),
        )


def record_payment(
    *,
    invoice: Invoice,
    method: PaymentMethod,
    amount: Decimal,
    currency: str,
    reference: str,
    by: User,
    notes: str = "",
    paid_on: date | None = None,
    payer_name: str = "",
) -> Payment:
    """Keep what staff saw arrive; somebody else of them approves it. Money comes also when an invoice is closed.

    Raises PermissionDenied, DuplicateClaim.
    """
    if not by.is_granted("core.review_payment"):
        raise PermissionDenied("You may not record payments.")
    return _begin(
        invoice,
        method,
        by=by,
        amount=amount,
        currency=currency,
        reference=reference,
        notes=notes,
        paid_on=paid_on,
        payer_name=payer_name,
    )


def _begin(invoice: Invoice, method: PaymentMethod, *, by: User, **fields: Any) -> Payment:
    payment = Payment(
        account_id=invoice.account_id,
        invoice=invoice,
        method=method,
        reference_key=normal_reference(fields["reference"]),
        submitted_by=by,
        **fields,
    )
    try:
        with atomic():
            begin(payment, by=by, amount=payment.amount, reference=payment.reference)
    except IntegrityError as error:
        if "payment_reference_once" in str(error):
            raise _claimed_already(payment) from error
        raise
    return payment


def _claimed_already(payment: Payment) -> DuplicateClaim:
    earlier = Payment.objects.filter(
        account_id=payment.account_id, method=payment.method, reference_key=payment.reference_key
    ).exclude(status__in=[Payment.Status.FAILED, Payment.Status.CANCELLED])
    return DuplicateClaim(
        _("A payment with this reference is being reviewed or has been accepted already."),
        payment_id=str(earlier.values_list("pk", flat=True)[0]),
    )
