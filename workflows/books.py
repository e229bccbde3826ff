"""The rows that a settlement touches, locked in the one order of the house: account, subscription, invoice, payment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.db.models import Model

from core.models import Account, Invoice, Payment, Subscription

M = TypeVar("M", bound=Model)


@dataclass
class Books:
    """Locked rows by key; whoever is looked up twice is the same object."""

    accounts: dict[UUID, Account]
    subscriptions: dict[UUID, Subscription]
    invoices: dict[UUID, Invoice]
    payments: dict[UUID, Payment]


def open_books(payments: Iterable[Payment]) -> Books:
    """Lock everything that these payments may move, parents first and keys ascending, so that nobody deadlocks."""
    payment_ids = {payment.pk for payment in payments}
    invoice_ids = {payment.invoice_id for payment in payments}
    accounts = _lock(Account, {payment.account_id for payment in payments})
    subscription_ids = Invoice.objects.filter(pk__in=invoice_ids, subscription__isnull=False)
    subscriptions = _lock(Subscription, set(subscription_ids.values_list("subscription_id", flat=True)))
    invoices = _lock(Invoice, invoice_ids)
    return Books(accounts, subscriptions, invoices, _lock(Payment, payment_ids))


def _lock(model: type[M], keys: set[UUID]) -> dict[UUID, M]:
    rows = model._base_manager.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}
