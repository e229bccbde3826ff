"""Agreed terms outlive changes of the catalogue; of two choices about a period the later counts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.urls import reverse

from core.db.thaw import thaw
from core.models import Account, Invoice, Plan, PlanPrice, Subscription
from core.models.subscription import Terms
from core.problems import Conflict, ValidationError
from engine import perform
from engine.models import Effect
from tests.factories import UserFactory
from tests.workflows.customers import renewal, status
from workflows.actions import cancel_at_period_end, choose_plan
from workflows.lifecycle.invoicing import issue_invoice
from workflows.mail.sending import build_context
from workflows.reporting.invariants import findings
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_books_are_in_order(clock):
    yield
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


@pytest.fixture
def yearly(plans):
    """The same plans by the year, for ten months' price."""
    for code, price in (("starter", "890.00"), ("growth", "1890.00")):
        PlanPrice.objects.create(plan=plans[code], currency="USD", interval="year", amount=Decimal(price))
    return plans


@pytest.fixture
def unguarded(db):
    """The catalogue as before it had guards; the test's transaction brings them back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE core_plan DISABLE TRIGGER USER")


def now(signed):
    return Subscription.objects.select_related("plan").get(account=signed.account, status="active")


# The catalogue moves


@pytest.mark.parametrize("is_issued", [True, False], ids=["renewal issued", "paid ahead"])
def test_a_plan_that_is_renamed_settles_and_begins(active, up_to_renewal, pay, unguarded, is_issued):
    signed = active()
    up_to_renewal(signed)
    if not is_issued:
        pay(renewal(signed))
    Plan.objects.filter(code="starter").update(code="starter-2026")

    up_to_renewal(signed, after=1)
    if is_issued:
        assert status(pay(renewal(signed))) == ["succeeded"]

    assert now(signed).period_start == renewal(signed).period_start
    assert not Effect.objects.filter(state="dead").exists()


def test_what_was_issued_names_customer_and_plan_as_they_were(active, client):
    signed = active()
    Account.objects.filter(pk=signed.account.pk).update(name="Quite Another Ltd")
    Plan.objects.filter(code="starter").update(name="Renamed")

    client.force_login(signed.user)
    sheet = client.get(f"/app/invoices/{signed.invoice.pk}/document/").content.decode()
    page = client.get(f"/app/invoices/{signed.invoice.pk}/").content.decode()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    desk = client.get(reverse("desk_invoice", args=[signed.invoice.pk])).content.decode()
    invoice = Invoice.objects.get(pk=signed.invoice.pk)
    told, _ = build_context(invoice, Effect.objects.get(kind="mail.invoice_issued", object_id=invoice.pk))

    assert ("Quite Another" in sheet, "Renamed" in sheet) == (False, False)
    for shown in (sheet, page, desk):
        assert "<bdi>Acme</bdi>" in shown
    assert "Starter, one month" in sheet
    assert "Starter, first" in desk
    assert str(told.values["plan"]) == "Starter"


@pytest.mark.parametrize("change", ["raised", "deleted"])
def test_a_smaller_plan_chosen_for_later_costs_what_it_cost_then(active, plans, up_to_renewal, change):
    signed = active("growth")
    choose_plan(signed.account, plans["starter"], by=signed.user)
    if change == "raised":
        plans["starter"].prices.update(amount=Decimal("149.00"))
    else:
        plans["starter"].prices.all().delete()

    up_to_renewal(signed)

    assert renewal(signed).total == Decimal("89.00")


def test_credits_that_are_edited_count_for_who_subscribes_after_that(active, plans, up_to_renewal, pay, live_through):
    signed = active()
    Plan.objects.filter(code="starter").update(credits=10)

    up_to_renewal(signed)
    pay(renewal(signed))
    live_through(8)

    assert Account.objects.get().credits == 2000


def test_an_invoice_keeps_who_and_what_it_was_issued_for(active, plans):
    signed = active()

    agreed = signed.invoice.metadata["agreed"]

    assert agreed == {
        "customer": "Acme",
        "plan_id": str(plans["starter"].pk),
        "plan": "Starter",
        "price": "89.00",
        "credits": 1000,
        "interval": "month",
        "method": signed.invoice.payment_method.name,
    }
    signed.invoice.refresh_from_db()
    assert signed.invoice.terms == Terms(plans["starter"].pk, Decimal("89.00"), 1000, "month")


def test_an_old_invoice_that_names_its_plan_only_is_settled_by_that(active, up_to_renewal, pay):
    signed = active()
    up_to_renewal(signed)
    invoice = renewal(signed)
    del invoice.metadata["agreed"]
    invoice.plan_credits, invoice.plan_interval = None, ""
    with thaw("core_invoice", reason="it was issued before that was kept"):
        invoice.save(update_fields=["metadata", "plan_credits", "plan_interval"])

    pay(invoice)
    up_to_renewal(signed, after=1)

    assert now(signed).period_start == invoice.period_start


def test_a_fraction_of_a_cent_is_never_demanded(customer, pay):
    signed = customer()

    invoice = issue_invoice(
        signed.account, amount=Decimal("5.123"), subscription=signed.subscription, cause=None, method=None
    )
    pay(invoice, amount=Decimal("5.12"))

    assert status(invoice) == ["paid"]


# A larger plan for the rest of a period


@pytest.mark.guards("S2", "workflows.periods.prorated_credits")
@pytest.mark.parametrize("days_before_the_end", [1, 10, 29])
def test_a_step_up_gives_credits_by_the_fraction_that_is_paid(active, plans, up_to_renewal, pay, days_before_the_end):
    signed = active()
    up_to_renewal(signed, after=-days_before_the_end)
    period = (now(signed).period_end - now(signed).period_start).days

    _, step_up = choose_plan(signed.account, plans["growth"], by=signed.user)
    pay(step_up)

    assert step_up.total == (Decimal(100) * days_before_the_end / period).quantize(Decimal("0.01"))
    assert Account.objects.get().credits == 1000 + 2000 * days_before_the_end // period


def test_a_second_step_up_waits_for_the_claim_of_the_first(active, plans, pay, run_effects):
    signed = active()
    _, step_up = choose_plan(signed.account, plans["growth"], by=signed.user)
    pay(step_up, settle=False)

    with pytest.raises(Conflict, match="in review"):
        choose_plan(signed.account, plans["growth"], by=signed.user)

    assert status(step_up) == ["pending"]


def test_a_step_up_paid_in_part_gives_its_money_to_the_next_choice(active, plans, pay, run_effects):
    signed = active()
    _, first = choose_plan(signed.account, plans["growth"], by=signed.user)
    pay(first, amount=Decimal("30.00"))

    _, second = choose_plan(signed.account, plans["growth"], by=signed.user)
    run_effects()

    assert status(first, second) == ["void", "partially_paid"]
    assert second.allocated == Decimal("30.00")
    assert balance_of(signed.account.pk) == {}


# Two choices about the next period


def test_the_present_plan_takes_a_cancellation_back(active, plans, up_to_renewal, live_through):
    signed = active()
    cancel_at_period_end(signed.subscription, by=signed.user)

    choose_plan(signed.account, plans["starter"], by=signed.user)
    up_to_renewal(signed)

    assert not now(signed).cancel_at_period_end
    assert status(renewal(signed)) == ["pending"]


def test_a_cancellation_taken_back_in_the_last_week_is_invoiced_at_once(active, plans, up_to_renewal):
    signed = active()
    cancel_at_period_end(signed.subscription, by=signed.user)
    up_to_renewal(signed, after=-2)

    choose_plan(signed.account, plans["starter"], by=signed.user)

    assert renewal(signed).period_start == now(signed).period_end


def test_the_present_plan_that_nothing_waits_for_is_refused(active, plans):
    signed = active()

    with pytest.raises(Conflict, match="already"):
        choose_plan(signed.account, plans["starter"], by=signed.user)


def test_to_cancel_when_the_period_is_over_ends_the_plan_at_once(active, pay, up_to_renewal, live_through):
    signed = active()
    up_to_renewal(signed, after=2)
    demanded = renewal(signed)
    pay(demanded, amount=Decimal("30.00"))

    ended = cancel_at_period_end(signed.subscription, by=signed.user)
    live_through(1)

    assert ended.status == "cancelled"
    assert status(signed.subscription, signed.account, demanded) == ["cancelled", "expired", "void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("30.00")}


def test_to_cancel_before_the_next_period_has_begun_ends_the_plan_with_that_where_it_is_paid(
    active, pay, up_to_renewal, clock
):
    signed = active()
    up_to_renewal(signed)
    pay(renewal(signed))
    clock.advance(days=8)  # and nothing has run yet

    assert cancel_at_period_end(signed.subscription, by=signed.user).status == "active"


def test_a_step_up_that_is_paid_is_a_later_choice_than_to_end(active, plans, pay, live_through):
    signed = active()
    live_through(5)
    cancel_at_period_end(signed.subscription, by=signed.user)
    _, step_up = choose_plan(signed.account, plans["growth"], by=signed.user)
    assert now(signed).cancel_at_period_end  # until it is paid

    pay(step_up)

    assert not now(signed).cancel_at_period_end


def test_a_smaller_plan_is_a_later_choice_than_to_end(active, plans, up_to_renewal):
    signed = active("growth")
    cancel_at_period_end(signed.subscription, by=signed.user)

    choose_plan(signed.account, plans["starter"], by=signed.user)
    up_to_renewal(signed)

    assert renewal(signed).total == Decimal("89.00")


def test_to_end_is_a_later_choice_than_a_smaller_plan(active, plans, up_to_renewal):
    signed = active("growth")
    choose_plan(signed.account, plans["starter"], by=signed.user)

    cancel_at_period_end(signed.subscription, by=signed.user)
    up_to_renewal(signed, after=1)

    signed.subscription.refresh_from_db()
    assert (signed.subscription.status, signed.subscription.next_plan) == ("cancelled", None)


def test_a_renewal_paid_in_part_is_free_again_when_the_period_is_the_last(active, up_to_renewal, pay, run_effects):
    signed = active()
    up_to_renewal(signed)
    pay(renewal(signed), amount=Decimal("50.00"))

    cancel_at_period_end(signed.subscription, by=signed.user)
    run_effects()

    assert status(renewal(signed)) == ["void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("50.00")}


def test_the_database_refuses_to_end_and_to_go_on(active, plans):
    signed = active()

    with pytest.raises(IntegrityError, match="subscription_ends_or_goes_on"), atomic():
        Subscription.objects.update(
            cancel_at_period_end=True, next_plan=plans["growth"], next_price=1, next_credits=1, next_interval="month"
        )
    with pytest.raises(IntegrityError, match="subscription_next_is_whole"), atomic():
        Subscription.objects.filter(account=signed.account).update(next_plan=plans["growth"])


# Another interval, another currency


def test_from_a_month_to_a_year_with_the_next_period(active, yearly, up_to_renewal, pay, live_through):
    signed = active()

    subscription, invoice = choose_plan(signed.account, yearly["starter"], by=signed.user, interval="year")
    assert (invoice, subscription.next_interval) == (None, "year")
    up_to_renewal(signed)
    assert renewal(signed).total == Decimal("890.00")
    pay(renewal(signed))
    live_through(8)

    running = now(signed)
    assert (running.interval, running.price, running.next_plan) == ("year", Decimal("890.00"), None)
    assert (running.period_end - running.period_start).days in (365, 366)
    assert Account.objects.get().credits == 1000 + 12_000


def test_from_a_year_to_a_month_of_a_larger_plan_with_the_next_period(active, yearly, up_to_renewal):
    signed = active()
    Subscription.objects.update(interval="year", price=Decimal("890.00"))

    _, invoice = choose_plan(signed.account, yearly["growth"], by=signed.user, interval="month")

    assert invoice is None
    assert (now(signed).next_plan.code, now(signed).next_price) == ("growth", Decimal("189.00"))


@pytest.mark.parametrize(
    ("choice", "field"),
    [({"currency": "EUR"}, "currency"), ({"interval": "year"}, "interval")],
)
def test_a_choice_that_cannot_be_had_is_refused_by_its_field(active, plans, choice, field):
    signed = active()

    with pytest.raises(ValidationError) as refused:
        choose_plan(signed.account, plans["growth"], by=signed.user, **choice)

    assert list(refused.value.members["errors"]) == [field]
    assert status(signed.subscription) == ["active"]


def test_a_cancelled_renewal_can_be_paid_no_more(active, up_to_renewal, run_effects):
    signed = active()
    up_to_renewal(signed)

    perform(Subscription.objects.get().cancel, by=signed.user)
    run_effects()

    assert status(renewal(signed)) == ["void"]
