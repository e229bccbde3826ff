from __future__ import annotations

import pytest

from core.models import PlanPrice
from tests.factories import PlanFactory

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET plans/")
def test_public_plans_are_listed_with_their_prices(anybody):
    plan = PlanFactory(max_sites=3)
    PlanPrice.objects.create(plan=plan, currency="USD", interval="year", amount=890)
    PlanFactory(code="internal", name="Internal", is_public=False)

    [row] = anybody.get("plans/").json()["results"]

    assert (row["code"], row["credits"], row["max_sites"]) == ("starter", 1000, 3)
    assert {price["interval"]: price["amount"] for price in row["prices"]} == {"month": "89.00", "year": "890.00"}
