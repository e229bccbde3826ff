from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic

from tests.factories import InvoiceFactory, PlanFactory

pytestmark = pytest.mark.django_db


def test_database_keeps_the_code_of_a_plan_that_only_an_invoice_names():
    larger = PlanFactory(code="growth")
    InvoiceFactory(plan=larger)

    with pytest.raises(IntegrityError), atomic():
        type(larger).objects.filter(pk=larger.pk).update(code="another")


@pytest.mark.parametrize("price", ["-1", "1000000000000"])
def test_database_refuses_terms_at_no_price(price):
    with pytest.raises(IntegrityError, match="invoice_plan_price_in_range"), atomic():
        InvoiceFactory(plan_price=Decimal(price))
