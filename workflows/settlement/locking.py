"""Locks what a settlement changes, always in the order account, subscription, invoice, payment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from core.models import Account, Invoice, Payment, PaymentMethod, Plan, Subscription
from core.models.subscription import ACTIVE_STATUSES
from engine.models import Effect
from engine.pipeline import ask, pipeline
from engine.raw_queries import CompiledQuery

ACCOUNTS = CompiledQuery(Account._base_manager.all(), lock=True)
SUBSCRIPTIONS = CompiledQuery(Subscription._base_manager.all(), lock=True)
# Invoices by key, of the payments, and of their allocation plans; read before anything is locked.
# An ARRAY, so that the planner expects few rows.
_INVOICE_IDS = """%s::uuid[] || ARRAY(
           SELECT invoice_id FROM core_payment WHERE id = ANY(%s::uuid[])
           UNION SELECT (part ->> 'invoice')::uuid FROM core_payment, jsonb_array_elements(allocation_plan) AS part
           WHERE core_payment.id = ANY(%s::uuid[]))"""
# The invoices' subscriptions, and the accounts' active ones, which a new subscription replaces.
# With an OR instead of a UNION, PostgreSQL would read all of both tables.
SUBSCRIPTIONS_CONCERNED = CompiledQuery(
    Subscription._base_manager.all(),
    f"""core_subscription.id IN (
           SELECT subscription_id FROM core_invoice WHERE id = ANY({_INVOICE_IDS})
           UNION SELECT id FROM core_subscription WHERE account_id = ANY(%s::uuid[]) AND status = ANY(%s::text[]))""",  # noqa: S608 - constants only
    lock=True,
)
INVOICES = CompiledQuery(Invoice._base_manager.all(), f"core_invoice.id = ANY({_INVOICE_IDS})", lock=True)
PAYMENTS = CompiledQuery(Payment._base_manager.all(), lock=True)
PLANS = CompiledQuery(Plan.objects.all(), "TRUE")
METHODS = CompiledQuery(PaymentMethod.objects.only("tolerance_percent", "tolerance_max"), "TRUE")


@dataclass
class LockedRows:
    """One object for each row. Plans and methods are not locked."""

    accounts: dict[UUID, Account]
    subscriptions: dict[UUID, Subscription]
    invoices: dict[UUID, Invoice]
    payments: dict[UUID, Payment]
    plans: dict[UUID, Plan]
    methods: dict[UUID, PaymentMethod]
    now: datetime  # by the database's clock

    @cached_property
    def of_account(self) -> dict[UUID, list[Subscription]]:
        found: dict[UUID, list[Subscription]] = defaultdict(list)
        for subscription in self.subscriptions.values():
            found[subscription.account_id].append(subscription)
        return found


def lock_rows_for(payments: Iterable[Effect], *, invoices: Iterable[Invoice] = ()) -> LockedRows:
    """Parents first and keys ascending: no deadlocks.

    payments: their effects, which name the account, so that each payment is read once, last, and locked.
    """
    payments, invoices = list(payments), list(invoices)
    payment_ids = [effect.object_id for effect in payments]
    invoice_ids = [[invoice.pk for invoice in invoices], payment_ids, payment_ids]
    account_ids = list({effect.account_id for effect in payments} | {invoice.account_id for invoice in invoices})
    with pipeline():
        accounts = ACCOUNTS.ask(account_ids)
        subscriptions = SUBSCRIPTIONS_CONCERNED.ask(*invoice_ids, account_ids, [str(each) for each in ACTIVE_STATUSES])
        documents = INVOICES.ask(*invoice_ids)
        money = PAYMENTS.ask(payment_ids)
        plans, methods, now = PLANS.ask(), METHODS.ask(), ask("SELECT now()")
    return LockedRows(
        accounts.by_key(),
        subscriptions.by_key(),
        documents.by_key(),
        money.by_key(),
        plans.by_key(),
        methods.by_key(),
        now.fetchone()[0],
    )


def lock_subscription(subscription: Subscription) -> tuple[Account, Subscription]:
    """Read again and locked, in this order."""
    with pipeline():
        account, row = ACCOUNTS.ask([subscription.account_id]), SUBSCRIPTIONS.ask([subscription.pk])
    return account.objects[0], row.objects[0]


def lock_account(account: Account) -> Account:
    return ACCOUNTS.ask([account.pk]).objects[0]
