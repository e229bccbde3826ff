"""Settings are changed by verbs, whichever page asks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission

from core.models import PaymentMethod, Plan, PlanPrice, Policy, User
from core.problems import PermissionDenied, ValidationError
from engine.models import Effect
from tests.factories import PaymentMethodFactory, PlanFactory, SubscriptionFactory, UserFactory
from workflows.actions.payment_methods import add_method, save_method
from workflows.actions.people import add_person
from workflows.actions.plans import retire_plan, retire_prices, save_plan, set_price
from workflows.actions.policy import save_policy

pytestmark = pytest.mark.django_db


def staff(*names: str) -> User:
    person = UserFactory(is_staff=True)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="core", codename__in=names))
    return User.objects.get(pk=person.pk)


@pytest.fixture
def seller() -> User:
    return staff("add_plan", "change_plan", "add_planprice", "change_planprice")


def usd(amount: str) -> dict[str, object]:
    return {"currency": "USD", "interval": "month", "amount": Decimal(amount)}


def offered() -> list[tuple[str, str, Decimal]]:
    rows = PlanPrice.objects.offered().order_by("currency", "interval")
    return list(rows.values_list("currency", "interval", "amount"))


def test_new_price_retires_the_old_one_and_subscriptions_keep_theirs(seller):
    plan = PlanFactory()
    running = SubscriptionFactory(plan=plan)

    set_price(plan, by=seller, **usd("99.00"))

    assert offered() == [("USD", "month", Decimal(99))]
    assert PlanPrice.objects.filter(retired_at__isnull=False).get().amount == 89
    running.refresh_from_db()
    assert running.price == 89


def test_price_of_another_interval_stands_beside(seller):
    set_price(PlanFactory(), currency="USD", interval="year", amount=Decimal(890), by=seller)

    assert [row[:2] for row in offered()] == [("USD", "month"), ("USD", "year")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": Decimal(89)}, "amount"),  # as it is
        ({"amount": Decimal("1.001")}, "amount"),
        ({"amount": Decimal(0)}, "amount"),  # free, and no day to try it
        ({"amount": Decimal(-1)}, "amount"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": "usd"}, "currency"),
        ({"interval": "week"}, "interval"),
    ],
)
def test_price_that_nobody_can_pay_is_refused_and_the_old_one_stays(seller, change, field):
    plan = PlanFactory()

    with pytest.raises(ValidationError) as refused:
        set_price(plan, by=seller, **usd("99.00") | change)

    assert field in refused.value.members["errors"]
    assert offered() == [("USD", "month", Decimal(89))]


def test_price_without_the_permission_is_refused():
    plan = PlanFactory()

    for person in (staff(), staff("change_plan"), staff("add_planprice")):  # the last may retire none
        with pytest.raises(PermissionDenied):
            set_price(plan, by=person, **usd("99.00"))
    with pytest.raises(PermissionDenied):
        retire_prices(plan.prices.all(), by=staff("add_planprice"))
    assert offered() == [("USD", "month", Decimal(89))]


def test_retired_plan_is_offered_nowhere_and_stays_for_who_has_it(seller):
    plan = PlanFactory()
    running = SubscriptionFactory(plan=plan)

    assert [price.amount for price in retire_plan(plan, by=seller)] == [89]

    assert (offered(), Plan.objects.get().is_public) == ([], False)
    running.refresh_from_db()
    assert (running.plan, running.price) == (plan, 89)


def test_half_a_permission_retires_no_plan():
    plan = PlanFactory()

    with pytest.raises(PermissionDenied):
        retire_plan(plan, by=staff("change_plan"))

    assert (offered(), Plan.objects.get().is_public) == ([("USD", "month", Decimal(89))], True)


def test_plan_is_added_and_changed_by_its_permissions(seller):
    plan = save_plan(Plan(), by=seller, code="large", name="Large", credits=5)

    save_plan(plan, by=seller, name="Larger")
    with pytest.raises(ValidationError) as refused:
        save_plan(Plan(), by=seller, code="large", name="Second", credits=5)
    for person, row in ((staff("change_plan"), Plan()), (staff("add_plan"), plan)):
        with pytest.raises(PermissionDenied):
            save_plan(row, by=person, code="other", name="Other", credits=1)

    assert list(refused.value.members["errors"]) == ["code"]
    assert list(Plan.objects.values_list("code", "name")) == [("large", "Larger")]


def test_policy_changes_what_is_named_and_nothing_else():
    Policy.objects.create(pk=1, grace_days=3)

    save_policy(by=staff("change_policy"), reminder_steps=[3, -1], days_to_pay=10)

    policy = Policy.objects.get()
    assert (policy.grace_days, policy.days_to_pay, policy.reminder_steps) == (3, 10, [-1, 3])


@pytest.mark.parametrize(
    "wrong",
    [{"reminder_steps": list(range(11))}, {"reminder_steps": [366]}, {"reminder_steps": ["x"]}, {"grace_days": 366}],
)
def test_policy_refuses_what_the_model_refuses(wrong):
    with pytest.raises(ValidationError) as refused:
        save_policy(by=staff("change_policy"), **wrong)

    assert refused.value.members["errors"].keys() == wrong.keys()
    assert Policy.objects.get().reminder_steps == [-7, -3, 0, 3, 10]


@pytest.mark.parametrize("names", [(), ("view_policy",)])
def test_policy_without_the_permission_is_refused(names):
    with pytest.raises(PermissionDenied):
        save_policy(by=staff(*names), grace_days=1)

    assert not Policy.objects.exists()


def test_new_payment_method_is_offered_to_nobody():
    method = PaymentMethod(name="Ours", code="ours", kind="bank_transfer", country="DE", is_enabled=True)

    add_method(method, by=staff("add_paymentmethod"))

    assert not PaymentMethod.objects.get().is_enabled


def test_payment_method_is_added_by_the_permission_and_under_a_code_of_its_own():
    PaymentMethodFactory(code="ours")
    again = PaymentMethod(name="Ours", code="ours", kind="cash")

    with pytest.raises(ValidationError) as refused:
        add_method(again, by=staff("add_paymentmethod"))
    with pytest.raises(PermissionDenied):
        add_method(PaymentMethod(name="Other", code="other", kind="cash"), by=staff("change_paymentmethod"))

    assert list(refused.value.members["errors"]) == ["code"]
    assert PaymentMethod.objects.count() == 1


def test_last_method_switched_off_is_told_to_operators_by_the_verb():
    method = PaymentMethodFactory(fields={"name": "Acme", "account_number": "12345678"}, instructions={"en": "Pay."})
    method.is_enabled = False

    save_method(method, by=staff("change_paymentmethod"))

    assert Effect.objects.get(kind="mail.no_way_to_pay").payload == {"places": ["anywhere"]}


def test_new_log_in_has_no_password_and_no_right():
    person = add_person(User(email="new@acme.test", is_staff=False), by=staff("add_user"))

    assert not person.has_usable_password()
    with pytest.raises(ValidationError):
        add_person(User(email="NEW@acme.test"), by=staff("add_user"))
    with pytest.raises(PermissionDenied):
        add_person(User(email="other@acme.test"), by=staff("change_user"))
    assert User.objects.filter(email__endswith="@acme.test").count() == 1
