"""The rows that money moves, locked in the one order of the house: account, subscription, invoice, payment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from core.models import Account, Invoice, Payment, Subscription

LIVING = (Subscription.Status.ACTIVE, Subscription.Status.PAST_DUE, Subscription.Status.SUSPENDED)

M = TypeVar("M", bound=Model)


@dataclass
class Books:
    """Locked rows by key; whoever is looked up twice is the same object."""

    accounts: dict[UUID, Account]
    subscriptions: dict[UUID, Subscription]
    invoices: dict[UUID, Invoice]
    payments: dict[UUID, Payment]

    @cached_property
    def of_account(self) -> dict[UUID, list[Subscription]]:
        """The subscriptions by account."""
        found: dict[UUID, list[Subscription]] = defaultdict(list)
        for subscription in self.subscriptions.values():
            found[subscription.account_id].append(subscription)
        return found


def open_books(payments: Iterable[Payment], *, invoices: Iterable[Invoice] = ()) -> Books:
    """Lock everything that these may move, parents first and keys ascending, so that nobody deadlocks."""
    payments, invoices = list(payments), list(invoices)
    payment_ids = {payment.pk for payment in payments}
    invoice_ids = {payment.invoice_id for payment in payments} | {invoice.pk for invoice in invoices}
    invoice_ids |= {UUID(line["invoice"]) for payment in payments for line in payment.allocation_plan}
    account_ids = {payment.account_id for payment in payments} | {invoice.account_id for invoice in invoices}
    accounts = _lock(Account, account_ids)
    # Those that the invoices are for, and those that live: a new one takes the place of an old one.
    # A union, because with an OR over both tables PostgreSQL would read all of both.
    paid_for = Subscription.objects.filter(invoices__in=invoice_ids).values_list("pk")
    living = Subscription.objects.filter(account__in=account_ids, status__in=LIVING).values_list("pk")
    subscriptions = _lock(Subscription, paid_for.union(living))
    return Books(accounts, subscriptions, _lock(Invoice, invoice_ids), _lock(Payment, payment_ids))


def lock_subscription(subscription: Subscription) -> tuple[Account, Subscription]:
    """One subscription and its account, as they are now."""
    (account,) = _lock(Account, {subscription.account_id}).values()
    (row,) = _lock(Subscription, {subscription.pk}).values()
    return account, row


def lock_account(account: Account) -> Account:
    (row,) = _lock(Account, {account.pk}).values()
    return row


def _lock(model: type[M], keys: set[UUID] | QuerySet[Subscription, Any]) -> dict[UUID, M]:
    rows = model._base_manager.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}
