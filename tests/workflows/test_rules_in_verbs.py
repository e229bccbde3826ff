"""Rules that only forms and serializers knew: the verb checks them for every caller."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError as DjangoValidationError

from core.models import CreditEntry, Payment, PaymentMethod
from core.problems import ValidationError
from engine import perform
from tests.factories import AccountFactory, MembershipFactory, PaymentFactory, StaffFactory, UserFactory
from workflows.actions.credits import adjust, consume
from workflows.actions.payment_methods import save_method
from workflows.payees.examples import still_examples
from workflows.seed.payment_methods import seed_payment_methods
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def controller():
    staff = StaffFactory()
    staff.user_permissions.add(*Permission.objects.filter(codename__in=["reverse_payment", "adjust_credits"]))
    return staff


def refusal(verb, *given, **named):
    with pytest.raises(ValidationError) as refused:
        verb(*given, **named)
    return refused.value.members["errors"]


@pytest.mark.parametrize("code", ["", "because", "OTHER"])
def test_reject_refuses_an_unknown_reason(code):
    payment = PaymentFactory()

    errors = refusal(perform, payment.reject, by=StaffFactory(), reason_code=code)

    assert errors == {"reason_code": ["There is no such reason."]}
    assert Payment.objects.get().status == "pending_approval"


def test_reverse_refuses_to_be_without_a_reason(run_effects, controller):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    payment.refresh_from_db()

    assert refusal(perform, payment.reverse, by=controller, reason_given=" ") == {"reason_given": ["Say why."]}
    too_long = refusal(perform, payment.reverse, by=controller, reason_given="x" * 501)
    assert too_long == {"reason_given": ["Use at most 500 characters."]}
    assert payment.status == Payment.objects.get().status == "succeeded"


def test_adjust_refuses_to_be_without_a_reason(controller):
    assert refusal(adjust, AccountFactory(), 5, reason=" ", by=controller) == {"reason": ["Say why."]}
    assert not CreditEntry.objects.exists()


@pytest.mark.parametrize("amount", [0, -5, 1_000_000_001])
def test_consume_never_gives_credits(amount):
    owner = MembershipFactory(account=AccountFactory(status="trial"))
    post([grant(owner.account, 10, key="grant:test", description="", cause_id=None)])

    errors = refusal(consume, owner.account, amount, reference="R", by=owner.user)

    assert errors.keys() == {"amount"}
    owner.account.refresh_from_db()
    assert owner.account.credits == 10


def test_save_method_never_sends_customers_to_the_payee_of_the_catalogue():
    seed_payment_methods()
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="change_paymentmethod"))
    method = PaymentMethod.objects.get(code="us_bank")
    method.is_demo = False

    with pytest.raises(DjangoValidationError) as refused:
        save_method(method, by=clerk)

    assert {error.code for error in refused.value.error_list} == {"instructions", *still_examples(method)}
    assert PaymentMethod.objects.get(code="us_bank").is_demo
