"""Every way around the engine is tried, and refused by the database."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import Account, CreditEntry, Invoice, Payment, Subscription
from engine import perform
from engine.models import Transition
from engine.stateful import Stateful, edges_of, initial_states
from tests.factories import AccountFactory, InvoiceFactory, PaymentFactory, StaffFactory, SubscriptionFactory
from tests.toy.models import Door
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db


def refused(do, *, because):
    with pytest.raises(IntegrityError, match=because), atomic():
        do()


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.parametrize("factory", [AccountFactory, SubscriptionFactory, InvoiceFactory, PaymentFactory])
def test_no_status_changes_without_its_transition(factory):
    row = factory()
    model, table = type(row), row._meta.db_table
    target = model.Status.values[-1]
    no_transition = f"no Transition leads from '{row.status}' to '{target}'|violates check constraint"

    refused(lambda: model.objects.filter(pk=row.pk).update(status=target), because=no_transition)
    refused(lambda: sql(f"UPDATE {table} SET status = %s WHERE id = %s", target, row.pk), because=no_transition)
    row.__dict__["status"] = target
    refused(lambda: model.objects.bulk_update([row], ["status"]), because=no_transition)
    refused(lambda: super(Stateful, row).save(), because=no_transition)


def test_a_version_alone_is_not_changed_either():
    account = AccountFactory()

    refused(lambda: Account.objects.update(version=7), because="no Transition")
    assert Account.objects.get() == account


def test_row_cannot_be_created_without_a_transition():
    born = AccountFactory.build()

    refused(lambda: Account.objects.bulk_create([born]), because="no Transition leads from '' to 'pending_payment'")


def test_a_forged_transition_does_not_open_an_undeclared_edge():
    payment = PaymentFactory()

    def forge():
        Transition.objects.create(
            machine="payment",
            object_id=payment.pk,
            seq=2,
            name="approve",
            source="pending_approval",
            target="cancelled",
        )
        Payment.objects.filter(pk=payment.pk).update(status="cancelled", version=2)

    refused(forge, because="approve:pending_approval>cancelled is not declared")


def test_a_transition_row_is_used_once():
    payment = PaymentFactory()
    perform(payment.reject, by=StaffFactory(), reason_code="other")

    refused(
        lambda: Payment.objects.filter(pk=payment.pk).update(status="pending_approval", version=1),
        because="no Transition leads from 'failed' to 'pending_approval'",
    )


@pytest.mark.guards("history", "transition_append_only")
@pytest.mark.parametrize("model", [Transition, CreditEntry])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET id = id WHERE false"]
)
def test_history_and_ledgers_only_grow(model, statement):
    account = AccountFactory(status="trial")
    post([grant(account, 5, key="x", description="", cause_id=None)])
    sql("SET CONSTRAINTS ALL IMMEDIATE")  # or PostgreSQL refuses TRUNCATE before the trigger can

    refused(lambda: sql(statement.format(model._meta.db_table)), because="is append-only")


@pytest.mark.parametrize("model", [Account, Subscription, Invoice, Payment, Door])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "DELETE FROM {} WHERE false", "TRUNCATE {} CASCADE"])
def test_row_with_a_history_cannot_be_deleted(model, statement):
    sql("SET CONSTRAINTS ALL IMMEDIATE")

    refused(
        lambda: sql(statement.format(model._meta.db_table)), because="has a history|is append-only"
    )  # CASCADE reaches the ledgers too


def test_the_guard_knows_exactly_the_declared_edges():
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger
               WHERE NOT tgisinternal AND tgname LIKE '%_status_guard%' AND tgenabled = 'O'"""
        )
        installed = {}
        for table, definition in cursor.fetchall():
            words = re.findall(r"'([^']*)'", definition.partition("countersign_guard_status(")[2])
            installed.setdefault(table, []).append(sorted(words))

    declared = {
        model._meta.db_table: [
            sorted(
                [model._meta.model_name]
                + [f"{name}:{source}>{target}" for name, source, target in edges_of(model)]
                + [f"begin:>{state}" for state in initial_states(model)]
            )
        ]
        * 2  # one trigger for births, one for changes
        for model in apps.get_models()
        if issubclass(model, Stateful)
    }
    assert installed == declared
    assert {Account, Subscription, Invoice, Payment} <= set(apps.get_models())
