"""Evidence comes from outside: no form fills in what staff have to look up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from core.models import Invoice, Payment
from engine import perform
from tests.factories import InvoiceFactory, PaymentFactory, StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def approver(client):
    staff = StaffFactory()
    client.force_login(staff)
    return staff


def decide(payment, verb):
    return reverse("desk_decide", args=[payment.pk, verb])


def values_of(form):
    return {name: form[name].value() for name in form.fields}


def claims_of_one_invoice(count):
    invoice = InvoiceFactory()
    return [PaymentFactory(invoice=invoice, reference=f"R{n}", reference_key=f"R{n}") for n in range(count)]


def test_claim_form_leaves_payer_and_day_to_the_customer(shop, visit):
    invoice = InvoiceFactory()
    client = visit(invoice.account)

    for page in ("invoice", "claim"):
        form = client.get(reverse(page, args=[invoice.pk])).context["form"]
        values = values_of(form)
        assert (values["payer_name"], values["paid_on"], values["amount"]) == (None, None, "89.00")


def test_form_of_a_further_claim_leaves_the_amount_empty(shop, visit):
    payment = PaymentFactory()
    client = visit(payment.account)

    for page in ("invoice", "claim"):
        form = client.get(reverse(page, args=[payment.invoice_id])).context["form"]
        assert values_of(form)["amount"] is None


def test_page_of_a_claimed_invoice_offers_a_further_payment(shop, visit):
    payment = PaymentFactory()

    page = visit(payment.account).get(reverse("invoice", args=[payment.invoice_id])).content.decode()

    assert "I have sent a further payment" in page
    assert "I have paid" not in page
    assert "A payment of this invoice is being checked already" in page
    assert '<details class="stack" id="pay">' in page


def test_page_of_an_unclaimed_invoice_offers_the_first_payment(shop, visit):
    invoice = InvoiceFactory()

    page = visit(invoice.account).get(reverse("invoice", args=[invoice.pk])).content.decode()

    assert "I have paid" in page
    assert "further payment" not in page


def test_page_with_three_claims_offers_no_further_one(shop, visit):
    payment, *_ = claims_of_one_invoice(3)
    client = visit(payment.account)

    page = client.get(reverse("invoice", args=[payment.invoice_id])).content.decode()
    answer = client.post(
        reverse("claim", args=[payment.invoice_id]), {"method": "us_bank", "amount": "89.00", "reference": "R9"}
    )

    assert "Several payments of this invoice are being checked" in page
    assert "I have sent a further payment" not in page
    assert "3 payments of this invoice are being checked already" in answer.context["form"].non_field_errors()[0]
    assert Payment.objects.count() == 3


def test_approval_form_fills_in_nothing_to_look_up(client, approver):
    payment = PaymentFactory(paid_on="2026-01-05")

    form = client.get(decide(payment, "approve")).context["form"]

    assert (form["received"].value(), form["value_date"].value()) == (None, None)


def test_approval_without_an_amount_is_as_claimed_and_without_a_day(client, approver):
    payment = PaymentFactory(paid_on="2026-01-05", amount=Decimal("88.50"))

    client.post(decide(payment, "approve"), {})

    payment.refresh_from_db()
    assert (payment.status, payment.received, payment.value_date) == ("approved", Decimal("88.50"), None)


def test_receipt_form_fills_in_no_amount(shop, client, approver):
    invoice = InvoiceFactory()
    page = reverse("desk_record", args=[invoice.pk])

    assert values_of(client.get(page).context["form"])["received"] is None
    assert "received" in client.post(page, {"method": "us_bank", "reference": "S 1"}).context["form"].errors


def test_rejecting_a_short_amount_first_offers_to_approve_what_came(client, approver):
    payment = PaymentFactory()

    page = client.post(decide(payment, "reject"), {"reason_code": "amount_short", "admin_notes": "Only 80."})

    assert "Has a part of it arrived?" in page.content.decode()
    assert page.context["offer"]["received"].value() is None
    assert values_of(page.context["form"]) == {
        "reason_code": "amount_short",
        "admin_notes": "Only 80.",
        "all_the_same": True,
    }
    payment.refresh_from_db()
    assert (payment.status, payment.version) == ("pending_approval", 1)


def test_short_payment_is_approved_with_the_received_amount(client, approver, run_effects):
    payment = PaymentFactory()

    nothing = client.post(decide(payment, "approve"), {"is_short": "True"})
    assert "Say how much has arrived." in nothing.content.decode()
    client.post(decide(payment, "approve"), {"is_short": "True", "received": "80.00"})
    run_effects()

    payment.refresh_from_db()
    assert (payment.status, payment.received) == ("succeeded", Decimal(80))
    assert Invoice.objects.get().outstanding == Decimal(9)


def test_short_claim_is_rejected_when_nothing_of_it_can_be_used(client, approver):
    payment = PaymentFactory()

    client.post(decide(payment, "reject"), {"reason_code": "amount_short", "all_the_same": "True"})

    payment.refresh_from_db()
    assert (payment.status, payment.reason_code) == ("failed", "amount_short")


def test_bulk_page_leaves_out_the_second_claim_of_an_invoice(client, approver):
    first, second = claims_of_one_invoice(2)
    chosen = {"verb": "approve", "id": [first.pk, second.pk]}

    asked = client.post(reverse("desk_bulk"), chosen).content.decode()
    done = client.post(
        reverse("desk_bulk"), {**chosen, "confirmed": "yes", "value_date": "2026-01-05"}
    ).content.decode()

    assert "Approve 1 claim?" in asked
    assert f'name="id" value="{first.pk}"' in asked
    assert f'name="id" value="{second.pk}"' not in asked
    assert "Another claim of invoice" in asked
    assert "1 approved, 1 left alone" in done
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, str(first.value_date)) == ("approved", "2026-01-05")
    assert (second.status, second.version) == ("pending_approval", 1)


def test_bulk_offers_no_short_amount_as_a_reason(client, approver):
    payment = PaymentFactory()

    answer = client.post(
        reverse("desk_bulk"), {"verb": "reject", "reason_code": "amount_short", "id": [payment.pk], "confirmed": "yes"}
    )

    assert answer.context["form"].errors["reason_code"]
    payment.refresh_from_db()
    assert payment.status == "pending_approval"


@pytest.mark.parametrize("name", ["desk_payment", "desk_decide"])
def test_signs_stand_on_the_page_before_the_decision(client, approver, run_effects, name):
    first, second = claims_of_one_invoice(2)
    pages = [second.pk] if name == "desk_payment" else [second.pk, "approve"]
    assert "Another claim of this invoice is undecided" in client.get(reverse(name, args=pages)).content.decode()

    perform(first.approve, by=StaffFactory())
    run_effects()

    page = client.get(reverse(name, args=pages)).content.decode()
    assert "This invoice is paid already: all of it goes to the balance" in page
