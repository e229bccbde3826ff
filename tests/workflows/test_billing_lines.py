from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import Invoice, InvoiceLine, Plan, PlanPrice, Subscription
from tests.factories import SellerVersionFactory, TaxRuleFactory
from workflows.actions import choose_plan
from workflows.lifecycle.invoicing import issue_invoice

pytestmark = pytest.mark.django_db


@pytest.fixture
def german():
    """A seller in Germany whose prices in Germany hold 19 %."""
    TaxRuleFactory(seller_country="DE", customer_country="", category="S", rate=Decimal(19), label="VAT")
    return SellerVersionFactory(country="DE")


def issued(subscription, amount="500.00", **more):
    return issue_invoice(
        subscription.account, amount=Decimal(amount), subscription=subscription, cause=None, method=None, **more
    )


def test_without_a_seller_an_invoice_is_issued_and_says_what_is_missing(customer):
    invoice = customer().invoice

    assert (invoice.net, invoice.tax, invoice.total) == (Decimal(89), Decimal(0), Decimal(89))
    assert (invoice.seller, invoice.tax_details["missing"]) == (None, ["seller"])
    assert [(line.description, line.unit, line.net) for line in invoice.lines.all()] == [
        ("Starter, one month", "MON", Decimal("89.0000"))
    ]


def test_without_a_tax_rule_an_invoice_is_issued_and_says_so(customer):
    version = SellerVersionFactory(country="DE")

    invoice = customer().invoice

    assert (invoice.seller, invoice.total, invoice.tax_details["missing"]) == (version, Decimal(89), ["tax_rule"])


def test_promised_gross_is_reached_where_no_net_leads_to_it(german, customer):
    signed = customer()

    invoice = issued(signed.subscription, "0.14")

    assert (invoice.total, invoice.net, invoice.tax) == (Decimal("0.14"), Decimal("0.12"), Decimal("0.02"))
    assert invoice.tax_details["taxes"] == [
        {"category": "S", "rate": "19", "label": "VAT", "base": "0.12", "amount": "0.02"}
    ]


def test_tax_is_added_to_a_net_price_and_the_subscription_keeps_it(german, plans, customer, pay):
    PlanPrice.objects.filter(plan=plans["starter"]).update(includes_tax=False)
    signed = customer()

    assert (signed.invoice.net, signed.invoice.tax, signed.invoice.total) == (
        Decimal("89.00"),
        Decimal("16.91"),
        Decimal("105.91"),
    )
    pay(signed.invoice)
    subscription = Subscription.objects.get()
    assert (subscription.price, subscription.includes_tax) == (Decimal(89), False)
    assert Invoice.objects.get().status == "paid"


def test_upgrade_bills_the_new_plan_and_gives_back_the_rest_of_the_old(active, plans):
    signed = active()

    _, invoice = choose_plan(signed.account, plans["growth"], by=signed.user)

    lines = list(invoice.lines.all())
    assert [line.net for line in lines] == [Decimal(189), Decimal(-89)]
    assert [line.quantity for line in lines] == [1, -1]
    assert lines[1].description == "Unused rest of Starter"
    assert invoice.total == sum(line.net for line in lines) == Decimal(100)


def test_lines_are_in_the_language_of_the_account(customer):
    signed = customer()
    signed.account.language = "ar"

    line = issued(signed.subscription).lines.get()

    assert line.description != "Starter, one month"
    assert "Starter" in line.description


def test_lines_of_an_issued_invoice_stay(customer):
    invoice = customer().invoice
    line = invoice.lines.get()

    for wrong in (
        lambda: InvoiceLine.objects.update(net=1),
        lambda: InvoiceLine.objects.all().delete(),
        lambda: InvoiceLine.objects.bulk_create(
            [
                InvoiceLine(
                    invoice=invoice,
                    position=2,
                    description="x",
                    unit_price=1,
                    net=1,
                    amount=1,
                    tax_category="O",
                    tax_rate=0,
                )
            ]
        ),
        lambda: Invoice.objects.update(net=1),
        lambda: Invoice.objects.update(tax_details={}),
    ):
        with pytest.raises(IntegrityError), atomic():
            wrong()

    line.refresh_from_db()
    assert line.net == Decimal(89)


def test_database_refuses_an_invoice_whose_lines_are_another_sum(customer, monkeypatch):
    signed = customer()
    monkeypatch.setattr("workflows.lifecycle.billing_lines.Billed.lines", lambda *_: [])

    with pytest.raises(IntegrityError, match="its lines are"), atomic():
        issued(signed.subscription)


def test_renaming_plan_account_and_seller_leaves_what_was_issued(german, customer):
    signed = customer()
    before = signed.invoice.lines.get().description, signed.invoice.customer_name, signed.invoice.seller.legal_name

    Plan.objects.update(name="Other")
    signed.account.name = "Other"
    signed.account.save(update_fields=["name"])
    SellerVersionFactory(country="FR", legal_name="Other", number=2)

    invoice = Invoice.objects.get()
    assert (invoice.lines.get().description, invoice.customer_name, invoice.seller.legal_name) == before


def test_period_stands_on_the_line(active, up_to_renewal):
    signed = active()
    up_to_renewal(signed)

    line = InvoiceLine.objects.latest("id")

    assert (line.period_start, line.period_end) == (line.invoice.period_start, line.invoice.period_end)
    assert isinstance(line.period_start, date)
