from __future__ import annotations

import pytest

from core.models import User
from tests.api.conftest import Caller, is_problem
from tests.api.scenario import BILLING
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(signed):
    return Caller(signed.user)


def test_closed_customer_registers_again_and_signs_in_to_the_new_account(owner, signed, anybody):
    owner.post("account/close/", {"account_name": "Acme & Söhne"})

    new = anybody.post(
        "auth/register/", {"email": "ANN@acme.test", "password": "one more correct horse", "account_name": "Again"}
    )

    assert (new.status_code, new.json()["account"]["status"]) == (201, "trial")
    assert new.json()["user"]["id"] != str(signed.user.pk)
    assert owner.get("account/").status_code == 401
    signed_in = anybody.post("auth/login/", {"email": "ann@acme.test", "password": "one more correct horse"})
    assert signed_in.json()["account"]["name"] == "Again"
    old = anybody.post("auth/login/", {"email": "ann@acme.test", "password": PASSWORD})
    assert is_problem(old, 401, "invalid-credentials")


def test_second_free_trial_within_a_year_is_refused_with_the_paid_plans(plans, anybody):
    form = {"email": "ann@acme.test", "password": "a correct horse battery", "account_name": "Acme"}
    assert anybody.post("auth/register/", form).status_code == 201
    first = User.objects.get(email="ann@acme.test")
    Caller(first).post("account/close/", {"account_name": "Acme"})

    answer = anybody.post("auth/register/", form)

    assert is_problem(answer, 409, "conflict")
    assert answer.json()["plans"] == ["small", "large"]
    assert "Small, Large" in answer.json()["detail"]
    assert User.objects.get(email="ann@acme.test") == first
    assert anybody.post("auth/register/", {**form, **BILLING, "plan": "small"}).status_code == 201
