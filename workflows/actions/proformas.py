from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Account, Document, Invoice, PlanPrice, User
from core.problems import ValidationError
from workflows.documents.composing.proforma import proforma_data
from workflows.documents.rendering.data import DocumentData
from workflows.documents.requests import check_may_ask, lock_and_count, write_on_request
from workflows.lifecycle.billing_lines import quote

VALID_FOR = timedelta(days=30)


def make_proforma(account: Account, price: PlanPrice, *, by: User) -> Document:
    """What the first invoice of that price would say, for a customer whose purchases are approved first.

    Raises PermissionDenied, ValidationError, TooManyRequests; Conflict to people of a closed account.
    """
    check_may_ask(account, by)
    if not price.amount:
        raise ValidationError({"plan": [_("Choose a paid plan.")]})
    with atomic():
        account, today = lock_and_count(account, by)
        billed = quote(account, price, on=today)
        calculation = billed.calculation
        invoice = Invoice(
            account=account,
            currency=calculation.currency,
            net=calculation.net,
            tax=calculation.tax,
            total=calculation.total,
            tax_details=billed.details(),
        )
        lines = list(billed.lines(invoice))

        def compose(language: str, *_: Any) -> DocumentData:
            return proforma_data(invoice, lines, language, on=today, valid_until=today + VALID_FOR)

        return write_on_request(Document.Kind.PROFORMA, account, account.pk, today, compose, by, price.pk)
