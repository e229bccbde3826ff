from __future__ import annotations

from uuid import uuid4

import pytest

from core.models import Industry, SiteUserAccess
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    MembershipFactory,
)
from workflows.actions.sites import open_site

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET sites/", "GET sites/{id}/")
def test_member_reads_the_sites(people, account):
    owner = people["owner"].user
    site = open_site(account, name="Shop", industry=Industry.objects.create(name="Retail"), by=owner)

    [row] = people["viewer"].get("sites/").json()["results"]

    assert (row["id"], row["name"], row["industry"]["name"]) == (str(site.pk), "Shop", "Retail")
    assert people["viewer"].get(f"sites/{site.pk}/").json() == row


@pytest.mark.happy(
    "POST sites/", "PATCH sites/{id}/", "DELETE sites/{id}/", "GET sites/{id}/access/", "POST sites/{id}/access/"
)
def test_a_site_is_opened_by_a_member_who_then_manages_it(people, account):
    industry = Industry.objects.create(name="Retail")
    owner = people["owner"]
    body = {"name": "Shop", "industry": str(industry.pk)}

    assert is_problem(people["viewer"].post("sites/", body), 403, "permission-denied")
    assert is_problem(owner.post("sites/", {"name": "Shop"}), 400, "validation-error")
    assert is_problem(owner.post("sites/", body | {"industry": str(uuid4())}), 400, "validation-error")
    site = owner.post("sites/", body)

    assert site.status_code == 201
    assert SiteUserAccess.objects.get().role == "manager"
    assert is_problem(owner.post("sites/", body | {"name": "Second"}), 409, "conflict")
    key = site.json()["id"]
    assert is_problem(Caller(MembershipFactory().user).get(f"sites/{key}/"), 404, "not-found")
    renamed = owner.client.patch(f"/api/v1/sites/{key}/", {"name": "Store"}, format="json")
    assert renamed.json()["name"] == "Store"
    access = owner.post(
        f"sites/{key}/access/", {"email": account.memberships.get(role="viewer").user.email, "role": "editor"}
    )
    assert access.status_code == 201
    assert len(people["viewer"].get(f"sites/{key}/access/").json()["results"]) == 2
    assert is_problem(
        owner.post(f"sites/{key}/access/", {"email": "x@y.test", "role": "editor"}), 400, "validation-error"
    )
    assert is_problem(people["viewer"].client.delete(f"/api/v1/sites/{key}/"), 403, "permission-denied")
    assert owner.client.delete(f"/api/v1/sites/{key}/").status_code == 204
