from __future__ import annotations

import string
from collections.abc import Callable
from decimal import Decimal
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from core.models import Account, Industry, Invoice, PaymentMethod, Plan, PlanPrice, User
from core.money import is_currency
from core.validation.countries import country_codes
from engine.models import Transition
from tests.factories import UserFactory
from web.staff.access import CHANGE_METHOD, CHANGE_PLAN, CHANGE_POLICY, RETIRE_PRICE
from workflows.actions.seller import may_change_seller
from workflows.payees.examples import METHODS
from workflows.seed.people import ADDRESS, MONEY

PLACEHOLDERS = {"amount", "currency", "reference", "rf_reference", "due_date", "account_name"}
LANGUAGES = {
    "": "ar", "US": "en", "GB": "en", "NG": "en",  # by country; blank: offered everywhere
    "PK": "ur", "IN": "hi", "BD": "bn", "KE": "sw", "BR": "pt-BR", "DE": "de", "AE": "ar",
}  # fmt: skip
CLAIM_FIELDS = {"reference", "paid_on", "payer_name", "proof_url"}


@pytest.fixture
def seed_demo(db, settings) -> Callable[..., str]:
    """Run the command in DEBUG; returns what it printed. The stories have tests of their own, and take seconds."""
    settings.DEBUG = True

    def run(*options: str) -> str:
        output = StringIO()
        call_command("seed_demo", "--without-stories", *options, stdout=output)
        return output.getvalue()

    return run


def test_a_new_installation_gets_plans_methods_industries_and_log_ins(seed_demo):
    said = seed_demo()

    assert (
        said
        == "Added: plans 5, payment methods 14, industries 10, bank accounts 1, tax rules 1, sellers 1, log-ins 5.\n"
    )
    assert list(Plan.objects.values_list("code", flat=True)) == ["free", "starter", "growth", "scale", "internal"]
    assert PaymentMethod.objects.filter(is_demo=True).count() == 14
    assert Industry.objects.count() == 10


def test_a_second_run_adds_and_changes_nothing(seed_demo):
    seed_demo()
    before = everything()

    said = seed_demo()

    assert said == ""
    assert everything() == before


def test_seed_keeps_what_the_operator_edited(seed_demo):
    seed_demo()
    PaymentMethod.objects.filter(code="us_bank").update(is_enabled=False, is_demo=False, name="Ask us")
    Plan.objects.filter(code="starter").update(name="First")
    PlanPrice.objects.filter(plan__code="starter", currency="EUR").update(amount=99)
    PlanPrice.objects.filter(plan__code="starter", currency="NGN").delete()
    Industry.objects.filter(name="Retail").update(name="Shops")
    approver = User.objects.get(email="approver@demo.test")
    approver.set_password("a secret of our own")
    approver.save()
    approver.user_permissions.clear()
    before = everything()

    seed_demo()

    assert everything() == before


def test_seed_restores_missing_rows(seed_demo):
    seed_demo()
    PaymentMethod.objects.get(code="ke_mpesa").delete()
    Plan.objects.get(code="scale").delete()

    said = seed_demo()

    assert said == "Added: plans 1, payment methods 1.\n"
    assert price("scale", "KES") == 58_000


def test_a_run_that_fails_leaves_nothing(seed_demo, monkeypatch):
    monkeypatch.setattr("workflows.seed.people.ADDRESS", ADDRESS | {"no_such_field": ""})

    with pytest.raises(TypeError):
        seed_demo()

    assert not Plan.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("plan", "currency", "amount"),
    [
        ("free", "USD", "0.00"),
        ("free", "AED", "0.00"),
        ("starter", "USD", "89.00"),
        ("starter", "PKR", "25000.00"),
        ("growth", "USD", "189.00"),
        ("growth", "EUR", "174.00"),
        ("growth", "PKR", "53100.00"),
        ("scale", "USD", "449.00"),
        ("scale", "NGN", "681000.00"),
    ],
)
def test_a_plan_costs_what_the_price_book_says(seed_demo, plan, currency, amount):
    seed_demo()

    assert price(plan, currency) == Decimal(amount)


def test_a_year_has_a_price_in_usd_only(seed_demo):
    seed_demo()

    years = PlanPrice.objects.filter(interval=PlanPrice.Interval.YEAR).values_list("plan__code", "currency", "amount")
    assert set(years) == {
        ("starter", "USD", Decimal(890)),
        ("growth", "USD", Decimal(1890)),
        ("scale", "USD", Decimal(4490)),
    }


def test_the_internal_plan_is_hidden_and_cannot_be_bought(seed_demo):
    seed_demo()

    internal = Plan.objects.get(code="internal")
    assert not internal.is_public
    assert not internal.prices.exists()


@pytest.mark.parametrize("code", [method.code for method in METHODS])
def test_every_method_is_a_demo_that_can_be_rendered(seed_demo, code):
    seed_demo()

    method = PaymentMethod.objects.get(code=code)
    assert method.is_demo
    assert method.fields
    assert method.kind in PaymentMethod.Kind
    assert method.country in {"", *country_codes()}
    assert method.currency == "" or is_currency(method.currency)
    assert "reference" in method.requires
    assert set(method.requires) <= CLAIM_FIELDS
    as_seeded = dict(method.fields)
    method.full_clean()
    assert method.fields == as_seeded
    assert set(method.instructions) == {"en", LANGUAGES[method.country]}
    for text in method.instructions.values():
        assert "DEMO - DO NOT PAY" in text.splitlines()
        assert {"amount", "currency", "reference", "due_date"} <= placeholders(text) <= PLACEHOLDERS


@pytest.mark.parametrize("country", ["PK", "US", "FR"])
def test_a_country_is_offered_its_own_methods_before_the_global_ones(seed_demo, country):
    seed_demo()

    offered = [method.code for method in PaymentMethod.objects.offered_in(country)]
    own = {"PK": ["pk_bank_raast", "pk_wallet"], "US": ["us_bank"], "FR": []}[country]
    assert offered == [*own, "intl_wire", "cash_receipt"]


@pytest.mark.parametrize(
    ("email", "may", "may_not"),
    [
        ("reviewer@demo.test", "review_payment view_payment view_invoice", "approve_payment operate_effects"),
        ("approver@demo.test", "approve_payment review_payment view_payment", "operate_effects"),
        (
            "operator@demo.test",
            "operate_effects engine.view_effect engine.view_transition",
            "review_payment approve_payment",
        ),
        ("admin@demo.test", "", "approve_payment"),
    ],
)
def test_staff_have_the_permissions_of_their_duty(seed_demo, email, may, may_not):
    seed_demo()

    user = User.objects.get(email=email)
    assert user.is_staff
    assert user.check_password("demo-demo-demo")
    assert user.is_superuser == (email == "admin@demo.test")
    assert all(user.is_granted(word if "." in word else f"core.{word}") for word in may.split())
    assert not any(user.is_granted(f"core.{permission}") for permission in may_not.split())


def test_demo_customer_has_signed_up_with_an_open_invoice(seed_demo):
    seed_demo()

    owner = User.objects.get(email="owner@demo.test")
    account = Account.objects.get(name="Demo Ltd")
    invoice = account.invoices.get()
    assert owner.check_password("demo-demo-demo")
    assert not owner.is_staff
    assert owner.role_in(account.id) == "owner"
    assert (account.name, account.status, account.credits) == ("Demo Ltd", Account.Status.PENDING_PAYMENT, 0)
    assert (invoice.status, invoice.total, invoice.currency) == (Invoice.Status.PENDING, 89, "USD")
    assert invoice.payment_method.code == "us_bank"


def test_a_real_installation_gets_no_log_in_with_a_public_password(db, settings):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="public password"):
        call_command("seed_demo")

    assert not User.objects.exists()
    assert not Plan.objects.exists()


def test_public_passwords_can_be_allowed(seed_demo, settings):
    settings.DEBUG = False

    seed_demo("--allow-public-passwords")

    assert User.objects.filter(email="owner@demo.test").exists()


@pytest.mark.guards("S9", "workflows.seed.people.retire_public_password")
def test_a_demo_with_a_password_of_its_own_leaves_nobody_with_the_public_one(seed_demo, settings):
    """S9: also those who were there before it had one; who has chosen another keeps it."""
    seed_demo()
    own = User.objects.get(email="reviewer@demo.test")
    own.set_password("a secret of our own")
    own.save()
    teller = UserFactory(email="acme@example.com")
    teller.set_password("demo-demo-demo")
    teller.save()
    settings.DEBUG, settings.DEMO_PASSWORD = False, "drawn at the first start"

    seed_demo()

    assert not any(user.check_password("demo-demo-demo") for user in User.objects.all())
    for email in ("approver@demo.test", "admin@demo.test", "owner@demo.test", "acme@example.com"):
        assert User.objects.get(email=email).check_password("drawn at the first start")
    assert User.objects.get(pk=own.pk).check_password("a secret of our own")


@pytest.mark.parametrize(("password", "why"), [("demo-demo-demo", "public password"), ("password12", "too common")])
def test_no_password_that_everybody_knows_is_one_of_its_own(seed_demo, settings, password, why):
    settings.DEBUG, settings.DEMO_PASSWORD = False, password

    with pytest.raises(CommandError, match=why):
        call_command("seed_demo")

    assert not User.objects.exists()


@pytest.fixture
def seed_catalogue(db, settings) -> Callable[[], str]:
    """Run the command as a real installation does; returns what it printed."""
    settings.DEBUG = False

    def run() -> str:
        output = StringIO()
        call_command("seed_catalogue", stdout=output)
        return output.getvalue()

    return run


def test_a_real_installation_begins_with_plans_and_duties_and_nobody_who_could_log_in(seed_catalogue):
    said = seed_catalogue()

    assert said == "Added: plans 5, payment methods 14, industries 10, groups 4.\n"
    assert price("starter", "PKR") == Decimal("25000.00")
    names = Group.objects.order_by("name").values_list("name", flat=True)
    assert list(names) == ["approver", "operator", "reviewer", "settings"]
    assert not User.objects.exists()
    assert not Account.objects.exists()


def test_no_way_to_pay_is_open_before_its_operator_opens_it(seed_catalogue):
    seed_catalogue()

    assert not PaymentMethod.objects.offered_in("PK").exists()
    assert set(PaymentMethod.objects.values_list("is_enabled", "is_demo")) == {(False, True)}


def test_group_grants_its_own_duty_only(seed_catalogue):
    seed_catalogue()
    superuser = User.objects.create_superuser(email="root@example.com", password="correct horse battery")

    superuser.groups.set(Group.objects.filter(name="approver"))

    assert superuser.is_granted("core.approve_payment")
    assert superuser.is_granted("core.review_payment")
    assert not superuser.is_granted("core.operate_effects")


def test_group_of_settings_opens_each_page_of_settings_and_decides_on_no_money(seed_catalogue, client):
    seed_catalogue()
    user = User.objects.create_user(email="setter@acme.test", password="correct horse battery", is_staff=True)

    user.groups.set(Group.objects.filter(name="settings"))

    user = User.objects.get(pk=user.pk)
    assert may_change_seller(user)
    assert {CHANGE_PLAN, CHANGE_METHOD, CHANGE_POLICY, RETIRE_PRICE} <= user.get_all_permissions()
    assert not any(user.is_granted(f"core.{name}") for name in (*MONEY, "grant_duties", "add_user"))
    client.force_login(user)
    for name in ("settings", "settings_company", "settings_brand", "settings_plans", "settings_methods"):
        assert client.get(reverse(name)).status_code == 200


def test_a_second_run_of_the_catalogue_undoes_nothing_of_the_operator_s(seed_catalogue):
    seed_catalogue()
    PaymentMethod.objects.filter(code="us_bank").update(is_enabled=True, is_demo=False)
    Group.objects.get(name="reviewer").permissions.clear()
    Plan.objects.filter(code="scale").update(name="Large")

    said = seed_catalogue()

    assert said == "Nothing was missing.\n"
    assert PaymentMethod.objects.offered_in("US").get().code == "us_bank"
    assert not Group.objects.get(name="reviewer").permissions.exists()
    assert Plan.objects.get(code="scale").name == "Large"


def price(plan: str, currency: str) -> Decimal:
    return PlanPrice.objects.get(plan__code=plan, currency=currency, interval=PlanPrice.Interval.MONTH).amount


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def everything() -> dict[str, list[dict[str, object]]]:
    """Every row of ours, with all its columns."""
    found = {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for app in ("engine", "core")
        for model in apps.get_app_config(app).get_models()
    }
    assert found[Transition.__name__]
    return found
