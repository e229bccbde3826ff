"""The verb checks a sign-up, so that page, API, import and command refuse alike."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import Account, User
from core.problems import TooManyRequests, ValidationError
from tests.factories import PaymentMethodFactory, PlanFactory
from tests.workflows.conftest import BILLING
from workflows.actions import sign_up

pytestmark = pytest.mark.django_db

ANN = {
    "email": "ann@acme.test",
    "password": "a fairly long one",
    "account_name": "Acme",
    "plan": "starter",
    "currency": "USD",
    "billing": BILLING,
    "payment_method": "us_bank",
}


@pytest.fixture(autouse=True)
def offered():
    PlanFactory()
    PlanFactory(code="free", name="Free", trial_days=14, price=Decimal(0))
    PlanFactory(code="internal", name="Internal", is_public=False)
    PaymentMethodFactory()
    PaymentMethodFactory(code="old_bank", is_enabled=False)


def never(*, is_trial):
    pytest.fail("what is wrong otherwise is not counted")


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"plan": "platinum"}, {"plan"}),
        ({"plan": "internal"}, {"plan"}),
        ({"currency": "EUR"}, {"currency"}),
        ({"interval": "year"}, {"interval"}),
        ({"payment_method": "old_bank"}, {"payment_method"}),
        ({"payment_method": ""}, {"payment_method"}),
        ({"time_zone": "Mars/Olympus"}, {"time_zone"}),
        ({"password": "short"}, {"password"}),
        ({"password": "ann@acme.test"}, {"password"}),
        ({"billing": {}}, {"billing_email", "address_line1", "city", "country"}),
        ({"password": "short", "account_name": "\u202e", "billing": BILLING | {"city": ""}},
         {"password", "account_name", "city"}),
    ],
)  # fmt: skip
def test_sign_up_names_all_that_is_wrong_counts_nothing_and_changes_nothing(change, fields):
    with pytest.raises(ValidationError) as refused:
        sign_up(**ANN | change, admit=never)

    assert set(refused.value.members["errors"]) == fields
    assert not User.objects.exists()
    assert not Account.objects.exists()


def test_sign_up_takes_a_method_by_its_code_or_its_kind():
    for number, name in enumerate(["us_bank", "bank_transfer"]):
        signed = sign_up(**ANN | {"email": f"ann{number}@acme.test", "payment_method": name})

        assert signed.invoice.payment_method.code == "us_bank"
        assert (signed.subscription.plan.code, signed.invoice.total) == ("starter", Decimal("89.00"))


def test_sign_up_is_counted_last_and_may_be_refused_then():
    seen = []

    def admit(*, is_trial):
        seen.append(is_trial)
        raise TooManyRequests("later", retry_after=1)

    for plan in ("starter", "free"):
        with pytest.raises(TooManyRequests):
            sign_up(**ANN | {"plan": plan}, admit=admit)

    assert seen == [False, True]
    assert not User.objects.exists()
