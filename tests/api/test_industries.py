from __future__ import annotations

import pytest

from core.models import Industry

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET industries/")
def test_industries_are_listed_by_name(anybody):
    Industry.objects.all().delete()
    for name in ("Retail", "Bakery"):
        Industry.objects.create(name=name)

    rows = anybody.get("industries/").json()["results"]

    assert [row["name"] for row in rows] == ["Bakery", "Retail"]
