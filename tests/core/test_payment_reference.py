"""Each invoice has one payment reference, from its first moment, whatever wrote the row."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import IntegrityError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.transaction import atomic

from core.models import Invoice
from core.models.invoice import names_invoice
from core.payees.references import as_creditor_reference, check_reference, on_paper
from engine import create_many
from tests.factories import AccountFactory, InvoiceFactory, SubscriptionFactory
from workflows.lifecycle import invoicing
from workflows.lifecycle.invoicing import issue_invoice

MIGRATION = "0004_payment_references"


def sql(text, *values):
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def set_reference(invoice, text):
    with atomic():
        sql("UPDATE core_invoice SET payment_reference = %s WHERE id = %s", text, invoice.pk)


def draft(**change):
    subscription = SubscriptionFactory()
    return Invoice(account=subscription.account, subscription=subscription, currency="USD", total=89, **change)


@pytest.mark.django_db
def test_invoices_have_references_that_differ():
    rows = [draft(), draft(), draft()]
    create_many(rows, total=rows[0].total, currency="USD")

    stored = Invoice.objects.values_list("payment_reference", flat=True)
    assert sorted(stored) == sorted(row.payment_reference for row in rows)
    assert len(set(stored)) == 3
    assert all(map(check_reference, stored))


@pytest.mark.django_db
def test_database_draws_as_the_product_does():
    drawn = [row[0] for row in sql("SELECT countersign_new_reference() FROM generate_series(1, 2000)")]

    assert len(set(drawn)) == 2000
    assert all(map(check_reference, drawn))


@pytest.mark.django_db
def test_row_of_sql_that_names_no_reference_gets_one():
    """As a process from before the column writes it, while it is being replaced."""
    invoice = InvoiceFactory()
    before = {row.name for row in Invoice._meta.concrete_fields} - {"payment_reference", "id", "number"}
    columns = ", ".join(Invoice._meta.get_field(name).column for name in sorted(before))

    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE core_invoice DISABLE TRIGGER USER")
    sql(
        f"INSERT INTO core_invoice (id, number, {columns}) SELECT gen_random_uuid(), 'I-9', {columns} FROM core_invoice"
    )
    sql("ALTER TABLE core_invoice ENABLE TRIGGER USER")

    found = Invoice.objects.exclude(pk=invoice.pk).get().payment_reference
    assert check_reference(found)
    assert found != invoice.payment_reference


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", [None, "", "INV-000123", "K2M7X4R90", "K2M7X4R90O", "k2m7x4r907", "2KM7X4R907", "K2M7X4R90\n"]
)
def test_reference_of_another_form_is_refused_by_the_database(text):
    invoice = draft()
    create_many([invoice], total=invoice.total, currency="USD")

    with pytest.raises(IntegrityError, match="payment_reference"):
        set_reference(invoice, text)


@pytest.mark.django_db
def test_reference_of_another_invoice_is_refused_by_the_database():
    taken = InvoiceFactory().payment_reference

    with pytest.raises(IntegrityError, match="invoice_payment_reference_once"), atomic():
        create_many([draft(payment_reference=taken)], total="89", currency="USD")


@pytest.mark.django_db
def test_reference_that_is_taken_is_drawn_again(monkeypatch):
    taken = InvoiceFactory().payment_reference
    subscription = SubscriptionFactory()
    field = Invoice._meta.get_field("payment_reference")
    monkeypatch.setattr(field, "_get_default", lambda: taken)

    issued = issue_invoice(
        subscription.account, amount=subscription.price, subscription=subscription, cause=None, method=None
    )

    issued.refresh_from_db()
    assert issued.payment_reference != taken
    assert check_reference(issued.payment_reference)
    assert (issued.status, issued.version) == ("pending", 2)


@pytest.mark.django_db
def test_another_conflict_is_not_taken_for_a_taken_reference(monkeypatch):
    subscription = SubscriptionFactory()
    monkeypatch.setattr(invoicing, "new_reference", pytest.fail)

    with pytest.raises(IntegrityError, match="invoice_amounts_in_range"):
        issue_invoice(
            subscription.account, amount=-subscription.price, subscription=subscription, cause=None, method=None
        )


@pytest.mark.django_db
def test_search_finds_an_invoice_by_number_or_reference_however_typed():
    InvoiceFactory()
    subscription = SubscriptionFactory()
    invoice = issue_invoice(
        subscription.account, amount=subscription.price, subscription=subscription, cause=None, method=None
    )
    reference = invoice.payment_reference
    typed = [
        reference,
        reference.lower(),
        on_paper(reference),
        f" {on_paper(reference).lower()} ",
        as_creditor_reference(reference),
        reference.translate(str.maketrans("01258V", "OIZSBU")),
        reference.translate({ord("0") + digit: chr(0x0660 + digit) for digit in range(10)}),
        invoice.number.lower(),
        invoice.number.translate({ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)}),
    ]

    for words in typed:
        assert list(Invoice.objects.filter(names_invoice(words))) == [invoice], words
    for words in (reference[:-1], reference[:-1] + "?", "x", ""):
        assert not Invoice.objects.filter(names_invoice(words)), words


@pytest.fixture
def migration():
    """Takes 0004 back and gives it, with the state before; afterwards the schema is as it was."""
    loader = MigrationLoader(connection)
    found, before = loader.get_migration("core", MIGRATION), loader.project_state(("core", "0003_sql_guards_and_views"))
    [[view]] = sql("SELECT pg_get_viewdef('audit.invoices'::regclass)")
    with connection.schema_editor(atomic=False) as editor:
        found.unapply(before.clone(), editor)
    yield found, before
    with connection.schema_editor(atomic=False) as editor:
        found.apply(before.clone(), editor)
    sql("DROP VIEW audit.invoices")
    sql(f"CREATE VIEW audit.invoices AS {view}")


def apply(migration):
    found, before = migration
    with connection.schema_editor(atomic=False) as editor:
        found.apply(before.clone(), editor)


@pytest.fixture
def chunks_of_two(monkeypatch):
    monkeypatch.setattr(import_module(f"core.migrations.{MIGRATION}"), "CHUNK", 2)


def references():
    return {row[0]: row[1] for row in sql("SELECT id, payment_reference FROM core_invoice")}


@pytest.mark.django_db(transaction=True)
def test_invoices_from_before_get_references_by_the_migration(request, chunks_of_two):
    issued = [InvoiceFactory(account=AccountFactory(name=f"Number {n}")) for n in range(4)]
    unissued = draft()
    create_many([unissued], total=unissued.total, currency="USD")
    before = {row["id"]: row for row in Invoice.objects.values()}
    migration = request.getfixturevalue("migration")
    assert sql("SELECT FROM information_schema.columns WHERE column_name = 'payment_reference'") == []

    apply(migration)

    found = references()
    assert len(found) == len(set(found.values())) == len(issued) + 1
    assert all(map(check_reference, found.values()))
    after = {row["id"]: row for row in Invoice.objects.values()}
    assert [
        key for key in after if before[key] != after[key] | {"payment_reference": before[key]["payment_reference"]}
    ] == []
    with pytest.raises(IntegrityError, match="payment_reference is frozen"):
        set_reference(issued[0], "K2M7X4R907")
    with pytest.raises(IntegrityError, match="null value"):
        set_reference(unissued, None)

    apply(migration)  # as where it began again after a lock

    assert references() == found


@pytest.mark.django_db(transaction=True)
def test_migration_draws_again_what_is_taken(request, chunks_of_two):
    for n in range(3):
        InvoiceFactory(account=AccountFactory(name=f"Number {n}"))
    module = import_module(f"core.migrations.{MIGRATION}")
    sql(
        "ALTER TABLE core_invoice ALTER payment_reference DROP NOT NULL, DROP CONSTRAINT invoice_payment_reference_form"
    )
    sql("ALTER TABLE core_invoice DISABLE TRIGGER USER")
    sql("UPDATE core_invoice SET payment_reference = NULL")
    sql("CREATE SEQUENCE drawn")
    # The first two draws are one reference.
    sql("""CREATE FUNCTION few_references() RETURNS varchar LANGUAGE sql VOLATILE AS
           $$ SELECT CASE WHEN nextval('drawn') <= 2 THEN 'K2M7X4R907' ELSE countersign_new_reference() END $$""")
    try:
        with connection.schema_editor(atomic=False) as editor:
            real, module.FILL = module.FILL, module.FILL.replace("countersign_new_reference", "few_references")
            module.fill(None, editor)
        drawn = sql("SELECT last_value FROM drawn")
        found = references()
    finally:
        module.FILL = real
        sql("UPDATE core_invoice SET payment_reference = countersign_new_reference() WHERE payment_reference IS NULL")
        sql("DROP FUNCTION few_references")
        sql("DROP SEQUENCE drawn")
        sql("ALTER TABLE core_invoice ENABLE TRIGGER USER")
        sql(
            f"""ALTER TABLE core_invoice ALTER payment_reference SET NOT NULL,
                ADD CONSTRAINT invoice_payment_reference_form CHECK (
                    payment_reference IS NOT NULL AND payment_reference::text ~ '{module.FORM}')"""
        )

    assert drawn == [(5,)]  # two of them were one
    assert len(set(found.values())) == 3
    assert all(map(check_reference, found.values()))
