"""Rules of tax in the administration: who keeps the prices keeps them, and nobody else."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from core.models import TaxRule
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LIST = reverse("admin:core_taxrule_changelist")
ADD = reverse("admin:core_taxrule_add")
GERMANY = {
    "seller_country": "DE", "customer_country": "DE", "same_region": "unknown", "has_tax_id": "unknown",
    "category": "S", "rate": "19", "label": "VAT", "valid_from": "2026-01-01", "is_enabled": "on",
}  # fmt: skip


@pytest.fixture
def sign_in(client):
    def sign_in(*permissions: str) -> None:
        user = UserFactory(email="prices@acme.test", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)

    return sign_in


@pytest.mark.parametrize("permissions", [(), ("approve_payment",), ("add_taxrule", "change_taxrule", "delete_taxrule")])
def test_rule_is_not_added_by_who_does_not_keep_prices(client, sign_in, permissions):
    sign_in(*permissions)

    assert client.post(ADD, GERMANY).status_code == 403
    assert not TaxRule.objects.exists()


def test_rule_is_added_changed_and_deleted_by_who_keeps_prices(client, sign_in):
    sign_in("change_planprice")

    assert client.post(ADD, GERMANY).status_code == 302
    rule = TaxRule.objects.get()
    change, delete = (reverse(f"admin:core_taxrule_{verb}", args=[rule.pk]) for verb in ("change", "delete"))
    assert client.post(change, GERMANY | {"rate": "16"}).status_code == 302
    rule.refresh_from_db()
    assert (rule.rate, rule.has_tax_id, rule.parts) == (16, None, [])
    assert client.post(delete, {"post": "yes"}).status_code == 302

    assert not TaxRule.objects.exists()


def test_rules_are_listed_with_what_they_ask_for(client, sign_in):
    sign_in("view_taxrule")
    TaxRule.objects.create(
        seller_country="CH", customer_country="CH", category="S", rate="8.1", valid_from=date(2024, 1, 1)
    )

    page = client.get(LIST).content.decode()

    assert "8.1 %" in page
    assert client.get(ADD).status_code == 403


def test_form_says_what_an_empty_choice_means(client, sign_in):
    sign_in("change_planprice")

    assert client.get(ADD).content.decode().count("does not matter") == 2


def test_second_rule_for_the_same_sales_is_refused_in_the_form(client, sign_in):
    sign_in("change_planprice")
    client.post(ADD, GERMANY)

    answer = client.post(ADD, GERMANY | {"valid_from": "2026-05-01", "rate": "20"})

    assert "An enabled rule for the same sales is valid on some of these days." in answer.content.decode()
    assert TaxRule.objects.count() == 1
