"""Money that somebody says has moved: the customer claims it, or staff record it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Invoice, Membership, Payment, PaymentMethod, User
from core.models.payment import normal_reference
from core.payment_days import check_day
from core.problems import DuplicateClaim, PermissionDenied, WrongState
from core.reader import Reader
from core.statements import ask, pipelined
from workflows.books import ACCOUNTS
from workflows.engine import begin

INVOICES = Reader(Invoice.objects.all())
# A claim after a refusal tries again what was refused last.
LAST_REFUSED = "SELECT id FROM core_payment WHERE invoice_id = %s::uuid AND status = 'failed' ORDER BY id DESC LIMIT 1"


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

    Raises PermissionDenied for anybody but owners and admins, ValidationError for a day that cannot be,
    WrongState when nothing of the invoice is open, DuplicateClaim when this account has claimed the same
    reference already.
    """
    if by.role_in(invoice.account_id) not in Membership.MAY_PAY:
        raise PermissionDenied(_("Only owners and admins of the account may confirm payments."))
    check_day(paid_on, field="paid_on")
    with _claimed_once(invoice.account_id, method, reference):
        # Either what expires sees the claim, or the claim sees what has expired: each is read after the one before it.
        with pipelined():
            ACCOUNTS.ask([invoice.account_id])
            locked, refused = INVOICES.ask([invoice.pk]), ask(LAST_REFUSED, [invoice.pk])
        [invoice], last_refused = locked.objects, refused.fetchone()
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
            retry_of_id=last_refused and last_refused[0],
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

    Raises PermissionDenied, ValidationError for a day that cannot be, DuplicateClaim.
    """
    if not by.is_granted("core.review_payment"):
        raise PermissionDenied("You may not record payments.")
    check_day(paid_on, field="paid_on")
    with _claimed_once(invoice.account_id, method, reference):
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
    payment.check_lengths()
    begin(payment, by=by, amount=payment.amount, reference=payment.reference)
    return payment


@contextmanager
def _claimed_once(account_id: UUID, method: PaymentMethod, reference: str) -> Iterator[None]:
    """A transaction in which a claim is begun. Raises DuplicateClaim when this reference is taken, after it."""
    try:
        with atomic():
            yield
    except IntegrityError as error:
        if "payment_reference_once" in str(error):
            raise _claimed_already(account_id, method, reference) from error
        raise


def _claimed_already(account_id: UUID, method: PaymentMethod, reference: str) -> DuplicateClaim:
    earlier = Payment.objects.filter(
        account_id=account_id, method=method, reference_key=normal_reference(reference)
    ).exclude(status__in=[Payment.Status.FAILED, Payment.Status.CANCELLED])
    return DuplicateClaim(
        _("A payment with this reference is being reviewed or has been accepted already."),
        payment_id=str(earlier.values_list("pk", flat=True)[0]),
    )
