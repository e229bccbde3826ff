from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from core.models import InvoiceLink
from engine import perform
from tests.api.caller import staff
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    StaffFactory,
)
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db

ADMIN = "billing/admin/"


@pytest.mark.happy("GET billing/invoices/", "GET billing/invoices/{id}/")
def test_member_reads_the_invoices():
    invoice, _ = InvoiceFactory(), InvoiceFactory()
    viewer = Caller(MembershipFactory(account=invoice.account, role="viewer").user)

    [row] = viewer.get("billing/invoices/").json()["results"]
    one = viewer.get(f"billing/invoices/{invoice.pk}/").json()

    assert (row["id"], row["number"], row["outstanding"]) == (str(invoice.pk), invoice.number, "89.00")
    assert row.items() <= one.items()


@pytest.mark.happy("POST billing/invoices/{id}/links/", "DELETE billing/invoices/{id}/links/")
def test_owner_makes_a_link_for_who_pays_and_revokes_it(client, settings):
    settings.PUBLIC_URL = "http://testserver"
    invoice = InvoiceFactory()
    owner = Caller(MembershipFactory(account=invoice.account).user)

    made = owner.post(f"billing/invoices/{invoice.pk}/links/", {"recipient": "Payables@corp.example"})
    link = InvoiceLink.objects.get()

    assert made.status_code == 201
    assert made.json()["recipient"] == link.recipient == "payables@corp.example"
    assert datetime.fromisoformat(made.json()["expires_at"]) == link.expires_at
    assert client.get(made.json()["url"]).status_code == 200
    assert owner.client.delete(f"/api/v1/billing/invoices/{invoice.pk}/links/").status_code == 204
    assert client.get(made.json()["url"]).status_code == 404


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        pytest.param("void", "void", marks=pytest.mark.happy("POST billing/admin/invoices/{id}/void/")),
        pytest.param(
            "write-off", "uncollectible", marks=pytest.mark.happy("POST billing/admin/invoices/{id}/write-off/")
        ),
    ],
)
def test_invoice_is_closed_with_the_permission_only(verb, status):
    invoice = InvoiceFactory()
    path = f"{ADMIN}invoices/{invoice.pk}/{verb}/"

    assert is_problem(staff().post(path), 403, "permission-denied")
    assert is_problem(Caller(MembershipFactory().user).post(path), 404, "not-found")
    assert staff("void_invoice").post(path, {"reason": "issued twice"}).json()["status"] == status
    assert is_problem(staff("void_invoice").post(path), 409, "wrong-state")


def test_an_invoice_with_money_on_it_is_not_voided():
    invoice = InvoiceFactory()
    perform(invoice.pay, amount=Decimal("1.00"))

    answer = staff("void_invoice").post(f"{ADMIN}invoices/{invoice.pk}/void/")

    assert is_problem(answer, 409, "wrong-state")
    assert answer.json()["object_status"] == "partially_paid"


def test_voiding_a_part_paid_invoice_moves_its_money_to_the_balance(run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory(), received=Decimal("40.00"))
    run_effects()
    invoice = payment.invoice
    path = f"{ADMIN}invoices/{invoice.pk}/void/"
    assert is_problem(staff("void_invoice").post(path), 409, "wrong-state")

    answer = staff("void_invoice").post(path, {"reason": "issued twice", "to_balance": True})

    assert (answer.status_code, answer.json()["status"]) == (200, "void")
    assert balance_of(invoice.account_id) == {"USD": Decimal("40.00")}


def test_issued_invoice_keeps_its_billing_details():
    invoice = InvoiceFactory()
    owner = Caller(MembershipFactory(account=invoice.account).user)
    before = owner.get(f"billing/invoices/{invoice.pk}/").json()["metadata"]

    owner.client.patch("/api/v1/account/", {"city": "Elsewhere"}, format="json")

    assert owner.get(f"billing/invoices/{invoice.pk}/").json()["metadata"] == before
