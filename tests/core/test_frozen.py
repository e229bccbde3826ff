"""Issued invoices and decided payments cannot be changed unless they are thawed: S18 of the security review."""

from __future__ import annotations

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.urls import reverse

from core.db.thaw import erase_log_names, thaw
from core.models import Invoice, Payment, User
from engine import perform
from tests.factories import InvoiceFactory, PaymentFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

INVOICE = {
    "number": "number || 'X'",
    "payment_reference": "'K2M7X4R907'",
    "total": "total + 1",
    "currency": "'EUR'",
    "account_id": "gen_random_uuid()",
    "subscription_id": "NULL",
    "purpose": "'renewal'",
    "issued_on": "issued_on - 1",
    "period_start": "now()::date",
    "period_end": "now()::date",
    "plan_id": "NULL",
    "plan_price": "1",
    "plan_credits": "1",
    "plan_interval": "'year'",
    "metadata": "'{}'",
}
CLAIM = {
    "account_id": "gen_random_uuid()",
    "invoice_id": "gen_random_uuid()",
    "currency": "'EUR'",
    "submitted_by_id": "gen_random_uuid()",
}
DECIDED = CLAIM | {
    "amount": "amount + 1",
    "reference": "'ANOTHER'",
    "decided_by_id": "gen_random_uuid()",
    "received": "received + 1",
}


def change(table, column, value):
    with atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = {value}")


@pytest.fixture
def claim():
    return PaymentFactory()


@pytest.fixture
def decided(claim):
    perform(claim.approve, by=StaffFactory())
    return claim


@pytest.mark.guards("S18", "invoice_frozen")
@pytest.mark.parametrize("column", INVOICE)
def test_issued_invoice_is_frozen(column):
    """S18"""
    InvoiceFactory()

    with pytest.raises(IntegrityError, match=f"{column} is frozen"):
        change("core_invoice", column, INVOICE[column])


@pytest.mark.guards("S18", "payment_claim_frozen")
@pytest.mark.parametrize("column", CLAIM)
def test_columns_of_an_undecided_claim_are_frozen(claim, column):
    """S18: or `submitted_by` is changed first, and then nobody decides on their own."""
    with pytest.raises(IntegrityError, match=f"{column} is frozen"):
        change("core_payment", column, CLAIM[column])


@pytest.mark.guards("S18", "payment_decision_frozen")
@pytest.mark.parametrize("column", DECIDED)
def test_decided_payment_is_frozen(decided, column):
    """S18"""
    with pytest.raises(IntegrityError, match=f"{column} is frozen"):
        change("core_payment", column, DECIDED[column])


def test_text_of_a_person_can_be_erased(decided):
    Payment.objects.update(notes="", proof_url="", payer_name="")
    Invoice.objects.update(due_on="2027-01-01")
    Invoice.objects.filter(status="draft").update(total=1)


def test_thawed_it_can_be_changed_until_the_block_ends_and_the_log_says_so(caplog):
    InvoiceFactory()
    caplog.set_level(logging.WARNING, logger="countersign.security")

    with thaw("core_invoice", reason="a test"):
        change("core_invoice", "total", "total + 1")

    [line] = caplog.records
    assert line.facts == {"event": "thaw", "table": "core_invoice", "reason": "a test"}
    with pytest.raises(IntegrityError):
        change("core_invoice", "total", "total + 1")


def test_thaw_of_one_table_leaves_others_frozen(decided):
    with pytest.raises(IntegrityError), thaw("core_invoice", reason="a test"):
        change("core_payment", "amount", "amount + 1")


def test_thawed_rows_of_the_history_can_be_changed_and_not_deleted():
    InvoiceFactory()

    with thaw("engine_transition", reason="a test"):
        change("engine_transition", "reason", "'x'")
        with pytest.raises(IntegrityError, match="append-only"), atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM engine_transition")


@pytest.fixture
def line():
    staff, about = StaffFactory(), ContentType.objects.get_for_model(User)
    return LogEntry.objects.create(
        user=staff, content_type=about, object_id="1", object_repr="Ann", action_flag=2, change_message="Changed"
    )


@pytest.mark.guards("S18", "admin_log_append_only")
@pytest.mark.parametrize(
    "sql", ["DELETE FROM django_admin_log", "UPDATE django_admin_log SET object_repr = ''", "TRUNCATE django_admin_log"]
)
def test_admin_log_only_grows(line, sql):
    """S18"""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError, match="append-only"), atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_erasure_blanks_the_rows_that_it_names(line, caplog):
    other = LogEntry.objects.create(user=line.user, object_repr="Bob", action_flag=2, change_message="Changed")

    assert erase_log_names([line.pk]) == 1
    assert erase_log_names([]) == 0

    rows = {row.pk: (row.object_repr, row.change_message, row.user_id) for row in LogEntry.objects.all()}
    assert rows == {line.pk: ("Erased", "Changed", line.user_id), other.pk: ("Bob", "Changed", line.user_id)}
    assert [record.facts["event"] for record in caplog.records if record.name == "countersign.security"] == [
        "erase_log"
    ]
    with pytest.raises(IntegrityError), atomic():
        LogEntry.objects.update(object_repr="x")


def test_user_named_in_the_log_cannot_be_deleted(client):
    """Also somebody whose rights were taken before there were rows of them."""
    former = UserFactory()
    LogEntry.objects.create(user=former, object_repr="Ann", action_flag=2, change_message="Changed")
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    answer = client.post(reverse("admin:core_user_delete", args=[former.pk]), {"post": "yes"})

    assert "named in the admin&#x27;s log" in answer.content.decode()
    assert User.objects.filter(pk=former.pk).exists()
