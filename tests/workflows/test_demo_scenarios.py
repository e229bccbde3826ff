from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.db.transaction import atomic, set_rollback
from django.utils import timezone

from core.models import Account, Allocation, BalanceEntry, Invoice, Payment, Subscription, User
from engine import perform
from engine.models import Effect, Transition
from engine.testing import run_effects
from workflows.reporting.invariants import findings
from workflows.seed import seed
from workflows.seed.stories import STORIES, seed_stories
from workflows.settlement.balances import balance_of

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("demo")]  # telling them takes seconds: once

# Account, credits, invoices and payments in the order of their making, balance.
ENDS = {
    "over": ("active", 2000, "paid paid", "succeeded", {"USD": "22.00"}),
    "two-in-one": ("active", 2000, "paid paid", "reversed succeeded", {}),
    "late": ("expired", 0, "void", "succeeded", {"USD": "89.00"}),
    "exact": ("active", 775, "paid", "succeeded", {}),
    "in-review": ("trial", 1000, "pending", "pending_approval", {}),
    "bounced": ("past_due", 0, "pending", "reversed", {}),
    "cash": ("active", 1000, "paid", "succeeded", {}),
    "blurred": ("active", 1000, "paid", "failed succeeded", {}),
    "short": ("pending_payment", 0, "partially_paid", "succeeded", {}),
    **dict.fromkeys(
        ["pix", "fps", "sepa", "same-reference", "upi", "wallet", "too-little"],
        ("pending_payment", 0, "pending", "pending_approval", {}),
    ),
}


@pytest.fixture(scope="module")
def told(django_db_setup, django_db_blocker):
    """All of them, once for this module, taken back at the end."""
    block = atomic()
    block._from_testcase = True  # as a test's own: what runs outside must not mind it
    with django_db_blocker.unblock(), block:
        seed()
        yield
        set_rollback(True)


def company(code):
    return User.objects.get(email=f"{code}@example.com").membership.account


def words(rows):
    return " ".join(rows.order_by("pk").values_list("status", flat=True))


def test_every_story_has_an_end():
    assert set(ENDS) == set(STORIES)


@pytest.mark.parametrize("code", ENDS)
def test_a_story_ends_as_it_is_told(told, code):
    account = company(code)
    balance = {currency: f"{amount:.2f}" for currency, amount in balance_of(account.pk).items()}

    end = (account.status, account.credits, words(account.invoices), words(account.payments), balance)

    assert end == ENDS[code]


def test_the_books_are_in_order_after_all_of_them(told):
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []
    assert not Effect.objects.exclude(state__in=["done", "waiting", "ready"]).exists()


def test_demo_scenarios_send_no_mail(told, mailoutbox):
    told_of = Effect.objects.filter(account_id=company("exact").pk, lane="outward")

    assert {effect.state for effect in told_of} == {"done"}
    assert all("withheld" in effect.outcome for effect in told_of)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit.mails")
        assert cursor.fetchone() == (0,)
    assert not mailoutbox
    assert not User.objects.exclude(email__regex=r"@(demo\.test|example\.com)$").exists()


def test_the_details_are_those_of_the_story(told):
    assert company("short").invoices.get().outstanding == 12
    assert company("blurred").payments.get(status="succeeded").retry_of.reason_code == "unreadable_proof"
    cash = company("cash").payments.get()
    assert (cash.submitted_by.email, cash.decided_by.email) == ("reviewer@demo.test", "approver@demo.test")
    assert company("two-in-one").payments.get(status="succeeded").allocations.count() == 2
    assert company("in-review").trial_ends_on < timezone.now().date()
    copied = Payment.objects.filter(reference_key=company("exact").payments.get().reference_key)
    assert copied.values("account").distinct().count() == 2
    assert company("over").invoices.filter(allocations__payment__invoice__purpose="first").count() == 2


def test_demo_rows_have_the_dates_of_their_scenario(told):
    exact = company("exact")
    born = Transition.objects.get(object_id=exact.pk, seq=1)
    first = company("exact").invoices.get()

    for moment in (exact.created_at, born.at, first.created_at):
        assert abs(timezone.now() - moment - timedelta(days=20)) < timedelta(hours=1)
    steps = list(Transition.objects.filter(account_id=exact.pk).exclude(machine="document").order_by("at", "id"))
    assert [step.name for step in steps][-1] == "activate"
    assert Subscription.objects.get(account=exact).period_start < timezone.now().date() - timedelta(days=18)
    assert Transition.objects.filter(at__gt=timezone.now()).count() == 0


def test_the_desk_has_something_of_everything(told):
    waiting = Payment.objects.awaiting_review()

    assert waiting.count() == 8
    assert {payment.account.country for payment in waiting} == {"US", "BR", "GB", "DE", "IN", "PK"}
    assert len({payment.method_id for payment in waiting}) == 6
    assert len({payment.amount for payment in waiting}) == 7
    ages = sorted((timezone.now() - payment.created_at).total_seconds() / 86400 for payment in waiting)
    assert ages[0] < 0.1
    assert ages[-1] > 4.9
    assert [payment.created_at for payment in waiting] == sorted(payment.created_at for payment in waiting)


def test_everything_told_says_that_it_is_a_demo(told):
    for account in Account.objects.filter(memberships__user__email__endswith="@example.com"):
        assert account.address_line2 == "DEMO - DO NOT PAY"
    for invoice in Invoice.objects.filter(account__billing_email__endswith="@example.com"):
        assert invoice.metadata["billing_snapshot"]["address_line2"] == "DEMO - DO NOT PAY"
    assert set(Payment.objects.values_list("notes", flat=True)) == {"DEMO - DO NOT PAY"}


def test_demo_scenarios_are_created_once(told):
    def everything():
        return {
            model.__name__: list(model._base_manager.order_by("pk").values())
            for app in ("engine", "core")
            for model in apps.get_app_config(app).get_models()
        }

    before = everything()

    assert set(seed().values()) == {0}
    assert everything() == before


def test_the_clock_is_right_again(told):
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() = pg_catalog.now(), current_setting('search_path') LIKE '%public%'")
        assert cursor.fetchone() == (True, True)
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'demo_clock'")
        assert cursor.fetchone() == (0,)


def test_demo_scenarios_need_an_approver_with_the_permission(told):
    User.objects.filter(email="pix@example.com").update(email_canonical="gone@example.com")
    User.objects.get(email="approver@demo.test").user_permissions.clear()

    assert seed_stories() == 0


def test_a_claim_of_a_story_can_be_decided_on(told):
    payment = company("wallet").payments.get()

    perform(payment.approve, by=User.objects.get(email="approver@demo.test"))
    run_effects()

    assert company("wallet").status == "active"
    assert Allocation.objects.filter(payment=payment).count() == 1
    assert not BalanceEntry.objects.filter(payment=payment).exists()
