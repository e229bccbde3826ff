from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils import timezone
from django.utils.translation import gettext as _

from core.models import Invoice, InvoiceLink, Membership, Payment, PaymentMethod, Policy, StatementLine, User
from core.models.payment import normal_reference
from core.models.payment_method import CLAIM_FIELDS
from core.money import check_amount, money_text
from core.problems import DuplicateClaim, NotFound, PermissionDenied, ValidationError, WrongState, check_all
from core.security import rate_limits
from core.validation.payment_days import check_day, day_error
from engine import create
from engine.pipeline import ask, pipeline
from engine.raw_queries import CompiledQuery
from workflows.service_users import hosted_page_user
from workflows.settlement.locking import ACCOUNTS

INVOICES = CompiledQuery(Invoice.objects.all())
UNDECIDED_PER_INVOICE, UNDECIDED_PER_ACCOUNT = 3, 10
FAR_MORE = 10  # times what is open
PAYER_LENGTH = 140
LARGEST_PLACE = 2**15 - 1  # fits its smallint column
# Undecided claims of the account, and approved but unsettled ones of the invoice.
IN_REVIEW = """
    SELECT id, invoice_id, status = 'pending_approval', reference_key FROM core_payment
    WHERE account_id = %s::uuid
        AND (status = 'pending_approval' OR (status = 'approved' AND invoice_id = %s::uuid))
    ORDER BY id"""
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
    """Raises WrongState if nothing of the invoice is open, TooManyRequests, and DuplicateClaim.

    A duplicate: the account has claimed the reference already, or has too many undecided claims.
    """
    if by.role_in(invoice.account_id) not in Membership.MAY_PAY:
        raise PermissionDenied(_("Only owners and admins of the account may confirm payments."))
    return _claim(
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
    )


def claim_by_link(
    link: InvoiceLink,
    *,
    method: PaymentMethod,
    amount: Decimal,
    reference: str,
    notes: str = "",
    proof_url: str = "",
    paid_on: date | None = None,
    payer_name: str = "",
) -> Payment:
    """By who has the link: submitted by a service user, and what else `claim_payment` demands and raises.

    Raises NotFound once the link has ended.
    """
    return _claim(
        link.invoice,
        method,
        by=hosted_page_user(),
        link=link,
        amount=amount,
        currency=link.invoice.currency,
        reference=reference,
        notes=notes,
        proof_url=proof_url,
        paid_on=paid_on,
        payer_name=payer_name,
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
    """Money that staff saw arrive, also for closed invoices; a colleague approves it. Raises DuplicateClaim."""
    return _record(
        invoice.account_id,
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


def record_from_line(
    line: StatementLine,
    *,
    account_id: UUID,
    invoice: Invoice | None,
    method: PaymentMethod,
    amount: Decimal,
    reference: str,
    paid_on: date,
    by: User,
    submitted_by: User,
    retry_of: Payment | None = None,
) -> Payment:
    """What a bank line brought; without an invoice all of it is for the account's balance. Raises DuplicateClaim.

    submitted_by: the statement, so that who matches the line may approve. retry_of: a claim that this replaces.
    """
    return _record(
        account_id,
        invoice,
        method,
        by=by,
        submitted_by=submitted_by,
        amount=amount,
        currency=line.currency,
        reference=reference,
        paid_on=paid_on,
        payer_name=" ".join(line.payer_name.split())[:PAYER_LENGTH],
        bank_line=line,
        retry_of=retry_of,
    )


def check_told(method: PaymentMethod, *, paid_on: date | None, **told: Any) -> None:
    """Raises ValidationError by the names of CLAIM_FIELDS."""
    wrong = {"paid_on": [error]} if (error := day_error(paid_on, timezone.now())) else {}
    told["paid_on"] = paid_on
    missing = {name: [_("%(method)s needs this.") % {"method": method}] for name in method.requires if not told[name]}
    if missing or wrong:
        raise ValidationError(missing | wrong)


def reference_is_taken() -> str:
    return _("A payment with this reference is being reviewed or has been accepted already.")


class _InReview:
    """Claims of an account in review, read under its lock."""

    def __init__(self, rows: Sequence[tuple[UUID, UUID | None, bool, str]], invoice: Invoice | None) -> None:
        own = [row for row in rows if invoice is not None and row[1] == invoice.pk]
        self._undecided = [row for row in rows if row[2]]
        self._of_invoice = [row for row in own if row[2]]
        self.has_same_invoice = bool(own)

    def place(self) -> int:
        """How many claims of the account come before the next one in the review queue."""
        return min(len(self._undecided), LARGEST_PLACE)

    def check_room_for(self, reference: str) -> None:
        """Raises DuplicateClaim with the claim of the same reference, else the oldest."""
        if len(self._of_invoice) >= UNDECIDED_PER_INVOICE:
            count, words = (
                UNDECIDED_PER_INVOICE,
                _("%(count)d payments of this invoice are being checked already. Wait until we have decided on one."),
            )
            oldest = self._of_invoice[0]
        elif len(self._undecided) >= UNDECIDED_PER_ACCOUNT:
            count, words = (
                UNDECIDED_PER_ACCOUNT,
                _("%(count)d of your payments are being checked already. Wait until we have decided on one."),
            )
            oldest = self._undecided[0]
        else:
            return
        key = normal_reference(reference)
        same = next((row for row in self._undecided if key and row[3] == key), None)
        if same is not None:
            raise DuplicateClaim(reference_is_taken(), payment_id=str(same[0]))
        raise DuplicateClaim(words % {"count": count}, payment_id=str(oldest[0]))


def _claim(
    invoice: Invoice, method: PaymentMethod, *, by: User, link: InvoiceLink | None = None, **told: Any
) -> Payment:
    amount, currency, reference = told["amount"], told["currency"], told["reference"]
    check_all(
        partial(check_amount, amount, currency, field="amount"),
        partial(check_told, method, **{name: told[name] for name in CLAIM_FIELDS}),
    )
    with _claimed_once(invoice.account_id, reference):
        # Either the timer that expires the invoice sees the claim, or the claim sees the expiry: both read under locks.
        with pipeline():
            ACCOUNTS.ask([invoice.account_id])
            locked, refused = INVOICES.ask([invoice.pk]), ask(LAST_REFUSED, [invoice.pk])
            reviewed = ask(IN_REVIEW, [invoice.account_id, invoice.pk])
        [invoice], last_refused = locked.objects, refused.fetchone()
        others = _InReview(reviewed.fetchall(), invoice)
        if link is not None and not InvoiceLink.objects.open().select_for_update(no_key=True).filter(pk=link.pk):
            raise NotFound(_("This link is not valid any more."))
        if invoice.status not in Invoice.OPEN:
            raise WrongState(
                f"Cannot claim a payment of this invoice: it is {invoice.status}.",
                object_status=str(invoice.status),
                available=[],
                unmet=[],
            )
        _check_size(amount, currency, invoice)
        others.check_room_for(reference)
        rate_limits.enforce_account_limit("claim", invoice.account_id)  # each may be withdrawn and made again
        return _begin(
            invoice.account_id,
            invoice,
            method,
            by=by,
            claimed_by_link=link,
            retry_of_id=last_refused and last_refused[0],
            beside=others,
            **told,
        )


def _check_size(amount: Decimal, currency: str, invoice: Invoice) -> None:
    # Far too much is a slip, or bait for a hasty approval. Other currencies are not compared.
    if currency != invoice.currency or amount <= FAR_MORE * invoice.outstanding:
        return
    if amount > Policy.current().claim_ceiling(currency):
        words = _("This is far more than the %(open)s %(currency)s that are open. If you did send it, write to us.")
        open_ = money_text(invoice.outstanding, currency)
        raise ValidationError({"amount": [words % {"open": open_, "currency": currency}]})


def _record(
    account_id: UUID,
    invoice: Invoice | None,
    method: PaymentMethod,
    *,
    by: User,
    submitted_by: User | None = None,
    **fields: Any,
) -> Payment:
    if not by.may_decide_on(account_id, "core.review_payment"):
        raise PermissionDenied("You may not record payments of this account.")
    check_all(
        partial(check_amount, fields["amount"], fields["currency"], field="amount"),
        partial(check_day, fields["paid_on"], field="paid_on"),
    )
    with _claimed_once(account_id, fields["reference"]):
        with pipeline():
            ACCOUNTS.ask([account_id])  # so that of two concurrent claims the second sees the first
            reviewed = ask(IN_REVIEW, [account_id, invoice and invoice.pk])
        beside = _InReview(reviewed.fetchall(), invoice)
        return _begin(account_id, invoice, method, by=submitted_by or by, beside=beside, **fields)


def _begin(
    account_id: UUID, invoice: Invoice | None, method: PaymentMethod, *, by: User, beside: _InReview, **fields: Any
) -> Payment:
    payment = Payment(
        account_id=account_id,
        invoice=invoice,
        method=method,
        reference_key=normal_reference(fields["reference"]),
        reference_counts=method.tells_transfers_apart,
        is_further=beside.has_same_invoice,
        waiting_before=beside.place(),
        submitted_by=by,
        **fields,
    )
    payment.check_texts()
    by_link: dict[str, Any] = {"link": str(payment.claimed_by_link_id)} if payment.is_by_link else {}
    create(payment, by=by, amount=payment.amount, reference=payment.reference, **by_link)
    return payment


@contextmanager
def _claimed_once(account_id: UUID, reference: str) -> Iterator[None]:
    """A transaction. Raises DuplicateClaim, after its rollback, if the reference is taken."""
    try:
        with atomic():
            yield
    except IntegrityError as error:
        if "payment_reference_of_one_transfer" in str(error):
            raise _claimed_already(account_id, reference) from error
        raise


def _claimed_already(account_id: UUID, reference: str) -> DuplicateClaim:
    earlier = Payment.objects.filter(
        account_id=account_id,
        reference_key=normal_reference(reference),
        reference_counts=True,
        status__in=[Payment.Status.PENDING_APPROVAL, Payment.Status.APPROVED, Payment.Status.SUCCEEDED],
    )
    first = earlier.order_by("pk").values_list("pk", flat=True).first()
    # None: it was withdrawn just now.
    return DuplicateClaim(reference_is_taken(), **({"payment_id": str(first)} if first else {}))
