"""Papers that somebody asks for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Account, Document, Invoice, Membership, User
from core.models.document import document_key
from core.money import is_currency
from core.problems import Conflict, PermissionDenied, ValidationError
from core.security import rate_limits
from engine.ids import uuid7
from workflows.documents.composing.reminder import reminder_data
from workflows.documents.composing.statement import statement_data
from workflows.documents.rendering.data import DocumentData
from workflows.documents.writing import Composer, Draft, write_documents
from workflows.periods import database_now, today_in
from workflows.settlement.locking import lock_account

LONGEST_STATEMENT = timedelta(days=366)
WRITE_TO_CUSTOMERS = "core.review_payment"
Kind = Document.Kind


def make_statement(account: Account, currency: str, start: date, end: date, *, by: User) -> Document:
    """What was billed, paid and given back from `start` to `end`, both within.

    Raises PermissionDenied, ValidationError, TooManyRequests; Conflict to people of a closed account.
    """
    check_may_ask(account, by)
    if not is_currency(currency):
        raise ValidationError({"currency": [_("There is no such currency.")]})
    with atomic():
        account, today = lock_and_count(account, by)  # locked: no payment is settled between what is read
        _check_span(start, end, today)

        def compose(language: str, *_: Any) -> DocumentData:
            return statement_data(account, language, currency=currency, start=start, end=end, on=today)

        return write_on_request(Kind.STATEMENT, account, account.pk, today, compose, by, currency, start, end)


def make_reminder(invoice: Invoice, *, by: User) -> Document:
    """A letter of the staff about what is open. Raises PermissionDenied, Conflict if nothing is."""
    if not by.may_decide_on(invoice.account_id, WRITE_TO_CUSTOMERS):
        raise PermissionDenied("You may not write to this account.")
    with atomic():
        account = lock_account(invoice.account)
        invoice = Invoice.objects.select_related("payment_method", "plan").get(pk=invoice.pk)
        invoice.account = account
        if invoice.status not in Invoice.OPEN:
            raise Conflict("Nothing is asked for by this invoice any more.")
        today = today_in(account.time_zone, database_now())

        def compose(language: str, *_: Any) -> DocumentData:
            return reminder_data(invoice, language, on=today)

        return write_on_request(Kind.REMINDER, account, invoice.pk, today, compose, by)


def check_may_ask(account: Account, by: User) -> None:
    if by.role_in(account.pk) not in Membership.MAY_PAY and not by.may_decide_on(account.pk, WRITE_TO_CUSTOMERS):
        raise PermissionDenied(_("Only owners and admins of the account may ask for documents."))


def lock_and_count(account: Account, by: User) -> tuple[Account, date]:
    """Locked, and the account's day. The limit is for customers, and so is what a closed account refuses."""
    account = lock_account(account)
    if by.role_in(account.pk) is not None:
        if account.status == Account.Status.CLOSED:
            raise Conflict(_("The account is closed."))
        rate_limits.enforce_account_limit("document", account.pk)
    return account, today_in(account.time_zone, database_now())


def write_on_request(
    kind: Document.Kind, account: Account, subject: UUID, on: date, compose: Composer, by: User, *of: Any
) -> Document:
    """of: what its key says beside its subject."""
    key = document_key(kind, subject, *of, uuid7().hex)
    [document] = write_documents([Draft(kind, key, account, subject, on, compose)], [None], by=by)
    return document


def _check_span(start: date, end: date, today: date) -> None:
    if end < start:
        raise ValidationError({"end": [_("The last day is before the first.")]})
    if end > today:
        raise ValidationError({"end": [_("The last day is not over yet: choose today or a day before.")]})
    if end - start >= LONGEST_STATEMENT:
        raise ValidationError({"start": [_("A statement covers a year at most.")]})
