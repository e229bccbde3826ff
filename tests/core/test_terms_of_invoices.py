"""The terms of invoices stand in columns: 0103 fills those of before, from what their metadata says."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import Invoice
from core.models.subscription import Terms
from core.thaw import thaw
from tests.factories import InvoiceFactory, PlanFactory

migration = import_module("core.migrations.0103_terms_from_metadata")

pytestmark = pytest.mark.django_db


def before(metadata, **fields):
    """An invoice as it was before it had these columns."""
    row = InvoiceFactory(**fields)
    with thaw("core_invoice", reason="it was issued before they were there"):
        Invoice.objects.filter(pk=row.pk).update(
            plan=None, plan_price=None, plan_credits=None, plan_interval="", metadata=metadata
        )
    return row


def filled(row):
    with thaw("core_invoice", reason="migrations fill it before it is frozen"):
        migration.fill(None, SimpleNamespace(connection=connection))
    row.refresh_from_db()
    return row.plan_id, row.plan_price, row.plan_credits, row.plan_interval


def test_terms_of_before_are_those_that_were_agreed():
    small, large = PlanFactory(), PlanFactory(code="growth", credits=3000)
    agreed = {"customer": "A", "plan_id": str(large.pk), "plan": "G", "price": "189.00", "credits": 2500}
    row = before({"agreed": agreed | {"interval": "year"}, "billing_snapshot": {"plan": small.code, "price": "89.00"}})

    assert filled(row) == (large.pk, Decimal("189.00"), 2500, "year")
    assert row.terms == Terms(large.pk, Decimal("189.00"), 2500, "year")
    assert row.metadata["agreed"]["price"] == "189.00"  # it stays


def test_upgrade_of_before_has_the_larger_plan_and_no_more_than_was_kept():
    small, large = PlanFactory(), PlanFactory(code="growth")
    snapshot = {"plan": small.code, "price": "89.00"}
    row = before({"upgrade_to": str(large.pk), "upgrade_price": "189.00", "billing_snapshot": snapshot})

    assert filled(row) == (large.pk, Decimal("189.00"), None, "")
    assert row.terms is None


def test_the_oldest_have_the_plan_that_they_name_where_there_is_one():
    plan = PlanFactory(code="growth")
    row = before({"billing_snapshot": {"plan": "growth", "price": "189.00"}})
    unknown, empty = before({"billing_snapshot": {"plan": "gone", "price": "1.00"}}), before({})

    assert filled(row) == (plan.pk, Decimal("189.00"), None, "")
    assert filled(unknown) == filled(empty) == (None, None, None, "")


def test_more_invoices_than_one_chunk_are_filled_and_filled_ones_stay(monkeypatch):
    monkeypatch.setattr(migration, "CHUNK", 2)
    plan, rows = PlanFactory(), [before({"billing_snapshot": {"plan": "starter", "price": "89.00"}}) for _ in range(5)]

    assert [filled(row)[0] for row in rows] == [plan.pk] * 5
    PlanFactory(code="other")
    assert filled(rows[0]) == (plan.pk, Decimal("89.00"), None, "")


def test_database_keeps_the_code_of_a_plan_that_only_an_invoice_names():
    larger = PlanFactory(code="growth")
    InvoiceFactory(plan=larger)

    with pytest.raises(IntegrityError), atomic():
        type(larger).objects.filter(pk=larger.pk).update(code="another")


@pytest.mark.parametrize("price", ["-1", "1000000000000"])
def test_database_refuses_terms_at_no_price(price):
    with pytest.raises(IntegrityError, match="invoice_plan_price_in_range"), atomic():
        InvoiceFactory(plan_price=Decimal(price))
